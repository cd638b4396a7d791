"""The plan file: canonical, complete, refused when touched."""

import json
from dataclasses import fields
from typing import Any

import jsonschema
import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.plan.model import PlannedCatalog
from gpmirror.plan.planfile import _digest, plan_id, plan_schema, plan_text, read_plan
from gpmirror.spec.model import Offset
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]
PLAN = clusters.planned(clusters.spec(HOSTS, ports=Offset(2000)), clusters.mirrored(HOSTS))
TEXT = plan_text(PLAN)


def _refusal(data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_plan(data, "plan.json")
    (found,) = caught.value.diagnostics
    return found.code


def sealed(body: dict[str, Any]) -> bytes:
    """The bytes of a plan with the right checksum, as anybody can make them."""
    body = {key: value for key, value in body.items() if key != "plan_id"}
    return json.dumps({**body, "plan_id": _digest(body)}).encode()


def _edited(**changes: Any) -> bytes:
    return json.dumps({**json.loads(TEXT), **changes}).encode()


def test_it_comes_back_as_it_was() -> None:
    assert read_plan(TEXT.encode(), "plan.json") == PLAN
    assert json.loads(TEXT)["plan_id"] == plan_id(PLAN)
    assert TEXT.endswith("}\n")


@pytest.mark.parametrize("key", ["catalog", "asked"])
def test_a_plan_without_its_beginnings_is_refused(key: str) -> None:
    """It was written before plans carried the catalog, and nothing in it can be checked."""
    body = json.loads(TEXT)
    del body[key]
    with pytest.raises(InvalidInput) as caught:
        read_plan(sealed(body), "plan.json")
    assert [found.code for found in caught.value.diagnostics] == ["GPM-P805"]


def test_layout_of_the_text_does_not_count() -> None:
    assert read_plan(json.dumps(json.loads(TEXT)).encode(), "plan.json") == PLAN


def test_it_has_the_documented_keys() -> None:
    body = json.loads(TEXT)
    assert {"from", "to", "content", "action", "reason", "source"} <= body["changes"][0].keys()
    assert body["format_version"] == "1.0"
    native = body["waves"][0]["native"][0]
    assert {"utility", "argv", "file_name", "file_text"} <= native.keys()


def test_the_schema_describes_it() -> None:
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(TEXT))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "GPM-P802"),
        (b"not json", "GPM-P802"),
        (b"[" * 100_000, "GPM-P802"),
        (b"[]", "GPM-P802"),
        (b"{}", "GPM-P802"),
        (b"\xff\xfe\x00", "GPM-P802"),
        (_edited(format_version="2.0"), "GPM-P803"),
        (_edited(format_version=None), "GPM-P803"),
        (_edited(cluster="other"), "GPM-P801"),
        (_edited(plan_id="0" * 64), "GPM-P801"),
        (_edited(plan_id=None), "GPM-P801"),
    ],
)
def test_what_is_no_plan_is_refused(data: bytes, code: str) -> None:
    assert _refusal(data) == code


def test_a_plan_with_a_valid_id_but_a_wrong_shape_is_refused() -> None:
    from gpmirror.plan.planfile import _digest

    body = json.loads(TEXT)
    del body["plan_id"], body["waves"][0]["native"]
    body["plan_id"] = _digest(body)
    assert _refusal(json.dumps(body).encode()) == "GPM-P802"


@pytest.mark.parametrize(
    ("where", "key"),
    [
        ((), "note_of_the_planner"),
        (("changes", 0), "from_"),
        (("changes", 0, "to"), "comment"),
        (("waves", 0, "native", 0), "native_shown"),
        (("waves", 0, "steps", 0), "from_"),
        (("catalog", "segments", 0), "hostname_shown"),
        (("settings", "coordinator"), "host_"),
        (("settings", "ssh"), "real_config"),
        (("asked",), "dry_run"),
    ],
)
def test_a_key_that_no_plan_has_is_refused(where: tuple[str | int, ...], key: str) -> None:
    """With `from` beside it, `from_` was what counted, and `from` what a reviewer read."""
    body = json.loads(TEXT)
    owner = body
    for step in where:
        owner = owner[step]
    for said in (owner.get(key.removesuffix("_")), None, "all is well"):
        owner[key] = said
        with pytest.raises(InvalidInput) as caught:
            read_plan(sealed(body), "plan.json")
        (found,) = caught.value.diagnostics
        assert found.code == "GPM-P802"
        assert key in found.message


def test_a_plan_keeps_all_of_the_catalog() -> None:
    """What planning looks at and a plan does not keep cannot be made again by its reader."""
    kept = {field.name for field in fields(PlannedCatalog)}
    elsewhere = {"dialect", "server_version", "system_identifier", "source"}
    told = {"knowledge", "taken"}  # to a person, while the catalog is read
    assert {field.name for field in fields(Observed)} == kept | elsewhere | told
