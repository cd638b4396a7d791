"""The rate that a wave has shown, and how long the rest takes at it."""

from dataclasses import replace

from gpmirror.plan.model import Plan
from gpmirror.plan.timing import Pace, expected_seconds, pace_after
from gpmirror.spec.model import Offset
from tests import clusters
from tests.plans import rebalancing, recovering

HOSTS = ["sdw1", "sdw2", "sdw3"]
MB = 10**6


def moving(size: int | None) -> Plan:
    """Four waves of three moves side by side."""
    seen = clusters.mirrored(HOSTS, 4)
    sizes = {} if size is None else dict.fromkeys(seen.pairs(), size)
    return clusters.planned(clusters.spec(HOSTS, ports=Offset(2000)), replace(seen, sizes=sizes))


def test_the_rest_takes_as_long_as_its_chains_at_the_measured_rate() -> None:
    plan = moving(500 * MB)
    assert pace_after(plan, plan.waves[0], None, 10.0) == Pace(rate=50 * MB, seconds_left=30)
    assert pace_after(plan, plan.waves[2], None, 20.0) == Pace(rate=25 * MB, seconds_left=20)
    assert pace_after(plan, plan.waves[3], None, 10.0) == Pace(rate=50 * MB, seconds_left=0)


def test_the_next_wave_is_expected_at_that_rate() -> None:
    plan = moving(500 * MB)
    assert expected_seconds(plan, plan.waves[1], None) == 5
    assert expected_seconds(plan, plan.waves[1], 50 * MB) == 10
    assert expected_seconds(moving(None), plan.waves[1], 50 * MB) is None


def test_of_unknown_sizes_what_was_measured_gives_the_rate() -> None:
    plan = moving(None)
    copied = dict.fromkeys(plan.waves[0].contents, 200 * MB)
    assert pace_after(plan, plan.waves[0], copied, 10.0) == Pace(rate=20 * MB, seconds_left=None)
    assert pace_after(plan, plan.waves[0], None, 10.0) is None


def test_what_copies_nothing_whole_shows_no_rate() -> None:
    for plan in (recovering(), rebalancing()):
        for wave in plan.waves:
            assert pace_after(plan, wave, None, 10.0) is None
    fast = moving(500 * MB)
    assert pace_after(fast, fast.waves[0], None, 0.0) is None
