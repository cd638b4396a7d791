"""Where a wave's copies stand, before it starts and after it ended."""

from dataclasses import replace

import pytest

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Role, Segment, Status
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Plan, Wave
from gpmirror.plan.remaining import Arrival, arrivals, strayed
from tests.clusters import mirrored, planned, spec
from tests.plans import HOSTS, adding, rebalancing, seen_before_add, seen_before_return


def to_spread() -> tuple[Plan, Observed]:
    seen = mirrored(HOSTS, 2)
    return planned(spec(HOSTS, strategy="spread"), seen), seen


def changed(seen: Observed, wave: Wave, **facts: object) -> Observed:
    """The mirrors of a wave's contents with other facts."""
    rows = [
        replace(row, **facts)  # type: ignore[arg-type]
        if row.content in wave.contents and row.role is Role.MIRROR
        else row
        for row in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


def test_moves_are_elsewhere_then_up() -> None:
    plan, seen = to_spread()
    for wave in plan.waves:
        assert set(arrivals(wave, seen).values()) == {Arrival.ELSEWHERE}
        assert strayed(wave, seen) == ()
        seen = after_wave(seen, wave)
        assert set(arrivals(wave, seen).values()) == {Arrival.UP}


def test_a_copy_at_its_place_may_be_down() -> None:
    plan, seen = to_spread()
    wave = plan.waves[0]
    after = changed(after_wave(seen, wave), wave, status=Status.DOWN)
    assert set(arrivals(wave, after).values()) == {Arrival.DOWN}


def test_additions_are_absent_then_up() -> None:
    seen, (wave,) = seen_before_add(), adding().waves
    assert set(arrivals(wave, seen).values()) == {Arrival.ABSENT}
    assert strayed(wave, seen) == ()
    after = after_wave(seen, wave)
    assert set(arrivals(wave, after).values()) == {Arrival.UP}
    assert strayed(wave, after)[0] == "content 0 has a mirror by now"


def test_a_hostname_that_became_the_address_counts_as_arrived() -> None:
    plan, seen = to_spread()
    wave = plan.waves[0]
    after = changed(after_wave(seen, wave), wave, hostname="10.1.1.1")
    assert set(arrivals(wave, after).values()) == {Arrival.UP}


def test_roles_return() -> None:
    seen = seen_before_return()
    wave = next(wave for wave in rebalancing().waves if wave.action == "rebalance")
    switched = {step.content for step in wave.steps if step.content == 3}
    assert arrivals(wave, seen)[3] is Arrival.ELSEWHERE
    assert arrivals(wave, after_wave(seen, wave))[3] is Arrival.UP
    assert strayed(wave, seen) == ()
    assert switched


def switch(row: Segment) -> Segment:
    return replace(row, role=Role.MIRROR if row.role is Role.PRIMARY else Role.PRIMARY)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"port": 6999}, ":7001 was to go, its mirror is sdw1:6999 by now"),
        ({"directory": "/elsewhere"}, "was to go"),
        ({"address": "sdw9"}, "was to go"),
        ({"status": Status.DOWN}, "its mirror sdw1:7001 is down by now"),
    ],
)
def test_a_wave_whose_mirror_is_another_by_now(facts: dict[str, object], words: str) -> None:
    plan, seen = to_spread()
    wave = next(w for w in plan.waves if any(s.from_ and s.from_.host == "sdw1" for s in w.steps))
    told = strayed(wave, changed(seen, wave, **facts))
    assert any(words in line for line in told), told
    assert len(told) == len(wave.contents)


def test_a_wave_whose_roles_switched_would_take_a_primary() -> None:
    plan, seen = to_spread()
    wave = plan.waves[0]
    rows = tuple(switch(row) if row.content in wave.contents else row for row in seen.segments)
    told = strayed(wave, replace(seen, segments=rows))
    assert len(told) == len(wave.contents)
    assert "was to go, its mirror is" in told[0]


def test_a_wave_whose_mirror_is_gone() -> None:
    plan, seen = to_spread()
    wave = plan.waves[0]
    rows = tuple(
        row for row in seen.segments if row.content not in wave.contents or row.is_acting_primary
    )
    assert "its mirror has none" not in strayed(wave, seen)
    assert all("was to go" in line for line in strayed(wave, replace(seen, segments=rows)))
