"""Copies that were cut off at new places leave their contents single: `resume` clears them out of
its own way, whatever happens meanwhile, and touches nothing else.
"""

import json
from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, Partial
from gpmirror.native.directories import Leftover
from gpmirror.plan.request import Request
from gpmirror.run.context import Outcome
from gpmirror.run.prune import cleared_first
from gpmirror.run.record import CLEAR_ASIDE, Opening, places, read_standing, step
from gpmirror.spec.model import Pin
from tests.clusters import PLACE, mirrored, spec
from tests.life import FOREIGN, Files, Life, Spot, ident
from tests.person import Person, words
from tests.plans import HOSTS

MOVES = ("sdw3", "sdw4", "sdw1", "sdw2")


def cut(fate: str = "cut") -> Person:
    """All four mirrors were to leave for another host in one wave; every copy broke off."""
    person = Person(Life(mirrored(HOSTS), same_host=False), spec(HOSTS))
    pins = [
        Pin(content=content, host=host, port=7500, place=PLACE)
        for content, host in enumerate(MOVES)
    ]
    person.spec = spec(HOSTS, pins=tuple(pins))
    person.life.fate = (fate, 3)  # type: ignore[assignment]
    ended = person.apply(person.plan(Request()))
    assert isinstance(ended, Partial), words(ended)
    return person


def halves(life: Life) -> list[Spot]:
    return [spot for spot in life.leftovers() if life.files[spot].partial]


def through(person: Person) -> list[str]:
    """Resume until nothing is left to resume."""
    told: list[str] = []
    while person.unfinished() is not None and len(told) < 9:
        told.append(words(person.resume()))
    return told


def is_done(person: Person) -> bool:
    life = person.life
    there = {c: life.idle(c).hostname for c in life.by_content()}  # type: ignore[union-attr]
    return (
        all(life.is_synced(content) for content in life.by_content())
        and tuple(host for _, host in sorted(there.items())) == MOVES
        and not halves(life)
        and not [path for _, path in life.files if ".gpmirror-" in path]
    )


def test_resume_clears_its_own_copies_and_completes() -> None:
    person = cut()
    assert len(halves(person.life)) == 4
    assert not any(person.life.is_synced(content) for content in range(4))
    ended = person.resume()
    assert isinstance(ended, Outcome), words(ended)
    assert ended.code is ExitCode.OK
    assert is_done(person)
    steps = [
        (record["step"], record["state"])
        for record in person.runs[-1].records
        if str(record.get("step", "")).startswith("clear")
    ]
    assert steps == [
        ("clear", "begin"),
        ("clear/aside", "begin"),
        ("clear/aside", "done"),
        ("clear/delete", "begin"),
        ("clear/delete", "done"),
        ("clear", "done"),
    ]


@pytest.mark.long
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_every_record_of_the_rest(before: bool) -> None:
    """What was set aside and what was deleted half is finished by the next."""
    person = cut()
    person.resume()
    total = len(person.runs[-1].records)
    for kill in range(2, total + 1):
        person = cut()
        assert person.resume(kill, before=before) is None
        told = through(person)
        assert is_done(person), f"killed at {kill}: {told}"


@pytest.mark.parametrize("calls", range(9))
def test_hosts_lost_after_any_call(calls: int) -> None:
    person = cut()
    person.life.cut_hosts = calls
    person.resume()
    person.life.cut_hosts = None
    told = through(person)
    assert is_done(person), told


def test_prune_does_the_same() -> None:
    person = cut()
    ended = person.prune(person.runs[0])
    assert isinstance(ended, Outcome), words(ended)
    assert ended.summary == "4 directories deleted"
    assert not halves(person.life)
    person.resume()
    assert is_done(person)


@pytest.mark.parametrize("kill", range(2, 6))
def test_what_the_rest_set_aside_a_prune_finishes(kill: int) -> None:
    person = cut()
    opening = len(person.runs[0].records)
    assert opening
    phases = 8  # up to the first record of clearing
    assert person.resume(phases + kill) is None
    person.prune(person.runs[-1])
    person.prune(person.runs[0])
    assert not halves(person.life)
    assert not [path for _, path in person.life.files if ".gpmirror-" in path]


def test_what_belongs_to_somebody_else_stays_and_is_named() -> None:
    person = cut()
    spot = halves(person.life)[0]
    person.life.files[spot] = Files(FOREIGN, partial=True)
    left = person.settle_run(person.runs[0])
    assert isinstance(left, Outcome)
    told = cleared_first(left.halves)
    assert f"stays: {spot[0]}:{spot[1]}: it belongs to another system" in told
    assert f"`mv {spot[1]} {spot[1]}.old`" in told
    assert told.count("(content ") == 3
    ended = person.go_on(person.runs[0], left, None, before=False)
    assert isinstance(ended, Partial), "three were cleared, so something was changed"
    assert f"{spot[1]} is not empty" in ended.message
    assert person.life.files[spot].identifier == FOREIGN
    assert halves(person.life) == [spot]
    person.life.somebody_deletes(spot)
    told = str(through(person))
    assert is_done(person), told


def test_a_copy_that_somebody_needs_meanwhile_stays() -> None:
    """The catalog comes to know the place while a person reads the question."""
    person = cut()
    left = person.settle_run(person.runs[0])
    assert isinstance(left, Outcome)
    one = left.halves[0]
    row = person.life.idle(one.content)
    assert row is not None
    person.life.rows[row.dbid] = replace(
        row, hostname=one.host, address=one.host, port=7777, directory=one.path
    )
    before = person.life.files[one.host, one.path]
    ended = person.go_on(person.runs[0], left, None, before=False)
    assert "does not match the catalog any more" in words(ended)
    assert person.life.files[one.host, one.path] == before


def test_an_old_place_of_this_very_plan_is_no_cut_off_copy() -> None:
    """Half of it or not: a good copy stood there, and its content has one copy."""
    person = cut()
    row = person.life.idle(0)
    assert row is not None
    home = (row.hostname, row.directory or "")
    person.life.files[home] = Files(ident(0), partial=True)
    spots = {(one.host, one.path) for one in _judged(person)}
    assert home not in spots
    assert spots == set(halves(person.life)) - {home}


def _judged(person: Person) -> tuple[Leftover, ...]:
    left = person.settle_run(person.runs[0])
    assert isinstance(left, Outcome)
    return left.halves


def test_records_of_places_are_read_back() -> None:
    one = Leftover(content=3, host="sdw1", path="/fs/3", at="/fs/3.gpmirror-r1", home="/m/3")
    begin = step(CLEAR_ASIDE, "begin", places=[*places([one]), {"content": "x"}, 7])
    opening = Opening(run="r2", plan_id="p", cluster="c", by="me", version="0").record()
    text = "\n".join(json.dumps(record) for record in (opening, begin))
    standing = read_standing(text, "r2")
    assert standing.clearing == (replace(one, begun=True),)
    assert standing.changed_something
