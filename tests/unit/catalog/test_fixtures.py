"""Every saved catalog at hand is read, or refused for the right reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.catalog import read_catalog, snapshot_text
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode

FIXTURES = Path(__file__).parents[2] / "fixtures" / "catalogs"
GP6_NOTE = "dialect taken as gp6: the text has datadir but no version() line"


def read(name: str, *, dialect: DialectName | None = None, table: int | None = None) -> Observed:
    return read_catalog((FIXTURES / name).read_bytes(), name, dialect=dialect, table=table)


def refusal(
    name: str, *, dialect: DialectName | None = None, table: int | None = None
) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(name, dialect=dialect, table=table)
    return caught.value


READ = [
    ("01-gp4.3.6.1-single-host-23x.txt", 47, "gp4"),
    ("03-gp5-2sdw-group.txt", 9, "gp5"),
    ("04-gp4-singlehost-2x.txt", 5, "gp4"),
    ("05-gp6.23.3-4sdw-ring-all-notinsync.txt", 10, "gp6"),
    ("08-gp6-1x-nomirror-wrapped.txt", 2, "gp6"),
    ("09-gp4.3-3hosts-multihome-group.txt", 13, "gp5"),
    ("09-gp4.3-3hosts-multihome-spread.txt", 13, "gp5"),
    ("11-cloudberry1.0-demo.txt", 8, "cloudberry"),
    ("12-cloudberry1.6-demo.txt", 8, "cloudberry"),
    ("13-cloudberry-2x-nomirror.txt", 3, "gp6"),
    ("14-cloudberry2-3sdw-2x-spread.txt", 13, "cloudberry"),
    ("16-gp6.4.0-after-host-failure.txt", 10, "gp6"),
    ("18-gp5.0-hostname-ne-address.txt", 7, "gp4"),
    ("19-gp4.3.99-hostname-ne-address-wrapped.txt", 5, "gp4"),
    ("21-gp6.17.0-2x2-all-roles-switched.txt", 10, "gp6"),
    ("22-gp6.17.0-4x3-reversed-port-ranges.txt", 26, "gp6"),
    ("25-greengage7-unbalanced.array", 19, "gp6"),
    ("26-greengage7-role-mismatch.array", 9, "gp6"),
    ("28-greengage7-segment-down.array", 9, "gp6"),
    ("30-gp7-2x3-excerpt.txt", 8, "gp6"),
]

REFUSED = [
    ("02-gp4.3.6.1-before-mirrors-one-line.txt", "GPM-C003", "the line ends are lost"),
    ("03b-gp5-gpstate-m.txt", "GPM-C002", "no catalog table found"),
    ("04b-gp4-pg_filespace_entry.txt", "GPM-C002", "no catalog table found"),
    ("07-gp7.2.0-failover-3-states.md", "GPM-C004", "3 states: table 1: lines 8 to 19"),
    ("23-gp6.17.0-content-hole.txt", "GPM-C031", "content gaps: no row of content 4..8; "),
    ("31-gp7.2.0-excerpt.txt", "GPM-C032", "content 2 has no preferred primary: dbid 6 (line 9)"),
]


@pytest.mark.parametrize(("name", "rows", "dialect"), READ)
def test_read(name: str, rows: int, dialect: str) -> None:
    observed = read(name)
    assert (len(observed.segments), observed.dialect.name.value) == (rows, dialect)
    assert observed.dialect_assumed == (dialect == "gp6")
    assert (GP6_NOTE in observed.notes) == (dialect == "gp6")
    again = read_catalog(snapshot_text(observed).encode(), name)
    assert again == replace(
        observed, segments=tuple(replace(row, line=0) for row in observed.segments)
    )


@pytest.mark.parametrize(("name", "code", "words"), REFUSED)
def test_refused(name: str, code: str, words: str) -> None:
    found = refusal(name).diagnostics[0]
    assert found.code == code
    assert words in found.message
    assert found.hint


def test_every_fixture_is_listed() -> None:
    listed = {row[0] for row in READ} | {row[0] for row in REFUSED}
    assert listed == {path.name for path in FIXTURES.iterdir()}


def test_a_cut_catalog_says_that_it_may_be_cut() -> None:
    found = refusal("31-gp7.2.0-excerpt.txt").diagnostics
    assert [d.message.split(":")[0] for d in found] == [
        f"content {content} has no preferred primary" for content in (2, 3, 4)
    ]
    assert all("(N rows)" in (d.hint or "") for d in found)


def test_an_excerpt_that_is_sane_gets_a_note() -> None:
    assert any("(N rows)" in note for note in read("30-gp7-2x3-excerpt.txt").notes)


@pytest.mark.parametrize(("table", "switched"), [(1, 2), (2, 2), (3, 0)])
def test_one_of_three_states(table: int, switched: int) -> None:
    observed = read("07-gp7.2.0-failover-3-states.md", table=table)
    assert sum(row.is_switched for row in observed.segments) == 2 * switched


@pytest.mark.parametrize("table", [0, 4, -1])
def test_no_such_state(table: int) -> None:
    found = refusal("07-gp7.2.0-failover-3-states.md", table=table).diagnostics[0]
    assert f"there is no table {table}" in found.message


def test_wrapped_rows_are_joined() -> None:
    one, two = read("08-gp6-1x-nomirror-wrapped.txt").segments
    assert one.directory == "/greenplum/data-1"
    assert two.directory == "/greenplum/data"
    assert two.address == "segment-a-0.agent.default.svc.cluster.local"
    assert (two.line, one.line) == (7, 5)


def test_wrapped_header_is_joined() -> None:
    observed = read("19-gp4.3.99-hostname-ne-address-wrapped.txt")
    assert [row.mode for row in observed.segments if row.content == 0] == [
        Mode.SYNCED,
        Mode.CHANGE_TRACKING,
    ]
    assert {row.address for row in observed.segments} == {"master", "node1"}


def test_padded_table_has_directories_and_replication_ports() -> None:
    first = read("09-gp4.3-3hosts-multihome-group.txt").segments[1]
    assert (first.directory, first.replication_port) == ("/first/datadirpathdbfast1/gp0", 53001)


def test_headers_need_not_stand_above_their_cells() -> None:
    observed = read("01-gp4.3.6.1-single-host-23x.txt")
    assert observed.segments[-1].port == 41022
    assert observed.segments[-2].replication_port == 43022
    assert not observed.directories_known


def test_filespace_entries_in_the_same_text() -> None:
    parts = ("04b-gp4-pg_filespace_entry.txt", "04-gp4-singlehost-2x.txt")
    text = b"".join((FIXTURES / name).read_bytes() for name in parts)
    observed = read_catalog(text, "both")
    assert [row.directory for row in observed.segments] == [
        "/Users/demouser00/4111/data/main-1",
        "/Users/demouser00/4111/prim/main0",
        "/Users/demouser00/4111/mirr/main0",
        "/Users/demouser00/4111/prim/main1",
        "/Users/demouser00/4111/mirr/main1",
    ]
    assert observed.filespaces == ()


def test_the_spec_may_say_which_old_release_it_is() -> None:
    observed = read("18-gp5.0-hostname-ne-address.txt", dialect=DialectName.GP5)
    assert observed.dialect.name is DialectName.GP5
    assert not observed.dialect_assumed


@pytest.mark.parametrize("dialect", [DialectName.GP6, DialectName.CLOUDBERRY])
def test_the_spec_must_not_contradict_the_columns(dialect: DialectName) -> None:
    found = refusal("03-gp5-2sdw-group.txt", dialect=dialect).diagnostics[0]
    assert found.code == "GPM-C020"
    assert f"set to {dialect.value}" in found.message
    assert "replication_port" in found.message
