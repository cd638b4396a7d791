"""Hosts that stay silent: what can be brought back meanwhile."""

from dataclasses import replace

import pytest

from gpmirror.model.segment import Status
from gpmirror.plan.model import Plan
from gpmirror.preflight.judge import advice_without_silent
from gpmirror.preflight.model import Check, Result
from tests.clusters import mirrored, planned, spec
from tests.plans import HOSTS, adding, moving, rebalancing


def recovering(*contents: int) -> Plan:
    seen = mirrored(HOSTS, 2)
    rows = [
        replace(row, status=Status.DOWN)
        if row.content in contents and not row.is_preferred_primary
        else row
        for row in seen.segments
    ]
    return planned(spec(HOSTS), replace(seen, segments=tuple(rows)))


def silent(*hosts: str) -> list[Check]:
    return [
        Check(
            host=host,
            name="reachable",
            result=Result.BAD if host in hosts else Result.OK,
            detail="no route to host",
        )
        for host in HOSTS
    ]


def test_what_needs_the_silent_host_is_left_out() -> None:
    # group: the mirrors of 0 and 1 are on sdw2, those of 4 and 5 on sdw4
    plan = recovering(0, 1, 4, 5)
    assert advice_without_silent(plan, silent("sdw2")) == (
        "`gpmirror apply --content 4-5` brings back what does not need sdw2"
    )


def test_the_host_of_the_acting_primary_is_needed_too() -> None:
    assert advice_without_silent(recovering(0, 4), silent("sdw1")) == (
        "`gpmirror apply --content 4` brings back what does not need sdw1"
    )


@pytest.mark.parametrize(
    ("plan", "hosts"),
    [
        (recovering(0, 1, 4), ()),
        (recovering(0, 1), ("sdw2",)),
        (recovering(0, 4), ("sdw2", "sdw4")),
        (adding(), ("sdw2",)),
        (moving(), ("sdw2",)),
        (rebalancing(), ("sdw1",)),
    ],
)
def test_no_advice_where_nothing_can_be_done_apart(plan: Plan, hosts: tuple[str, ...]) -> None:
    assert advice_without_silent(plan, silent(*hosts)) is None
