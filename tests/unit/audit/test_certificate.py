"""The proof of a balanced layout: it holds, each part of it that is changed is found, and whatever
prices somebody writes into it, no bound is above what a layout costs.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import assume, given, settings

from gpmirror.audit.certificate import _Bound, _question
from gpmirror.audit.ground import Ground, survey_ground
from gpmirror.audit.verdict import audit, audit_text
from gpmirror.errors import GpmirrorError
from gpmirror.model.certificate import HostPrice
from gpmirror.model.observed import Observed
from gpmirror.placement.place import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_text
from gpmirror.plan.request import Request
from gpmirror.spec.model import Pin, Policy, Protection, Spec, Strategy, Survive
from tests.clusters import PLACE, host, mirrored, mirrorless, spec
from tests.forging import sealed
from tests.property.test_audits import richer
from tests.strategies import RANDOMS, case

HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")


def planned(wanted: Spec, seen: Observed, request: Request = Request()) -> Plan:  # noqa: B008
    return build_plan(wanted, seen, place(wanted, seen, request.unprotect), request)


def balanced() -> Plan:
    """A fifth host comes to four; two racks, of which any may be lost; one pin."""
    racks = zip([*HOSTS, "sdw5"], "ababa", strict=True)
    hosts = [host(name, rack=rack) for name, rack in racks]
    policy = Policy(survive=(Survive(count=1, of="rack", place=PLACE),))
    pins = (Pin(content=0, host="sdw4", place=PLACE),)
    wanted = spec(hosts, strategy="balanced", policy=policy, pins=pins)
    return planned(wanted, mirrored(HOSTS, 3))


def crowded() -> Plan:
    """As many mirrors as can be in one rack must be: two racks that do not fit each other."""
    hosts = [host(name, rack=rack) for name, rack in zip(HOSTS, "aaab", strict=True)]
    return planned(spec(hosts, strategy="balanced"), mirrorless(HOSTS, 2))


@pytest.mark.parametrize("plan", [balanced(), crowded()], ids=["racks", "crowded"])
def test_a_balanced_plan_is_proven(plan: Plan) -> None:
    found = audit(plan_text(plan).encode(), "plan.json")
    assert found.holds, audit_text(found)
    claim = next(claim for claim in found.claims if claim.name == "certificate")
    assert plan.certificate is not None
    moves = plan.certificate.levels.moves
    assert f"{moves} move" in claim.said
    if plan.certificate.levels.same_rack:
        assert "in the rack of their primary" in claim.said


def put(value: object, *path: str | int) -> Callable[[Any], None]:
    def change(proof: Any) -> None:
        for step in path[:-1]:
            proof = proof[step]
        assert proof[path[-1]] != value
        proof[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (put(0, "levels", "moves"), "certificate.levels.moves"),
        (put(9, "levels", "same_rack"), "certificate.levels.same_rack"),
        (put(7, "levels", "outside"), "certificate.levels.outside"),
        (put([1, 1], "levels", "host_load"), "certificate.levels.host_load"),
        (put([1, 1], "levels", "rack_load"), "certificate.levels.rack_load"),
        (put(1, "levels", "bytes"), "certificate.levels.bytes"),
        (put(0, "cost"), "certificate.cost"),
        (put("bytes", "minimise"), "certificate.minimise"),
        (put(1, "weights", "outside"), "certificate.weights.outside"),
        (put(1, "weights", "same_rack"), "certificate.weights.same_rack"),
        (put(1, "weights", "unplaced"), "certificate.weights.unplaced"),
        (put(10**6, "bounds", 0, "least"), "certificate.bounds[0].least"),
        (put(10**6, "bounds", 1, "least"), "certificate.bounds[1].least"),
        (put([], "bounds"), "certificate.bounds"),
        (lambda c: c["bounds"].pop(0), "certificate.bounds"),
        (lambda c: c["bounds"].pop(), "certificate.bounds"),
        (put([5, 4], "bounds", 1, "host_below"), "certificate.bounds"),
        (put([1, 0], "bounds", 1, "host_below"), "certificate"),
        (lambda c: c["bounds"][0]["hosts"].append({"host": "sdw9", "price": 0}), "certificate.bounds[0].hosts"),
        (lambda c: c["bounds"][0]["hosts"].extend([{"host": "sdw1", "price": 1}] * 2), "certificate.bounds[0].hosts"),
        (put([{"host": "sdw1", "price": 10**9}], "bounds", 0, "hosts"), "certificate.bounds[0].hosts, sdw1"),
        (put([{"host": "sdw1", "price": -(10**9)}], "bounds", 0, "hosts"), "certificate.bounds[0].hosts, sdw1"),
        (put([{"primary": "sdw1", "host": "sdw2", "price": 1}], "bounds", 0, "pairs"), "certificate.bounds[0].pairs"),
        (put([{"primary": "sdw1", "host": "sdw2", "price": -1}], "bounds", 1, "pairs"), "certificate.bounds[1].pairs"),
        (put([{"rack": "a", "host": "sdw2", "price": 1}], "bounds", 0, "racks"), "certificate.bounds[0].racks"),
        (put("sdw3", "fixed", 0, "host"), "certificate.fixed, content 0, host"),
        (put("protect", "fixed", 0, "rule"), "certificate.fixed, content 0"),
        (put(99, "fixed", 0, "content"), "certificate.fixed"),
    ],
)  # fmt: skip
def test_a_changed_proof_is_none(change: Callable[[Any], None], where: str) -> None:
    body = json.loads(plan_text(balanced()))
    change(body["certificate"])
    found = audit(sealed(body), "plan.json")
    assert [claim.name for claim in found.claims if not claim.holds] == ["certificate"]
    claim = next(claim for claim in found.claims if claim.name == "certificate")
    assert any(one.where.startswith(where) for one in claim.false), audit_text(found)


def test_what_is_given_is_told() -> None:
    """Only the spec knows the pins: who pins everything proves anything, and is to be seen."""
    text = audit_text(audit(plan_text(balanced()).encode(), "plan.json"))
    assert "no layout has fewer (given: 1 mirror pinned by the spec), and none" in text
    hosts = [*HOSTS, "sdw5"]
    kept = replace(
        spec(hosts, "balanced"), protect=(Protection(content=3, host=None, place=PLACE),)
    )
    text = audit_text(audit(plan_text(planned(kept, mirrored(HOSTS, 3))).encode(), "plan.json"))
    assert "no layout has fewer (given: 1 mirror protected), and none" in text
    text = audit_text(audit(plan_text(crowded()).encode(), "plan.json"))
    assert "given" not in text


def test_a_plan_of_balanced_without_its_proof_is_false() -> None:
    body = json.loads(plan_text(balanced()))
    del body["certificate"]
    found = audit(sealed(body), "plan.json")
    assert [claim.name for claim in found.claims if not claim.holds] == ["certificate"]
    assert "reason: claimed balanced: sdw5 takes its share; true: the plan has no certificate" in (
        audit_text(found)
    )


def test_what_balanced_is_said_to_place_is_not_pinned() -> None:
    plan = balanced()
    assert plan.certificate is not None
    body = json.loads(plan_text(plan))
    change = next(one for one in plan.changes if one.reason.startswith("balanced: "))
    assert change.to is not None
    pin = {"content": change.content, "host": change.to.host, "rule": "pin", "source": "x.yaml:9"}
    body["certificate"]["fixed"].append(pin)
    found = audit(sealed(body), "plan.json")
    claim = next(claim for claim in found.claims if claim.name == "certificate")
    where = f"changes, content {change.content}, reason"
    assert where in {one.where for one in claim.false}


def test_the_words_of_a_pin_are_its_own() -> None:
    pin = Pin(content=0, host="sdw4", reason="as agreed; balanced: no", place=PLACE)
    plan = planned(spec(HOSTS, "group", pins=(pin,)), mirrored(HOSTS, 3))
    assert "balanced: no" in plan.changes[0].reason
    assert audit(plan_text(plan).encode(), "plan.json").holds


def test_a_layout_with_more_moves_is_not_proven() -> None:
    """Two mirrors that change places cost two moves more, whatever the file says of them."""
    plan = balanced()
    assert plan.certificate is not None
    body = json.loads(plan_text(plan))
    mirrors = {one["content"]: one["mirror"] for one in body["desired"]["contents"]}
    stay = [
        one.content
        for one in plan.desired.contents
        if one.content not in {c.content for c in plan.changes}
    ]
    one, other = next(
        (a, b)
        for a in stay
        for b in stay
        if mirrors[a]["host"] != mirrors[b]["host"]
        and body["desired"]["contents"][a]["primary"]["host"] != mirrors[b]["host"]
        and body["desired"]["contents"][b]["primary"]["host"] != mirrors[a]["host"]
    )
    (
        mirrors[one].update(host=mirrors[other]["host"]),
        mirrors[other].update(host=mirrors[one]["host"]),
    )
    for content in (one, other):
        mirrors[content].update(address=mirrors[content]["host"], port=7900 + content)
    found = audit(sealed(body), "plan.json")
    claim = next(claim for claim in found.claims if claim.name == "certificate")
    assert not claim.holds


def ground_of(plan: Plan) -> Ground:
    assert plan.catalog is not None
    assert plan.asked is not None
    return survey_ground(plan, plan.catalog, plan.asked)


def plan_of(random: Random) -> Plan | None:
    found = case(random)
    if found is None:
        return None
    found = richer(random, found)
    minimise: Literal["moves", "bytes"] = "bytes" if random.random() < 0.5 else "moves"
    wanted = replace(found.spec, strategy=Strategy.BALANCED, block_size=None, minimise=minimise)
    lifted = tuple(one.name for one in wanted.protect if random.random() < 0.3)
    try:
        return planned(wanted, found.observed, Request(unprotect=lifted))
    except GpmirrorError:
        return None


@given(RANDOMS)
@settings(max_examples=25)
def test_balanced_plans_are_proven_and_no_prices_prove_more(random: Random) -> None:
    """The proof holds; and since a layout of that cost exists, no legal prices give a higher bound."""
    plan = plan_of(random)
    assume(plan is not None)
    assert plan is not None
    found = audit(plan_text(plan).encode(), "plan.json")
    assert found.holds, audit_text(found)
    proof = plan.certificate
    assert proof is not None
    question = _question(ground_of(plan), proof)
    outside = proof.weights.outside
    for _ in range(20):
        prices = tuple(
            HostPrice(host=name, price=random.randint(-outside if least else 0, outside))
            for name, (least, _) in question.band.items()
            if random.random() < 0.7
        )
        bound = replace(proof.bounds[0], hosts=prices, pairs=(), racks=())
        assert _Bound(question, proof, bound).least() <= proof.cost
