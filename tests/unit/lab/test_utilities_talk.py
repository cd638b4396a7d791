"""Log lines, locks, faults, requests and settings of the stand-ins, without a lab."""

import os
import re
import typing
from pathlib import Path

import pytest

from gpmirror.errors import Failure
from gpmirror.lab.faults import (
    EVERY,
    Faults,
    clear_faults,
    end_slowness,
    read_faults,
    set_faults,
    slow,
    slow_host,
)
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.releases import RELEASES, Locking
from gpmirror.lab.utilities import copying
from gpmirror.lab.utilities.console import Console
from gpmirror.lab.utilities.locks import pid_lock
from gpmirror.lab.utilities.recovery import table
from gpmirror.lab.utilities.remote import Request, Task, read_request, write_request


def console(folder: Path) -> Console:
    return Console("gprecoverseg", "mdw", "gpadmin", folder)


def test_a_log_line_has_the_native_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console(tmp_path / "gpAdminLogs").info("No segments to recover")
    line = capsys.readouterr().out
    stamp = r"\d{8}:\d\d:\d\d:\d\d:\d{6,}"
    assert re.fullmatch(
        stamp + r" gprecoverseg:mdw:gpadmin-\[INFO\]:-No segments to recover\n", line
    )
    (log,) = (tmp_path / "gpAdminLogs").iterdir()
    assert re.fullmatch(r"gprecoverseg_\d{8}\.log", log.name)
    assert log.read_text() == line


def test_a_reader_that_went_away_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        console(tmp_path).info("going on")
        monkeypatch.undo()
        closed_quietly(closed)


def closed_quietly(stream: object) -> None:
    try:
        stream.close()  # type: ignore[attr-defined]
    except BrokenPipeError:
        return


def test_a_lock_is_held_and_given_back(tmp_path: Path) -> None:
    with pid_lock(console(tmp_path / "logs"), tmp_path, "folder") as held:
        assert held
        assert (tmp_path / "gprecoverseg.lock" / "PID").read_text() == str(os.getpid())
    assert not (tmp_path / "gprecoverseg.lock").exists()


def test_a_stale_lock_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "gprecoverseg.lock"
    folder.mkdir()
    (folder / "PID").write_text("24885")
    with pid_lock(console(tmp_path / "logs"), tmp_path, "folder") as held:
        assert not held
    said = capsys.readouterr().out
    assert (
        f"[ERROR]:-Lockfile {folder} indicates that an instance of gprecoverseg is already running"
        " with PID 24885\n" in said
    )
    assert f"If this is not the case, remove the lockfile directory at {folder}\n" in said
    assert folder.is_dir()


DEAD = 2**22 + 1
"""No process has this number."""


@pytest.mark.parametrize("locking", ["folder", "folder, dead cleared"])
def test_an_empty_lock_folder_is_passed_over_and_left(tmp_path: Path, locking: Locking) -> None:
    folder = tmp_path / "gprecoverseg.lock"
    folder.mkdir()
    with pid_lock(console(tmp_path / "logs"), tmp_path, locking) as held:
        assert held
        assert not list(folder.iterdir())
    assert folder.is_dir()


def test_later_releases_clear_what_the_dead_left(tmp_path: Path) -> None:
    folder = tmp_path / "gprecoverseg.lock"
    folder.mkdir()
    (folder / "PID").write_text(str(DEAD))
    with pid_lock(console(tmp_path / "logs"), tmp_path, "folder, dead cleared") as held:
        assert held
        assert (folder / "PID").read_text() == str(os.getpid())
    assert not folder.exists()


def test_the_lock_of_a_living_process_counts_everywhere(tmp_path: Path) -> None:
    folder = tmp_path / "gprecoverseg.lock"
    folder.mkdir()
    (folder / "PID").write_text(str(os.getpid()))
    (tmp_path / "gprecoverseg.pid").write_text(f"{os.getpid()}\n")
    for locking in typing.get_args(Locking):
        with pid_lock(console(tmp_path / "logs"), tmp_path, locking) as held:
            assert not held


def test_5_locks_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "gprecoverseg.pid"
    file.write_text(f"{DEAD}\n")
    with pid_lock(console(tmp_path / "logs"), tmp_path, "file, dead cleared") as held:
        assert held
        assert file.read_text() == f"{os.getpid()}\n"
    assert not file.exists()


def test_faults_are_written_read_and_cleared(tmp_path: Path) -> None:
    assert read_faults(tmp_path) == Faults()
    wanted = Faults(slow_copy=slow(2.5, 3), fail_copy=(1,), hang_before_catalog=1.0)
    set_faults(tmp_path, wanted)
    assert read_faults(tmp_path) == wanted
    assert (wanted.delay(3), wanted.delay(4)) == (2.5, 0.0)
    assert Faults(slow_copy=slow(4)).delay(7) == 4
    slow_host(tmp_path, "sdw2", 9)
    slow_host(tmp_path, EVERY, 5)
    slower = read_faults(tmp_path)
    assert (slower.delay(3, "sdw2"), slower.delay(4, "sdw2"), slower.delay(4, "sdw1")) == (
        2.5,
        9,
        5,
    )
    end_slowness(tmp_path)
    assert read_faults(tmp_path) == Faults(fail_copy=(1,), hang_before_catalog=1.0)
    clear_faults(tmp_path)
    clear_faults(tmp_path)
    assert read_faults(tmp_path) == Faults()


def test_a_number_slows_every_content(tmp_path: Path) -> None:
    (tmp_path / "faults.json").write_text('{"slow_copy": 3}')
    assert read_faults(tmp_path).delay(5) == 3


@pytest.mark.parametrize("text", ["{", "[]", '{"fail_copy": ["x"]}', '{"slow_copy": "fast"}'])
def test_broken_faults_are_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "faults.json").write_text(text)
    with pytest.raises(Failure, match=r"faults\.json"):
        read_faults(tmp_path)


def test_a_request_survives_the_command_line() -> None:
    task = Task(
        content=0,
        dbid=10,
        directory="/d",
        port=7000,
        source=("127.0.0.1", 6000),
        filespaces=("/f",),
    )
    request = Request(action="copy", state="/s", host="sdw2", at_once=2, tasks=(task,))
    assert read_request(write_request(request)) == request


def test_summaries_align_as_natively() -> None:
    rows = [("Mirror instance host", "sdw2"), ("Primary instance directory", "/d")]
    assert table(rows) == [
        "   Mirror instance host         = sdw2",
        "   Primary instance directory   = /d",
    ]


def lab(folder: Path) -> Lab:
    host = LabHost(
        name="sdw2",
        addresses=(("sdw2", "127.9.0.2"),),
        home=folder / "sdw2" / "home",
        data=folder / "sdw2" / "data",
        ssh_port=2222,
    )
    return Lab(
        release=RELEASES["6.24.3"],
        state=folder,
        gphome=folder / "gphome",
        pg_bin=folder / "bin",
        coordinator=host,
        hosts=(host,),
        coordinator_port=5432,
        user="gpadmin",
        account="nobody",
        primary_port=6000,
        python=Path("/usr/bin/python3"),
        python_path="",
    )


def test_a_copy_gets_its_own_settings(tmp_path: Path) -> None:
    directory = tmp_path / "gpseg0"
    directory.mkdir()
    system = directory / "postgresql.auto.conf"
    system.write_text("synchronous_standby_names = 'gp_walreceiver'\nwork_mem = '1MB'\n")
    task = Task(content=0, dbid=10, directory=str(directory), port=7000, source=("127.9.0.1", 6000))
    practice = lab(tmp_path)
    copying.make_mirror(practice, practice.hosts[0], task)
    text = (directory / "instance.conf").read_text()
    assert "port = 7000" in text
    assert "application_name=gp_walreceiver" in text
    assert "host=127.9.0.1 port=6000" in text
    assert "listen_addresses = '127.9.0.2'" in text
    assert system.read_text() == "work_mem = '1MB'\n"
    assert copying.is_mirror(directory)


@pytest.mark.parametrize(
    ("name", "own"), [("base", True), ("pg_wal", True), ("notes.txt", False), ("PG_VERSION", True)]
)
def test_stray_files_are_told_from_the_servers(name: str, own: bool) -> None:
    assert copying.is_server_file(name) is own
