"""Directories of down copies as a real sh sees them, turned into facts."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.preflight.copies import DownCopy, copy_fact, copy_facts, copy_questions, homes_of
from gpmirror.preflight.facts import LandingPlace, Parent
from gpmirror.preflight.script import copies_script
from tests.clusters import host, row
from tests.machines import Machines

DOWN = 6


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def down(machines: Machines, name: str = "sdw2") -> Segment:
    """The mirror of content 0."""
    where = str(machines.at("sdw2", "mirror", "gpseg0"))
    return row(DOWN, 0, "m", name, 7000, where, status="d", mode="n", address="sdw2-1")


def facts(machines: Machines, seen: Observed, *, silent: str = "") -> dict[int, str]:
    asked = copy_questions(seen, homes_of([host("sdw2", addresses=("sdw2-1",))]))
    assert set(asked) == {"sdw1", "sdw2"}
    scripts = {name: copies_script(one) for name, one in asked.items() if name != silent}
    return dict(copy_facts(asked, machines.answers(scripts)))


def other(place: Path) -> None:
    control = place / "global" / "pg_control"
    control.write_bytes((77).to_bytes(8, "little") + control.read_bytes()[8:])


@pytest.mark.parametrize(
    ("damage", "fact"),
    [
        (lambda place: None, "rewindable"),
        (lambda place: (place / "backup_label").touch(), "backup_label"),
        (lambda place: (place / "global" / "pg_control").unlink(), "no_pg_control"),
        (lambda place: subprocess.run(["rm", "-r", place], check=True), "absent"),
        (other, "foreign"),
    ],
    ids=["whole", "half", "no pg_control", "absent", "foreign"],
)
def test_what_the_directory_holds(
    machines: Machines, damage: Callable[[Path], object], fact: str
) -> None:
    copy = down(machines)
    machines.server(copy)
    damage(Path(copy.directory or ""))
    assert facts(machines, machines.seen(copy)) == {DOWN: fact}


@pytest.mark.parametrize(("lost", "fact"), [(False, "rewindable"), (True, "no_filespace")])
def test_the_directories_of_filespaces(machines: Machines, lost: bool, fact: str) -> None:
    """Gprecoverseg of 5.8.1 ends well over one that is gone, and the mirror is down again (recorded)."""
    fast = machines.at("sdw2", "fast", "gpseg0")
    copy = replace(down(machines), filespaces=(("fast", str(fast)),))
    machines.server(copy)
    fast.parent.mkdir(parents=True, exist_ok=True)
    if not lost:
        fast.mkdir()
    assert facts(machines, machines.seen(copy)) == {DOWN: fact}


def test_a_finished_copy_that_never_started_needs_no_second_one(machines: Machines) -> None:
    copy = down(machines)
    machines.server(copy)
    for name in ("backup_label", "standby.signal"):
        (Path(copy.directory or "") / name).touch()
    assert facts(machines, machines.seen(copy)) == {DOWN: "rewindable"}


def test_rows_stand_on_the_spec_host_that_claims_their_address(machines: Machines) -> None:
    copy = down(machines, name="elsewhere")
    machines.server(copy)
    assert facts(machines, machines.seen(copy)) == {DOWN: "rewindable"}


def test_a_copy_that_still_runs(machines: Machines) -> None:
    copy = down(machines)
    machines.server(copy)
    machines.sees_processes("sdw2")
    program = machines.folder / "pg_basebackup"
    program.symlink_to(sys.executable)
    words = [str(program), "-c", "input()", "-D", str(copy.directory)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            assert facts(machines, machines.seen(copy)) == {DOWN: "copying"}
        finally:
            running.kill()


def test_without_the_primary_nobody_knows_whose_it_is(machines: Machines) -> None:
    copy = down(machines)
    machines.server(copy)
    assert facts(machines, machines.seen(copy), silent="sdw1") == {DOWN: "unknown"}


def test_of_a_silent_host_nothing_is_told(machines: Machines) -> None:
    copy = down(machines)
    assert facts(machines, machines.seen(copy), silent="sdw2") == {}


def test_what_lies_where_nobody_may_look_is_not_called_absent() -> None:
    place = LandingPlace(
        exists=False,
        is_directory=False,
        is_link=False,
        readable=False,
        entries=0,
        names=(),
        backup_label=False,
        standby_signal=False,
    )
    parent = Parent(
        path="/data",
        physical=None,
        is_directory=True,
        is_link=False,
        writable=False,
        searchable=False,
    )
    look = DownCopy(path="/data/m/gpseg0", parent=parent, place=place, processes=(), primary="1000")
    assert copy_fact(look) == "unknown"


def test_only_down_copies_of_the_wanted_contents_are_asked_for(machines: Machines) -> None:
    up = row(7, 1, "m", "sdw2", 7001)
    seen = machines.seen(down(machines), up)
    assert copy_questions(machines.seen(up), {}) == {}
    assert copy_questions(seen, {}, contents={1}) == {}
    asked = copy_questions(seen, {}, contents={0})
    assert [landing.content for one in asked.values() for landing in one.landings] == [0]


def test_garbage_tells_nothing(machines: Machines) -> None:
    asked = copy_questions(machines.seen(down(machines)), {})
    assert copy_facts(asked, dict.fromkeys(asked, "bash: no\n")) == {}
