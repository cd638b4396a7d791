"""The JSON Schema is kept in `schemas/` and agrees with what loads."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from gpmirror.spec.document import spec_schema
from gpmirror.spec.writing import starter_text

KEPT = Path(__file__).parents[3] / "schemas" / "gpmirror.schema.json"


def test_schema_is_kept() -> None:
    kept = json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"
    assert KEPT.read_text(encoding="utf-8") == kept


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(spec_schema())


def test_every_field_has_a_description() -> None:
    schema = spec_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            assert field.get("description"), (part["title"], name)


@pytest.mark.parametrize(
    ("key", "value", "is_valid"),
    [
        ("protect", [{"content": 0}], True),
        ("protect", [{"contents": 0}], False),
        ("policy", {"guards": {"bytes": "5TB"}}, True),
        ("policy", {"guards": {"bytes": "5 tons"}}, False),
        ("apply", {"sync_timeout": "24h"}, True),
        ("apply", {"native": {"hba_hostnames": True, "max_rate": "32M", "replay_lag": 2.5}}, True),
        ("apply", {"native": {"max_rate": 32}}, True),
        ("apply", {"native": {"max_rate": 31}}, False),
        ("apply", {"native": {"max_rate": "32G"}}, False),
        ("apply", {"sync_timeout": 24}, False),
        ("apply", {"notify": {"command": ["tell", "a b"]}}, True),
        ("apply", {"notify": {"command": []}}, False),
        ("apply", {"notify": {"command": ["a\0b"]}}, False),
        ("apply", {"notify": "tell"}, False),
        ("apiVersion", "gpmirror/v2", False),
    ],
)
def test_schema_judges(key: str, value: object, is_valid: bool) -> None:
    document: dict[str, Any] = YAML(typ="safe").load(starter_text())
    document[key] = value
    assert jsonschema.Draft202012Validator(spec_schema()).is_valid(document) is is_valid
