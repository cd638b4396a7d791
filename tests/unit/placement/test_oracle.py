"""Every layout that the stock calculator was asked for, line for line, or why ours differs.

The reasons are the conditions of the promise: the array is "standard", spread does not wrap, ports
are legal and free, the coordinator's directory ends in `-1`.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gpmirror.errors import DiagnosedError
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.spec.model import Host, Offset, Spec
from tests import clusters

_FILE = Path(__file__).parents[2] / "fixtures" / "oracle" / "placements.jsonl"
_FAMILIES = {"6": ("lines_6", "gp6"), "4.3": ("lines_43_5", "gp5")}

Row = dict[str, Any]


@cache
def _rows() -> dict[str, Row]:
    return {row["id"]: row for row in map(json.loads, _FILE.read_text().splitlines())}


def _segment(cells: list[Any]) -> Segment:
    dbid, content, role, preferred, mode, status, port, hostname, address, directory = cells
    return Segment(
        dbid=dbid,
        content=content,
        role=Role(role),
        preferred_role=Role(preferred),
        mode=Mode(mode),
        status=Status(status),
        port=port,
        hostname=hostname,
        address=address,
        directory=directory,
    )


def _observed(row: Row, dialect: str) -> Observed:
    names = tuple(sorted(name for _, name in row.get("filespaces", [])))
    return clusters.observed(map(_segment, row["catalog"]), dialect, filespaces=names)


def _spec(row: Row) -> Spec:
    """The ring in byte order, each host's interfaces in byte order."""
    addresses: dict[str, set[str]] = {}
    for segment in map(_segment, row["catalog"]):
        if segment.content >= 0:
            addresses.setdefault(segment.hostname, set()).add(segment.address)
    filespaces = tuple(
        (name, tuple(roots[str(oid)] for roots in row["filespace_dirs"]))
        for oid, name in sorted(row.get("filespaces", []), key=lambda item: item[1])
    )
    hosts = [
        Host(
            name=name,
            addresses=tuple(sorted(found)),
            roots=tuple(row["dirs"]),
            filespace_roots=filespaces,
            place=clusters.PLACE,
        )
        for name, found in sorted(addresses.items())
    ]
    return clusters.spec(
        hosts,
        "spread" if row["spread"] else "group",
        ports=Offset(row["offset"]),
        allow_same_host=len(hosts) == 1,
    )


def _native(row: Row, dialect: str) -> list[str]:
    plan = clusters.planned(_spec(row), _observed(row, dialect))
    return clusters.native_text(plan).splitlines()


def _refusals(row: Row, dialect: str) -> set[str]:
    with pytest.raises(DiagnosedError) as caught:
        _native(row, dialect)
    return {found.code for found in caught.value.diagnostics}


def _spread_wraps(row: Row, dialect: str, stock: list[str]) -> None:
    assert row["spread"]
    assert _refusals(row, dialect) == {"GPM-P101"}


def _port_is_taken(row: Row, dialect: str, stock: list[str]) -> None:
    assert _refusals(row, dialect) == {"GPM-P111"}


def _port_is_illegal(row: Row, dialect: str, stock: list[str]) -> None:
    assert _refusals(row, dialect) == {"GPM-P110"}
    assert max(int(number) for line in stock for number in re.findall(r"\d+", line)) > 65535


def _other_interface(row: Row, dialect: str, stock: list[str]) -> None:
    """Not "standard": the tool counts interfaces differently, on the same host."""
    assert row["expect"]["nonstandard_reason"] is not None
    assert _native(row, dialect) != stock
    assert _without_interface(_native(row, dialect)) == _without_interface(stock)


def _other_prefix(row: Row, dialect: str, stock: list[str]) -> None:
    """The tool falls back to `gp`, we to the prefix that all primaries have."""
    assert _coordinator_directory(row) == "coordinator"
    assert _native(row, dialect) == [line.replace("/gp", "/gpseg") for line in stock]


def _other_interface_and_prefix(row: Row, dialect: str, stock: list[str]) -> None:
    stock = [line.replace("/gp", "/gpseg") for line in stock]
    _other_interface(row, dialect, stock)
    assert _coordinator_directory(row) == "coordinator"


def _tool_crashes(row: Row, dialect: str, stock: None) -> None:
    """Interfaces differ between hosts; ours goes around the target's list."""
    assert row["expect"] == {"exception": "IndexError: list index out of range"}
    assert len(_native(row, dialect)) >= len(row["catalog"]) - 1


def _tool_crashes_where_spread_wraps(row: Row, dialect: str, stock: None) -> None:
    assert row["expect"] == {"exception": "IndexError: list index out of range"}
    assert _refusals(row, dialect) == {"GPM-P101"}


def _no_filespaces(row: Row, dialect: str, stock: None) -> None:
    """The case is one of 4.3 and 5; 6 and later have no filespaces to put into a file."""
    assert row["filespaces"]
    assert stock is None
    assert dialect == "gp6"


def _without_interface(lines: list[str]) -> list[str]:
    return [re.sub(r"(?<=[\w])-\d(?=[:|])", "", line) for line in lines]


def _coordinator_directory(row: Row) -> str:
    return str(next(cells[9] for cells in row["catalog"] if cells[1] == -1)).rpartition("/")[2]


_Check = Callable[[Row, str, Any], None]

_DIFFERENT: dict[tuple[str, str], _Check] = {
    **{
        (id_, family): _spread_wraps
        for id_ in (
            "G6", "G6b", "U1", "R0047", "R0062", "R0082", "R0085", "X0003", "X0009", "X0018",
            "X0021",
        )
        for family in _FAMILIES
    },
    **{
        (id_, family): _port_is_taken
        for id_ in ("P1", "R0037", "R0043", "R0049", "R0089")
        for family in _FAMILIES
    },
    ("S1", "6"): _port_is_taken,
    ("S1", "4.3"): _port_is_illegal,
    ("S2", "4.3"): _port_is_illegal,
    ("R0005", "6"): _port_is_taken,
    ("R0005", "4.3"): _port_is_illegal,
    ("R0014", "6"): _port_is_illegal,
    ("R0014", "4.3"): _port_is_illegal,
    ("R0052", "4.3"): _port_is_illegal,
    **{
        (id_, family): _other_interface for id_ in ("N1", "R0017", "R0041") for family in _FAMILIES
    },
    ("R0052", "6"): _other_prefix,
    **{(id_, family): _other_prefix for id_ in ("PX1", "R0063") for family in _FAMILIES},
    ("F1", "6"): _no_filespaces,
    **{(id_, family): _tool_crashes for id_ in ("N3", "Y0009") for family in _FAMILIES},
    **{
        (id_, family): _tool_crashes_where_spread_wraps
        for id_ in ("Y0000", "Y0003", "Y0006", "Y0012")
        for family in _FAMILIES
    },
    **{("R0097", family): _other_interface_and_prefix for family in _FAMILIES},
}  # fmt: skip


def _cases() -> Iterator[tuple[str, str]]:
    for id_ in _rows():
        for family in _FAMILIES:
            yield id_, family


@pytest.mark.parametrize(("id_", "family"), list(_cases()))
def test_lines_are_those_of_the_stock_calculator(id_: str, family: str) -> None:
    row = _rows()[id_]
    key, dialect = _FAMILIES[family]
    stock = row["expect"].get(key)
    if (id_, family) in _DIFFERENT:
        _DIFFERENT[id_, family](row, dialect, stock)
    else:
        assert _native(row, dialect) == stock


def test_every_reason_has_its_row() -> None:
    assert set(_DIFFERENT) <= set(_cases())


def test_a_target_with_fewer_interfaces_is_placed_around_its_list() -> None:
    lines = _native(_rows()["N3"], "gp6")
    assert [line.split("|")[1] for line in lines] == ["sdw2-1", "sdw2-1", "sdw1-2", "sdw1-2"]
