"""The native dry run: who has it, and whether OUT holds every line of FILE, by meaning."""

import pytest

from gpmirror.model.dialect import DialectName
from gpmirror.native.dryrun import (
    dry_run_argv,
    joined,
    left_out,
    read_tried,
    trier_of,
    unreachable_hosts,
    warning_about,
    why_not_tried,
)

GP5, GP6, GP7 = DialectName.GP5, DialectName.GP6, DialectName.GP7
GREENGAGE6 = DialectName.GREENGAGE6

ELSEWHERE = "sdw4|7000|/d/gpseg4 sdw5|7000|/d/gpseg4\n"
HEADER = (
    "# If any entry is commented, please know that it belongs to failed segment which is "
    "unreachable.\n# If you need to recover them, please modify the segment entry and add failover "
    "details \n# (failed_addresss|failed_port|failed_dataDirectory<space>failover_addresss|"
    "failover_port|failover_dataDirectory) to recover it to another host.\n\n"
)
"""Greengage 6.27.1, recorded."""


@pytest.mark.parametrize(
    ("utility", "dialect", "release", "words"),
    [
        ("gpaddmirrors", GP5, "5.8.1", None),
        ("gpaddmirrors", GP6, "PostgreSQL 9.4 (Greenplum Database 6.24.3 build x) on", None),
        ("gprecoverseg", GP6, "6.26.0", None),
        ("gprecoverseg", GP7, "7.0.0", None),
        ("gpmovemirrors", GP6, "6.24.3", None),
        ("gprecoverseg", GREENGAGE6, "6.27.1_arenadata63+dev", None),
        ("gpaddmirrors", GP6, "6.9.1", "from 6.24.3 on, this is 6.9.1"),
        ("gprecoverseg", GP6, "6.24", "this is 6.24"),
        ("gprecoverseg", GP6, None, "does not show its release"),
        ("gprecoverseg", GP5, "5.8.1", None),
        ("gprecoverseg", GP5, "5.0.0", "from 5.8.1 on, this is 5.0.0"),
        ("gprecoverseg", DialectName.GP4, "4.3.30", "not proved of gprecoverseg of Greenplum 4.3"),
        ("gpaddmirrors", DialectName.GP4, "4.3.30", "Greenplum 5 5.8.1"),
        ("gprecoverseg", DialectName.CLOUDBERRY, "2.0.0", "not proved"),
        ("gprecoverseg", DialectName.GREENGAGE7, "7.4.0", "not proved"),
    ],
)
def test_only_what_is_proved_is_tried(
    utility: str, dialect: DialectName, release: str | None, words: str | None
) -> None:
    why = why_not_tried(utility, dialect, release)
    assert (why is None) if words is None else (why is not None and words in why)


def test_the_real_options_are_tried_and_never_a_question() -> None:
    real = ("gprecoverseg", "-a", "-F", "-i", "w1", "-B", "4", "--differential")
    assert dry_run_argv(real, "out") == (*real[:-1], "-o", "out")
    moving = ("gpmovemirrors", "-i", "w1", "-B", "4", "-v")
    wanted = ("gprecoverseg", "-a", "-i", "w1", "-B", "4", "-v", "-o", "out")
    assert dry_run_argv(moving, "out") == wanted
    assert trier_of("gpaddmirrors") == "gpaddmirrors"


@pytest.mark.parametrize(
    ("dialect", "file", "out", "missing"),
    [
        # 3 against 4 fields, brackets around IPv6, comments, blank lines, another order
        (
            GP7,
            "sdw4|sdw4-2|7000|/d/g sdw5|sdw5-2|7000|/d/g\n",
            "sdw4-2|7000|/d/g sdw5-2|7000|/d/g",
            0,
        ),
        (GP6, "::1|7000|/d/g sdw5|7000|/d/g\n", "[::1]|7000|/d/g sdw5|7000|/d/g\n", 0),
        (GP6, f"a|1|/x\n{ELSEWHERE}", f"{ELSEWHERE}\na|1|/x\n", 0),
        (GREENGAGE6, ELSEWHERE, HEADER + ELSEWHERE, 0),
        (
            GP5,
            "filespaceOrder=\nsdw2:7000:/d/g sdw3:7010:8010:/d/g\n",
            "filespaceOrder=\nsdw2:7000:/d/g sdw3:7010:8010:/d/g\n",
            0,
        ),
        (GP5, "filespaceOrder=\nsdw2:7000:/d/g sdw3:7010:8010:/d/g\n", "filespaceOrder=\n", 1),
        # what is not there, or is there otherwise
        (GP6, ELSEWHERE, "", 1),
        (GP6, ELSEWHERE, "sdw4|7000|/d/gpseg4\n", 1),
        (GP6, ELSEWHERE, "sdw4|7000|/d/gpseg4 sdw5|7001|/d/gpseg4\n", 1),
        (GP6, f"a|1|/x\n{ELSEWHERE}", "a|1|/x\n", 1),
        (GP6, ELSEWHERE, "what is this\n", 1),
        (GREENGAGE6, ELSEWHERE, HEADER, 1),
        # a commented copy is carried out where it goes elsewhere, not where it is
        (GREENGAGE6, ELSEWHERE, f"{HEADER}#{ELSEWHERE}", 0),
        (GREENGAGE6, "sdw4|7000|/d/g\n", f"{HEADER}#sdw4|7000|/d/g\n", 1),
        # additions
        (GP6, "0|sdw2|7000|/m/0\n1|sdw2|7001|/m/1\n", "0|sdw2|7000|/m/0\n1|sdw2|7001|/m/1\n", 0),
        (GP6, "0|sdw2|7000|/m/0\n1|sdw2|7001|/m/1\n", "0|sdw2|7000|/m/0\n", 1),
        (
            GP5,
            "filespaceOrder=a:b\nmirror0=0:sdw2:50000:51000:41000:/m/0:/a/0:/b/0\n",
            "filespaceOrder=b:a\nmirror0=0:sdw2:50000:51000:41000:/m/0:/b/0:/a/0\n",
            0,
        ),
        (
            GP5,
            "filespaceOrder=\nmirror0=0:sdw2:50000:51000:41000:/m/0\n",
            "filespaceOrder=\nmirror0=0:sdw2:50000:51000:41001:/m/0\n",
            1,
        ),
    ],
)
def test_every_line_must_come_back(dialect: DialectName, file: str, out: str, missing: int) -> None:
    assert len(left_out(file, out, dialect)) == missing


def test_what_is_missing_is_told_by_its_own_line() -> None:
    (line,) = left_out(f"a|1|/x\n{ELSEWHERE}", "a|1|/x\n", GP6)
    assert line.text == ELSEWHERE.strip()
    assert line.old == ("sdw4", 7000, "/d/gpseg4")
    assert line.elsewhere


def test_the_warning_about_a_copy_is_found() -> None:
    """Recorded on 6.24.3, 7.0.0 and Greengage 6.27.1."""
    warnings = (
        "One or more hosts are not reachable via SSH.",
        "Host sdw2 is unreachable",
        "Not recovering segment 10 because sdw2 is unreachable",
        "Not able to co-relate hostname:sdw3 with address:sdw3-2. Skipping contentId 4",
        "Found pg_basebackup running for segments with contentIds [5, 12], skipping recovery",
    )
    assert unreachable_hosts(warnings) == ("sdw2",)
    assert warning_about(warnings, 0, 10, "sdw2") == warnings[2]
    assert warning_about(warnings, 1, 11, "sdw2") == warnings[1]
    assert warning_about(warnings, 4, 12, "sdw3") == warnings[3]
    assert warning_about(warnings, 12, 20, "sdw3") == warnings[4]
    assert warning_about(warnings, 2, 14, "sdw3") is None


def test_an_answer_without_marks_is_what_was_said() -> None:
    assert read_tried("gpmirror: no greenplum_path.sh\n").out is None
    assert "no greenplum_path.sh" in read_tried("gpmirror: no greenplum_path.sh\n").said


def test_files_are_tried_as_one() -> None:
    old = ["filespaceOrder=a\nsdw1:1:/x\n", "filespaceOrder=a\nsdw1:2:/y\n"]
    assert joined(old) == "filespaceOrder=a\nsdw1:1:/x\nsdw1:2:/y\n"
    assert joined(["a|1|/x\n", "b|1|/y\n"]) == "a|1|/x\nb|1|/y\n"
    assert joined(old[:1]) == old[0]
