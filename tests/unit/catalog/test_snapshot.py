"""The snapshot file: same bytes for the same cluster, and refused when it was touched."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from gpmirror.catalog import read_catalog, snapshot_schema, snapshot_text
from gpmirror.catalog.snapshot import _digest
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Segment, Status

ROW = Segment(
    dbid=2,
    content=0,
    role=Role.PRIMARY,
    preferred_role=Role.PRIMARY,
    mode=Mode.SYNCED,
    status=Status.UP,
    port=40000,
    hostname="sdw1",
    address="sdw1-1",
    directory="/p/gpseg0",
    replication_port=41000,
    filespaces=(("fast", "/f/p0"),),
)
OBSERVED = Observed(
    segments=(
        ROW,
        replace(ROW, dbid=3, role=Role.MIRROR, preferred_role=Role.MIRROR, hostname="sdw2"),
    ),
    dialect=DIALECTS[DialectName.GP5],
    server_version="5.8.1",
    system_identifier="6650000000000000001",
    filespaces=("fast",),
    sizes={0: 123_456_789_012},
    copies={3: "absent"},
    common_ip={("sdw1", "sdw1-1"): True, ("sdw1", "sdw1-2"): False},
    source="snap",
    notes=("a remark",),
)
TEXT = snapshot_text(OBSERVED)
SCHEMA = Path(__file__).parents[3] / "schemas" / "snapshot.schema.json"


def resealed(**changes: object) -> str:
    body = {**json.loads(TEXT), **changes}
    body.pop("digest")
    return json.dumps({**body, "digest": _digest(body)})


def finding(text: str, *, dialect: DialectName | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_catalog(text.encode(), "snap", dialect=dialect)
    assert all(found.hint for found in caught.value.diagnostics)
    return "\n".join(f"{found.code} {found.message}" for found in caught.value.diagnostics)


def test_everything_comes_back() -> None:
    assert read_catalog(TEXT.encode(), "snap") == OBSERVED


def test_what_nobody_asked_about_names_takes_no_key() -> None:
    """A snapshot of a cluster without such names keeps the bytes that it always had."""
    assert '"common_ip": [["sdw1","sdw1-1",true],["sdw1","sdw1-2",false]]' in TEXT
    assert "common_ip" not in snapshot_text(replace(OBSERVED, common_ip={}))


def test_same_cluster_same_bytes() -> None:
    shuffled = replace(OBSERVED, segments=OBSERVED.segments[::-1], source="other")
    assert snapshot_text(shuffled) == TEXT
    assert snapshot_text(read_catalog(TEXT.encode(), "snap")) == TEXT


def test_a_segment_takes_a_line() -> None:
    assert sum('"dbid"' in line for line in TEXT.splitlines()) == 2


def test_layout_does_not_matter() -> None:
    assert read_catalog(json.dumps(json.loads(TEXT), indent=4).encode(), "snap") == OBSERVED


def test_a_changed_snapshot_is_refused() -> None:
    assert "GPM-C052 the snapshot was changed" in finding(TEXT.replace("40000", "40001"))


def test_a_snapshot_without_digest_is_refused() -> None:
    document = {key: value for key, value in json.loads(TEXT).items() if key != "digest"}
    assert "GPM-C052" in finding(json.dumps(document))


@pytest.mark.parametrize("version", ["2.0", "10.1"])
def test_newer_major(version: str) -> None:
    assert f"GPM-C051 the snapshot has format_version {version}" in finding(
        resealed(format_version=version)
    )


def test_newer_minor_with_unknown_fields() -> None:
    text = resealed(format_version="1.7", more={"a": 1})
    assert read_catalog(text.encode(), "snap") == OBSERVED


@pytest.mark.parametrize("version", ["", "x", None, "1" * 5000, "²"])
def test_no_version(version: object) -> None:
    assert "GPM-C053 format_version is" in finding(resealed(format_version=version))


@pytest.mark.parametrize("key", ["server_version", "system_identifier", "notes"])
@pytest.mark.parametrize("text", ["a\x1b[2J", "a\u202eb", "a\nPlan: 0 to add"])
def test_words_that_show_something_else_are_refused(key: str, text: str) -> None:
    changes: dict[str, object] = {key: [text] if key == "notes" else text}
    assert "unprintable character" in finding(resealed(**changes))


def test_what_a_server_says_on_several_lines_is_kept_on_one() -> None:
    told = replace(OBSERVED, notes=("ERROR:  x\nDETAIL:\ty",))
    read = read_catalog(snapshot_text(told).encode(), "snap")
    assert read.notes == ("ERROR: x DETAIL: y",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"kind": "gpmirror-plan"}', 'GPM-C050 the JSON is no snapshot: its kind is "gpmirror-pl'),
        ("{}", "GPM-C050"),
        ("{]", "GPM-C050 not valid JSON"),
    ],
)
def test_not_a_snapshot(text: str, code: str) -> None:
    assert code in finding(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"segments": 1},
        {"segments": [{}]},
        {"dialect": "gp9"},
        {"sizes": {"x": 1}},
        {"sizes": {"0": -1}},
        {"copies": {"3": "fine"}},
        {"server_version": 5},
    ],
)
def test_wrong_shape(changes: dict[str, object]) -> None:
    assert "GPM-C053" in finding(resealed(**changes))


@pytest.mark.parametrize(
    ("field", "value"),
    [("port", 0), ("port", "1"), ("hostname", "a\nb"), ("directory", "p"), ("address", "")],
)
def test_wrong_row(field: str, value: object) -> None:
    rows = json.loads(TEXT)["segments"]
    rows[0][field] = value
    assert f"GPM-C053 segments.0.{field}" in finding(resealed(segments=rows))


def test_insane_snapshot() -> None:
    rows = json.loads(TEXT)["segments"]
    assert "GPM-C032 content 0 has no preferred primary" in finding(resealed(segments=rows[1:]))


def test_no_segments() -> None:
    assert "GPM-C030" in finding(resealed(segments=[]))


def test_dialect_of_the_spec() -> None:
    assert "GPM-C020" in finding(TEXT, dialect=DialectName.GP4)
    assert read_catalog(TEXT.encode(), "snap", dialect=DialectName.GP5) == OBSERVED


def test_an_assumed_dialect_gives_way() -> None:
    text = snapshot_text(replace(OBSERVED, dialect=DIALECTS[DialectName.GP6], dialect_assumed=True))
    read = read_catalog(text.encode(), "snap", dialect=DialectName.GP7)
    assert (read.dialect.name, read.dialect_assumed) == (DialectName.GP7, False)
    assert read_catalog(text.encode(), "snap").dialect_assumed


def test_schema_is_the_one_on_file() -> None:
    assert json.loads(SCHEMA.read_text()) == snapshot_schema()


def test_snapshots_fit_the_schema() -> None:
    jsonschema.validate(json.loads(TEXT), snapshot_schema())
