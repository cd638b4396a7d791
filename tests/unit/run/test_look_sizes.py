"""Sizes are asked for where a plan copies something whole, once."""

from dataclasses import replace

from gpmirror.boundary import Sizes
from gpmirror.model.observed import Observed
from gpmirror.plan.request import Request
from gpmirror.run.context import with_sizes
from gpmirror.run.look import plan_live
from gpmirror.spec.model import Offset
from tests.clusters import mirrored, mirrorless, spec
from tests.fakes import FakeCluster
from tests.plans import GB, HOSTS, seen_in_trouble


def cluster(seen: Observed, note: str | None = None) -> FakeCluster:
    known = {} if note else {content: (content + 1) * GB for content in seen.pairs()}
    return FakeCluster(observed=seen, bytes=Sizes(by_content=known, note=note))


def test_what_is_copied_whole_is_measured_and_the_largest_goes_first() -> None:
    world = cluster(mirrored(HOSTS, 2))
    plan = plan_live(spec(HOSTS, ports=Offset(2000)), world.observed, Request(), world, world)
    assert world.measured == 1
    assert plan.exposure.bytes == sum(change.size or 0 for change in plan.changes) > 0
    largest = max(plan.changes, key=lambda change: change.size or 0).content
    assert largest in plan.waves[0].contents


def test_nothing_is_measured_for_what_copies_nothing_whole() -> None:
    for seen in (mirrored(HOSTS, 2), seen_in_trouble()):
        world = cluster(seen)
        plan = plan_live(spec(HOSTS), seen, Request(), world, world)
        assert (plan.exposure.bytes, world.measured) == (0, 0)


def test_known_sizes_are_not_measured_again() -> None:
    seen = mirrorless(HOSTS, 2)
    world = cluster(seen)
    known = replace(seen, sizes=dict.fromkeys(seen.pairs(), GB))
    assert plan_live(spec(HOSTS), known, Request(), world, world).exposure.bytes == 8 * GB
    assert world.measured == 0


def test_why_sizes_are_unknown_is_a_warning() -> None:
    world = cluster(mirrorless(HOSTS, 2), "sizes are unknown: permission denied")
    plan = plan_live(spec(HOSTS), world.observed, Request(), world, world)
    assert plan.exposure.bytes is None
    assert "sizes are unknown: permission denied" in plan.warnings


def test_notes_of_the_catalog_stay() -> None:
    world = cluster(mirrorless(HOSTS), "sizes are unknown: too slow")
    noted = replace(world.observed, notes=("dialect assumed",))
    assert with_sizes(noted, world).notes == ("dialect assumed", "sizes are unknown: too slow")
