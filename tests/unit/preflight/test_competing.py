"""Utilities that run and locks that were left, found by the coordinator's script."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpmirror.errors import NotReady
from gpmirror.preflight.competing import competing_script, read_competing
from gpmirror.preflight.facts import LockFile, Process
from gpmirror.preflight.processes import work_among, writers
from gpmirror.preflight.programs import program_of
from tests.clusters import mirrorless
from tests.machines import Machines, troubles

WAIT = "import sys, time; print(flush=True); time.sleep(60)"


@contextmanager
def running(*words: str, **environment: str) -> Iterator[int]:
    """A process whose command line is `python -c WAIT words...`, on the way once this is entered."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, *words], stdout=subprocess.PIPE, env=environment
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def looked(machines: Machines) -> tuple[str, ...]:
    output = machines.answers({"mdw": competing_script(machines.seen())})["mdw"]
    return read_competing(output)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def lock(machines: Machines, name: str, pid: str | None) -> Path:
    folder = machines.at("mdw", "gpseg-1", f"{name}.lock")
    folder.mkdir()
    if pid is not None:
        (folder / "PID").write_text(pid)
    return folder


def test_a_quiet_coordinator(machines: Machines) -> None:
    assert looked(machines) == ()


@pytest.mark.parametrize("utility", ["gprecoverseg", "gpmovemirrors"])
def test_a_stale_lock_says_what_would_happen_and_how_to_remove_it(
    machines: Machines, utility: str
) -> None:
    folder = lock(machines, utility, "4194303")
    (found,) = looked(machines)
    assert "pid 4194303, which does not run any more" in found
    assert "does nothing and may still exit 0" in found
    assert f"make sure that no {utility} runs, then `rm -r {folder}` on mdw" in found


@pytest.mark.parametrize("pid", [None, "", "nonsense\n", "-1"])
def test_a_lock_without_a_process(machines: Machines, pid: str | None) -> None:
    lock(machines, "gprecoverseg", pid)
    (found,) = looked(machines)
    assert "names no process" in found


def test_a_lock_whose_pid_is_another_program_now(machines: Machines) -> None:
    lock(machines, "gprecoverseg", "1")
    (found,) = looked(machines)
    assert "pid 1, which is another program now" in found


def test_gpexpand_under_way(machines: Machines) -> None:
    machines.at("mdw", "gpseg-1", "gpexpand.status").write_text("UNINITIALIZED:None\n")
    (found,) = looked(machines)
    assert "gpexpand is under way on mdw" in found


def test_a_running_utility_of_this_cluster(machines: Machines) -> None:
    machines.sees_processes("mdw")
    ours = {"MASTER_DATA_DIRECTORY": str(machines.at("mdw", "gpseg-1"))}
    with running("/usr/local/greenplum-db/bin/gprecoverseg", "-a", **ours) as pid:
        lock(machines, "gprecoverseg", str(pid))
        found = [one for one in looked(machines) if str(pid) in one]
    assert len(found) == 1
    assert f"gprecoverseg runs on mdw (pid {pid}" in found[0]
    assert found[0].endswith("wait until it ends")


def test_a_running_utility_of_another_cluster(machines: Machines) -> None:
    machines.sees_processes("mdw")
    with running("gprecoverseg", COORDINATOR_DATA_DIRECTORY="/data/other/gpseg-1") as pid:
        assert not [one for one in looked(machines) if str(pid) in one]


def test_a_utility_that_ends_while_it_is_looked_at(machines: Machines, tmp_path: Path) -> None:
    """Its environment is empty by then, which does not make it a utility of this cluster."""
    machines.sees_processes("mdw")
    proc = tmp_path / "proc"
    (proc / "4711").mkdir(parents=True)
    (proc / "self").mkdir()
    (proc / "self" / "cmdline").write_text("sh")
    line = proc / "4711" / "cmdline"
    line.write_text("python\0/usr/local/gp/bin/gprecoverseg\0-a\0")
    os.mkfifo(proc / "4711" / "environ")

    def end() -> None:
        with (proc / "4711" / "environ").open("w"):
            line.write_text("")

    ending = threading.Thread(target=end, daemon=True)
    ending.start()
    script = competing_script(machines.seen()).replace("/proc/", f"{proc}/")
    output = machines.answers({"mdw": script})["mdw"]
    ending.join(10)
    assert not ending.is_alive(), output
    assert read_competing(output) == ()


def test_a_copy_into_a_planned_directory(machines: Machines) -> None:
    machines.sees_processes("sdw2")
    seen = machines.seen(sizes=dict.fromkeys(range(4), 1))
    with running("pg_basebackup", "-D", str(machines.at("sdw2", "mirror", "gpseg0"))) as pid:
        found = troubles(machines.judged(machines.plan(seen), seen))
    assert [(check.host, check.name) for check in found] == [("sdw2", "competing")]
    assert f"pid {pid}" in found[0].detail


def test_a_progress_file_left_behind_is_a_note(machines: Machines) -> None:
    logs = machines.at("mdw", "gpAdminLogs")
    logs.mkdir()
    (logs / "recovery_progress.file").touch()
    seen = machines.seen(sizes=dict.fromkeys(range(4), 1))
    found = machines.judged(machines.plan(seen), seen)
    assert troubles(found) == []
    assert "recovery_progress.file on mdw was left" in found.notes[0]
    assert looked(machines) == ()


@pytest.mark.parametrize("output", ["", "no such file\n", "gpmirror-facts 1\nprocesses 0\n"])
def test_no_answer_is_no_all_clear(output: str) -> None:
    with pytest.raises(NotReady, match="no complete answer"):
        read_competing(output)


def test_a_coordinator_directory_that_is_not_there(machines: Machines) -> None:
    machines.at("mdw", "gpseg-1").rename(machines.at("mdw", "moved"))
    with pytest.raises(NotReady, match=r"no coordinator directory .*/mdw/gpseg-1 on mdw"):
        looked(machines)


def test_the_script_stands_alone() -> None:
    text = competing_script(mirrorless(["sdw1"], 1))
    assert "/data/master/gpseg-1" in text


@pytest.mark.parametrize(
    ("line", "program"),
    [
        (["python", "/usr/local/greenplum-db/bin/gprecoverseg", "-a"], "gprecoverseg"),
        (["/usr/bin/python3.9", "/opt/gp/bin/gpaddmirrors"], "gpaddmirrors"),
        (["python", "-m", "some.module", "gpmovemirrors", "-i", "f"], "gpmovemirrors"),
        (["python2", "/opt/gp/sbin/gpsegrecovery.py", "-c", "[]"], "gpsegrecovery"),
        (["/opt/gp/bin/pg_basebackup", "-D", "/x"], "pg_basebackup"),
        (["gpbackup", "--dbname", "x"], "gpbackup"),
        (["vim", "gprecoverseg"], None),
        (["tail", "-f", "/home/gpadmin/gpAdminLogs/gprecoverseg_20261121.log"], None),
        (["bash", "-c", "gprecoverseg -a"], None),
        (["grep", "gpaddmirrors"], None),
        ([], None),
    ],
)
def test_the_program_of_a_command_line(line: list[str], program: str | None) -> None:
    assert program_of(line) == program


@pytest.mark.parametrize(
    ("argument", "matches"),
    [
        ("/data/m/gpseg1", True),
        ("--pgdata=/data/m/gpseg1", True),
        ('[{"target_datadir": "/data/m/gpseg1"}]', True),
        ("/data/m/gpseg1/pg_wal", True),
        ("/data/m/gpseg10", False),
        ("/data/m/gpseg1.old", False),
        ("/data/m", False),
    ],
)
def test_a_directory_is_named_as_a_whole(argument: str, matches: bool) -> None:
    process = Process(pid=1, arguments=("pg_basebackup", argument))
    assert bool(writers([process], "/data/m/gpseg1")) is matches


def test_a_lock_held_by_a_utility_whose_cluster_is_another() -> None:
    """The lock lies in our directory, so whoever holds it works on our cluster."""
    process = Process(pid=7, arguments=("gprecoverseg",), cluster="/other")
    held = LockFile(path="/data/gpseg-1/gprecoverseg.lock", pid=7, alive=True)
    (work,) = work_among("mdw", [process], [held], "/data/gpseg-1", ())
    assert "is held by gprecoverseg (pid 7)" in work.sentence
