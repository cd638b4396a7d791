"""Every plan that the planner makes is true, as found out by code that shares nothing with it."""

import json
from dataclasses import replace
from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpmirror.audit.verdict import audit, audit_text
from gpmirror.errors import GpmirrorError, Infeasible, InvalidInput
from gpmirror.placement.place import place
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.remaining import plan_back, plan_what_is_left
from gpmirror.plan.request import Request
from gpmirror.spec.model import (
    Guards,
    NativeOptions,
    Policy,
    Protection,
    Survive,
)
from tests.clusters import PLACE, planned
from tests.forging import fields, mutated, sealed
from tests.plans import adding, founding, moving, rebalancing, recovering, swapping
from tests.simulator import simulate
from tests.strategies import RANDOMS, Case, case


def richer(random: Random, found: Case) -> Case:
    """The same with rules to be judged by, options of the utilities, and what only a live look finds."""
    wanted, seen = found.spec, found.observed
    losses = [Survive(count=c, of=of, place=PLACE) for c in (1, 2) for of in ("host", "rack")]
    policy = Policy(
        survive=tuple(random.sample(losses, random.randint(0, 4))),
        max_load_factor=random.choice([None, 1.0, 1.5, 2.0, 3.0]),
        guards=Guards(
            moves_percent=random.choice([0, 30, 100]),
            min_contents=random.choice([0, 10]),
            max_bytes=random.choice([None, 0, 10**9]),
        ),
    )
    contents = sorted(seen.pairs())
    protect = [Protection(content=random.choice(contents), place=PLACE)]
    protect.append(Protection(host=random.choice(wanted.hosts).name, place=PLACE))
    limits = bool(seen.dialect.limits_rate)
    native = NativeOptions(
        hosts=random.choice([1, 4, 16]),
        per_host=random.choice([64, 8]),
        verbose=random.random() < 0.3,
        hba_hostnames=None if seen.dialect.file_replication else random.choice([None, True]),
        max_rate="32M" if limits and random.random() < 0.3 else None,
        replay_lag=None if seen.dialect.file_replication else random.choice([None, 0.5, 10.0]),
    )
    pairs = {
        (host.name, one): random.random() < 0.6 for host in wanted.hosts for one in host.addresses
    }
    odd = {random.choice(contents): "says otherwise"} if random.random() < 0.1 else {}
    richer_case = Case(
        spec=replace(
            wanted,
            policy=policy,
            protect=tuple(random.sample(protect, random.randint(0, 2))),
            apply=replace(wanted.apply, native=native),
        ),
        observed=replace(
            seen,
            common_ip={pair: one for pair, one in pairs.items() if random.random() < 0.8},
            disagreements=odd,
        ),
    )
    try:
        place(richer_case.spec, seen)
    except Infeasible:  # strategy balanced keeps all of these rules or finds no layout
        return found
    return richer_case


def asked(random: Random, found: Case) -> Request:
    """What somebody may ask of the plan."""
    contents = sorted(found.observed.pairs())
    hosts = [host.name for host in found.spec.hosts]
    allow = ["same-host", "policy", "guard:moves_percent", "deletes-old-directory", "low-space"]
    return Request(
        contents=frozenset(random.sample(contents, len(contents) // 2))
        if random.random() < 0.2
        else None,
        hosts=frozenset(random.sample(hosts, 1)) if random.random() < 0.1 else None,
        full=random.random() < 0.1,
        differential=random.random() < 0.1,
        rebalance=random.random() < 0.4,
        allow=tuple(random.sample(allow, random.randint(0, 3))),
        unprotect=tuple(one.name for one in found.spec.protect if random.random() < 0.3),
    )


def assert_true(plan: Plan) -> None:
    found = audit(plan_text(plan).encode(), "plan.json")
    assert found.holds, audit_text(found)


@given(RANDOMS)
@settings(max_examples=150)
def test_every_plan_is_true(random: Random) -> None:
    found = case(random)
    assume(found is not None)
    assert found is not None
    for one in (found, richer(random, found)):
        try:
            plan = planned(one.spec, one.observed, asked(random, one))
        except GpmirrorError:
            continue
        assert_true(plan)


@given(RANDOMS)
@settings(max_examples=40)
def test_the_way_back_and_the_rest_of_a_plan_are_true(random: Random) -> None:
    found = case(random)
    assume(found is not None)
    assert found is not None
    found = richer(random, found)
    try:
        plan = planned(found.spec, found.observed)
    except GpmirrorError:  # a balanced layout keeps the rules that were added, or there is none
        return
    done = simulate(plan, found.spec, found.observed)
    half = replace(plan, waves=plan.waves[: len(plan.waves) // 2])
    try:
        back = plan_back(plan, done, "20260101-000000-0", Request(allow=("same-host",)))
    except GpmirrorError:
        pass
    else:
        assert_true(back)
    assert_true(plan_what_is_left(plan, simulate(half, found.spec, found.observed)))


# --- Plans that somebody changed.

_BODIES = [
    json.loads(plan_text(make()))
    for make in (adding, founding, moving, rebalancing, recovering, swapping)
]
_PATHS = [list(fields(body)) for body in _BODIES]
_WORDS = {"message", "warnings", "load_source"}
"""What is told beside the figures, or names a line of a spec that only its author has."""


@given(st.integers(0, 2**32), st.integers(0, len(_BODIES) - 1))
@settings(max_examples=300)
def test_what_the_planner_would_not_make_is_false(seed: int, number: int) -> None:
    """Two verdicts over one forged file, by code that shares nothing: whoever reads it for `apply`
    refuses what differs from the planner's own work, and the audit finds a claim in it false.
    """
    body, path = mutated(_BODIES[number], _PATHS[number], Random(seed))
    data = sealed(body)
    try:
        found = audit(data, "plan.json")
    except InvalidInput:
        return
    audit_text(found)
    if not found.holds or not _WORDS.isdisjoint(path):
        return
    read_plan(data, "plan.json")
