"""Plans that look wrong and are true: a mirror that stays where it is, one on a drained host."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gpmirror.audit.verdict import audit, audit_text
from gpmirror.model.segment import Role, Status
from gpmirror.plan.planfile import plan_text
from gpmirror.spec.model import Offset, Pin
from tests import clusters
from tests.forging import sealed

Body = dict[str, Any]


def other_ports(*down: int) -> Body:
    """File replication, and a spec that gives every mirror other ports in its old directory."""
    hosts = ["sdw1", "sdw2", "sdw3"]
    seen = clusters.mirrored(hosts, 2, "gp5")
    rows = [
        row
        if row.content < 0
        else replace(
            row,
            replication_port=row.port + (3000 if row.is_preferred_primary else 1000),
            status=Status.DOWN
            if row.content in down and not row.is_preferred_primary
            else row.status,
        )
        for row in seen.segments
    ]
    seen = replace(seen, segments=tuple(rows))
    plan = clusters.planned(clusters.spec(hosts, ports=Offset(2000)), seen)
    body: Body = json.loads(plan_text(plan))
    return body


@pytest.mark.parametrize("down", [(), (0,)], ids=["all up", "one down"])
def test_a_mirror_that_must_not_land_on_itself_is_left(down: tuple[int, ...]) -> None:
    found = audit(sealed(other_ports(*down)), "plan.json")
    assert found.holds, audit_text(found)


def test_a_mirror_that_would_land_on_itself_is_named() -> None:
    """The utility stops it, refuses the directory that it has just left, and no mirror is there."""
    body = other_ports()
    (wanted,) = [one["mirror"] for one in body["desired"]["contents"] if one["content"] == 0]
    body["changes"][0].update(action="move", to=wanted)
    classes = next(one for one in audit(sealed(body), "plan.json").claims if one.name == "classes")
    told = [(one.where, one.claimed, one.true) for one in classes.false]
    assert ("changes, content 0", "move", "blocked") in told


def test_a_pin_to_a_drained_host_that_replaces_another_is_one() -> None:
    """The reason of such a change tells of the replacement, not of the pin."""
    seen = clusters.mirrored(["sdw1", "sdw2", "sdw3"])
    rows = [
        replace(row, role=Role.MIRROR, status=Status.DOWN)
        if row.hostname == "sdw1"
        else replace(row, role=Role.PRIMARY)
        if row.content == 0
        else row
        for row in seen.segments
    ]
    seen = replace(seen, segments=tuple(rows))
    spare = clusters.host("spare", weight=0, replaces="sdw1")
    pin = Pin(content=2, host="spare", place=clusters.PLACE)
    plan = clusters.planned(clusters.spec([spare, "sdw2", "sdw3"], pins=(pin,)), seen)
    (change,) = [change for change in plan.changes if change.content == 2]
    assert change.to is not None
    assert change.to.host == "spare"
    found = audit(plan_text(plan).encode(), "plan.json")
    assert found.holds, audit_text(found)
