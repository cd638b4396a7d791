"""The picture of a plan and the page around it: complete, well-formed, safe, quick."""

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as Xml

import pytest

from gpmirror.plan.model import Change, Plan
from gpmirror.render.folding import parts
from gpmirror.render.html import plan_html
from gpmirror.render.svg import (
    GUTTER,
    MOST_ARROWS,
    MOST_CELLS,
    Arrow,
    CellKind,
    laid_out,
    picture,
    plan_svg,
)
from tests.clusters import host, mirrorless, planned, spec
from tests.plans import (
    adding,
    founding,
    moving,
    rebalancing,
    recovering,
    swapping,
    unchanged,
    wide,
)

PLANS = {
    "adding": adding,
    "founding": founding,
    "moving": moving,
    "rebalancing": rebalancing,
    "recovering": recovering,
    "swapping": swapping,
    "unchanged": unchanged,
    "wide": wide,
}
SVG = "{http://www.w3.org/2000/svg}"
EVIL = '"><script>alert(1)</script>\x1b[2J&'


def racked(hosts: int, racks: int) -> Plan:
    names = [f"sdw{number}" for number in range(hosts)]
    described = [host(name, rack=f"r{at * racks // hosts}") for at, name in enumerate(names)]
    return planned(spec(described, cluster="racked"), mirrorless(names, 2))


def cells(plan: Plan, kind: CellKind) -> dict[str, list[int]]:
    """Host -> contents drawn as `kind`."""
    found = {
        one.name: [cell.content for cell in (*one.primaries, *one.mirrors) if cell.kind is kind]
        for one in picture(plan).hosts
    }
    return {name: contents for name, contents in found.items() if contents}


def test_added_mirrors_come_from_their_primaries() -> None:
    assert cells(adding(), CellKind.ADDED) == {
        "sdw1": [6, 7],
        "sdw2": [0, 1],
        "sdw3": [2, 3],
        "sdw4": [4, 5],
    }
    assert picture(adding()).arrows[0] == Arrow(
        kind=CellKind.ADDED, source="sdw1", target="sdw2", count=2
    )


def test_moved_mirrors_are_drawn_at_both_places() -> None:
    assert cells(moving(), CellKind.LEAVES)["sdw1"] == [8, 9, 10, 11]
    assert cells(moving(), CellKind.MOVED)["sdw4"] == [8, 9, 10, 11]
    # a mirror that only changes its directory has no arrow
    assert picture(moving()).arrows == (
        Arrow(kind=CellKind.MOVED, source="sdw1", target="sdw4", count=4),
    )


def test_trouble_has_its_own_colours() -> None:
    assert cells(recovering(), CellKind.RECOVERED) == {"sdw2": [1]}
    assert list(cells(recovering(), CellKind.BLOCKED).values()) == [[5]]
    assert not picture(unchanged()).arrows


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
def test_svg_is_well_formed_and_shows_every_copy(plan: Callable[[], Plan]) -> None:
    text = plan_svg(plan())
    root = Xml.fromstring(text)
    drawn = picture(plan()).hosts
    kinds = [rect.get("class") for rect in root.iter(f"{SVG}rect")]
    assert kinds.count("box") == len(drawn)
    legend = {cell.kind for one in drawn for cell in (*one.primaries, *one.mirrors)}
    copies = sum(len(one.primaries) + len(one.mirrors) for one in drawn)
    assert sum(kind in set(CellKind) for kind in kinds) == copies + len(legend)
    assert text == plan_svg(plan())


@pytest.mark.parametrize("plan", [adding(), moving(), wide(), racked(16, 4), racked(7, 3)])
def test_boxes_do_not_overlap_and_lie_inside(plan: Plan) -> None:
    layout = laid_out(picture(plan), top=80, gutter=GUTTER)
    boxes = list(layout.hosts.values())
    for number, one in enumerate(boxes):
        assert one.x >= 0
        assert one.x + one.width <= layout.width
        assert one.y + one.height <= layout.height
        for other in boxes[number + 1 :]:
            apart = abs(one.x - other.x) >= one.width or abs(one.y - other.y) >= one.height
            assert apart
    frames = list(layout.racks.values())
    assert all(one.y + one.height < other.y for one, other in pairwise(frames))


def test_racks_have_frames() -> None:
    text = plan_svg(racked(8, 2))
    assert text.count('class="frame"') == 2
    assert "rack r0<" in text
    assert 'class="frame"' not in plan_svg(adding())


def test_a_thicket_of_arrows_is_left_out_and_that_is_said() -> None:
    few, many = plan_svg(adding()), plan_svg(wide(2 * (MOST_ARROWS + 2)))
    assert few.count("<path") == 4
    assert "<path" not in many
    assert f"{MOST_ARROWS + 2} arrows between hosts left out" in many


def test_a_huge_cluster_is_counted() -> None:
    plan = wide(MOST_CELLS // 2 + 2)
    text = plan_svg(plan)
    Xml.fromstring(text)
    assert "2 primary" in text
    assert len(text) < 5_000_000


def hostile() -> Plan:
    def evil(change: Change) -> Change:
        assert change.to is not None
        return replace(change, reason=EVIL, primary=EVIL, source=EVIL)

    plan = adding()
    first = replace(plan.desired.contents[0].primary, host=EVIL)
    contents = (replace(plan.desired.contents[0], primary=first), *plan.desired.contents[1:])
    return replace(
        plan,
        cluster=EVIL,
        spec_file=EVIL,
        warnings=(EVIL,),
        changes=tuple(evil(change) for change in plan.changes),
        desired=replace(plan.desired, contents=contents),
        summary=replace(plan.summary, add=8),
    )


@pytest.mark.parametrize("render", [plan_svg, plan_html])
def test_names_are_escaped(render: Callable[[Plan], str]) -> None:
    text = render(hostile())
    assert "<script" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


class Page(HTMLParser):
    """Checks that every element is closed, and keeps what would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.outside += [key for key, _ in attrs if key in {"src", "href", "onclick", "onload"}]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
def test_page_is_whole_and_fetches_nothing(plan: Callable[[], Plan]) -> None:
    found = plan()
    text = plan_html(found)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.outside == []
    assert "<script" not in text
    assert "<svg" in text
    folds = [fold for part in parts(found) for ruled in part.ruled for fold in ruled.folds]
    assert sum(len(fold.contents) for fold in folds) == len(found.changes)
    assert all(f"<td>{fold.named}</td>" in text for fold in folds)
    for wave in found.waves:
        assert f"wave {wave.number}: " in text
