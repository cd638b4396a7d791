from collections.abc import Callable

import pytest

from gpmirror.plan.compare import catalogs_differ, plans_differ
from gpmirror.plan.model import Plan
from gpmirror.render.compare import difference_human, observed_difference_human
from tests import plans
from tests.clusters import mirrored, mirrorless


def plan_difference(first: Plan, second: Plan) -> str:
    found = plans_differ(first, second)
    return difference_human(found, first="a.json", second="b.json", width=100, color=False)


def test_equal_plans() -> None:
    assert plan_difference(plans.moving(), plans.moving()) == "No differences.\n"


def test_equal_catalogs() -> None:
    found = catalogs_differ(mirrored(plans.HOSTS), mirrored(plans.HOSTS))
    text = observed_difference_human(found, first="a", second="b", width=80, color=True)
    assert text == "No differences.\n"


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("rebalanced", plans.recovering, plans.rebalancing),
        ("other", plans.adding, plans.recovering),
    ],
)
def test_golden(
    name: str,
    first: Callable[[], Plan],
    second: Callable[[], Plan],
    golden: Callable[[str, str], None],
) -> None:
    golden(f"plandiff-{name}.txt", plan_difference(first(), second()))


def test_catalogs_golden(golden: Callable[[str, str], None]) -> None:
    found = catalogs_differ(plans.seen_in_trouble(), mirrored(plans.HOSTS, 2))
    text = observed_difference_human(found, first="now", second="then", width=100, color=False)
    golden("catalogdiff.txt", text)


def test_a_long_list_counts_its_rest() -> None:
    hosts = [f"h{number}" for number in range(250)]
    found = catalogs_differ(mirrorless(hosts), mirrored(hosts))
    text = observed_difference_human(found, first="a", second="b", width=100, color=False)
    assert text.endswith("... 50 differences not listed here\n")
