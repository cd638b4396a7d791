"""Which family a text comes from, and what may not contradict it."""

import pytest

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DialectName
from tests import shapes

COMMON = [
    "dbid",
    "content",
    "role",
    "preferred_role",
    "mode",
    "status",
    "port",
    "hostname",
    "address",
]
ROW = ["2", "0", "p", "p", "s", "u", "6000", "sdw1", "sdw1"]
COLUMNS = {
    "datadir": {"datadir": "/d"},
    "repl": {"replication_port": "7000"},
    "san": {"replication_port": "7000", "san_mounts": ""},
    "warehouse": {"datadir": "/d", "warehouseid": "0"},
    "joined": {"datadir": "/d", "replication_port": "7000"},
    "fselocation": {"fselocation": "/d"},
}
GP = "Greenplum Database"
VERSIONS = {
    "": "",
    "4.3": f"PostgreSQL 8.2.15 ({GP} 4.3.6.1 build 2) on x86_64-unknown-linux-gnu, compiled",
    "5": f"PostgreSQL 8.3.23 ({GP} 5.16.0 build commit:23cec7) on x86_64-pc-linux-gnu",
    "5a": f"PostgreSQL 8.3.23 ({GP} 5.0.0-alpha build dev) on x86_64-pc-linux-gnu",
    "6": f"PostgreSQL 9.4.26 ({GP} 6.24.3 build commit:a Open Source) on x86_64",
    "7": f"PostgreSQL 12.12 ({GP} 7.2.0_arenadata7+dev.1 build commit:b) on x86_64",
    "cb": "PostgreSQL 14.4 (Cloudberry Database 1.0.0 build dev) on x86_64",
    "cb2": "PostgreSQL 14.4 (Apache Cloudberry 2.1.0-incubating build dev) on x86_64",
    "gg6": "PostgreSQL 9.4.26 (Greengage Database 6.28.2 build dev) on x86_64",
    "gg7": "PostgreSQL 12.12 (Greengage Database 7.4.0 build dev) on x86_64",
    "whpg": "PostgreSQL 12.12 (WarehousePG Something 7.4.1 build dev) on x86_64",
    "8": f"PostgreSQL 17.2 ({GP} 8.0.0 build dev) on x86_64",
    "?": "PostgreSQL 17.2 (Other Thing 8.0.0 build dev) on x86_64",
}


def text_of(columns: str, version: str) -> bytes:
    further = COLUMNS[columns]
    rows = [[*COMMON, *further], [*ROW, *further.values()]]
    return f" {VERSIONS[version]}\n\n{shapes.aligned(rows)}".encode()


@pytest.mark.parametrize(
    ("columns", "version", "spec", "dialect", "assumed"),
    [
        ("datadir", "", None, "gp6", True),
        ("datadir", "", "gp6", "gp6", False),
        ("datadir", "", "gp7", "gp7", False),
        ("datadir", "", "cloudberry", "cloudberry", False),
        ("datadir", "", "greengage7", "greengage7", False),
        ("datadir", "6", None, "gp6", False),
        ("datadir", "6", "greengage6", "greengage6", False),
        ("datadir", "7", None, "gp7", False),
        ("datadir", "7", "greengage7", "greengage7", False),
        ("datadir", "cb", None, "cloudberry", False),
        ("datadir", "cb2", "cloudberry", "cloudberry", False),
        ("datadir", "gg6", None, "greengage6", False),
        ("datadir", "gg7", None, "greengage7", False),
        ("datadir", "whpg", None, "gp7", False),
        ("repl", "", None, "gp5", False),
        ("repl", "", "gp4", "gp4", False),
        ("repl", "4.3", None, "gp4", False),
        ("repl", "5", "gp5", "gp5", False),
        ("san", "", None, "gp4", False),
        ("san", "", "gp5", "gp5", False),
        ("san", "5a", None, "gp5", False),
        ("warehouse", "", None, "cloudberry", False),
        ("joined", "", None, "gp5", False),
        ("fselocation", "4.3", None, "gp4", False),
    ],
)
def test_settled(columns: str, version: str, spec: str | None, dialect: str, assumed: bool) -> None:
    wanted = None if spec is None else DialectName(spec)
    observed = read_catalog(text_of(columns, version), "cat", dialect=wanted)
    assert (observed.dialect.name.value, observed.dialect_assumed) == (dialect, assumed)
    assert any("dialect taken as gp6" in note for note in observed.notes) is assumed


@pytest.mark.parametrize(
    ("columns", "version", "spec", "words"),
    [
        ("repl", "", "gp6", "the dialect is set to gp6, but the table has replication_port"),
        ("san", "", "cloudberry", "but the table has san_mounts"),
        ("warehouse", "", "gp7", "but the table has warehouseid"),
        ("datadir", "", "gp5", "the dialect is set to gp5, but the table has datadir"),
        ("datadir", "6", "gp7", f"but version() says {GP} 6.24.3: that is Greenplum 6 or Greeng"),
        ("datadir", "gg6", "gp6", "but version() says Greengage Database 6.28.2"),
        ("repl", "4.3", "gp5", "but version() says"),
        ("repl", "6", None, f"version() says {GP} 6.24.3, but the table has replication_port"),
        ("datadir", "5", None, f"version() says {GP} 5.16.0, but the table has datadir"),
        ("datadir", "8", None, "8.0.0, which is no family that gpmirror knows"),
        ("datadir", "?", None, "Other Thing 8.0.0, which is no family"),
    ],
)
def test_contradictions(columns: str, version: str, spec: str | None, words: str) -> None:
    wanted = None if spec is None else DialectName(spec)
    with pytest.raises(InvalidInput) as caught:
        read_catalog(text_of(columns, version), "cat", dialect=wanted)
    (found,) = caught.value.diagnostics
    assert found.code in {"GPM-C020", "GPM-C021"}
    assert words in found.message


@pytest.mark.parametrize(
    ("version", "said"),
    [("4.3", "4.3.6.1"), ("7", "7.2.0_arenadata7+dev.1"), ("5a", "5.0.0-alpha")],
)
def test_server_version(version: str, said: str) -> None:
    columns = "datadir" if version == "7" else "repl"
    assert read_catalog(text_of(columns, version), "cat").server_version == said


def test_two_servers() -> None:
    text = text_of("datadir", "6") + VERSIONS["7"].encode()
    with pytest.raises(InvalidInput) as caught:
        read_catalog(text, "cat")
    assert "several servers" in caught.value.message
    assert read_catalog(text, "cat", dialect=DialectName.GP7).server_version is not None
