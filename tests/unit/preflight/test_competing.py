"""Utilities that run and locks that were left, found by the coordinator's script."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.errors import NotReady
from gpmirror.model.dialect import DialectName
from gpmirror.model.segment import Segment
from gpmirror.preflight.competing import (
    Runs,
    Work,
    competing_script,
    competing_work,
    read_removed,
    removal_script,
    work_among,
    writers,
)
from gpmirror.preflight.facts import LockFile, Process
from gpmirror.preflight.model import Check, Result
from gpmirror.preflight.script import program_of
from tests.clusters import mirrorless, row
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


ALL = frozenset({"gpaddmirrors", "gprecoverseg", "gpmovemirrors"})


def works(
    machines: Machines, dialect: DialectName = DialectName.GP6, utilities: frozenset[str] = ALL
) -> tuple[Work, ...]:
    output = machines.answers({"mdw": competing_script(machines.seen())})["mdw"]
    return competing_work(output, Runs(dialect=dialect, utilities=utilities))


def looked(machines: Machines) -> tuple[str, ...]:
    return tuple(work.sentence for work in works(machines))


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
    assert "`--allow dead-lock` removes it before the first wave" in found
    (work,) = works(machines)
    assert work.dead is not None
    assert work.dead.path == str(folder)


@pytest.mark.parametrize("pid", [None, "", "nonsense\n", "-1"])
def test_a_lock_without_a_process(machines: Machines, pid: str | None) -> None:
    lock(machines, "gprecoverseg", pid)
    (work,) = works(machines)
    assert "names no process; with it gprecoverseg may run beside another one, or fail" in work.what
    assert "make sure that no gprecoverseg runs, then `rm -r" in work.remedy
    assert work.dead is None


def test_a_lock_whose_pid_is_another_program_now(machines: Machines) -> None:
    """Dead is it only if that program began after the number was written."""
    with running("sleeper") as pid:
        folder = lock(machines, "gprecoverseg", str(pid))
        (work,) = works(machines)
        assert (
            f"names pid {pid}, which is another program now, or one of another account" in work.what
        )
        assert work.dead is None
        os.utime(folder / "PID", (1_500_000_000, 1_500_000_000))
        for dialect in (DialectName.GP5, DialectName.GP6, DialectName.GP7):
            # whose own look goes no further than the number
            (work,) = works(machines, dialect)
            assert "which is another program now, started after it was left" in work.what
            assert work.dead is not None
        assert read_removed(removed(machines, work.dead), [work.dead]) == ()  # type: ignore[list-item]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("alive", "written", "started", "dead"),
    [
        (False, None, None, True),
        (True, 1000, 1011, True),
        (True, 1000, 1010, False),  # a clock may be some seconds off
        (True, 1000, 900, False),
        (True, None, 2000, False),
        (True, 1000, None, False),
    ],
)
def test_a_lock_is_dead_only_where_that_is_proved(
    alive: bool, written: int | None, started: int | None, dead: bool
) -> None:
    seen = LockFile(path="/m/x.lock", pid=7, alive=alive, written=written, started=started)
    assert seen.is_dead is dead
    assert not LockFile(path="/m/x.lock", pid=None, alive=alive).is_dead


def removed(machines: Machines, *locks: LockFile | None) -> str:
    """What the removal printed."""
    found = [one for one in locks if one is not None]
    return machines.answers({"mdw": removal_script(found)})["mdw"]


@pytest.mark.parametrize(
    ("name", "dialect", "utilities", "stands"),
    [
        ("gprecoverseg.lock", DialectName.GP6, {"gprecoverseg"}, True),
        ("gprecoverseg.lock", DialectName.GP6, {"gpmovemirrors"}, True),
        ("gprecoverseg.lock", DialectName.CLOUDBERRY, {"gprecoverseg"}, True),
        # these remove it themselves
        ("gprecoverseg.lock", DialectName.GP7, {"gprecoverseg"}, False),
        ("gprecoverseg.lock", DialectName.GREENGAGE6, {"gprecoverseg"}, False),
        ("gprecoverseg.pid", DialectName.GP5, {"gprecoverseg"}, False),
        # whose lock keeps nothing of the plan from running
        ("gprecoverseg.lock", DialectName.GP6, {"gpaddmirrors"}, False),
        ("gpmovemirrors.lock", DialectName.GP6, {"gprecoverseg"}, False),
        ("gpmovemirrors.lock", DialectName.GP6, {"gpmovemirrors"}, True),
        ("gpaddmirrors.lock", DialectName.GP6, {"gpaddmirrors", "gprecoverseg"}, False),
        ("gpstop.lock", DialectName.GP7, {"gpaddmirrors", "gprecoverseg"}, False),
    ],
)
def test_a_dead_lock_stands_in_the_way_only_where_it_does(
    machines: Machines, name: str, dialect: DialectName, utilities: set[str], stands: bool
) -> None:
    path = machines.at("mdw", "gpseg-1", name)
    if name.endswith(".pid"):
        path.write_text("4194303\n")
    else:
        path.mkdir()
        (path / "PID").write_text("4194303")
    found = works(machines, dialect, frozenset(utilities))
    assert [work.dead is not None for work in found] == [True] * stands


def test_4_and_5_lock_by_files(machines: Machines) -> None:
    """gprecoverseg then says that it runs already, and exits with 0 (5.8.1, recorded)."""
    machines.sees_processes("mdw")
    file = machines.at("mdw", "gpseg-1", "gprecoverseg.pid")
    ours = {"MASTER_DATA_DIRECTORY": "/data/other/gpseg-1"}
    with running("/usr/local/greenplum-db/bin/gprecoverseg", "-a", **ours) as pid:
        file.write_text(f"{pid}\n")
        (work,) = works(machines, DialectName.GP5)
    assert work.what.endswith(f"is held by gprecoverseg (pid {pid})")
    machines.at("mdw", "gpseg-1", "postmaster.pid").write_text("1\n")
    file.write_text("nonsense\n")
    (work,) = works(machines, DialectName.GP5)
    assert "names no process" in work.what


def test_a_lock_is_removed_only_as_it_was_seen(machines: Machines) -> None:
    folder = lock(machines, "gprecoverseg", "4194303")
    other = lock(machines, "gpmovemirrors", "4194302")
    first, second = (work.dead for work in works(machines))
    assert first is not None
    assert second is not None
    (Path(first.path) / "PID").write_text("4194301")
    stay = read_removed(removed(machines, first, second), [first, second])
    assert stay == (first,)
    assert sorted((folder.exists(), other.exists())) == [False, True]


def test_a_lock_that_holds_more_stays(machines: Machines) -> None:
    folder = lock(machines, "gprecoverseg", "4194303")
    (folder / "more").touch()
    (found,) = (work.dead for work in works(machines))
    assert read_removed(removed(machines, found), [found] if found else []) == (found,)


@pytest.mark.parametrize("name", ["gpshrink.status", "gpshrink.pid"])
def test_gpshrink_under_way(machines: Machines, name: str) -> None:
    """Cloudberry's, by source."""
    machines.at("mdw", "gpseg-1", name).write_text("4194303\n")
    (found,) = looked(machines)
    assert "gpshrink is under way on mdw" in found
    assert found.endswith("finish it")


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


@pytest.mark.parametrize(
    ("words", "environment", "ours"),
    [
        ("gprecoverseg -a", {}, True),  # it may be ours
        ("gprecoverseg -a", {"MASTER_DATA_DIRECTORY": "{own}"}, True),
        ("gprecoverseg -a", {"MASTER_DATA_DIRECTORY": "{own}/"}, True),
        ("gprecoverseg -a", {"MASTER_DATA_DIRECTORY": "{link}"}, True),
        ("gprecoverseg -a", {"MASTER_DATA_DIRECTORY": "{other}"}, False),
        ("gprecoverseg -a", {"MASTER_DATA_DIRECTORY": "/nowhere"}, False),
        ("gprecoverseg -a -d {other}", {"MASTER_DATA_DIRECTORY": "{own}"}, False),
        ("gprecoverseg -a -d {link}", {"MASTER_DATA_DIRECTORY": "{other}"}, True),
        ("gprecoverseg -a -d{other}", {}, False),
        ("gpexpand -d 60:00:00", {"MASTER_DATA_DIRECTORY": "{other}"}, False),
        (
            "gprecoverseg -a",
            {"MASTER_DATA_DIRECTORY": "{other}", "COORDINATOR_DATA_DIRECTORY": "{own}"},
            True,
        ),
        ("gprecoverseg -a", {"PGPORT": "5433"}, False),
        ("gprecoverseg -a", {"PGPORT": "5432"}, True),
        ("gprecoverseg -a", {"PGPORT": "5433", "MASTER_DATA_DIRECTORY": "{own}"}, True),
        # these two connect, and ask for no directory
        ("gpbackup --dbname x", {"PGPORT": "5433", "MASTER_DATA_DIRECTORY": "{own}"}, False),
        ("gpbackup --dbname x", {"PGPORT": "5432", "MASTER_DATA_DIRECTORY": "{other}"}, True),
        ("gpbackup --dbname x", {"MASTER_DATA_DIRECTORY": "{other}"}, False),
    ],
)
def test_whose_utility_it_is(
    machines: Machines, words: str, environment: dict[str, str], ours: bool
) -> None:
    machines.sees_processes("mdw")
    at = {name: str(machines.at("mdw", name)) for name in ("link", "other")}
    at["own"] = str(machines.at("mdw", "gpseg-1"))
    machines.at("mdw", "other").mkdir()
    machines.at("mdw", "link").symlink_to(at["own"])
    told = {name: value.format(**at) for name, value in environment.items()}
    with running(*words.format(**at).split(), **told) as pid:
        found = [work for work in works(machines) if work.pid == pid]
        seen = machines.seen()
        adding = machines.plan(seen)
        checks = [one for one in troubles(machines.judged(adding, seen)) if str(pid) in one.detail]
    assert (bool(found), bool(checks)) == (ours, ours)


def test_a_container_with_a_cluster_at_the_same_path(machines: Machines, tmp_path: Path) -> None:
    """Its directory has the same name, and is another one."""
    machines.sees_processes("mdw")
    proc, own = tmp_path / "proc", machines.at("mdw", "gpseg-1")
    for name in ("self", "4711", "4712"):
        (proc / name / "ns").mkdir(parents=True)
        (proc / name / "ns" / "mnt").touch()
        (proc / name / "cmdline").write_text("python\0/usr/local/gp/bin/gprecoverseg\0-a\0")
        (proc / name / "environ").write_text(f"MASTER_DATA_DIRECTORY={own}\0")
    (proc / "self" / "cmdline").write_text("sh")
    (proc / "4711" / "root" / str(own)[1:]).mkdir(parents=True)
    (proc / "4712" / "root").symlink_to("/")  # a container into which this one is mounted
    script = competing_script(machines.seen()).replace("/proc/", f"{proc}/")
    output = machines.answers({"mdw": script})["mdw"]
    found = competing_work(output, Runs(dialect=DialectName.GP6, utilities=ALL))
    assert [work.pid for work in found] == [4712]


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
    assert competing_work(output, Runs(dialect=DialectName.GP6, utilities=ALL)) == ()


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
        competing_work(output, Runs(dialect=DialectName.GP6, utilities=ALL))


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
    process = Process(pid=7, arguments=("gprecoverseg",), serves=False)
    held = LockFile(path="/data/gpseg-1/gprecoverseg.lock", pid=7, alive=True)
    runs = Runs(dialect=DialectName.GP6, utilities=ALL)
    (work,) = work_among("mdw", [process], [held], 5432, (), runs)
    assert "is held by gprecoverseg (pid 7)" in work.sentence


def test_a_dead_lock_is_a_bad_check_that_may_be_overridden(machines: Machines) -> None:
    machines.sees_processes("mdw")
    lock(machines, "gprecoverseg", "4194303")
    seen = machines.seen(sizes=dict.fromkeys(range(4), 1))
    adding = machines.plan(seen)
    assert troubles(machines.judged(adding, seen)) == []
    waves = tuple(
        replace(wave, native=tuple(replace(n, utility="gprecoverseg") for n in wave.native))
        for wave in adding.waves
    )
    found = machines.judged(replace(adding, waves=waves), seen)
    (check,) = troubles(found)
    assert (check.name, check.override) == ("competing", "dead-lock")
    assert found.blocking(()) == (check,)
    assert found.blocking({"dead-lock"}) == ()


def in_backup_mode(machines: Machines, version: str | None, dialect: str = "gp7") -> list[Check]:
    """What preflight says where the primary of content 0 holds a backup_label, its mirror is down."""
    home = machines.at("sdw2", "mirror", "gpseg0")
    down = row(9, 0, "m", "sdw2", 7000, str(home), status="d")
    rows = [down, *(_synced(machines, content) for content in (1, 2, 3))]
    seen = machines.seen(*rows, server_version=version, dialect=dialect)
    machines.server(down, identifier=1000)
    Path(seen.segments[1].directory or "", "backup_label").write_text("START WAL LOCATION\n")
    found = machines.judged(machines.plan(seen), seen).checks
    return [check for check in found if check.name == "backup-mode" and check.host == "sdw1"]


def _synced(machines: Machines, content: int) -> Segment:
    name = "sdw2" if content == 1 else "sdw1"
    where = machines.at(name, "mirror", f"gpseg{content}")
    return row(9 + content, content, "m", name, 7000 + content % 2, str(where))


@pytest.mark.parametrize(
    ("version", "dialect", "setting"),
    [
        ("7.0.0", "gp7", "gp_role"),
        ("6.27.1_arenadata63", "greengage6", "gp_session_role"),
        (None, "cloudberry", "gp_role"),
    ],
)
def test_a_primary_left_in_backup_mode_is_found_with_the_command_that_ends_it(
    machines: Machines, version: str | None, dialect: str, setting: str
) -> None:
    (check,) = in_backup_mode(machines, version, dialect)
    assert check.result is Result.BAD
    assert check.detail.startswith(
        "content 0: its primary sdw1:6000 is in backup mode, and nothing"
    )
    command = (
        f"PGOPTIONS='-c {setting}=utility' psql -h sdw1 -p 6000 -d postgres "
        "-c 'SELECT pg_stop_backup()'"
    )
    assert check.remedy.endswith(command)


def test_a_differential_recovery_under_way_is_waited_for(machines: Machines) -> None:
    machines.sees_processes("sdw2")
    target = str(machines.at("sdw2", "mirror", "gpseg0"))
    with running("rsync", "-a", "sdw1:/data/primary/gpseg0/", target) as pid:
        (check,) = in_backup_mode(machines, "7.1.0")
    assert f"a differential recovery of it is running (process {pid} on sdw2)" in check.detail
    assert check.remedy == "wait until it ends"


@pytest.mark.parametrize("version", ["6.24.3", None])
def test_releases_before_differential_recovery_do_not_mind(
    machines: Machines, version: str | None
) -> None:
    assert not in_backup_mode(machines, version, "gp6")
