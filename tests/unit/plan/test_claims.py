"""What a plan must not claim: health it does not see, completeness of a part, protection of nothing."""

from dataclasses import replace

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.segment import Role, Slot, Status
from gpmirror.plan.model import Step
from gpmirror.plan.request import Request
from gpmirror.plan.waves import keeps_some_directory
from gpmirror.render.text import NO_CHANGES, summary_line
from gpmirror.spec.model import Protection
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"]
MIRRORED = clusters.mirrored(HOSTS, 2)


def test_a_primary_that_is_down_leaves_one_copy() -> None:
    rows = [
        replace(r, status=Status.DOWN) if r.content == 0 and r.is_preferred_primary else r
        for r in MIRRORED.segments
    ]
    plan = clusters.planned(clusters.spec(HOSTS), replace(MIRRORED, segments=tuple(rows)))
    for stage in (plan.layout.before, plan.layout.after):
        assert (stage.survival.single, stage.survival.any_host) == (1, False)
    assert [load.primaries for load in plan.layout.after.hosts] == [2, 2, 2, 2]


def test_a_part_never_says_that_the_whole_matches() -> None:
    plan = clusters.planned(
        clusters.spec(HOSTS, "spread"), MIRRORED, Request(contents=frozenset({0}))
    )
    assert not plan.summary.differs
    assert summary_line(plan).startswith("Plan: 0 to add, 0 to move, ")
    assert summary_line(clusters.planned(clusters.spec(HOSTS), MIRRORED)) == NO_CHANGES


def test_a_rebalance_is_not_left_out_by_a_selection() -> None:
    turned = {Role.PRIMARY: Role.MIRROR, Role.MIRROR: Role.PRIMARY}
    rows = [replace(r, role=turned[r.role]) if r.content == 2 else r for r in MIRRORED.segments]
    request = Request(contents=frozenset({0}), rebalance=True)
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(clusters.spec(HOSTS), replace(MIRRORED, segments=tuple(rows)), request)
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P304"]


def test_a_protection_of_no_content_is_a_slip() -> None:
    protect = (Protection(content=99, place=clusters.PLACE),)
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(clusters.spec(HOSTS, protect=protect), MIRRORED)
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P006"]
    assert "protection of content 99" in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("directory", "fast", "keeps"),
    [("/mm/gpseg0", "/fast/gpseg0", True), ("/mm/gpseg0", "/f/gpseg0", False)],
)
def test_a_filespace_that_stays_is_seen(directory: str, fast: str, *, keeps: bool) -> None:
    here = Slot(
        host="sdw2",
        address="sdw2",
        port=7000,
        directory="/m/gpseg0",
        filespaces=(("fast", "/fast/gpseg0"),),
    )
    there = replace(here, directory=directory, filespaces=(("fast", fast),))
    assert keeps_some_directory(Step(content=0, from_=here, to=there)) is keeps
