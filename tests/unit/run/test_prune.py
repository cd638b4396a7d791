"""What moves left behind: every reason to keep it, each half that may fail, and a prune that was cut
off, finished by the next one.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gpmirror.boundary import LockHolder, World
from gpmirror.errors import (
    Declined,
    Detached,
    ExitCode,
    GpmirrorError,
    Locked,
    Partial,
    Stale,
    Unsafe,
)
from gpmirror.model.names import is_tree_of_others
from gpmirror.model.segment import Role, Segment, Status
from gpmirror.native.directories import Leftover
from gpmirror.plan.model import Plan
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.prune import _listed, believed, cleared_first
from gpmirror.run.prune import prune as prune_of
from gpmirror.run.record import Opening, RunRecord, read_places, read_standing, step
from gpmirror.spec.model import Pin
from tests import clusters
from tests.clusters import PLACE, mirrored, planned, spec
from tests.fakes import FakeOperator, Killed, MemoryJournal, Reporter
from tests.life import FOREIGN, Files, Life, Spot, calls_in, content_of, ident
from tests.plans import HOSTS, adding, seen_before_add, swapping


def moved() -> tuple[Plan, Life]:
    """Group became spread: half the mirrors left their hosts, and the old directories are there."""
    seen = replace(mirrored(HOSTS, 2), server_version="6.24.3")
    plan = planned(spec(HOSTS, strategy="spread", cluster="prod-dwh"), seen)
    life = Life(seen, same_host=False)
    for wave in plan.waves:
        for native in wave.native:
            for dbid, row in life._simulated(native).items():
                life.rows[dbid] = row
                life._fill(row)
    assert len(old(plan)) == plan.summary.move == 4
    return plan, life


def old(plan: Plan) -> list[tuple[str, str]]:
    """Where the mirrors were."""
    return sorted(
        (change.from_.host, change.from_.directory or "")
        for change in plan.changes
        if change.from_ is not None
    )


def a_run(plan: Plan, life: Life, **parts: Any) -> Run:
    world = World(
        catalog=life,
        hosts=life,
        natives=life,
        journal=parts.get("journal") or MemoryJournal(),
        clock=life,
        operator=parts.get("operator") or FakeOperator(),
        reporter=Reporter(),
        coordinator="mdw",
    )
    return Run(name="r1", plan=plan, world=world, wishes=Wishes(), started=0.0)


def begun(plan: Plan, waves: int | None = None) -> RunRecord:
    """A run that began so many of its waves, None: all."""
    opening = Opening(run="r1", plan_id="p", cluster="c", by="me", version="0").record()
    numbers = [wave.number for wave in plan.waves][:waves]
    steps = [step(f"wave-{number:03d}/native", "begin") for number in numbers]
    return read_standing("\n".join(json.dumps(one) for one in [opening, *steps]), "journal")


def prune(run: Run, standing: RunRecord | None = None) -> Outcome:
    return prune_of(run, standing or begun(run.plan))


def refused(kind: type[GpmirrorError], run: Run) -> GpmirrorError:
    with pytest.raises(kind) as caught:
        prune(run)
    return caught.value


def aside(life: Life) -> list[Spot]:
    return sorted(spot for spot in life.files if spot[1].endswith(".gpmirror-r1"))


def test_old_directories_are_set_aside_and_deleted() -> None:
    plan, life = moved()
    operator, journal = FakeOperator(), MemoryJournal()
    outcome = prune(a_run(plan, life, operator=operator, journal=journal))
    assert outcome == Outcome(code=ExitCode.OK, summary="4 directories deleted")
    assert life.leftovers() == []
    assert [(record["step"], record["state"]) for record in journal.records] == [
        ("prune/aside", "begin"),
        ("prune/aside", "done"),
        ("prune/delete", "begin"),
        ("prune/delete", "done"),
    ]
    assert journal.far
    for host, path in old(plan):
        assert f"{host}:{path} (content " in operator.shown[0]
    assert operator.asked == ["Delete 4 directories? Only 'yes' is accepted:"]
    again = prune(a_run(plan, life))
    assert again.summary == "Nothing to prune: all of it is gone already."


def test_a_run_that_moved_nothing_left_nothing() -> None:
    life = Life(seen_before_add(), same_host=False)
    outcome = prune(a_run(adding(), life))
    assert outcome.summary == "Nothing to prune: the run left no directory."


def test_temporary_slots_are_left_too() -> None:
    plan = swapping()
    life = Life(mirrored(HOSTS[:2], 2), same_host=False)
    left = [step.from_ for wave in plan.waves for step in wave.steps if step.from_ is not None]
    temporary = [step.to for wave in plan.waves for step in wave.steps if step.temporary]
    assert temporary
    assert temporary[0] in left
    assert temporary[0] is not None
    life.files["sdw2", temporary[0].directory or ""] = Files(ident(plan.waves[0].contents[0]))
    assert prune(a_run(plan, life)).summary == "1 directory deleted"


def cut_off(plan: Plan, life: Life) -> tuple[Spot, Spot]:
    """A move whose utility died in the copy, and whose mirror came back where it was: its old place
    and the new one.
    """
    # one that goes straight to its new place
    aside = {step.content for wave in plan.waves for step in wave.steps if step.temporary}
    change = next(c for c in plan.changes if c.from_ is not None and c.content not in aside)
    new, home = change.to, change.from_
    assert new is not None
    assert home is not None
    row = life.idle(change.content)
    assert row is not None
    life.rows[row.dbid] = replace(
        row, hostname=home.host, address=home.address, port=home.port, directory=home.directory
    )
    spot = (new.host, new.directory or "")
    life.files[spot] = Files(ident(change.content), partial=True)
    return (home.host, home.directory or ""), spot


def test_a_copy_that_was_cut_off_goes_too() -> None:
    plan, life = moved()
    home, half = cut_off(plan, life)
    operator = FakeOperator()
    outcome = prune(a_run(plan, life, operator=operator))
    assert outcome.summary == "4 directories deleted"
    assert f"{half[0]}:{half[1]} (content " in operator.shown[0]
    assert operator.shown[0].count(", a copy that was cut off)") == 1
    assert home in life.files
    assert half not in life.files


def test_what_a_later_run_left_is_not_of_this_one() -> None:
    plan, life = moved()
    home, half = cut_off(plan, life)
    life.files[half] = replace(life.files[half], partial=False)
    assert prune(a_run(plan, life)).summary == "3 directories deleted"
    assert {home, half} <= life.files.keys()


def test_a_copy_that_was_cut_off_needs_proof() -> None:
    plan, life = moved()
    _, half = cut_off(plan, life)
    life.files[half] = replace(life.files[half], identifier=FOREIGN)
    outcome = prune(a_run(plan, life))
    words = "belongs to another system"
    assert [one for one in outcome.next_actions if one.startswith(":".join(half)) and words in one]
    assert half in life.files


@pytest.mark.parametrize(("blank", "goes"), [("", False), ("{number} blank\n", True)])
def test_a_copy_without_an_identifier_goes_where_a_base_backup_began_it(
    blank: str, goes: bool
) -> None:
    """Cut off in its first moments, before any WAL was written."""
    plan, life = moved()
    _, half = cut_off(plan, life)

    class Bare(Life):
        def _look(self, machine: str, number: str, path: str) -> str:
            if not path.startswith(half[1]) or (machine, path) not in self.files:
                return super()._look(machine, number, path)
            return f"{number} kind directory\n{number} unfinished\n" + blank.format(number=number)

        def _call(self, machine: str, words: Sequence[str]) -> str:
            held = self.files.get((machine, words[2]))
            if words[0] == "aside" and held is not None and words[2] == half[1]:
                assert words[4] == ""
                words = [*words[:4], held.identifier]
            return super()._call(machine, words)

    life.__class__ = Bare
    outcome = prune(a_run(plan, life))
    assert outcome.summary == ("4 directories deleted" if goes else "3 directories deleted, 1 kept")
    assert (half in life.files) is not goes


def test_a_copy_that_was_cut_off_goes_although_its_content_has_one_copy() -> None:
    """Just then it stands in the way; the mirror that is down may still be needed, and stays."""
    plan, life = moved()
    home, half = cut_off(plan, life)
    life.mirror_dies(content_of(life.files[half].identifier))
    assert prune(a_run(plan, life)).summary == "4 directories deleted"
    assert half not in life.files
    assert home in life.files


def test_what_no_wave_of_the_run_began_is_none_of_its_copies() -> None:
    plan, life = moved()
    _, half = cut_off(plan, life)
    number = next(
        w.number for w in plan.waves if content_of(life.files[half].identifier) in w.contents
    )
    outcome = prune(a_run(plan, life), begun(plan, number - 1))
    assert outcome.summary == "3 directories deleted"
    assert half in life.files


# --- reasons to keep ------------------------------------------------------------------------------


def foreign(plan: Plan, life: Life) -> None:
    life.files[old(plan)[0]] = Files(FOREIGN)


def loose(plan: Plan, life: Life) -> None:
    first = next(c for c in plan.changes if (c.from_ and c.from_.host) == old(plan)[0][0])
    life.mirror_dies(first.content)


def silent(plan: Plan, life: Life) -> None:
    life.down.add(old(plan)[0][0])


def nameless_primary(plan: Plan, life: Life) -> None:
    first = next(c for c in plan.changes if (c.from_ and c.from_.host) == old(plan)[0][0])
    acting = life.acting(first.content)
    del life.files[acting.hostname, acting.directory or ""]


@pytest.mark.parametrize(
    ("happened", "words"),
    [
        (foreign, "belongs to another system"),
        (loose, "is not in sync"),
        (silent, "its host gave no answer"),
        (nameless_primary, "the system identifier of its primary could not be read"),
    ],
)
def test_what_cannot_be_proved_stays_and_is_told(
    happened: Callable[[Plan, Life], None], words: str
) -> None:
    plan, life = moved()
    happened(plan, life)
    operator = FakeOperator()
    before = dict(life.files)
    outcome = prune(a_run(plan, life, operator=operator))
    host, path = old(plan)[0]
    kept = [line for line in outcome.next_actions if line.startswith(f"{host}:{path}: ")]
    assert len(kept) == 1
    assert words in kept[0]
    assert f"stays: {kept[0]}" in operator.shown[0]
    assert life.files.get((host, path)) == before.get((host, path))
    assert "directories deleted" in outcome.summary or "directory deleted" in outcome.summary


class Looking(Life):
    """Old directories look as told."""

    told = ""

    def _look(self, machine: str, number: str, path: str) -> str:
        known = super()._look(machine, number, path)
        old_place = "mirror" in path and "process" not in known and "absent" not in known
        return self.told.format(number=number) if old_place else known


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("", "the login user may not look at it"),
        ("{number} kind link\n", "it is no directory of its own (link)"),
        ("{number} kind other\n", "it is no directory of its own (other)"),
        ("{number} kind directory\n", "it has no global/pg_control or WAL that proves whose it is"),
        ("{number} kind directory\n{number} empty\n", "it has no global/pg_control"),
        ("{number} kind directory\n{number} mounted\n", "a file system is mounted in it"),
        ("{number} kind directory\n{number} nested\n", "another data directory lies in it"),
        ("{number} kind directory\n{number} copy 0\n", "share a place, by links"),
        ("{number} kind directory\n{number} process 7\n{number} process 5\n", "process 5, 7 works"),
    ],
)
def test_nothing_may_go(told: str, words: str) -> None:
    plan, life = moved()
    life.__class__ = Looking
    life.told = told  # type: ignore[attr-defined]
    operator = FakeOperator()
    error = refused(Unsafe, a_run(plan, life, operator=operator))
    assert error.message.startswith("nothing may be deleted:")
    assert error.message.count(words) == 4
    assert operator.asked == []
    assert len(life.leftovers()) == 4


def test_what_the_catalog_uses_again_is_no_leaving() -> None:
    plan, life = moved()
    content = plan.changes[0].content
    row = life.idle(content)
    home = plan.changes[0].from_
    assert row is not None
    assert home is not None
    life.rows[row.dbid] = replace(
        row, hostname=home.host, address=home.address, port=home.port, directory=home.directory
    )
    assert prune(a_run(plan, life)).summary == "3 directories deleted"
    assert (home.host, home.directory) in life.files


def standing_at(life: Life, content: int, host: str, path: str) -> None:
    """The content's mirror stands there, in sync."""
    row = life.idle(content)
    assert row is not None
    life.rows[row.dbid] = replace(row, hostname=host, address=host, directory=path)
    life._fill(life.rows[row.dbid])


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("{path}/new", "{path}/new stands in it, and the catalog knows that directory"),
        ("{path}//deep/down/", "stands in it, and the catalog knows that directory"),
        ("/data/mirror", "it stands in /data/mirror, and the catalog knows that directory"),
    ],
)
def test_a_mirror_in_the_old_directory_or_around_it_keeps_it(where: str, words: str) -> None:
    plan, life = moved()
    host, path = old(plan)[0]
    standing_at(life, plan.changes[0].content, host, where.format(path=path))
    outcome = prune(a_run(plan, life))
    kept = [line for line in outcome.next_actions if line.startswith(f"{host}:{path}: ")]
    assert words.format(path=path) in kept[0]
    assert (host, path) in life.files


def test_a_mirror_that_comes_into_it_meanwhile_keeps_what_was_set_aside() -> None:
    """The catalog tells the old name, whatever the directory is called now."""
    plan, life = moved()
    host, path = old(plan)[0]

    class Coming(MemoryJournal):
        def write(self, record: Any) -> None:
            super().write(record)
            if (record["step"], record["state"]) == ("prune/aside", "done"):
                standing_at(life, plan.changes[0].content, host, f"{path}/new")

    error = refused(Partial, a_run(plan, life, journal=Coming()))
    assert f"{path}/new stands in it" in error.message
    assert (host, f"{path}.gpmirror-r1") in life.files


def test_hosts_are_told_what_is_in_use_with_every_order() -> None:
    plan, life = moved()
    told: list[str] = []

    class Listening(Life):
        def _answer(self, host: str, script: str) -> Any:
            if "copies() {" in script and host == "sdw1":
                told.append(script)
            return super()._answer(host, script)

    life.__class__ = Listening
    prune(a_run(plan, life))
    mine = [row.directory or "" for row in life.rows.values() if row.hostname == "sdw1"]
    assert len(told) == 5, "two looks, set aside, a look, delete"
    assert all(path in script for path in mine for script in told)


class Linked(Life):
    """Old directories lead to tablespace folders."""

    def _look(self, machine: str, number: str, path: str) -> str:
        known = super()._look(machine, number, path)
        if "mirror" not in path or "process" in known or "absent" in known:
            return known
        return known + (
            f"{number} linked {b'/ts one/5'.hex()}\n{number} linked {f'{path}/in'.encode().hex()}\n"
            f"{number} wal {b'/wal/seg'.hex()}\n"
        )


def test_tablespace_folders_are_named_before_their_links_go() -> None:
    plan, life = moved()
    life.__class__ = Linked
    operator = FakeOperator()
    outcome = prune(a_run(plan, life, operator=operator))
    assert outcome.summary == "4 directories deleted, 8 kept"
    host = old(plan)[0][0]
    told, wal = [line for line in outcome.next_actions if line.startswith(f"{host}:")]
    assert told.startswith(f"{host}:/ts one/5: a tablespace folder of content ")
    assert wal.startswith(f"{host}:/wal/seg: the WAL folder of content ")
    assert f"stays: {told}" in operator.shown[0]


def test_every_path_is_shown_however_many() -> None:
    """Twenty and a rest that is counted would hide the one that should not go."""
    many = [
        Leftover(content=n, host="sdw1", path=f"/data/mirror/gpseg{n}", at=f"/data/mirror/gpseg{n}")
        for n in range(200)
    ]
    shown = _listed(many, [f"sdw2:/x{n}" for n in range(200)])
    assert all(f"  sdw1:{one.at} (content {one.content})" in shown.split("\n") for one in many)
    assert shown.count("stays: ") == 200
    halves = [replace(one, begun=True) for one in many]
    assert all(f"  sdw1:{one.at} (content {one.content})" in cleared_first(halves) for one in many)


class AtTheRoot(Life):
    """Nobody may even be asked about the root."""

    def _look(self, machine: str, number: str, path: str) -> str:
        assert not is_tree_of_others(path)
        return super()._look(machine, number, path)


@pytest.mark.parametrize("path", ["/", "//", "/./", "/data", "/usr/local", "/home/gpadmin"])
def test_a_place_that_is_not_a_copy_s_alone_is_refused_at_once(path: str) -> None:
    plan, life = moved()
    life.__class__ = AtTheRoot
    asides = [{"content": 0, "host": "sdw1", "path": path, "at": path, "home": ""}]
    forged = replace(begun(plan), clearing=tuple(read_places(asides)))
    operator = FakeOperator()
    outcome = prune(a_run(plan, life, operator=operator), forged)
    assert outcome.summary == "4 directories deleted, 1 kept"
    assert f"stays: sdw1:{path}: no copy can have that place to itself" in operator.shown[0]


def test_only_what_an_earlier_plan_was_to_fill_is_cleared() -> None:
    plan, _ = moved()
    filled = [step for wave in plan.waves for step in wave.steps if step.to is not None]
    slot, other = filled[0].to, filled[1].to
    assert slot is not None
    assert other is not None
    content = filled[0].content
    good = Leftover(
        content=content,
        host=slot.host,
        path=slot.directory or "",
        at=slot.directory or "",
        begun=True,
    )
    aside = replace(good, at=f"{good.path}.gpmirror-r0")
    forged = [
        replace(good, path="/data/other", at="/data/other"),
        replace(good, host="mdw"),
        replace(good, at="/data/other"),
        replace(good, at=f"{good.path}/base"),
        replace(good, home="/data/other"),
        replace(good, content=content + 100),
        replace(good, content=filled[1].content),
        replace(good, home=other.directory or ""),
        replace(good, home=good.path),
    ]
    standing = replace(begun(plan), clearing=(good, *forged, aside))
    assert believed(standing, [plan]).clearing == (good, aside)
    assert believed(standing, []).clearing == ()


@pytest.mark.parametrize("path", ["relative", "/data/../etc", "/data/\x1b[2J", "/a\nsdw1:/b", ""])
def test_places_of_a_journal_that_no_run_writes_are_none(path: str) -> None:
    one = {"content": 0, "host": "sdw1", "path": "/d/g", "at": "/d/g", "home": ""}
    assert len(list(read_places([one]))) == 1
    for key in ("path", "at"):
        assert list(read_places([{**one, key: path}])) == []


# --- refusals -------------------------------------------------------------------------------------


def test_no_is_no() -> None:
    plan, life = moved()
    error = refused(Declined, a_run(plan, life, operator=FakeOperator(answer=False)))
    assert "nothing was deleted" in error.message
    assert len(life.leftovers()) == 4


def test_others_at_work_are_waited_for() -> None:
    plan, life = moved()
    life.stranger = LockHolder(pid=4, since="12:00", client="10.0.0.9", name="gpmirror r0 on x")
    assert "gpmirror r0 on x" in refused(Locked, a_run(plan, life)).message


class Slow(FakeOperator):
    """Something happens while the person thinks."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def confirm(self, question: str) -> bool:
        self._then()
        return super().confirm(question)


def test_the_question_takes_its_time() -> None:
    plan, life = moved()
    spot = old(plan)[1]
    run = a_run(plan, life, operator=Slow(lambda: life.somebody_fills(spot)))
    error = refused(Stale, run)
    assert f"{spot[0]}:{spot[1]} is no longer what it was" in error.message
    assert len(life.leftovers()) == 4


# --- half of it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("record", range(1, 5))
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_every_record_and_finished_by_the_next_prune(record: int, side: str) -> None:
    plan, life = moved()
    journal = MemoryJournal(**{f"die_{side}": record})  # type: ignore[arg-type]
    with pytest.raises(Killed):
        prune(a_run(plan, life, journal=journal))
    life.killed()
    outcome = prune(a_run(plan, life))
    assert outcome.code is ExitCode.OK
    assert outcome.next_actions == ()
    assert life.leftovers() == []


@pytest.mark.parametrize("calls", range(9))
def test_hosts_lost_after_any_call_and_finished_by_the_next_prune(calls: int) -> None:
    """Four hosts are told to set aside, then to delete."""
    plan, life = moved()
    life.cut_hosts = calls
    error = refused(Partial, a_run(plan, life))
    assert "gpmirror prune r1" in (error.hint or "")
    assert "does not answer" in error.message
    life.cut_hosts = None
    outcome = prune(a_run(plan, life))
    assert outcome.next_actions == ()
    assert life.leftovers() == []


def test_what_was_set_aside_is_shown_where_it_stands() -> None:
    plan, life = moved()
    life.cut_hosts = 4
    error = refused(Partial, a_run(plan, life))
    assert "could not be set aside" in error.message
    assert "nothing was deleted" in error.message
    assert len(aside(life)) == 4, "the last answer was lost after the deed"
    life.cut_hosts = None
    operator = FakeOperator()
    prune(a_run(plan, life, operator=operator))
    assert operator.shown[0].count(".gpmirror-r1 (content ") == 4


def test_a_mirror_that_dies_meanwhile_keeps_the_old_directories() -> None:
    plan, life = moved()
    content = plan.changes[0].content

    class Dying(MemoryJournal):
        def write(self, record: Any) -> None:
            super().write(record)
            if (record["step"], record["state"]) == ("prune/aside", "done"):
                life.mirror_dies(content)

    error = refused(Partial, a_run(plan, life, journal=Dying()))
    assert f"content {content} is not in sync" in error.message
    assert len(aside(life)) == 4


def test_interrupted_in_the_middle() -> None:
    plan, life = moved()

    class Interrupting(MemoryJournal):
        def write(self, record: Any) -> None:
            super().write(record)
            if record["step"] == "prune/delete":
                raise KeyboardInterrupt

    error = refused(Detached, a_run(plan, life, journal=Interrupting()))
    assert "`gpmirror prune r1` goes on" in (error.hint or "")
    assert prune(a_run(plan, life)).code is ExitCode.OK
    assert life.leftovers() == []


def test_a_lost_coordinator_in_the_middle_is_partly_done() -> None:
    plan, life = moved()

    class Losing(MemoryJournal):
        def write(self, record: Any) -> None:
            super().write(record)
            life.lost_until = life.now + 60

    error = refused(Partial, a_run(plan, life, journal=Losing()))
    assert "mdw:5432 does not answer" in error.message
    assert "gpmirror prune r1" in (error.hint or "")
    life.sleep(61)
    prune(a_run(plan, life))
    assert life.leftovers() == []


def test_two_old_directories_of_one_name_go_one_after_the_other() -> None:
    plan, life = moved()
    host, path = old(plan)[0]
    life.files[host, f"{path}.gpmirror-r1"] = life.files[host, path]
    first = prune(a_run(plan, life))
    assert first.summary == "4 directories deleted, 1 kept"
    assert "prune once more" in first.next_actions[0]
    assert prune(a_run(plan, life)).summary == "1 directory deleted"
    assert life.leftovers() == []


class Emptied(Life):
    """A directory that a prune emptied before it was cut off."""

    def _look(self, machine: str, number: str, path: str) -> str:
        if path.endswith(".gpmirror-r1") and (machine, path) in self.files:
            return f"{number} kind directory\n{number} empty\n"
        return super()._look(machine, number, path)


def test_what_a_prune_emptied_needs_no_proof_but_its_name() -> None:
    plan, life = moved()
    for spot in old(plan):
        life.files[spot[0], f"{spot[1]}.gpmirror-r1"] = life.files.pop(spot)
    life.__class__ = Emptied
    assert prune(a_run(plan, life)).summary == "4 directories deleted"


def test_a_switched_content_is_proved_by_its_acting_primary() -> None:
    plan, life = moved()
    content = plan.changes[0].content
    for row in life.by_content()[content]:
        role = Role.MIRROR if row.role is Role.PRIMARY else Role.PRIMARY
        life.rows[row.dbid] = replace(row, role=role)
    assert all(row.status is Status.UP for row in life.rows.values())
    assert prune(a_run(plan, life)).summary == "4 directories deleted"


# --- filespaces (4.3, 5) --------------------------------------------------------------------------

SPACE = "/fast/mirror/gpseg0"


def moved_with_filespace() -> tuple[Plan, Life, Spot]:
    """Content 0's mirror left sdw2, with what it had in a filespace; its old data directory."""
    seen = mirrored(HOSTS, dialect="gp5")
    rows = [row if row.content < 0 else with_filespace(row) for row in seen.segments]
    seen = replace(seen, segments=tuple(rows), filespaces=("fast",))
    pin = Pin(content=0, host="sdw3", port=7500, place=PLACE)
    roots = (("fast", ("/fast/mirror",)),)
    hosts = [clusters.host(name, filespace_roots=roots) for name in HOSTS]
    wanted = spec(hosts, pins=(pin,))
    plan = planned(wanted, seen)
    life = Life(seen, same_host=False)
    for wave in plan.waves:
        for native in wave.native:
            for dbid, row in life._simulated(native).items():
                life.rows[dbid] = row
                life._fill(row)
    home = ("sdw2", "/data/mirror/gpseg0")
    assert life.leftovers() == [home, ("sdw2", SPACE)]
    return plan, life, home


def with_filespace(row: Segment) -> Segment:
    kind = "primary" if row.is_preferred_primary else "mirror"
    replication = row.port + (3000 if row.is_preferred_primary else 1000)
    place = (("fast", f"/fast/{kind}/gpseg{row.content}"),)
    return replace(row, replication_port=replication, filespaces=place)


def test_a_filespace_goes_with_its_content_and_first() -> None:
    plan, life, _ = moved_with_filespace()
    order: list[list[str]] = []

    class Listening(Life):
        def change(self, scripts: Any, *, seconds: float) -> Any:
            order.append([line for script in scripts.values() for line in calls_in(script)])
            return super().change(scripts, seconds=seconds)

    life.__class__ = Listening
    assert prune(a_run(plan, life)).summary == "2 directories deleted"
    assert life.leftovers() == []
    aside, first, last = order
    assert [line.split()[0] for line in aside] == ["aside", "aside"]
    assert first == [f"delete 0 {SPACE}.gpmirror-r1 '' space"], (
        "its data directory proves whose it is"
    )
    assert last == ["delete 0 /data/mirror/gpseg0.gpmirror-r1 0000000000000010"]


@pytest.mark.parametrize("calls", range(4))
def test_half_a_prune_of_a_filespace_is_finished_by_the_next(calls: int) -> None:
    plan, life, _ = moved_with_filespace()
    life.cut_hosts = calls
    refused(Partial, a_run(plan, life))
    life.cut_hosts = None
    assert prune(a_run(plan, life)).next_actions == ()
    assert life.leftovers() == []


def test_nothing_of_a_copy_goes_while_part_of_it_stays() -> None:
    plan, life, home = moved_with_filespace()

    class Busy(Life):
        def _look(self, machine: str, number: str, path: str) -> str:
            busy = f"{number} process 7\n" if (machine, path) == ("sdw2", SPACE) else ""
            return super()._look(machine, number, path) + busy

    life.__class__ = Busy
    error = refused(Unsafe, a_run(plan, life))
    assert f"sdw2:{SPACE}: process 7 works in it" in error.message
    assert f"sdw2:{home[1]}: it goes together with {SPACE}, which stays" in error.message
    assert len(life.leftovers()) == 2


@pytest.mark.parametrize("held", [None, Files(FOREIGN)])
def test_a_filespace_without_its_data_directory_is_nobody_s(held: Files | None) -> None:
    plan, life, home = moved_with_filespace()
    if held is None:
        del life.files[home]
    else:
        life.files[home] = held
    error = refused(Unsafe, a_run(plan, life))
    assert f"sdw2:{SPACE}: no data directory stands at {home[1]} that proves whose" in error.message
    assert ("sdw2", SPACE) in life.files


def test_a_filespace_of_a_copy_that_a_server_started_from_is_not_cleared() -> None:
    """It shows nothing of that itself; its data directory does."""
    plan, life, home = moved_with_filespace()
    aside = f"{SPACE}.gpmirror-r0"
    life.files["sdw2", aside] = life.files["sdw2", SPACE]
    forged = replace(
        begun(plan),
        clearing=(
            Leftover(content=0, host="sdw2", path=SPACE, at=aside, home=home[1], begun=True),
        ),
    )
    with pytest.raises(Unsafe) as error:
        prune(a_run(plan, life), forged)
    assert f"sdw2:{aside}: a server started from it" in error.value.message
    assert ("sdw2", aside) in life.files
