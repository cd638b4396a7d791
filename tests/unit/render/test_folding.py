"""Every change is on screen: read back from the screen alone and compared with the plan."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.render.folding import parts
from gpmirror.render.html import plan_html
from gpmirror.render.markdown import plan_markdown
from gpmirror.render.plan import plan_human
from gpmirror.render.run import preview
from gpmirror.spec.model import Pin
from tests import plans
from tests.clusters import (
    coordinator,
    group_mirrors,
    host,
    mirrored,
    mirrorless,
    observed,
    planned,
    primaries,
    spec,
)
from tests.unfolding import expected, seen

ROOTS = {"one root": ("/data/mirror",), "two roots": ("/data1/mirror", "/data2/mirror")}
MANY = 500
SIZES = {
    4: ((2, 2), (4, 1)),
    16: ((4, 4), (8, 2), (2, 8)),
    48: ((12, 4), (8, 6), (6, 8)),
    MANY: ((50, 10), (63, 8), (125, 4), (20, 25)),
}
LINES = {16: 60, 500: 150}


def names(count: int) -> list[str]:
    return [f"sdw{number}" for number in range(1, count + 1)]


def added(strategy: str, hosts: int, each: int, roots: tuple[str, ...], block: int = 4) -> Plan:
    listed = [host(name, roots=roots) for name in names(hosts)]
    size = {"block_size": block if hosts % block != 1 else block + 1} if strategy == "block" else {}
    wanted = spec(listed, strategy=strategy, cluster="large", **size)
    return planned(wanted, mirrorless(names(hosts), each))


def is_whole(plan: Plan, width: int = 80) -> None:
    told = sorted(expected(plan), key=lambda one: one.content)
    for screen in (
        plan_human(plan, width=width, color=False),
        plan_human(plan, width=width, color=False, verbose=True),
        preview(plan, width=width),
    ):
        assert sorted(seen(screen), key=lambda one: one.content) == told


def additions() -> list[object]:
    return [
        pytest.param(
            *(strategy, contents, hosts, each, roots),
            id=f"{strategy}-{hosts}x{each}-{name}",
            marks=[pytest.mark.long] if contents == MANY and (hosts, each) != (50, 10) else [],
        )
        for strategy in ("group", "spread", "block")
        for contents, shapes in SIZES.items()
        for hosts, each in shapes
        for name, roots in ROOTS.items()
        if strategy != "spread" or each < hosts
    ]


@pytest.mark.parametrize(("strategy", "contents", "hosts", "each", "roots"), additions())
def test_every_added_mirror_is_on_screen_and_the_screen_is_short(
    strategy: str, contents: int, hosts: int, each: int, roots: tuple[str, ...]
) -> None:
    plan = added(strategy, hosts, each, roots)
    is_whole(plan)
    lines = plan_human(plan, width=80, color=False).splitlines()
    assert len(lines) <= LINES.get(contents, 150)
    assert max(map(len, lines[:-1])) <= 80
    assert len(preview(plan, width=80).splitlines()) <= LINES.get(contents, 150)


@pytest.mark.parametrize("block", [2, 3, 5, 10])
@pytest.mark.parametrize(("hosts", "each"), [(50, 10), (125, 4)])
def test_blocks_of_any_size_fold(block: int, hosts: int, each: int) -> None:
    plan = added("block", hosts, each, ROOTS["one root"], block)
    is_whole(plan)
    assert len(plan_human(plan, width=80, color=False).splitlines()) <= 150


@pytest.mark.parametrize(("hosts", "each"), [(4, 1), (6, 4), (12, 4), (63, 8)])
@pytest.mark.parametrize("strategy", ["spread", "group"])
def test_every_move_is_on_screen(strategy: str, hosts: int, each: int) -> None:
    listed = [host(name, roots=("/data1/m", "/data2/m")) for name in names(hosts)]
    is_whole(planned(spec(listed, strategy=strategy), mirrored(names(hosts), each)))


@pytest.mark.parametrize("contents", [4, 48, 500])
def test_pins_take_a_line_a_content(contents: int) -> None:
    hosts = names(contents // 2)
    pins = tuple(
        Pin(
            content=content,
            host=f"sdw{(content * 7 + 1) % (contents // 2) + 1}",
            port=20000 + content * 13,
            directory=f"/own/{content * 31}",
            reason=f"ticket {content}",
            place=plans.place(20 + content),
        )
        for content in range(contents)
        if (content * 7 + 1) % (contents // 2) != content // 2
    )
    plan = planned(spec(hosts, pins=pins), mirrorless(hosts, 2))
    is_whole(plan)
    text = plan_human(plan, width=200, color=False)
    for pin in pins:
        line = next(one for one in text.splitlines() if f"content {pin.content} " in one)
        assert f"ticket {pin.content}; gpmirror.yaml:{pin.place.line}" in line


def damaged(
    hosts: int, each: int, down: Callable[[Segment], bool], *, switch: bool
) -> list[Segment]:
    rows = primaries(names(hosts), each)
    whole = [*rows, *group_mirrors(rows, names(hosts))]
    if switch:
        return [
            replace(row, role=Role.MIRROR if row.is_preferred_primary else Role.PRIMARY)
            if down(row)
            else row
            for row in whole
        ]
    return [
        replace(row, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if down(row) and not row.is_preferred_primary
        else replace(row, mode=Mode.NOT_IN_SYNC)
        if down(row)
        else row
        for row in whole
    ]


@pytest.mark.parametrize(("hosts", "each"), [(4, 1), (12, 4), (50, 10)])
@pytest.mark.parametrize("full", [True, False])
def test_every_recovery_is_on_screen(hosts: int, each: int, full: bool) -> None:
    rows = damaged(hosts, each, lambda row: row.content % 3 != 1, switch=False)
    found = planned(spec(names(hosts)), observed([coordinator(), *rows]), Request(full=full))
    assert found.summary.recover
    is_whole(found)


@pytest.mark.parametrize(("hosts", "each"), [(4, 1), (12, 4), (50, 10)])
def test_every_rebalance_is_on_screen(hosts: int, each: int) -> None:
    rows = damaged(hosts, each, lambda row: row.content % 4 != 1, switch=True)
    seen_now = observed([coordinator(), *rows])
    found = planned(spec(names(hosts)), seen_now, Request(rebalance=True))
    assert found.summary.rebalance
    is_whole(found)


@pytest.mark.parametrize(
    "plan",
    [
        plans.adding,
        plans.moving,
        plans.swapping,
        plans.recovering,
        plans.rebalancing,
        plans.founding,
    ],
)
@pytest.mark.parametrize("width", [80, 120])
def test_plans_of_every_kind_are_whole(plan: Callable[[], Plan], width: int) -> None:
    is_whole(plan(), width)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(6000, 6020),
            st.sampled_from(["/d/gpseg{c}", "/e{c}", "/x"]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_whatever_moves_is_read_back(moves: list[tuple[int, int, str]]) -> None:
    """Places that follow no rule at all."""
    made = added("group", 8, 5, ROOTS["one root"])
    changes = tuple(
        replace(
            change,
            to=replace(
                change.to,
                host=f"sdw{move[0]}",
                address=f"sdw{move[0]}",
                port=move[1],
                directory=move[2].format(c=change.content),
            ),
        )
        for change, move in zip(made.changes, moves, strict=False)
        if change.to is not None
    )
    found = replace(made, changes=changes)
    told = sorted(expected(found), key=lambda one: one.content)
    assert sorted(seen(plan_human(found, width=80, color=False)), key=lambda o: o.content) == told


def test_directories_that_name_their_host_are_told_with_it() -> None:
    listed = [host(name, roots=(f"/data/{name}/mirror",)) for name in names(30)]
    plan = planned(spec(listed, strategy="spread"), mirrorless(names(30), 4))
    is_whole(plan)
    assert "directory /data/{host}/mirror/gpseg{content}" in plan_human(plan, width=80, color=False)


def test_brackets_in_a_path_are_only_text() -> None:
    plan = added("group", 4, 2, ROOTS["one root"])
    odd = ["/data[1]/m{x}/gpseg{}", "/data[2]/m{content}/gpseg{}"]
    changes = tuple(
        replace(change, to=replace(change.to, directory=odd[at % 2].replace("{}", str(at))))
        for at, change in enumerate(plan.changes)
        if change.to is not None
    )
    text = plan_human(replace(plan, changes=changes), width=120, color=False)
    assert all(change.to and f"  {change.to.directory}\n" in text for change in changes)


def test_the_rule_is_told_once() -> None:
    text = plan_human(added("spread", 12, 4, ROOTS["one root"]), width=120, color=False)
    assert text.count("spread: the k-th primary of a host") == 1
    ruled = [one for part in parts(plans.moving()) for one in part.ruled]
    assert [len(one.contents) for one in ruled] == [8, 4]


@pytest.mark.parametrize("strategy", ["group", "spread", "block"])
def test_pages_show_the_same_lines(strategy: str) -> None:
    plan = added(strategy, 12, 4, ROOTS["two roots"])
    folds = [fold for part in parts(plan) for ruled in part.ruled for fold in ruled.folds]
    page, comment = plan_html(plan), plan_markdown(plan)
    for fold in folds:
        assert f"<td>{fold.named}</td>" in page
        assert f"`{fold.hosts}`" in comment
    assert "more line" not in page


def test_hosts_stand_in_natural_order() -> None:
    ring = ["sdw1", "sdw10", "sdw2", "sdw3"]
    text = plan_human(planned(spec(ring), mirrorless(ring, 1)), width=80, color=False)
    assert [line.split()[0] for line in text.splitlines() if " -> " in line][:4] == [
        "sdw1",
        "sdw2",
        "sdw3",
        "sdw10",
    ]
    assert "  sdw[1-3,10], each" in text


def test_what_an_addition_sets_on_primaries_is_told_too() -> None:
    """4.3 and 5: gpaddmirrors gives each primary its replication port."""
    flat = " ".join(plan_human(plans.founding(), width=80, color=False).split())
    assert "ports 50000-50003 replication ports: mirror 51000-51003, primary 43000-43003" in flat


def test_paths_that_differ_by_their_host_only_are_told_once() -> None:
    roots = ("/a/long/way/to/the/directories/of/{}/data/mirror",)
    listed = [host(name, roots=(roots[0].format(name),)) for name in names(4)]
    plan = planned(spec(listed), mirrorless(names(4), 2))
    is_whole(plan)
    text = plan_human(plan, width=80, color=False)
    path = roots[0].format("{host}")
    assert text.count("/a/long/way") == 2
    assert f" directory {path}/gpseg{{content}} sdw1 -> sdw2 " in " ".join(text.split())
    assert f"first make {path} on sdw[1-4]" in " ".join(text.split())
