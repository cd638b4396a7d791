"""JSON Schema of the event lines, made from the events themselves."""

from typing import Any

from gpmirror.events.model import Event
from gpmirror.events.wire import EVENT_NAMES


def events_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line of `--json` output."""
    definitions: dict[str, Any] = {}
    for kind, name in EVENT_NAMES.items():
        body, shared = _body(kind)
        definitions |= {**shared, kind.__name__: _with_head(body, name)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gpmirror event",
        "description": "One line of `gpmirror apply --json`. Times are seconds, sizes bytes, "
        "null means unknown. Readers skip keys and events they do not know.",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in EVENT_NAMES],
        "$defs": dict(sorted(definitions.items())),
    }


def _body(kind: type[Event]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A kind's own schema, and the schemas it refers to."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind).json_schema(mode="serialization")
    shared = schema.pop("$defs", {})
    for part in (schema, *shared.values()):
        part["required"] = list(part["properties"])  # a line always holds every key
    return schema, shared


def _with_head(body: dict[str, Any], name: str) -> dict[str, Any]:
    head = {
        "version": {"type": "string", "pattern": r"^\d+\.\d+$"},
        "seq": {"type": "integer", "minimum": 1},
        "time": {"type": "string", "format": "date-time"},
        "event": {"const": name},
    }
    return {
        **body,
        "properties": {**head, **body["properties"]},
        "required": [*head, *body["required"]],
    }
