"""Fetched rows into values, and the questions that fetch them."""

import re
from dataclasses import fields

import pytest

from gpmirror.catalog.live import (
    Fetched,
    Queries,
    copying_from,
    family_of,
    observed_from,
    queries_for,
    replication_from,
    sizes_from,
)
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName

GP6 = queries_for(DIALECTS[DialectName.GP6])
ON = "on x86_64-pc-linux-gnu, compiled by gcc"


@pytest.mark.parametrize(
    ("said", "name", "version"),
    [
        (
            f"PostgreSQL 8.2.15 (Greenplum Database 4.3.6.1 build 2) {ON}",
            DialectName.GP4,
            "4.3.6.1",
        ),
        (
            f"PostgreSQL 8.3.23 (Greenplum Database 5.8.1 build commit:64fd90b5) {ON}",
            DialectName.GP5,
            "5.8.1",
        ),
        (
            f"PostgreSQL 9.4.26 (Greenplum Database 6.24.3 build commit:25d3498a) {ON}",
            DialectName.GP6,
            "6.24.3",
        ),
        (
            f"PostgreSQL 12.12 (Greenplum Database 7.2.0_arenadata7+dev build) {ON}",
            DialectName.GP7,
            "7.2.0_arenadata7+dev",
        ),
        (
            f"PostgreSQL 14.4 (Apache Cloudberry 2.1.0-incubating build dev) {ON}",
            DialectName.CLOUDBERRY,
            "2.1.0-incubating",
        ),
        (
            f"PostgreSQL 9.4.26 (Greengage Database 6.28.1 build x) {ON}",
            DialectName.GREENGAGE6,
            "6.28.1",
        ),
        (
            f"PostgreSQL 12.12 (Greengage Database 7.4.0 build x) {ON}",
            DialectName.GREENGAGE7,
            "7.4.0",
        ),
        (f"PostgreSQL 9.4.26 (WarehousePG 6.27.1 build x) {ON}", DialectName.GP6, "6.27.1"),
    ],
)
def test_families(said: str, name: DialectName, version: str) -> None:
    verdict = family_of(said, "mdw:5432", None)
    assert (verdict.name, verdict.version, verdict.assumed) == (name, version, False)
    assert family_of(said, "mdw:5432", name).name is name


@pytest.mark.parametrize(
    "said",
    [
        "PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc",
        "PostgreSQL 16.2 on x86_64-pc-linux-gnu, compiled by gcc",
        f"PostgreSQL 12.12 (Greenplum Database 9.0.0 build x) {ON}",
        "",
        "(" * 5000,
    ],
)
def test_servers_that_are_none(said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        family_of(said, "mdw:5432", DialectName.GP6)
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-C021"
    assert found.message.startswith("mdw:5432 is no Greenplum server: version() says ")
    assert len(found.message) < 200


def test_sizes_leave_the_coordinator_out() -> None:
    rows = [("-1", "5"), ("0", "123456789012345"), ("1", None)]
    assert sizes_from(rows) == {0: 123_456_789_012_345}


def test_directories_are_known_where_segments_tell_them() -> None:
    segments = [
        ("1", "-1", "p", "p", "n", "u", "5432", "mdw", "mdw", "/data/gpseg-1"),
        ("2", "0", "p", "p", "n", "u", "6000", "sdw1", "sdw1", "/data/gpseg0"),
    ]
    found = observed_from(
        Fetched(
            server="mdw:5432",
            dialect=DIALECTS[DialectName.GP6],
            version="6.24.3",
            columns=GP6.columns,
            segments=segments,
        )
    )
    assert found.directories_known


def test_a_missing_directory_of_a_filespace() -> None:
    segments = [
        ("1", "-1", "p", "p", "s", "u", "5432", "mdw", "mdw", None),
        ("2", "0", "p", "p", "s", "u", "6000", "sdw1", "sdw1", None),
    ]
    with pytest.raises(InvalidInput) as caught:
        observed_from(
            Fetched(
                server="mdw:5432",
                dialect=DIALECTS[DialectName.GP5],
                version=None,
                columns=queries_for(DIALECTS[DialectName.GP5]).columns,
                segments=segments,
                directories=[("1", "pg_system", "/m"), ("1", "fast", "/f")],
            )
        )
    assert {found.message for found in caught.value.diagnostics} == {
        "dbid 2 has no directory in filespace fast",
        "dbid 2 has no directory in filespace pg_system",
    }


@pytest.mark.parametrize(
    ("sent", "replayed", "lag"),
    [
        ("0/20", "0/10", 16),
        ("1/0", "0/FFFFFFFF", 1),
        ("0/10", "0/20", 0),
        (None, "0/20", None),
        ("0/20", None, None),
        ("here", "0/20", None),
        ("0/", "0/20", None),
    ],
)
def test_lag(sent: str | None, replayed: str | None, lag: int | None) -> None:
    (found,) = replication_from([("3", "gp_walreceiver", "streaming", None, sent, replayed)])
    assert (found.lag_bytes, found.sync_state) == (lag, "")


def test_rows_without_a_connection_are_left_out() -> None:
    assert replication_from([("0", None, None, None, None, None), (None,) * 6]) == ()
    assert copying_from([(None, "1", "2")]) == ()


@pytest.mark.parametrize("name", list(DialectName))
def test_texts_are_what_old_servers_understand(name: DialectName) -> None:
    asked: Queries = queries_for(DIALECTS[name])
    texts = [str(getattr(asked, field.name)) for field in fields(asked)]
    assert not any(re.search(r"\bWITH\b|FILTER|string_agg|\*|[{}]", text) for text in texts)
    old = DIALECTS[name].file_replication
    assert (asked.replication is None) == (asked.probe is None) == old
    assert ("procpid" in asked.sessions) == old
    assert ("datadir" in asked.columns) != old
