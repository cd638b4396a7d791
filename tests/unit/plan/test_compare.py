from dataclasses import replace

import pytest

from gpmirror.model.segment import Mode, Role, Segment
from gpmirror.plan.compare import Kind, catalogs_differ, plans_differ
from gpmirror.plan.request import Request
from tests import plans
from tests.clusters import mirrored, mirrorless, observed


def test_a_plan_equals_itself() -> None:
    assert not plans_differ(plans.moving(), plans.moving()).differs


def test_the_name_of_the_source_does_not_count() -> None:
    plan = plans.moving()
    renamed = replace(plan, observed=replace(plan.observed, source="elsewhere"))
    assert not plans_differ(plan, renamed).differs


def test_changes_are_told_apart_by_content() -> None:
    whole = plans.moving()
    part = plans.moving(Request(contents=frozenset({3, 7})))
    found = plans_differ(whole, part)
    assert [change.content for change in found.only_first] == [0, 1, 2, 4, 5, 6, 8, 9, 10, 11]
    assert (found.only_second, found.changed) == ((), ())
    assert [fact.name for fact in found.facts] == ["selection"]
    assert {fact.name for fact in found.waves} >= {"wave 2", "wave 3", "wave 4"}


def test_another_reason_or_target_is_a_difference() -> None:
    plan = plans.moving()
    first, *rest = plan.changes
    other = replace(plan, changes=(replace(first, reason="another"), *rest))
    assert plans_differ(plan, other).changed == ((first, other.changes[0]),)


def test_hazards_of_one_name_are_told_apart() -> None:
    plan = plans.moving()
    policy = next(hazard for hazard in plan.hazards if hazard.name == "policy")
    more = replace(plan, hazards=(*plan.hazards, replace(policy, message="second")))
    assert [(fact.name, fact.first) for fact in plans_differ(plan, more).dangers] == [
        ("hazard policy #2", "-")
    ]


def test_allowing_is_a_difference() -> None:
    found = plans_differ(plans.moving(), plans.moving(Request(allow=("policy",))))
    assert [fact.name for fact in found.facts] == ["allowed"]
    assert [fact.name for fact in found.dangers] == ["hazard policy"]


SEEN = mirrored(plans.HOSTS[:2])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"port": 9}, "moved"),
        ({"hostname": "x"}, "moved"),
        ({"address": "x"}, "moved"),
        ({"directory": "/x"}, "moved"),
        ({"filespaces": (("a", "/x"),)}, None),
        ({"replication_port": 9}, None),
        ({"directory": None}, None),
        ({"role": Role.PRIMARY}, "switched"),
        ({"mode": Mode.NOT_IN_SYNC}, "changed"),
        ({"dbid": 99}, "changed"),
        ({"line": 7}, None),
    ],
)
def test_a_row(change: dict[str, object], kind: Kind | None) -> None:
    other = observed(_changed(row, change) for row in SEEN.segments)
    assert [found.kind for found in catalogs_differ(SEEN, other).rows] == ([kind] if kind else [])


def _changed(row: Segment, change: dict[str, object]) -> Segment:
    mine = row.content == 1 and row.preferred_role is Role.MIRROR
    return replace(row, **change) if mine else row  # type: ignore[arg-type]


def test_rows_come_and_go() -> None:
    bare = mirrorless(plans.HOSTS[:2])
    assert [found.kind for found in catalogs_differ(bare, SEEN).rows] == ["added", "added"]
    gone = catalogs_differ(SEEN, bare).rows
    assert [(found.kind, found.row.content) for found in gone] == [("removed", 0), ("removed", 1)]


def test_facts_that_one_side_does_not_tell_equal_any() -> None:
    told = replace(SEEN, server_version="6.24.3", system_identifier="1")
    assert not catalogs_differ(SEEN, told).differs
    newer = replace(told, server_version="6.25.0")
    assert [fact.name for fact in catalogs_differ(told, newer).facts] == ["server version"]
