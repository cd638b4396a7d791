"""A rule is told once, whatever number of contents it treats: drawn from every strategy."""

import pytest

from gpmirror.placement.model import RuleText
from gpmirror.placement.strategies import RULES
from gpmirror.plan.classify import NOT_AS_COMPUTED, SWITCHED
from gpmirror.render.folding import rule_of
from gpmirror.spec.model import Pin, Strategy
from tests.clusters import PLACE, host, mirrorless, planned, spec

HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")


@pytest.mark.parametrize("strategy", list(Strategy))
def test_one_rule_of_a_strategy_is_one_line(strategy: Strategy) -> None:
    pins = [
        Pin(content=number, host=HOSTS[(number // 2 + 1) % 4], place=PLACE) for number in range(8)
    ]
    more: dict[str, object] = {}
    if strategy is Strategy.PINNED:
        more = {"pins": tuple(pins)}
    if strategy is Strategy.BLOCK:
        more = {"block_size": 2}
    plan = planned(spec(HOSTS, strategy.value, **more), mirrorless(HOSTS, 2))
    rules = {rule_of(change).text for change in plan.changes}
    assert len(rules) == 1, "word it beside the strategy, in RULES"
    assert "sdw" not in rules.pop()


def test_drained_hosts_and_an_only_host_are_one_line_too() -> None:
    hosts = [host(name, weight=0) for name in HOSTS[:2]] + [host(name) for name in HOSTS[2:]]
    plan = planned(spec(hosts), mirrorless(HOSTS[:2], 2))
    assert len({rule_of(change).text for change in plan.changes}) == 1
    alone = planned(spec(["sdw1"], allow_same_host=True), mirrorless(["sdw1"], 2))
    assert {rule_of(c).text for c in alone.changes} == {RULES[-1].every}


@pytest.mark.parametrize("rule", [*RULES, SWITCHED, NOT_AS_COMPUTED], ids=lambda rule: rule.one)
def test_what_stands_around_a_rule_is_kept(rule: RuleText) -> None:
    told = rule.of(*["sdw[1]"] * rule.one.count("{}"))
    assert rule.for_all(f"before; {told}; after") == f"before; {rule.every}; after"
    assert rule.for_all("another reason") == "another reason"
