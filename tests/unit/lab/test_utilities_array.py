"""Ports and directories are checked per hostname, with the recorded words and order of dbids."""

from dataclasses import replace

import pytest

from gpmirror.lab.utilities.array import Array, check_colon, check_pipe, oddity
from gpmirror.lab.utilities.console import Broken
from gpmirror.model.segment import Mode, Role, Segment, Status


def segment(dbid: int, content: int, role: str, host: str, port: int, **more: object) -> Segment:
    found = Segment(
        dbid=dbid,
        content=content,
        role=Role(role),
        preferred_role=Role(role),
        mode=Mode.SYNCED,
        status=Status.UP,
        port=port,
        hostname=host,
        address=host,
        directory=f"/data/{dbid}",
    )
    return replace(found, **more)  # type: ignore[arg-type]


P0 = segment(2, 0, "p", "sdw1", 6000, replication_port=43000)
P2 = segment(4, 2, "p", "sdw2", 6000, replication_port=43000)
M0 = segment(10, 0, "m", "sdw2", 7000, replication_port=42000)
M1 = segment(11, 1, "m", "sdw2", 7001, replication_port=42001)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            [P0, P2, M0, replace(M1, port=7000)],
            "Segment dbid's 11 and 10 on host sdw2 cannot have the same port 7000.",
        ),
        (
            [P0, P2, replace(M0, port=6000), M1],
            "Segment dbid's 4 and 10 on host sdw2 cannot have the same port 6000.",
        ),
        (
            [P0, P2, M0, replace(M1, directory="/data/10")],
            "Segment dbid's 11 and 10 on host sdw2 cannot have the same data directory '/data/10'.",
        ),
    ],
)
def test_clashes_of_6(changed: list[Segment], said: str) -> None:
    with pytest.raises(Broken) as broken:
        check_pipe(changed)
    assert str(broken.value) == said


def test_a_mirror_beside_its_primary_is_no_clash() -> None:
    check_pipe([P0, replace(M0, hostname="sdw1", port=7002)])


def test_two_names_of_one_machine_are_two_hosts() -> None:
    check_pipe([P2, replace(M0, hostname="sdw2-1", port=6000)])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            [P0, P2, M0, replace(M1, port=7000)],
            (
                "On host sdw2, port 7000 for segment with dbid 11 conflicts with port for segment"
                " dbid 10"
            ),
        ),
        (
            [P0, replace(M0, replication_port=7000)],
            "On host sdw2, segment with dbid 10 has equal port and replication port",
        ),
        (
            [P0, segment(3, 1, "p", "sdw1", 6001, replication_port=43000)],
            (
                "On host sdw1, replication port 3 for segment with dbid 43000 conflicts with a port for"
                " segment dbid 2"
            ),
        ),
        (
            [P0, segment(3, 1, "p", "sdw1", 6001)],
            "On host sdw1, the replication port is not set for segment with dbid 3",
        ),
        (
            [P2, replace(M0, directory="/data/4")],
            (
                "On host sdw2, directory (base or filespace) for segment with dbid 4 conflicts with a"
                " directory (base or filespace) for segment dbid 10; directory: /data/4"
            ),
        ),
        (
            [M0, replace(M1, filespaces=(("fs1", "/data/10"),))],
            (
                "On host sdw2, directory (base or filespace) for segment with dbid 11 conflicts with a"
                " directory (base or filespace) for segment dbid 10; directory: /data/10"
            ),
        ),
    ],
)
def test_clashes_of_5(changed: list[Segment], said: str) -> None:
    with pytest.raises(Broken) as broken:
        check_colon(changed)
    assert str(broken.value) == said


def test_spread_is_told_from_group() -> None:
    second = segment(3, 1, "p", "sdw1", 6001)
    assert not Array(segments=(P0, M0, second, M1), top_dbid=11).spread
    moved = replace(M1, hostname="sdw3")
    assert Array(segments=(P0, M0, second, moved), top_dbid=11).spread


def primaries(*rows: str) -> list[Segment]:
    """Primaries by `host address`."""
    named = [row.split() for row in rows]
    return [
        segment(n, n, "p", host, 6000 + n, address=address)
        for n, (host, address) in enumerate(named)
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["sdw1 sdw1", "sdw2 sdw2"], ""),
        (["sdw1 sdw1-1", "sdw1 sdw1-2", "sdw2 sdw2-1", "sdw2 sdw2-2"], ""),
        (["sdw1 sdw1", "sdw1 sdw1", "sdw2 sdw2"], "sdw2 != sdw1."),
        (["sdw1 sdw1-1", "sdw2 sdw2"], "The address value for sdw2 is the same as the host name"),
        (["sdw1 sdw1", "sdw2 alt"], "The address value for alt does not correspond to a standard"),
    ],
    ids=["names", "interfaces", "uneven", "mixed", "other address"],
)
def test_what_gpaddmirrors_calls_non_standard(rows: list[str], said: str) -> None:
    found = oddity(primaries(*rows))
    assert said in found
    assert bool(said) == bool(found)
