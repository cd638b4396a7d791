"""Slots that are in the way: obstacles, cycles, chains, temporary slots."""

from dataclasses import replace

import pytest

from gpmirror.model.observed import in_canonical_order
from gpmirror.model.segment import Mode, Segment, Slot, Status
from gpmirror.plan.model import Action, Change, Method, Plan
from gpmirror.plan.request import Request
from gpmirror.plan.state import Key, keys_of
from gpmirror.plan.temporary import Relocation, TemporarySlots, cuts, cycle_breakers
from gpmirror.plan.waves import Limits, Phases, arrange
from gpmirror.spec.model import Offset, Pin, WaveLimits
from tests import clusters

WIDE = Limits(total=16, per_source=4, per_target=4)
HOSTS = ["sdw1", "sdw2", "sdw3"]
Fixed = dict[Key, str]


def slot(port: int, host: str = "sdw2", directory: str | None = None, **more: object) -> Slot:
    path = directory or f"/data/mirror/{host}-{port}"
    return Slot(host=host, address=host, port=port, directory=path, **more)  # type: ignore[arg-type]


def change(content: int, here: Slot, there: Slot | None, action: Action = Action.MOVE) -> Change:
    return Change(
        content=content,
        action=action,
        primary=f"p{content}",
        from_=here,
        to=there,
        reason="",
        source="",
        method=Method.FULL if action is Action.RECOVER else None,
    )


def arranged(
    *changes: Change, fixed: Fixed | None = None, in_place: tuple[Change, ...] = ()
) -> Phases:
    mirrors = {c.content: c.from_ for c in changes if c.from_ is not None}
    back = {change.content: change for change in in_place}
    return arrange(changes, mirrors, fixed or {}, WIDE, back)


def steps(found: Phases) -> list[list[tuple[int, bool]]]:
    return [[(step.content, step.temporary) for step in wave.steps] for wave in found.waves]


def test_moves_that_do_not_meet_share_a_wave() -> None:
    found = arranged(change(0, slot(7000), slot(7100)), change(1, slot(7001), slot(7101)))
    assert steps(found) == [[(0, False), (1, False)]]
    assert (found.bound, found.depth) == (1, 0)


@pytest.mark.parametrize("key", ["port", "directory"])
def test_a_slot_is_entered_after_it_was_left(key: str) -> None:
    first, second = slot(7000), slot(7001)
    wanted = slot(7000) if key == "port" else slot(7005, directory=first.directory)
    wanted = replace(wanted, directory="/new") if key == "port" else wanted
    found = arranged(change(1, second, wanted), change(0, first, slot(7100)))
    assert steps(found) == [[(0, False)], [(1, False)]]
    assert found.depth == 1


def test_a_cycle_is_broken_by_one_temporary_slot() -> None:
    a, b, c = slot(7000), slot(7001), slot(7002)
    found = arranged(change(0, a, b), change(1, b, c), change(2, c, a))
    assert steps(found) == [[(0, True)], [(2, False)], [(1, False)], [(0, False)]]
    aside = found.waves[0].steps[0].to
    assert aside is not None
    assert (aside.port, aside.directory) == (7003, f"{b.directory}.gpmirror-temporary")
    assert found.waves[-1].steps[0].from_ == aside


def test_the_smallest_copy_steps_aside() -> None:
    a, b = slot(7000), slot(7001)
    changes = [replace(change(0, a, b), size=9), replace(change(1, b, a), size=5)]
    assert steps(arranged(*changes))[0] == [(1, True)]


def test_a_final_directory_that_nobody_holds_serves_for_a_temporary_slot() -> None:
    a, b = slot(7000, directory="/d/0"), slot(7001, directory="/d/1")
    found = arranged(
        change(0, a, replace(b, directory="/d/0")), change(1, b, replace(a, directory="/d/1"))
    )
    aside = found.waves[0].steps[0].to
    assert aside is not None
    assert (aside.port, aside.directory) == (7002, "/d/0")


def test_file_replication_fills_no_directory_twice() -> None:
    """gprecoverseg refuses a directory that is not empty when the ports are others (5.8.1)."""
    a = slot(7000, directory="/d/0", replication_port=8000)
    b = slot(7001, directory="/d/1", replication_port=8001)
    found = arranged(change(0, a, replace(b, directory="/d/2")), change(1, b, a))
    aside = next(step.to for wave in found.waves for step in wave.steps if step.temporary)
    assert aside is not None
    assert aside.directory in {"/d/2.gpmirror-temporary", "/d/0.gpmirror-temporary"}


def test_a_recovery_does_not_wait_for_a_move() -> None:
    """Recoveries run before moves, so the copy is made beside its final slot first."""
    down = change(0, slot(7000, "sdw1"), slot(7001), Action.RECOVER)
    found = arranged(down, change(1, slot(7001, directory="/x"), slot(7100)))
    assert [wave.action for wave in found.waves] == [Action.RECOVER, Action.MOVE, Action.MOVE]
    assert steps(found) == [[(0, True)], [(1, False)], [(0, False)]]


def test_a_slot_of_an_acting_primary_blocks() -> None:
    fixed: Fixed = {("sdw2", 7100): "the acting primary of content 9"}
    found = arranged(change(0, slot(7000), slot(7100)), fixed=fixed)
    assert found.waves == ()
    assert found.changes[0].action is Action.BLOCKED
    assert found.changes[0].reason.startswith(
        "port 7100 on sdw2 is held by the acting primary of content 9: change the spec, or plan again"
    )


def test_what_waits_for_a_blocked_move_is_blocked_too() -> None:
    fixed: Fixed = {("sdw2", 7100): "the coordinator"}
    found = arranged(
        change(0, slot(7000), slot(7100)), change(1, slot(7001), slot(7000)), fixed=fixed
    )
    assert [c.action for c in found.changes] == [Action.BLOCKED] * 2
    assert "held by the mirror of content 0, which this plan does not move" in (
        found.changes[1].reason
    )


def test_a_directory_left_full_by_a_recovery_is_not_entered() -> None:
    down = change(0, slot(7000, directory="/d/0"), slot(7100, "sdw1"), Action.RECOVER)
    found = arranged(down, change(1, slot(7001), slot(7200, directory="/d/0")))
    assert found.changes[0].action is Action.RECOVER
    assert found.changes[1].reason == (
        "directory /d/0 on sdw2 is left full by the recovery of content 0: "
        "empty it when that is done, then plan again"
    )


def test_no_free_port_for_a_temporary_slot_blocks() -> None:
    a, b = slot(7000), slot(7001)
    full: Fixed = {("sdw2", port): "x" for port in range(1024, 65_536)}
    for taken in (a, b):
        del full["sdw2", taken.port]
    found = arranged(change(0, a, b), change(1, b, a), fixed=full)
    assert [c.action for c in found.changes] == [Action.BLOCKED] * 2
    assert found.changes[0].reason == (
        "no free port for a temporary slot on sdw2: free one, then plan again"
    )


def test_long_chains_are_cut() -> None:
    slots = [slot(7000 + number, host=f"h{number}") for number in range(41)]
    changes = [change(n, slots[n], slots[n + 1]) for n in range(40)]
    found = arranged(*changes)
    moved = [step for wave in found.waves for step in wave.steps]
    assert sum(step.temporary for step in moved) == 2
    assert found.depth == 17
    assert len(found.waves) == 18


def test_cuts_leave_short_chains_alone() -> None:
    waits = {n: frozenset({n - 1} if n else ()) for n in range(10)}
    assert cuts(waits, 9) == frozenset()
    assert cuts(waits, 4) == {5}
    assert cuts(waits, 2) == {3, 6, 9}
    assert cuts({1: frozenset({7})}, 0) == frozenset()


def test_every_cycle_gets_one_breaker() -> None:
    waits = {0: {1}, 1: {0}, 2: {3}, 3: {4}, 4: {2}, 5: {0}}
    frozen = {content: frozenset(blockers) for content, blockers in waits.items()}
    assert cycle_breakers(frozen, {}) == (0, 2)
    assert cycle_breakers(frozen, {0: 9, 2: 9, 3: 9}) == (1, 4)


def test_temporary_slots_are_given_once() -> None:
    wanted = slot(7000, replication_port=8000, filespaces=(("fast", "/fast/0"),))
    item = Relocation(content=0, from_=slot(7001), to=wanted)
    taken = [*keys_of(wanted), ("sdw2", f"{wanted.directory}.gpmirror-temporary")]
    free = TemporarySlots(taken, {("sdw2", "/fast/0"): 5})
    first, second = free.slot(item), free.slot(item)
    assert first is not None
    assert second is not None
    assert first.ports == (8001, 8002)
    assert first.directory == f"{wanted.directory}.gpmirror-temporary1"
    assert first.filespaces == (("fast", "/fast/0.gpmirror-temporary1"),)
    assert not set(keys_of(first)) & set(keys_of(second))


def test_temporary_ports_lie_below_where_there_are_none_above() -> None:
    free = TemporarySlots([("sdw2", 65_535), ("sdw2", 2000)], {})
    found = free.slot(Relocation(content=0, from_=slot(1), to=slot(7000)))
    assert found is not None
    assert found.port == 1999


def test_unknown_directories_stay_unknown() -> None:
    wanted = replace(slot(7000, filespaces=(("fast", "/f"),)), directory=None)
    held: dict[Key, int] = {("sdw2", "/f"): 9}
    found = TemporarySlots([], held).slot(Relocation(content=0, from_=slot(1), to=wanted))
    assert found is not None
    assert found.directory is None
    assert found.filespaces == (("fast", "/f.gpmirror-temporary"),)


def _recover_and_move() -> Plan:
    seen = clusters.mirrored(HOSTS, 2)
    rows = [
        replace(r, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if r.content in {0, 1} and not r.is_preferred_primary
        else r
        for r in seen.segments
    ]
    seen = replace(seen, segments=in_canonical_order(rows), copies={_down_dbid(rows, 1): "absent"})
    spec = clusters.spec(HOSTS, pins=(Pin(content=4, port=7100, place=clusters.PLACE),))
    return clusters.planned(spec, seen)


def _down_dbid(rows: list[Segment], content: int) -> int:
    return next(r.dbid for r in rows if r.content == content and not r.is_up)


def test_recoveries_come_before_moves_and_incremental_ones_first() -> None:
    plan = _recover_and_move()
    assert [(w.action, w.contents, "-F" in w.native[0].argv) for w in plan.waves] == [
        (Action.RECOVER, (0,), False),
        (Action.RECOVER, (1,), True),
        (Action.MOVE, (4,), False),
    ]


def test_limits_of_the_spec_hold() -> None:
    seen = clusters.mirrored(HOSTS, 4)
    wide = clusters.spec(
        HOSTS,
        ports=Offset(2000),
        apply=replace(
            clusters.spec(HOSTS).apply,
            waves=WaveLimits(max_contents=5, per_source_host=4, per_target_host=4),
        ),
    )
    plan = clusters.planned(wide, seen, Request())
    assert [len(wave.contents) for wave in plan.waves] == [5, 4, 3]
    assert plan.exposure.bound == 3
