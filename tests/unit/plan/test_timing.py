"""How long waves of copies take, as a plan reckons it."""

from dataclasses import replace

import pytest

from gpmirror.model.dialect import DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Status
from gpmirror.plan.request import Request
from gpmirror.plan.timing import (
    ASSUMED_RATE,
    Copying,
    Waits,
    chain_bytes,
    seconds_for,
    total,
    waits_of,
)
from gpmirror.spec.model import ApplyOptions, NativeOptions, Offset
from tests import clusters
from tests.plans import moving

TB = 10**12
RING = [f"sdw{number}" for number in range(1, 9)]


def copies(*found: tuple[str, str, int | None]) -> list[Copying]:
    return [Copying(source=source, target=target, size=size) for source, target, size in found]


@pytest.mark.parametrize(
    ("found", "at_once", "chain"),
    [
        (copies(), 16, 0),
        (copies(("a", "b", 7)), 16, 7),
        (copies(("a", "b", 7), ("b", "a", 5)), 16, 7),  # both ways at once
        (copies(("a", "c", 7), ("b", "c", 5)), 16, 12),  # one receiver
        (copies(("a", "b", 7), ("a", "c", 5)), 16, 12),  # one sender
        (copies(("a", "b", 7), ("c", "d", 5)), 1, 12),  # the utility takes them in turn
        (copies(("a", "b", 7), ("c", "d", 5), ("e", "f", 5)), 2, 9),
        (copies(("a", "b", 7), ("c", "d", None)), 16, None),
    ],
)
def test_the_longest_chain_decides(found: list[Copying], at_once: int, chain: int | None) -> None:
    assert chain_bytes(found, at_once) == chain


def test_seconds_are_rounded_up_and_unknown_stays_unknown() -> None:
    assert [seconds_for(0, 10), seconds_for(1, 10), seconds_for(20, 10)] == [0, 1, 2]
    assert seconds_for(None, 10) is None
    assert (total([1, 2]), total([]), total([1, None])) == (3, 0, None)


def sized(seen: Observed) -> Observed:
    return replace(seen, sizes=dict.fromkeys(seen.pairs(), TB))


def test_copies_of_a_wave_run_side_by_side() -> None:
    """Two waves of eight copies of 1 TB, each from one host to another: not 16 TB in a row."""
    spec = clusters.spec(RING, ports=Offset(2000))
    plan = clusters.planned(spec, sized(clusters.mirrored(RING, 2)))
    one = -(-TB // ASSUMED_RATE)
    assert [(w.bytes, w.chain_bytes, w.seconds) for w in plan.exposure.waves] == [
        (8 * TB, TB, one),
        (8 * TB, TB, one),
    ]
    assert (plan.exposure.bytes, plan.exposure.seconds) == (16 * TB, 2 * one)


def test_an_add_serves_so_many_hosts_at_once() -> None:
    few = ApplyOptions(native=NativeOptions(hosts=2))
    seen = sized(clusters.mirrorless(RING, 2))
    assert clusters.planned(clusters.spec(RING), seen).exposure.waves[0].chain_bytes == 2 * TB
    waves = clusters.planned(clusters.spec(RING, apply=few), seen).exposure.waves
    assert [wave.chain_bytes for wave in waves] == [8 * TB]


def test_only_what_is_copied_whole_counts() -> None:
    seen = sized(clusters.mirrored(RING, 2))
    rows = [
        replace(r, status=Status.DOWN) if r.content == 0 and not r.is_preferred_primary else r
        for r in seen.segments
    ]
    seen = replace(seen, segments=tuple(rows))
    caught_up = clusters.planned(clusters.spec(RING), seen).exposure
    assert [(w.bytes, w.seconds, w.catching_up) for w in caught_up.waves] == [(0, 0, 1)]
    assert (caught_up.bytes, caught_up.catching_up) == (0, 1)
    full = clusters.planned(clusters.spec(RING), seen, Request(full=True)).exposure
    assert [(w.bytes, w.catching_up) for w in full.waves] == [(TB, 0)]


def test_the_largest_are_copied_first() -> None:
    seen = clusters.mirrored(RING[:3], 4)
    sizes = {content: 1000 - content if content % 2 else content + 1 for content in seen.pairs()}
    spec = clusters.spec(RING[:3], ports=Offset(2000))
    waves = clusters.planned(spec, replace(seen, sizes=sizes)).exposure.waves
    chains = [wave.chain_bytes or 0 for wave in waves]
    assert chains == sorted(chains, reverse=True)
    assert max(sizes, key=sizes.__getitem__) in waves[0].single


def test_moves_wait_for_the_prober_once_or_twice_a_wave() -> None:
    """Where nobody can ask it to look, the new copies count as in sync with its next round."""
    plan = moving()
    assert len(plan.waves) == 4
    assert waits_of(plan, plan.waves) == Waits(stopping=240)
    old = replace(plan, dialect=DialectName.GP5)
    assert waits_of(old, old.waves) == Waits(stopping=240, settling=240)
    assert waits_of(old, old.waves[1:2]).seconds == 120
    adding = clusters.planned(clusters.spec(RING), clusters.observed(clusters.primaries(RING, 2)))
    assert waits_of(replace(adding, dialect=DialectName.GP5), adding.waves) == Waits()
