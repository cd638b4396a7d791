"""The catalog as a wave should leave it."""

from gpmirror.model.segment import Mode, Role, Status
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.remaining import what_is_left
from tests.clusters import mirrored, planned, spec
from tests.plans import HOSTS, adding, rebalancing, seen_before_add, seen_before_return, swapping


def test_added_mirrors_get_numbers_of_their_own() -> None:
    seen, plan = seen_before_add(), adding()
    after = after_wave(seen, plan.waves[0])
    dbids = [row.dbid for row in after.segments]
    assert len(dbids) == len(set(dbids)) == len(seen.segments) + 8
    assert what_is_left(plan, after).is_empty
    mirror = after.pairs()[5][1]
    assert mirror is not None
    assert (mirror.mode, mirror.status, mirror.role) == (Mode.SYNCED, Status.UP, Role.MIRROR)


def test_waves_one_after_the_other_do_the_whole_plan() -> None:
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, strategy="spread"), seen)
    assert not what_is_left(plan, seen).is_empty
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(plan, seen).is_empty


def test_temporary_slots_are_gone_through() -> None:
    seen, plan = mirrored(HOSTS[:2], 2), swapping()
    places = []
    for wave in plan.waves:
        seen = after_wave(seen, wave)
        places.append({(row.hostname, row.port) for row in seen.segments})
    assert len(places) == 3
    assert what_is_left(plan, seen).is_empty
    assert places[0] != places[1]


def test_recoveries_and_returns() -> None:
    seen, plan = seen_before_return(), rebalancing()
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(plan, seen).is_empty
    done = {content for wave in plan.waves for content in wave.contents}
    for row in seen.segments:
        if row.content in done:
            assert (row.mode, row.status, row.role) == (Mode.SYNCED, Status.UP, row.preferred_role)
