"""What a plan says of the loss of one host, against every host of a simulated cluster tried."""

from collections import Counter
from random import Random

from hypothesis import assume, given, settings

from gpmirror.model.segment import Segment
from gpmirror.plan.model import Action, Plan, Wave
from gpmirror.plan.request import Request
from gpmirror.run.simulate import replay
from gpmirror.simulate import survey
from tests.clusters import planned
from tests.simulator import SimulatedCluster, machines
from tests.strategies import RANDOMS, case


def _copies(cluster: SimulatedCluster, content: int, wave: Wave) -> list[Segment]:
    """The copies that live while the wave runs; a content with none cannot be lost once more.

    A rebalance stops the acting primary: the copy that takes over is alone until that one is back.
    """
    rows = [row for row in cluster.rows.values() if row.content == content]
    acting = [row for row in rows if row.is_acting_primary]
    if content not in wave.contents:
        return [row for row in rows if row.is_up]
    if wave.action is Action.REBALANCE:
        return [row for row in rows if not row.is_acting_primary]
    return acting


def _lost(cluster: SimulatedCluster, wave: Wave) -> Counter[str]:
    """Contents lost by the host that is lost."""
    contents = {row.content for row in cluster.rows.values() if row.content >= 0}
    places = [{cluster.machine(r) for r in _copies(cluster, c, wave)} for c in contents]
    return Counter(found.pop() for found in places if len(found) == 1)


def _simulated_alike(plan: Plan) -> None:
    """What `simulate PLAN` shows is what the plan itself says of each of its moments."""
    before, *waves, after = replay(plan)
    for moment, told in zip(waves, plan.exposure.waves, strict=True):
        assert moment.danger == (told.worst_host_loses, len(told.single) + told.already_single)
    stages = plan.layout
    for moment, stage in ((before, stages.before), (after, stages.after)):
        found = survey(moment.layout, pairs=False)
        assert (
            sum(p.lives and p.mirror is None for p in moment.layout.pairs) == stage.survival.single
        )
        assert found.fatal_pair_count == stage.survival.fatal_pairs
        assert found.survives_any_host == stage.survival.any_host


@given(RANDOMS)
@settings(max_examples=150)
def test_each_wave_tells_what_the_worst_host_would_cost(random: Random) -> None:
    found = case(random)
    assume(found is not None)
    assert found is not None
    plan = planned(found.spec, found.observed, Request(rebalance=True))
    cluster = SimulatedCluster(
        found.observed,
        machines(found.spec, found.observed.segments),
        found.spec.apply.waves,
        found.spec.allow_same_host,
    )
    for wave, told in zip(plan.waves, plan.exposure.waves, strict=True):
        lost = _lost(cluster, wave)
        assert told.worst_host_loses == max(lost.values(), default=0)
        assert lost[told.worst_host or ""] == told.worst_host_loses
        cluster.run_wave(wave)
    _simulated_alike(plan)
    assert plan.exposure.most_lost_with_one_host == max(
        (told.worst_host_loses for told in plan.exposure.waves), default=0
    )
