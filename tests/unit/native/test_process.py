"""Detached runs through a real shell: started once, followed, lost, forestalled, kept private."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shlex import quote

import pytest

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.native.dryrun import read_tried
from gpmirror.native.process import (
    RUNS,
    Poll,
    ProcessStage,
    Utility,
    append_script,
    dry_run_script,
    environment_text,
    errors_of,
    forestall_script,
    keep_script,
    last_words,
    list_script,
    poll_script,
    read_list,
    read_poll,
    read_script,
    replace_script,
    start_script,
    waits_for_prober,
)
from tests.clusters import row
from tests.servers import eventually

RUN = "20261121T070000Z-abc123"
NASTY = """it's "quoted" $(touch pwned) `touch pwned` \\ ;& | \t{}*?~ ü"""


class Shell:
    """A home directory with a Greenplum environment of sorts, and a shell in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment: dict[str, str] = {}
        self.gphome = home / "gp home"
        (self.gphome / "bin").mkdir(parents=True)
        (self.gphome / "greenplum_path.sh").write_text(
            'export PATH="$GPHOME/bin:$PATH" PYTHONHOME=/of/another/python\n'
        )

    def utility(self, name: str, body: str) -> None:
        path = self.gphome / "bin" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "GPHOME": str(self.gphome),
            **self.environment,
        }
        return subprocess.run(
            ["sh"],
            input=script,
            env=environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    @property
    def folder(self) -> Path:
        return self.home / RUNS / RUN

    def poll(self, name: str, offset: int = 0) -> Poll:
        poll = read_poll(self.run(poll_script(RUN, name, offset)).stdout, offset)
        assert poll is not None
        return poll

    def wait(self, name: str, wanted: Callable[[Poll], bool]) -> Poll:
        deadline = time.monotonic() + 120
        while not wanted(poll := self.poll(name)):
            assert time.monotonic() < deadline, poll
            time.sleep(0.05)
        return poll


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    yield Shell(tmp_path)
    subprocess.run(["pkill", "-f", str(tmp_path)], check=False)


def environment(shell: Shell, dialect: str = "gp6") -> str:
    return environment_text(
        DIALECTS[DialectName(dialect)],
        row(1, -1, "p", "mdw", 5432, directory=str(shell.home / "gpseg-1")),
    )


def started(shell: Shell, utility: Utility) -> str:
    shell.run(keep_script(RUN, [("plan.json", "{}")]))
    answer = shell.run(start_script(RUN, utility, environment(shell)))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def the_utility(**changes: object) -> Utility:
    given = {
        "name": "wave-001-gpaddmirrors",
        "argv": ("gpaddmirrors", "-a", "-i", "in.conf"),
        "file_name": "in.conf",
        "file_text": "0|sdw2|7000|/data\n",
        **changes,
    }
    return Utility(**given)  # type: ignore[arg-type]


def test_what_the_login_sets_for_its_own_sessions_does_not_reach_a_utility(shell: Shell) -> None:
    """gpadmin's .bashrc may lead psql to any database of any cluster."""
    polluted = {
        "PGHOST": "etl",
        "PGHOSTADDR": "10.0.0.9",
        "PGPORT": "6543",
        "PGDATABASE": "dwh",
        "PGOPTIONS": "-c search_path=etl\nPGUSER=x",
        "PGSERVICE": "etl",
        "PGTZ": "UTC",
    }
    kept = {"PGUSER": "gpadmin", "PGPASSWORD": "correct horse", "PGPASSFILE": "/h/.pgpass"}
    shell.environment = {**polluted, **kept}
    shell.utility("gpaddmirrors", "env | grep -a ^PG | sort")
    expected = sorted(f"{name}={value}" for name, value in {**kept, "PGPORT": "5432"}.items())
    started(shell, the_utility())
    poll = shell.wait("wave-001-gpaddmirrors", lambda poll: poll.stage is ProcessStage.ENDED)
    assert poll.text.splitlines() == expected
    tried = shell.run(dry_run_script(the_utility(), environment(shell))).stdout
    assert "PGDATABASE" not in tried
    assert "PGUSER=gpadmin" in tried


def test_a_utility_runs_in_its_environment_and_its_end_is_known(shell: Shell) -> None:
    shell.utility(
        "gpaddmirrors",
        'echo "$MASTER_DATA_DIRECTORY $PGPORT $PYTHONHOME $*"; cat in.conf; exit 3',
    )
    assert started(shell, the_utility()) == "started"
    poll = shell.wait("wave-001-gpaddmirrors", lambda found: found.stage is ProcessStage.ENDED)
    assert poll.status == 3
    expected = f"{shell.home}/gpseg-1 5432 /of/another/python -a -i in.conf\n0|sdw2|7000|/data\n"
    assert poll.text == expected
    assert shell.poll("wave-001-gpaddmirrors", poll.offset).text == ""


def test_a_poll_that_waits_answers_when_the_utility_ends(shell: Shell) -> None:
    """One sleeping shell, where a poll each second slowed the utility down (6.24.3, measured)."""
    shell.utility("gpaddmirrors", "sleep 1.5; echo done")
    assert started(shell, the_utility()) == "started"
    begin = time.monotonic()
    answer = shell.run(poll_script(RUN, "wave-001-gpaddmirrors", 0, wait=100)).stdout
    assert answer.splitlines() == ["ended 0", "5", "done"]
    assert time.monotonic() - begin < 60
    begin = time.monotonic()
    shell.run(poll_script(RUN, "wave-001-gpaddmirrors", 0, wait=100))
    shell.run(poll_script(RUN, "wave-002-gpaddmirrors", 0, wait=100))
    assert time.monotonic() - begin < 60, "it waits although nothing runs"


def test_whether_a_utility_waits_for_the_prober() -> None:
    waiting = "x-[INFO]:-Waiting for segments to be marked down.\nx-[INFO]:-This may take up to 1800 s\n..."
    assert waits_for_prober(waiting)
    assert not waits_for_prober("x-[INFO]:-Ensuring 1 failed segment(s) are stopped\n")
    assert not waits_for_prober(
        f"{waiting}\nx-[INFO]:-Setting up the required segments for recovery\n"
    )


def test_it_is_never_started_twice(shell: Shell) -> None:
    shell.utility("gpaddmirrors", "echo once >>ran; sleep 0.3")
    assert started(shell, the_utility()) == "started"
    assert started(shell, the_utility()) == "already"
    shell.wait("wave-001-gpaddmirrors", lambda found: found.stage is ProcessStage.ENDED)
    assert (shell.folder / "ran").read_text() == "once\n"


def test_a_start_that_comes_too_late_starts_nothing(shell: Shell) -> None:
    shell.utility("gpaddmirrors", "echo once >>ran")
    assert shell.run(forestall_script(RUN, "wave-001-gpaddmirrors")).stdout == "forestalled\n"
    assert started(shell, the_utility()) == "already"
    assert not (shell.folder / "ran").exists()
    assert shell.run(forestall_script(RUN, "wave-001-gpaddmirrors")).stdout == "already\n"


def test_it_outlives_the_shell_that_started_it_and_a_killed_one_is_lost(shell: Shell) -> None:
    shell.utility("gpaddmirrors", "echo on; exec sleep 60")
    started(shell, the_utility())
    poll = shell.wait("wave-001-gpaddmirrors", lambda found: found.text == "on\n")
    assert poll.stage is ProcessStage.RUNNING
    pid = pid_of(shell.folder)
    # the wrapper alone is killed: what it started is still at work
    os.kill(pid, 9)
    assert shell.poll("wave-001-gpaddmirrors").stage is ProcessStage.RUNNING
    os.killpg(pid, 9)
    poll = shell.wait(
        "wave-001-gpaddmirrors", lambda found: found.stage is not ProcessStage.RUNNING
    )
    assert poll.stage is ProcessStage.LOST


def test_a_number_of_before_a_reboot_says_nothing(shell: Shell) -> None:
    shell.utility("gpaddmirrors", "echo on; exec sleep 60")
    started(shell, the_utility())
    pid = pid_of(shell.folder)
    written = shell.folder / "wave-001-gpaddmirrors.pid"
    written.write_text(f"{pid}\n00000000-0000-4000-8000-000000000000\n")
    assert shell.poll("wave-001-gpaddmirrors").stage is ProcessStage.LOST
    os.killpg(pid, 9)


def pid_of(folder: Path) -> int:
    return int((folder / "wave-001-gpaddmirrors.pid").read_text().split()[0])


def test_unknown_runs_are_absent(shell: Shell) -> None:
    assert shell.poll("wave-001-gpaddmirrors").stage is ProcessStage.ABSENT
    shell.run(keep_script(RUN, []))
    assert shell.poll("wave-001-gpaddmirrors").stage is ProcessStage.ABSENT


@pytest.mark.parametrize("where", ["there", "upgraded", "elsewhere", "planted", "given away"])
def test_the_environment_of_the_server_that_works_there(shell: Shell, where: str) -> None:
    """The number in postmaster.pid is a file's word, and so is what it leads to."""
    data, other = shell.home / "gpseg-1", shell.home / "other"
    data.mkdir()
    (other / "bin").mkdir(parents=True)
    (other / "greenplum_path.sh").write_text("echo sourced the other\n")
    program = other / "bin" / "postgres"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"], cwd=shell.home if where == "elsewhere" else data) as one:
        try:
            number = str(one.pid)
            if where == "planted":
                planted = shell.home / "process"
                planted.mkdir()
                (planted / "cwd").symlink_to(data)
                (planted / "exe").symlink_to(program)
                number = f"../{planted}"
            if where in {"upgraded", "given away"}:
                program.unlink()
                shutil.copy("/bin/sleep", program)
            if where == "given away":
                if os.geteuid() != 0:
                    pytest.skip("this needs root, to give a file away")
                os.chown(other / "greenplum_path.sh", 65534, 65534)
            (data / "postmaster.pid").write_text(f"{number}\n")
            done = shell.run(f"bash -c {quote(environment(shell))}")
        finally:
            one.kill()
    assert ("sourced the other" in done.stdout) == (where in {"there", "upgraded"})
    assert done.returncode == 0


def test_no_environment_is_said_in_words(shell: Shell) -> None:
    (shell.gphome / "greenplum_path.sh").unlink()
    started(shell, the_utility())
    poll = shell.wait("wave-001-gpaddmirrors", lambda found: found.stage is ProcessStage.ENDED)
    assert poll.status == 127
    assert "no greenplum_path.sh" in poll.text


def test_nothing_breaks_out_of_a_script(shell: Shell) -> None:
    shell.utility("gpaddmirrors", 'printf "%s\\n" "$@"; cat "$2"')
    utility = the_utility(
        name=f"n {NASTY}".replace("/", ""),
        argv=("gpaddmirrors", "-i", f"f {NASTY}", NASTY),
        file_name=f"f {NASTY}",
        file_text=f"{NASTY}\n'\n",
    )
    assert started(shell, utility) == "started"
    poll = shell.wait(utility.name, lambda found: found.stage is ProcessStage.ENDED)
    assert poll.status == 0, poll.text
    assert poll.text == f"-i\nf {NASTY}\n{NASTY}\n{NASTY}\n'\n"
    assert not list(shell.home.rglob("pwned"))


def test_files_are_for_their_owner_alone(shell: Shell) -> None:
    shell.utility("gpaddmirrors", "echo done")
    started(shell, the_utility())
    shell.wait("wave-001-gpaddmirrors", lambda found: found.stage is ProcessStage.ENDED)
    shell.run(append_script(RUN, "journal.jsonl", "{}\n"))
    for path in (shell.home / ".gpmirror").rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_whole_file_never_replaces_one_that_knows_more(shell: Shell) -> None:
    def replace(text: str) -> bool:
        return shell.run(replace_script(RUN, "journal.jsonl", text)).returncode == 0

    there = read_script(RUN, "journal.jsonl")
    assert replace("a\nb\n")
    assert replace(f"a\nb\n{NASTY}\n")
    for less in ("a\nb\n", "a\nb\nc\n", f"a\n{NASTY}\n"):
        assert not replace(less)
        assert shell.run(there).stdout == f"a\nb\n{NASTY}\n"
    joined = f"a\nours\nb\n{NASTY}\nlast\n"
    assert replace(joined)
    assert shell.run(there).stdout == joined


def test_runs_are_listed(shell: Shell) -> None:
    assert shell.run(list_script()).returncode != 0
    for name in (RUN, "20261121T070001Z-abc123"):
        shell.run(keep_script(name, []))
    listed = shell.run(list_script()).stdout
    assert read_list(listed) == {RUN: 1, "20261121T070001Z-abc123": 2}
    shell.run(keep_script(RUN, []))
    assert shell.run(list_script()).stdout == listed
    assert read_list("a\nb x\nc 3\n") == {"a": None, "b": None, "c": 3}


def test_a_journal_grows_and_is_read_back(shell: Shell) -> None:
    for line in ('{"a": 1}\n', f"{NASTY}\n"):
        assert shell.run(append_script(RUN, "journal.jsonl", line)).returncode == 0
    assert shell.run(read_script(RUN, "journal.jsonl")).stdout == f'{{"a": 1}}\n{NASTY}\n'


@pytest.mark.parametrize(
    ("body", "status", "out"),
    [
        ('cp "$2" "$4"; echo "[ERROR]:-no good"; exit 2', 2, "0|sdw1|7000|/data/mirror/gpseg0\n"),
        ('echo "[ERROR]:-no good" >&2; exit 1', 1, None),
        (': >"$4"; echo no good', 0, ""),
        ('read -r said; echo "$said: no good"; [ "$said" = y ] || exit 2; cp "$2" "$4"', 2, None),
    ],
)
def test_a_dry_run_tells_what_the_utility_wrote_and_leaves_nothing(
    shell: Shell, body: str, status: int, out: str | None
) -> None:
    shell.utility("gpaddmirrors", body)
    text = "0|sdw1|7000|/data/mirror/gpseg0\n"
    argv = ("gpaddmirrors", "-i", "in.conf", "-o", "out.conf")
    utility = Utility(name="dry-run", argv=argv, file_name="in.conf", file_text=text)
    before = set(shell.home.rglob("*"))
    script = f"TMPDIR={shell.home}\nexport TMPDIR\n{dry_run_script(utility, environment(shell))}"
    answer = shell.run(script)
    tried = read_tried(answer.stdout)
    assert answer.returncode == status
    assert (tried.out if tried.out is None else tried.out.removesuffix("\n")) == out
    assert "no good" in tried.said
    assert set(shell.home.rglob("*")) == before


def test_a_question_is_answered_in_the_dry_run_and_in_the_run(shell: Shell) -> None:
    """As 5 asks on uneven hosts, even with -a and -i."""
    shell.utility("gpaddmirrors", 'read -r said || exit 2; echo "answer $said"; [ "$said" = y ]')
    utility = replace(the_utility(argv=("gpaddmirrors", "-i", "in.conf")), answer="y\n")
    answer = shell.run(dry_run_script(utility, environment(shell)))
    assert answer.returncode == 0
    assert "answer y" in read_tried(answer.stdout).said
    shell.run(keep_script(RUN, []))
    shell.run(start_script(RUN, utility, environment(shell)))
    poll = shell.wait(utility.name, lambda poll: poll.stage is ProcessStage.ENDED)
    assert (poll.status, poll.text) == (0, "answer y\n")
    silent = replace(utility, name="silent", answer="")
    shell.run(start_script(RUN, silent, environment(shell)))
    assert shell.wait("silent", lambda poll: poll.stage is ProcessStage.ENDED).status == 2


def test_a_dry_run_that_is_cut_off_ends_by_itself(shell: Shell) -> None:
    """A utility that is killed leaves its lock behind, and on 6 nothing runs after it."""
    lock, go = shell.home / "lock", shell.home / "go"
    wait = f'until [ -e "{go}" ]; do sleep .1; done'
    shell.utility("gpaddmirrors", f'touch "{lock}"; {wait}; rm "{lock}"')
    utility = the_utility(argv=("gpaddmirrors", "-i", "in.conf"))
    script = dry_run_script(utility, environment(shell))
    started = subprocess.Popen(
        ["sh", "-c", script],
        env={"HOME": str(shell.home), "PATH": os.environ["PATH"], "GPHOME": str(shell.gphome)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lock.exists, "it does not begin")
    os.killpg(started.pid, signal.SIGTERM)  # as timeout does when time is up
    assert started.wait(60) != 0
    assert lock.exists()
    go.touch()
    eventually(lambda: not lock.exists(), "it was cut off, too")


def test_later_families_name_the_coordinator(shell: Shell) -> None:
    assert "COORDINATOR_DATA_DIRECTORY=" in environment(shell, "gp7")
    assert "MASTER_DATA_DIRECTORY=" in environment(shell, "gp7")


def test_errors_are_told_without_stamps() -> None:
    log = (
        "20261121:07:00:00:012345 gpaddmirrors:mdw:gpadmin-[INFO]:-Starting\n"
        "20261121:07:00:01:012345 gpaddmirrors:mdw:gpadmin-[ERROR]:-gpaddmirrors failed. (Reason)\n"
        "...\n"
    )
    assert errors_of(log) == ("gpaddmirrors failed. (Reason)",)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            "Usage: gprecoverseg [--help]\n\ngprecoverseg: error: no such option: -b\n",
            ("gprecoverseg: error: no such option: -b",),
        ),
        (
            "bash: line 22: gprecoverseg: command not found\n",
            ("bash: line 22: gprecoverseg: command not found",),
        ),
        (
            "[INFO]:-Starting\n1 gpaddmirrors:mdw:gpadmin-[ERROR]:-it failed\n",
            ("it failed",),
        ),
        ("one\ntwo\n\nthree\nfour\n", ("two", "three", "four")),
        (
            "20261121:07:00:00:012345 gprecoverseg:mdw:gpadmin-[INFO]:-1 segment(s) to recover\n",
            ("1 segment(s) to recover",),
        ),
        ("", ()),
    ],
)
def test_the_last_words_of_a_utility(log: str, words: tuple[str, ...]) -> None:
    assert last_words(log) == words


def _given_away(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this needs root, to give a file away")
    os.chown(file, 65534, 65534)


def _linked(file: Path) -> None:
    other = file.with_name("other")
    file.rename(other)
    file.symlink_to(other)


@pytest.mark.parametrize("spoil", [lambda file: file.chmod(0o666), _given_away, _linked])
@pytest.mark.parametrize("name", ["journal.jsonl", "plan.json"])
def test_a_file_of_a_run_that_others_may_write_is_not_believed(
    shell: Shell, name: str, spoil: Callable[[Path], None]
) -> None:
    shell.run(keep_script(RUN, [(name, "ours")]))
    spoil(shell.folder / name)
    for script in (
        read_script(RUN, name),
        append_script(RUN, name, "more"),
        replace_script(RUN, name, "ours and more"),
    ):
        done = shell.run(script)
        assert (done.returncode, done.stdout) == (125, ""), script
        assert f"{shell.folder}/{name} is not this account's alone: " in done.stderr
        assert "; look at what is in it, then `chmod go-w` or `chown` it" in done.stderr
    assert (shell.folder / name).read_text() == "ours"
    shell.run(keep_script(RUN, [(name, "whole")]))
    assert shell.run(read_script(RUN, name)).stdout == "whole", "a new file takes its place"


@pytest.mark.parametrize("ending", ["status", "log", "pid", "sh"])
def test_what_others_may_have_written_tells_nothing_of_a_utility(shell: Shell, ending: str) -> None:
    shell.utility("gpaddmirrors", "echo done")
    utility = the_utility()
    assert started(shell, utility) == "started"
    shell.wait(utility.name, lambda poll: poll.stage is ProcessStage.ENDED)
    file = shell.folder / f"{utility.name}.{ending}"
    file.chmod(0o666)
    done = shell.run(poll_script(RUN, utility.name, 0))
    assert (done.returncode, done.stdout) == (125, "")
    assert f"{file} is not this account's alone" in done.stderr
    assert shell.run(start_script(RUN, utility, environment(shell))).returncode == 125
    file.chmod(0o600)
    assert shell.poll(utility.name).stage is ProcessStage.ENDED


def test_what_is_left_half_written_is_written_anew(shell: Shell) -> None:
    """Whoever holds the old file open must not write into what is run."""
    shell.run(keep_script(RUN, []))
    elsewhere = shell.home / "elsewhere"
    elsewhere.write_text("x")
    (shell.folder / "journal.jsonl.part").symlink_to(elsewhere)
    shell.run(keep_script(RUN, [("journal.jsonl", "ours")]))
    assert elsewhere.read_text() == "x"
    assert shell.run(read_script(RUN, "journal.jsonl")).stdout == "ours"


@pytest.mark.parametrize("which", [".", ".."])
def test_a_run_directory_that_others_may_write_is_not_believed(shell: Shell, which: str) -> None:
    shell.run(keep_script(RUN, [("journal.jsonl", "ours")]))
    folder = (shell.home / RUNS / RUN / which).resolve()
    folder.chmod(0o770)
    for script in (
        read_script(RUN, "journal.jsonl"),
        keep_script(RUN, [("plan.json", "{}")]),
        append_script(RUN, "journal.jsonl", "more"),
        poll_script(RUN, "wave-001-gpaddmirrors", 0),
    ):
        done = shell.run(script)
        assert (done.returncode, done.stdout) == (125, ""), script
        assert f"{folder} is not this account's alone: drwxrwx---" in done.stderr
        assert "then `chmod go-w` or `chown` it" in done.stderr
    folder.chmod(0o700)
    assert shell.run(read_script(RUN, "journal.jsonl")).stdout == "ours"


def test_a_directory_is_exported_once() -> None:
    """A rehearsal shows the script: nothing in it stands twice."""
    for name, words in (("gp6", ["MASTER"]), ("gp7", ["COORDINATOR", "MASTER"])):
        text = environment_text(DIALECTS[DialectName(name)], row(1, -1, "p", "mdw", 5432))
        exported = text.rpartition("export ")[2]
        assert re.findall(r"([A-Z]+)_DATA_DIRECTORY", exported) == words
