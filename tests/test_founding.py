"""The two documents this project began with: their own files and rows come out, letter for letter."""

from pathlib import Path

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import DiagnosedError
from gpmirror.model.segment import Segment
from gpmirror.spec import load
from tests.clusters import native_text, planned
from tests.simulator import simulate

_TESTS = Path(__file__).parent

_NINE_ROWS = """
    1 |      -1 | p    | p              | s    | u      |  5432 | mdw      | mdw     |
    2 |       0 | p    | p              | s    | u      | 40000 | sdw1     | sdw1    |            41000
    4 |       2 | p    | p              | s    | u      | 40000 | sdw2     | sdw2    |            41000
    3 |       1 | p    | p              | s    | u      | 40001 | sdw1     | sdw1    |            41001
    5 |       3 | p    | p              | s    | u      | 40001 | sdw2     | sdw2    |            41001
    6 |       0 | m    | m              | s    | u      | 50000 | sdw2     | sdw2    |            51000
    7 |       1 | m    | m              | s    | u      | 50001 | sdw2     | sdw2    |            51001
    8 |       2 | m    | m              | s    | u      | 50000 | sdw1     | sdw1    |            51000
    9 |       3 | m    | m              | s    | u      | 50001 | sdw1     | sdw1    |            51001
"""


def _files(name: str) -> tuple[bytes, bytes]:
    folder = _TESTS / "golden" / name
    return (folder / "spec.yaml").read_bytes(), (folder / "catalog.txt").read_bytes()


def test_eight_lines_become_the_published_file() -> None:
    text, catalog = _files("founding-001")
    assert text.count(b"\n") == 8
    spec = load(text, "spec.yaml")
    plan = planned(spec, read_catalog(catalog, "catalog.txt"))
    published = _TESTS / "fixtures" / "configs" / "01-add-gp4-23-contents.txt"
    assert native_text(plan) == published.read_text()
    assert native_text(plan).count("\n") == 24


@pytest.mark.parametrize("name", ["founding-000", "founding-000-ports-observed"])
def test_bases_give_the_published_rows(name: str) -> None:
    text, catalog = _files(name)
    spec = load(text, "spec.yaml")
    observed = read_catalog(catalog, "catalog.txt", dialect=spec.dialect)
    after = simulate(planned(spec, observed), spec, observed)
    published = [[cell.strip() for cell in row.split("|")] for row in _NINE_ROWS.split("\n")[1:-1]]
    assert sorted(map(_cells, after.segments)) == sorted(published)
    assert not planned(spec, after).changes


def _cells(row: Segment) -> list[str]:
    cells = [row.dbid, row.content, row.role, row.preferred_role, row.mode, row.status]
    cells += [row.port, row.hostname, row.address, row.replication_port or ""]
    return [str(cell) for cell in cells]


def test_the_published_option_is_refused_with_its_arithmetic() -> None:
    text, catalog = _files("founding-000-offset-too-large")
    spec = load(text, "spec.yaml")
    with pytest.raises(DiagnosedError) as caught:
        planned(spec, read_catalog(catalog, "catalog.txt", dialect=spec.dialect))
    assert "40000 + 3 x 10000 = 70000" in caught.value.message
