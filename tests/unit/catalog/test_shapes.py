"""A random catalog, printed in any shape, is read back as it was."""

import random
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpmirror.catalog import read_catalog, snapshot_text
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from tests import shapes

_NAMES = st.text("abcxyz019.-_", min_size=1, max_size=30).map(lambda name: "h" + name)
_PATHS = st.text("abcxyz019.-_$ '/é", min_size=1, max_size=60).map(
    lambda path: "/d" + re.sub(r"([./])\1+", r"\1", "".join(path.split()))
)


@st.composite
def clusters(draw: st.DrawFn, dialect: DialectName = DialectName.GP6) -> Observed:
    old = DIALECTS[dialect].file_replication
    contents = draw(st.integers(1, 6))
    hosts = draw(st.lists(_NAMES, min_size=1, max_size=3))
    filespaces = draw(st.sampled_from([(), ("fast",), ("fast", "slow")])) if old else ()
    rows = [(-1, Role.PRIMARY)]
    for content in range(contents):
        rows.append((content, Role.PRIMARY))
        if draw(st.booleans()):
            rows.append((content, Role.MIRROR))
    segments: list[Segment] = []
    for dbid, (content, role) in enumerate(rows, 1):
        root = draw(_PATHS).rstrip("/")
        segments.append(
            Segment(
                dbid=dbid,
                content=content,
                role=role,
                preferred_role=role,
                mode=draw(st.sampled_from([Mode.SYNCED, *_other_modes(old=old)])),
                status=draw(st.sampled_from(Status)),
                port=5000 + dbid,
                hostname=draw(st.sampled_from(hosts)),
                address=draw(_NAMES),
                directory=f"{root}/seg{dbid}",
                replication_port=7000 + dbid if old and content >= 0 else None,
                filespaces=tuple((name, f"{root}/{name}{dbid}") for name in filespaces)
                if content >= 0
                else (),
            )
        )
    return Observed(
        segments=in_canonical_order(segments),
        dialect=DIALECTS[dialect],
        server_version="5.8.1" if old else "6.24.3",
        filespaces=filespaces,
        source="cat",
    )


def _other_modes(*, old: bool) -> list[Mode]:
    return [Mode.RESYNCING, Mode.CHANGE_TRACKING] if old else [Mode.NOT_IN_SYNC]


def placeless(observed: Observed) -> Observed:
    """Without the lines that the rows were read from and the remarks on the text."""
    rows = tuple(replace(row, line=0) for row in observed.segments)
    return replace(observed, segments=rows, notes=())


@pytest.mark.parametrize("dialect", [DialectName.GP5, DialectName.GP6])
@pytest.mark.parametrize("shape", shapes.SHAPES)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_read_back(shape: str, dialect: DialectName, data: st.DataObject) -> None:
    observed = data.draw(clusters(dialect))
    text = shapes.catalog_text(observed, shapes.SHAPES[shape])
    assert placeless(read_catalog(text.encode(), "cat")) == observed


@pytest.mark.parametrize("dialect", [DialectName.GP5, DialectName.GP6])
@given(data=st.data(), width=st.integers(32, 160), indent=st.integers(0, 4))
@settings(max_examples=80, deadline=None)
def test_terminal_of_any_width(
    dialect: DialectName, data: st.DataObject, width: int, indent: int
) -> None:
    observed = data.draw(clusters(dialect))
    said = shapes.version_line(observed)
    cells = shapes.catalog_cells(observed.segments, old=dialect is DialectName.GP5)
    for text in (
        shapes.terminal_wrapped(cells, width, " " * indent),
        "\n".join(map(str.rstrip, shapes.terminal_wrapped(cells, width).split("\n"))),
    ):
        read = placeless(read_catalog((said + text).encode(), "cat"))
        assert [replace(row, directory=None) for row in read.segments] == [
            replace(row, directory=None, filespaces=()) for row in observed.segments
        ]
        if dialect is DialectName.GP6:
            assert read == observed


@pytest.mark.parametrize("dialect", [DialectName.GP5, DialectName.GP6])
@pytest.mark.parametrize("shape", ["aligned", "unicode", "borderless", "unaligned |", "boxed"])
@given(data=st.data(), blank=st.sampled_from(["\n", " \n", "\n\n"]))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_blank_lines_between_counted_rows(
    shape: str, dialect: DialectName, data: st.DataObject, blank: str
) -> None:
    """As copied out of a wiki or a page of HTML."""
    observed = data.draw(clusters(dialect))
    text = shapes.catalog_text(observed, shapes.SHAPES[shape]).replace("\n", "\n" + blank)
    assert placeless(read_catalog(text.encode(), "cat")) == observed


@given(observed=clusters(), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_order_of_rows_does_not_matter(observed: Observed, seed: int) -> None:
    header, *rows = shapes.catalog_cells(observed.segments, old=False)
    random.Random(seed).shuffle(rows)
    text = shapes.version_line(observed) + shapes.aligned([header, *rows])
    assert placeless(read_catalog(text.encode(), "cat")) == observed


@given(observed=clusters(), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_order_of_columns_does_not_matter(observed: Observed, seed: int) -> None:
    cells = shapes.catalog_cells(observed.segments, old=False)
    order = list(range(len(cells[0])))
    random.Random(seed).shuffle(order)
    text = shapes.aligned([[row[index] for index in order] for row in cells])
    read = placeless(read_catalog(text.encode(), "cat"))
    assert read.segments == observed.segments


@pytest.mark.parametrize("dialect", [DialectName.GP5, DialectName.GP6])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_snapshot(dialect: DialectName, data: st.DataObject) -> None:
    observed = data.draw(clusters(dialect))
    assert read_catalog(snapshot_text(observed).encode(), "cat") == observed


@given(observed=clusters())
@settings(max_examples=20, deadline=None)
def test_segment_list(observed: Observed) -> None:
    text = shapes.array_list(observed.segments)
    assert placeless(read_catalog(text.encode(), "cat")).segments == observed.segments


@given(
    text=st.text(st.sampled_from("dbid content|role-+\n\t0123(ws)[]RECORD\"',;#/│")),
    tail=st.binary(),
)
@settings(max_examples=300, deadline=None)
def test_any_input_ends_in_a_cluster_or_a_refusal(text: str, tail: bytes) -> None:
    for data in (text.encode(), tail, b"dbid|content|role|preferred_role\n" + text.encode() + tail):
        with suppress(InvalidInput):
            read_catalog(data, "cat")


@given(observed=clusters(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_cut_text_is_never_read_as_something_else(
    observed: Observed, data: st.DataObject
) -> None:
    """With its count a table is complete or refused, wherever it is cut."""
    text = shapes.aligned_text(observed)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start, len(text) - 1))
    cut = text[:start] + text[end:]
    try:
        read = read_catalog(cut.encode(), "cat", dialect=DialectName.GP6)
    except InvalidInput:
        return
    assert len(read.segments) <= len(observed.segments)
