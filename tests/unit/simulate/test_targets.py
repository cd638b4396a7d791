"""What may be lost by name, and what is refused."""

import pytest

from gpmirror.errors import ExitCode, InvalidInput
from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import lose_targets, parse_targets
from gpmirror.simulate.codes import CODES

LAYOUT = Layout(
    pairs=(Pair(0, "sdw1", "sdw2"), Pair(1, "sdw2", "sdw3"), Pair(2, "sdw3", "sdw1")),
    hosts=("sdw1", "sdw2", "sdw3"),
    racks={"sdw1": "a", "sdw2": "a", "sdw3": "b"},
)
RACKLESS = Layout(pairs=LAYOUT.pairs, hosts=LAYOUT.hosts)
MANY = Layout(pairs=(), hosts=tuple(f"node{number}" for number in range(12)))


def test_hosts_and_racks() -> None:
    host, rack = parse_targets(["host:sdw3", "rack:a", "host:sdw3"], LAYOUT)
    assert (host.label, host.hosts) == ("sdw3", ("sdw3",))
    assert (rack.label, rack.hosts) == ("rack a", ("sdw1", "sdw2"))


def test_several_targets_are_lost_together() -> None:
    loss = lose_targets(LAYOUT, parse_targets(["rack:a", "host:sdw2"], LAYOUT))
    assert loss.label == "rack a + sdw2"
    assert loss.lost == ("sdw1", "sdw2")
    assert loss.contents_lost == (0,)


def test_nothing_to_lose() -> None:
    assert parse_targets([], LAYOUT) == ()


@pytest.mark.parametrize(
    ("layout", "text", "code", "hint"),
    [
        (LAYOUT, "host:sdw9", "GPM-P901", "did you mean `host:sdw3`?"),
        (LAYOUT, "host:SDW2", "GPM-P901", "did you mean `host:sdw2`?"),
        (LAYOUT, "host:qqqqqq", "GPM-P901", "known: sdw1, sdw2, sdw3"),
        (
            MANY,
            "host:x",
            "GPM-P901",
            "known: node0, node1, node2, node3, node4, node5, node6, node7, +4 more",
        ),
        (Layout(pairs=(), hosts=()), "host:x", "GPM-P901", "the layout is empty"),
        (LAYOUT, "host:" + "x" * 100_000, "GPM-P901", "known: sdw1, sdw2, sdw3"),
        (LAYOUT, "rack:z", "GPM-P903", "known: a, b"),
        (
            RACKLESS,
            "rack:a",
            "GPM-P903",
            "give the hosts a `rack:` in the spec and simulate the spec",
        ),
        (LAYOUT, "sdw1", "GPM-P902", "write `host:sdw1`, or `rack:NAME`"),
        (LAYOUT, "host:", "GPM-P902", "write `host:NAME`, or `rack:NAME`"),
        (LAYOUT, "content:3", "GPM-P902", "write `host:NAME`, or `rack:NAME`"),
        (LAYOUT, "", "GPM-P902", "write `host:NAME`, or `rack:NAME`"),
    ],
)
def test_refused(layout: Layout, text: str, code: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_targets([text], layout)
    (found,) = caught.value.diagnostics
    assert (found.code, found.hint) == (code, hint)
    assert found.code in CODES
    assert len(found.message) < 200
    assert caught.value.exit_code is ExitCode.INVALID


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_targets(["host:x", "rack:y", "z", "host:sdw1"], LAYOUT)
    assert [found.code for found in caught.value.diagnostics] == [
        "GPM-P901",
        "GPM-P903",
        "GPM-P902",
    ]


def test_control_characters_are_shown_escaped() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_targets(["host:\x1b[31mred"], LAYOUT)
    assert "\x1b" not in caught.value.diagnostics[0].message
