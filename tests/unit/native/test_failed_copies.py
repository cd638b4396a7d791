"""Why copies failed, read from logs as 6.24.3 and 7.0.0 wrote them."""

import subprocess
from pathlib import Path

import pytest

from gpmirror.native.process import (
    FailedSegment,
    errors_of,
    failed_segments,
    last_words,
    last_words_script,
    read_last_words,
    shortened,
)

LOG = """\
20261130:12:12:18:013804 gprecoverseg:mdw:gpadmin-[WARNING]:-Command gppkg not found
20261130:12:12:48:013804 gprecoverseg:mdw:gpadmin-[INFO]:-Initiating segment recovery.
sdw5 (dbid 13):  2113/86852 kB (2%), 0/1 tablespace (/data/mirror/gpseg3/global/6446    )\x1b[K
sdw5 (dbid 13): pg_basebackup: removing data directory "/data/mirror/gpseg3"\x1b[K
20261130:12:12:57:013804 gprecoverseg:mdw:gpadmin-[INFO]:-Failed to recover the following segments
20261130:12:12:57:013804 gprecoverseg:mdw:gpadmin-[INFO]:- hostname: sdw5; port: 7000; logfile: /home/gpadmin/gpAdminLogs/pg_basebackup.20261130_121245.dbid13.out; recoverytype: full
20261130:12:12:57:013804 gprecoverseg:mdw:gpadmin-[ERROR]:-gprecoverseg failed. Please check the output for more details.
"""
REMOTE = """\
    0/86852 kB (0%), 0/1 tablespace (/data/mirror/gpseg3/backup_label   )\r 2113/86852 kB (2%)
35299/86852 kB (40%), 0/1 tablespace (...irror/gpseg3/base/17016/3394_fsm)
pg_basebackup: error: could not write to file "/data/mirror/gpseg3/base/17016/2609": No space left on device
pg_basebackup: removing data directory "/data/mirror/gpseg3"
"""
SERVER = (
    '2026-11-30 12:12:52.1 UTC,"gpadmin",,p12,th0,,,,0,,,seg3,,,,,"LOG","00000","database starts",,\n'
    '2026-11-30 12:12:53.1 UTC,,,p12,th0,,,,0,,,seg3,,,,,"PANIC","53100",'
    '"could not write to file ""pg_xlog/xlogtemp.12"": No space left on device",,,,,\n'
)


def test_the_list_of_failed_segments_is_heard_although_it_is_only_information() -> None:
    file = "/home/gpadmin/gpAdminLogs/pg_basebackup.20261130_121245.dbid13.out"
    assert failed_segments(LOG) == (FailedSegment(host="sdw5", port=7000, file=file),)
    assert errors_of(LOG) == (
        f"failed: sdw5:7000, log sdw5:{file}",
        "gprecoverseg failed. Please check the output for more details.",
    )
    assert "failed: sdw5:7000" in " ".join(last_words(LOG))


def test_a_full_disk_is_told_once_whatever_level_it_has() -> None:
    line = 'sdw2 (dbid 10): pg_basebackup: could not write to file "/data/mirror/gpseg0/base/12806/10087": No space left on device\x1b[K'
    assert errors_of(f"\x1b[8A{line}\n{line}\n") == (
        'pg_basebackup: could not write to file "/data/mirror/gpseg0/base/12806/10087": No space left on device',
    )


def test_noise_is_left_out_and_long_warnings_are_cut() -> None:
    noise = (
        "Command gppkg not found",
        "[Errno 13] Permission denied: '/usr/local/greenplum-db/share/packages'",
        "Syncing of Greenplum Database extensions has failed.",
        "Please run gppkg --clean after successful segment recovery.",
    )
    head = "20261130:12:12:18:013804 gprecoverseg:mdw:gpadmin-[WARNING]:-"
    assert errors_of("\n".join(head + line for line in noise)) == ()
    (told,) = errors_of(head + "x" * 1000)
    assert told == shortened("x" * 1000)
    assert len(told) < 300
    assert told.endswith("... (1,000 characters)")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "gpAdminLogs/pg_basebackup.20261130_121245.dbid13.out",
            REMOTE,
            (
                'pg_basebackup: error: could not write to file "/data/mirror/gpseg3/base/17016/2609": '
                "No space left on device"
            ),
        ),
        (
            "gpseg3/pg_log/gpdb-2026-11-30_000000.csv",
            SERVER,
            'PANIC: could not write to file "pg_xlog/xlogtemp.12": No space left on device',
        ),
        ("gpAdminLogs/odd.out", "all is \x1b[31mwell\n", None),
        ("gpAdminLogs/odd.out", f"\x1b]0;title\x07 error: {'y' * 900}\n", "error: yyy"),
        ("gpAdminLogs/odd.out", "error: of long ago\n" + "x\n" * 9000, None),
    ],
)
def test_the_last_words_of_a_log_on_a_host(
    tmp_path: Path, name: str, text: str, words: str | None
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    mirror = tmp_path / "gpseg3"
    files = [] if mirror in file.parents else [str(file)]
    script = last_words_script(files, [str(mirror)])
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    found = read_last_words(done.stdout)
    assert len(found) == (words is not None)
    assert not any(ord(character) < 32 for line in found for character in line)
    if words is not None:
        assert found[0].startswith(f"{file}: ")
        assert words in found[0]
        assert len(found[0]) < len(str(file)) + 300


def test_a_full_file_system_is_named() -> None:
    assert read_last_words("gpmirror-free 12 /data/mirror\ngpmirror-free 99999 /\n") == (
        "/data/mirror has 12 kB free",
    )


@pytest.mark.parametrize(
    "answer", ["", "gpmirror-log", "gpmirror-free x y\n\x00", "gpmirror-log a\nb"]
)
def test_any_answer_will_do(answer: str) -> None:
    assert read_last_words(answer) == ()
