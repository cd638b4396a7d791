"""Frozen values to canonical JSON: sorted keys, no blanks, the same value the same bytes.

Written without pydantic: building its serialiser costs more than the whole plan of a small cluster.
"""

import json
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

LATER = {"later": True}
"""Metadata of a field that format 1.0 did not have from the start; None is not written."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Dataclasses to dicts, tuples to lists; a trailing underscore of a field name is dropped, and so
    are later fields that say nothing: a plan of an earlier version keeps its bytes and its id.
    """
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    kind: type = type(value)
    keys = _keys(kind)
    if keys is None:
        return value
    body = {key: plain(getattr(value, name)) for name, key in keys}
    for key in _later(kind):
        if body[key] is None:
            del body[key]
    return body


@cache
def _keys(kind: type) -> tuple[tuple[str, str], ...] | None:
    if not is_dataclass(kind):
        return None
    written = (field for field in fields(kind) if not field.metadata.get("unwritten"))
    return tuple((field.name, field.name.rstrip("_")) for field in written)


@cache
def _later(kind: type) -> tuple[str, ...]:
    """The keys that format 1.0 did not have from the start."""
    marked = (field for field in fields(kind) if field.metadata.get("later"))
    return tuple(field.name.rstrip("_") for field in marked)


def compact(body: dict[str, Any]) -> str:
    """The canonical text of a body: what its digest is taken of."""
    return _encode(body)


def lines(body: dict[str, Any]) -> str:
    """The same JSON, reviewable as a diff: a key a line, an item of a list of objects a line."""
    members = [f"{_encode(key)}:{_member(body[key])}" for key in sorted(body)]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _member(value: Any) -> str:  # noqa: ANN401 - JSON has no narrower type
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(_encode(item) for item in value) + "\n]"
    if isinstance(value, dict) and any(isinstance(item, list) for item in value.values()):
        return lines(value).rstrip("\n")
    return _encode(value)
