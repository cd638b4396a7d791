"""What a reviewer must know: exposure, hazards, guards, protections, stages, policy."""

from dataclasses import replace

import pytest

from gpmirror.diagnostics import Place
from gpmirror.errors import InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Status
from gpmirror.plan.model import Guard, Plan
from gpmirror.plan.request import Request
from gpmirror.spec.model import Guards, Offset, Pin, Policy, Protection, Spec, Survive
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]
FOUR = [*HOSTS, "sdw4"]
MIRRORED = clusters.mirrored(HOSTS, 4)
OTHER_PORTS = clusters.spec(HOSTS, ports=Offset(2000))
LINE = Place(file="gpmirror.yaml", line=9)


def _hazards(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {hazard.name: hazard.contents for hazard in plan.hazards}


def _down(seen: Observed, *contents: int) -> Observed:
    rows = [
        replace(r, status=Status.DOWN)
        if r.content in contents and not r.is_preferred_primary
        else r
        for r in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


def _switched(seen: Observed, *contents: int) -> Observed:
    turned = {Role.PRIMARY: Role.MIRROR, Role.MIRROR: Role.PRIMARY}
    rows = [replace(r, role=turned[r.role]) if r.content in contents else r for r in seen.segments]
    return replace(seen, segments=tuple(rows))


# --- exposure -------------------------------------------------------------------------------------


def test_exposure_counts_what_has_one_copy() -> None:
    sizes = dict.fromkeys(range(12), 10)
    plan = clusters.planned(OTHER_PORTS, replace(MIRRORED, sizes=sizes))
    first = plan.exposure.waves[0]
    assert (first.single, first.newly_single, first.already_single) == ((0, 4, 8), 3, 0)
    assert (first.worst_host, first.worst_host_loses, first.bytes) == ("sdw3", 1, 30)
    assert (plan.exposure.most_single, plan.exposure.most_lost_with_one_host) == (3, 1)
    assert (plan.exposure.bytes, plan.exposure.bound, plan.exposure.depth) == (120, 4, 0)


def test_down_copies_count_while_others_move() -> None:
    seen = _down(MIRRORED, 0, 1)
    spec = replace(clusters.spec(HOSTS), pins=(Pin(content=4, port=7100, place=LINE),))
    plan = clusters.planned(spec, seen)
    assert [(w.newly_single, w.already_single) for w in plan.exposure.waves] == [
        (0, 1),
        (0, 0),
        (1, 0),
    ]
    assert plan.exposure.waves[0].worst_host_loses == 2
    assert plan.exposure.bytes is None


def test_mirrors_beside_their_primaries_count_always() -> None:
    seen = clusters.mirrored(["sdw1"], 2)
    spec = clusters.spec(["sdw1"], ports=Offset(2000), allow_same_host=True)
    plan = clusters.planned(spec, seen)
    assert [wave.worst_host_loses for wave in plan.exposure.waves] == [2, 2]


def test_a_mirror_that_leaves_its_primary_does_not_count_twice() -> None:
    rows = [clusters.coordinator(), *clusters.primaries(FOUR, 2)]
    rows += [clusters.row(r.dbid + 8, r.content, "m", r.hostname, r.port + 1000) for r in rows[1:]]
    plan = clusters.planned(clusters.spec(FOUR, "spread"), clusters.observed(rows))
    assert [wave.worst_host_loses for wave in plan.exposure.waves] == [2, 2, 2, 1, 1, 1]
    assert plan.exposure.most_lost_with_one_host == 2


def test_a_mirror_that_came_beside_its_primary_counts_in_later_waves() -> None:
    pins = (Pin(content=0, host="sdw1", place=LINE), Pin(content=1, host="sdw1", place=LINE))
    spec = clusters.spec(FOUR, pins=pins, allow_same_host=True)
    plan = clusters.planned(spec, clusters.mirrored(FOUR, 2))
    told = [(w.single, w.worst_host, w.worst_host_loses) for w in plan.exposure.waves]
    assert told == [((0,), "sdw1", 1), ((1,), "sdw1", 2)]


def test_in_a_rebalance_the_copy_that_takes_over_is_alone() -> None:
    plan = clusters.planned(clusters.spec(HOSTS), _switched(MIRRORED, 0), Request(rebalance=True))
    assert plan.exposure.waves[0].worst_host == "sdw1"


def test_a_rebalance_copies_nothing() -> None:
    plan = clusters.planned(
        clusters.spec(HOSTS), _switched(MIRRORED, 0, 5), Request(rebalance=True)
    )
    assert [(w.single, w.bytes) for w in plan.exposure.waves] == [((0, 5), 0)]


def test_an_empty_plan_exposes_nothing() -> None:
    plan = clusters.planned(clusters.spec(HOSTS), MIRRORED)
    assert plan.exposure.waves == ()
    assert plan.exposure.bytes == 0
    assert plan.layout.before == plan.layout.after == plan.layout.during


# --- stages ---------------------------------------------------------------------------------------


def test_the_fewest_live_mirrors_are_told() -> None:
    plan = clusters.planned(OTHER_PORTS, MIRRORED)
    assert [load.mirrors for load in plan.layout.during.hosts] == [3, 3, 3]
    assert plan.layout.during.survival.single == 3
    assert plan.layout.after.survival.any_host
    assert not plan.layout.during.survival.any_host


def test_blocked_contents_stay_as_they_are_afterwards() -> None:
    seen = _down(MIRRORED, 0)
    rows = [replace(r, status=Status.DOWN) if r.content == 0 else r for r in seen.segments]
    plan = clusters.planned(clusters.spec(HOSTS), replace(seen, segments=tuple(rows)))
    after = plan.layout.after.survival
    assert (after.single, after.none, after.any_host) == (0, 1, False)
    blocked = replace(clusters.spec(HOSTS), pins=(Pin(content=0, port=7100, place=LINE),))
    still = clusters.planned(blocked, _switched(MIRRORED, 0))
    assert still.summary.blocked == 1
    assert still.layout.after.survival.single == 0


def test_what_is_outside_the_selection_stays_single() -> None:
    spec = clusters.spec(HOSTS)
    plan = clusters.planned(spec, _down(MIRRORED, 0, 1), Request(contents=frozenset({0})))
    assert plan.layout.after.survival.single == 1
    assert "1 further change outside the selection" in plan.warnings


def test_hosts_that_the_spec_does_not_list_are_shown_too() -> None:
    seen = clusters.mirrorless(HOSTS)
    rows = [*seen.segments, *clusters.group_mirrors(clusters.primaries(HOSTS), HOSTS)]
    rows = [replace(r, hostname="old1", address="old1") if r.dbid == 5 else r for r in rows]
    plan = clusters.planned(clusters.spec(HOSTS), clusters.observed(rows))
    assert [load.host for load in plan.layout.before.hosts] == [*HOSTS, "old1"]
    assert plan.layout.after.hosts[-1].mirrors == 0


def test_policy_is_judged_before_and_after() -> None:
    policy = Policy(survive=(Survive(count=1, of="host", place=LINE),), max_load_factor=1.5)
    spec = replace(clusters.spec(HOSTS), policy=policy)
    plan = clusters.planned(spec, clusters.mirrorless(HOSTS, 2))
    assert [(v.rule, v.before, v.after) for v in plan.policy] == [
        ("survive any 1 host", False, True),
        ("max_load_factor 1.5", True, False),
    ]
    assert plan.policy[0].source == "gpmirror.yaml:9"
    assert [h.name for h in plan.hazards] == ["policy"]
    assert not plan.hazards[0].allowed


# --- hazards, guards, protections -------------------------------------------------------------------


def test_what_the_spec_grants_needs_no_flag() -> None:
    spec = clusters.spec(["sdw1"], allow_same_host=True)
    plan = clusters.planned(spec, clusters.mirrorless(["sdw1"], 2))
    assert _hazards(plan) == {"same-host": (0, 1)}
    assert plan.hazards[0].allowed


def test_a_rebalance_cancels_queries_also_of_what_was_just_recovered() -> None:
    seen = _switched(MIRRORED, 0, 5)
    rows = [
        replace(r, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if r.content == 5 and r.is_preferred_primary
        else r
        for r in seen.segments
    ]
    seen = replace(seen, segments=tuple(rows))
    plan = clusters.planned(
        clusters.spec(HOSTS), seen, Request(rebalance=True, allow=("cancels-queries",))
    )
    assert _hazards(plan) == {"cancels-queries": (0, 5)}
    assert plan.hazards[0].allowed
    assert plan.allowed == ("cancels-queries",)
    assert plan.waves[-1].contents == (0, 5)
    assert not clusters.planned(clusters.spec(HOSTS), seen).hazards


def test_before_6_a_rebalance_waits_until_all_are_in_sync() -> None:
    both = _down(_switched(clusters.mirrored(HOSTS, dialect="gp5"), 0), 1)
    rows = [replace(r, status=Status.DOWN) if r.content == 1 else r for r in both.segments]
    seen = replace(both, segments=tuple(rows))
    plan = clusters.planned(clusters.spec(HOSTS), seen, Request(rebalance=True))
    assert (plan.summary.rebalance, plan.summary.blocked, plan.waves) == (0, 2, ())
    assert "content 1 is not" in plan.changes[0].reason


def _protected(*items: Protection) -> Spec:
    return replace(OTHER_PORTS, protect=items)


def test_protections_name_what_would_move() -> None:
    spec = _protected(
        Protection(content=3, place=LINE),
        Protection(host="sdw2", place=LINE),
        Protection(host="nowhere", place=LINE),
    )
    plan = clusters.planned(spec, MIRRORED, Request(unprotect=("content:3",)))
    found = [h for h in plan.hazards if h.name.startswith("protected:")]
    assert [(h.name, h.contents) for h in found] == [
        ("protected:content:3", (3,)),
        ("protected:host:sdw2", (0, 1, 2, 3)),
    ]
    assert [h.allowed for h in found] == [True, False]
    assert [h.flag for h in found] == ["--unprotect content:3", "--unprotect host:sdw2"]
    assert plan.allowed == ("unprotect:content:3",)


def test_protection_does_not_forbid_adding_and_recovering() -> None:
    item = Protection(content=0, place=LINE)
    spec = replace(clusters.spec(HOSTS), protect=(item,))
    assert not clusters.planned(spec, clusters.mirrorless(HOSTS, 4)).hazards
    assert not clusters.planned(spec, _down(MIRRORED, 0)).hazards
    elsewhere = replace(_protected(item))
    found = _hazards(clusters.planned(elsewhere, _down(MIRRORED, 0)))
    assert found["protected:content:0"] == (0,)


def _guards(plan: Plan) -> dict[str, Guard]:
    return {guard.name: guard for guard in plan.guards}


def test_guards_show_their_figures() -> None:
    plan = clusters.planned(OTHER_PORTS, MIRRORED)
    guard = _guards(plan)["moves_percent"]
    assert (guard.value, guard.limit, guard.exceeded, guard.allowed) == (100, 30, True, False)
    allowed = clusters.planned(OTHER_PORTS, MIRRORED, Request(allow=("guard:moves_percent",)))
    assert _guards(allowed)["moves_percent"].allowed


def test_guards_spare_small_clusters_and_incremental_recoveries() -> None:
    small = clusters.planned(OTHER_PORTS, clusters.mirrored(HOSTS))
    assert not _guards(small)["moves_percent"].exceeded
    recovery = clusters.planned(clusters.spec(HOSTS), _down(MIRRORED, *range(12)))
    assert _guards(recovery)["moves_percent"].value == 0
    full = clusters.planned(clusters.spec(HOSTS), _down(MIRRORED, *range(12)), Request(full=True))
    assert _guards(full)["moves_percent"].exceeded


@pytest.mark.parametrize(
    ("sizes", "value", "exceeded"),
    [
        ({}, None, True),
        (dict.fromkeys(range(12), 10), 120, True),
        (dict.fromkeys(range(12), 1), 12, False),
    ],
)
def test_bytes_are_guarded_and_unknown_counts_as_too_many(
    sizes: dict[int, int], value: int | None, exceeded: bool
) -> None:
    spec = replace(OTHER_PORTS, policy=Policy(guards=Guards(max_bytes=100)))
    guard = _guards(clusters.planned(spec, replace(MIRRORED, sizes=sizes)))["bytes"]
    assert (guard.value, guard.exceeded) == (value, exceeded)


def test_names_that_do_not_exist_are_refused() -> None:
    request = Request(allow=("everything",), unprotect=("content:0",))
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(OTHER_PORTS, MIRRORED, request)
    first, second = caught.value.diagnostics
    assert first.hint is not None
    assert first.hint.startswith("--allow takes: same-host")
    assert second.hint == "nothing is protected in this spec"
