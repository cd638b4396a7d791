"""The picture of a plan and the page around it: complete, well-formed, safe, quick."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as Xml

import pytest

from gpmirror.plan.model import Change, Plan
from gpmirror.render.drawing import (
    GUTTER,
    MOST_ARROWS,
    MOST_CELLS,
    SIGNS,
    Arrow,
    CellKind,
    laid_out,
    level_of,
    picture,
    style_sheet,
)
from gpmirror.render.folding import parts
from gpmirror.render.html import plan_html
from gpmirror.render.stopping import groups_summary
from gpmirror.render.svg import groups_svg, plan_svg, whatif_svg
from gpmirror.run.status import Groups, Reading, maintenance_groups
from gpmirror.simulate import Load
from gpmirror.spec.model import Strategy
from gpmirror.verify import judge_copies
from gpmirror.whatif import Comparison, Question, Refusal, compare
from tests.clusters import host, mirrored, mirrorless, planned, spec
from tests.plans import (
    HOSTS,
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
    assert few.count('<path class="added"') == 4
    assert '<path class="added"' not in many
    assert f"{MOST_ARROWS + 2} arrows between hosts left out" in many


def test_a_huge_cluster_is_counted() -> None:
    plan = wide(MOST_CELLS // 2 + 2)
    text = plan_svg(plan)
    Xml.fromstring(text)
    assert "2 primary" in text
    assert len(text) < 5_000_000


# --- What the loss of a host does: strips under the hosts.


def titles(text: str) -> dict[str, str]:
    """Host -> what its group says, for a pointer, the keyboard and who listens."""
    root = Xml.fromstring(text)
    found = {}
    for group in root.iter(f"{SVG}g"):
        box, title = group.find(f"{SVG}rect[@class='box']"), group.find(f"{SVG}title")
        if box is not None and title is not None and title.text is not None:
            assert group.get("role") == "img"
            found[title.text.partition(";")[0]] = title.text
    return found


def test_the_worst_survivor_is_named_before_and_after() -> None:
    told = titles(plan_svg(moving()))
    assert told["sdw3"].endswith(
        "; before, if it is lost: worst survivor sdw1 4 -> 8 primaries (x2.0); "
        "after, if it is lost: worst survivor sdw4 0 -> 4 primaries (x1.0 of the average host's)"
    )
    # the same before and after is said once
    assert told["sdw1"].count("worst survivor") == 1
    worst = moving().layout.after.survival.worst_load
    assert worst is not None
    lost, survivor, before, after = worst
    assert f"worst survivor {survivor} {before} -> {after} primaries" in told[lost]


def test_a_cluster_without_mirrors_loses_contents_and_then_none() -> None:
    found = picture(adding())
    assert [(one.before.lost if one.before else None, one.after.lost) for one in found.hosts] == [
        (2, 0)
    ] * 4
    told = titles(plan_svg(adding()))
    assert "before, if it is lost: 2 contents lost; after, if it is lost: worst" in told["sdw1"]
    assert 'class="lost"' in plan_svg(adding())
    assert 'class="lost"' not in plan_svg(unchanged())


def test_a_plan_without_changes_has_one_strip_a_host() -> None:
    found = picture(unchanged())
    assert all(one.before is None for one in found.hosts)
    assert [[(b.place, b.level) for b in one.after.burdens] for one in found.hosts] == [
        [(1, 3)],
        [(2, 3)],
        [(3, 3)],
        [(0, 3)],
    ]


@pytest.mark.parametrize(
    ("factor", "level"), [(1.0, 1), (1.25, 1), (1.26, 2), (1.5, 2), (2.0, 3), (2.01, 4), (9.0, 4)]
)
def test_levels_of_load(factor: float, level: int) -> None:
    assert level_of(Load(host="h", before=1, after=2, factor=factor)) == level


def clustered(hosts: int, primaries: int, racks: int = 1) -> Plan:
    names = [f"sdw{number}" for number in range(hosts)]
    described = [host(name, rack=f"r{at * racks // hosts}") for at, name in enumerate(names)]
    return planned(spec(described, "spread", cluster="wide"), mirrored(names, primaries))


@pytest.mark.parametrize(("hosts", "barred"), [(4, False), (60, False), (100, False), (101, True)])
def test_beyond_100_hosts_contents_are_bars(hosts: int, barred: bool) -> None:
    plan = clustered(hosts, 2)
    text = plan_svg(plan)
    root = Xml.fromstring(text)
    assert laid_out(picture(plan), top=0, gutter=GUTTER).is_barred is barred
    numbers = sum(found.get("class") == "in-primary" for found in root.iter(f"{SVG}text"))
    assert numbers == (1 if barred else 1 + 2 * hosts)
    # whoever walks with the keyboard is not held up by hundreds of hosts
    assert text.count("tabindex") == (0 if barred else hosts)
    assert len(titles(text)) == hosts
    assert plan_svg(plan) == text


def test_whoever_walks_with_the_keyboard_sees_what_the_pointer_is_told() -> None:
    """Browsers show tooltips to the pointer alone."""
    text = plan_svg(moving())
    root = Xml.fromstring(text)
    tips = [found for found in root.iter(f"{SVG}text") if found.get("class") == "halo tip"]
    assert len(tips) == 4
    assert (tips[0].text or "").startswith("sdw1: if it is lost: worst survivor sdw2 4 -> 8")
    assert ".gm .tip{visibility:hidden}" in text
    width = float(root.get("width", ""))
    assert all(18 <= float(tip.get("x", "")) < width for tip in tips)


def test_pictures_grow_with_the_contents_and_no_faster() -> None:
    small, large = (len(plan_svg(clustered(hosts, 4))) for hosts in (25, 100))
    assert large < 5 * small
    small, large = (len(plan_svg(clustered(hosts, 4))) for hosts in (110, 440))
    assert large < 5 * small
    assert large < 1_000_000


# --- Colours: told apart in light and dark, and never alone.


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _sheets() -> tuple[str, str]:
    light, _, dark = style_sheet().partition("@media")
    return light, dark


@pytest.mark.parametrize("sheet", _sheets(), ids=["light", "dark"])
def test_colours_can_be_read_and_told_apart(sheet: str) -> None:
    fills = dict(re.findall(r"\.gm (?:rect)?\.([\w-]+)\{fill:(#\w{6})", sheet))
    for kind in ("primary", "added", "moved", "recovered", "blocked"):
        assert contrast(fills[kind], "#ffffff") >= 4.5, kind
    for at in range(1, 7):
        if f"group-{at}" in fills:
            assert contrast(fills[f"group-{at}"], "#ffffff") >= 4.5, at
    # one way in lightness: told apart without any colour
    levels = [_luminance(fills[f"load-{at}"]) for at in range(1, 5)]
    assert levels in (sorted(levels), sorted(levels, reverse=True))
    assert all(contrast(fills[f"load-{at}"], fills[f"load-{at + 1}"]) > 1.3 for at in range(1, 4))
    words = dict(re.findall(r"\.gm text\.(soft|alarm)\{fill:(#\w{6})", sheet))
    for name, color in words.items():
        assert contrast(color, fills["back"]) >= 4.5, name
        assert contrast(color, fills["frame"]) >= 4.5, name


def test_every_kind_has_a_sign_or_a_shape() -> None:
    told = {kind: SIGNS.get(kind) for kind in CellKind}
    signs = [sign for sign in told.values() if sign]
    assert len(set(signs)) == len(signs)
    # square corners, grey, a broken edge
    assert {kind for kind, sign in told.items() if not sign} == {
        CellKind.PRIMARY,
        CellKind.STAYS,
        CellKind.LEAVES,
    }


# --- Strategies side by side, and groups.


def compared(hosts: int, primaries: int, *strategies: Strategy) -> Comparison:
    names = [f"sdw{number}" for number in range(hosts)]
    return compare(
        spec(names, cluster="dwh"), mirrored(names, primaries), Question(strategies=strategies)
    )


@pytest.mark.parametrize(("hosts", "primaries"), [(1, 1), (2, 1), (4, 2), (60, 4), (150, 8)])
def test_a_picture_a_strategy(hosts: int, primaries: int) -> None:
    found = compared(hosts, primaries) if hosts > 1 else compared(2, 3)
    text = whatif_svg(found)
    told = titles(text)
    assert len(told) == len(found.rows)
    root = Xml.fromstring(text)
    width, height = (float(root.get(key, "")) for key in ("width", "height"))
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") == "box":
            x, y, w, h = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
            assert x >= 0
            assert x + w <= width
            assert y + h <= height
    assert text == whatif_svg(found)
    assert len(text) < 400_000


def test_a_picture_of_what_is_infeasible_says_why() -> None:
    text = whatif_svg(compared(4, 8, Strategy.SPREAD))
    assert "spread: infeasible: spread mirroring needs more hosts than primaries" in " ".join(
        titles(text)
    )


def test_a_long_reason_ends_within_its_panel() -> None:
    found = compared(4, 8, Strategy.SPREAD)
    refused = found.rows[1].found
    assert isinstance(refused, Refusal)
    long = replace(refused.reasons[0], message="much to say " * 400)
    row = replace(found.rows[1], found=Refusal(reasons=(long,)))
    root = Xml.fromstring(whatif_svg(replace(found, rows=(found.rows[0], row))))
    height = float(root.get("height", ""))
    assert all(float(text.get("y", 0)) < height for text in root.iter(f"{SVG}text"))


def test_how_to_read_a_large_picture_stands_in_lines_of_its_own() -> None:
    root = Xml.fromstring(whatif_svg(compared(150, 8)))
    told = [
        one
        for one in root.iter(f"{SVG}text")
        if re.search("A row for each|neighbours of the ring", one.text or "")
    ]
    assert [one.get("x") for one in told] == ["18.0", "18.0"]
    assert len({one.get("y") for one in told}) == 2


def test_every_line_of_a_remark_has_a_line_of_its_own() -> None:
    found = replace(compared(4, 2), notes=("word " * 31 + "and ends",))
    root = Xml.fromstring(whatif_svg(found))
    told = [one for one in root.iter(f"{SVG}text") if re.search("word|and ends", one.text or "")]
    assert len(told) == 2
    assert {one.get("x") for one in told} == {"18.0"}
    assert len({one.get("y") for one in told}) == 2


def test_as_many_cells_as_hosts_share_contents() -> None:
    """Lines and columns are hosts; the squares of group stand beside the diagonal."""
    text = whatif_svg(compared(10, 2, Strategy.GROUP))
    squares = re.findall(r'<path class="load-3" d="([^"]*)"', text)
    assert [one.count("M") for one in squares] == [10, 10]


def grouped(hosts: int, primaries: int, racks: int = 0) -> tuple[Groups, dict[str, str]]:
    names = [f"sdw{number}" for number in range(hosts)]
    held = {name: f"r{at * racks // hosts}" for at, name in enumerate(names)} if racks else {}
    described = [host(name, rack=held.get(name)) for name in names]
    seen = mirrored(names, primaries)
    health = judge_copies(seen, ())
    reading = Reading(observed=seen, replication=(), health=health)
    return maintenance_groups(reading, spec(described), None), held


@pytest.mark.parametrize(("hosts", "racks"), [(2, 0), (4, 2), (60, 3), (400, 4)])
def test_groups_have_numbers_beside_their_colours(hosts: int, racks: int) -> None:
    groups, held = grouped(hosts, 2, racks)
    text = groups_svg(groups, cluster="dwh", racks=held)
    told = titles(text)
    assert len(told) == hosts
    for number, group in enumerate(groups.found.groups, start=1):
        for name in group.hosts:
            assert told[name].startswith(f"{name}; group {number} of {len(groups.found.groups)}; ")
    root = Xml.fromstring(text)
    tags = [found for found in root.iter(f"{SVG}text") if found.get("class") == "in-group"]
    assert len(tags) == hosts + len(groups.found.groups)
    assert text.count('class="frame"') == racks
    assert groups_summary(groups) in text
    assert text == groups_svg(groups, cluster="dwh", racks=held)


def test_a_host_in_no_group_says_why() -> None:
    seen = mirrorless(HOSTS, 1)
    reading = Reading(
        observed=seen,
        replication=(),
        health=judge_copies(seen, ()),
    )
    groups = maintenance_groups(reading, spec(HOSTS), None)
    text = groups_svg(groups, cluster=None, racks={})
    assert "in no group: 4 hosts" in text
    assert "it holds content 0 alone" in titles(text)["sdw1"]


def test_names_in_other_pictures_are_escaped() -> None:
    compared_names = replace(compared(2, 1), cluster=EVIL, notes=(EVIL,), source=EVIL)
    groups, _ = grouped(4, 1)
    found = groups_svg(groups, cluster=EVIL, racks={"sdw0": EVIL})
    for text in (found, whatif_svg(compared_names)):
        Xml.fromstring(text)
        assert "<script" not in text
        assert "\x1b" not in text


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
