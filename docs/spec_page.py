"""The reference page of the spec, read from its JSON Schema."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

INTRODUCTION = (
    "A spec is one YAML 1.2 document in UTF-8.",
    "Unknown and repeated keys, tabs, tags and merge keys are errors.",
    "`gpmirror init` writes a commented start and `gpmirror validate` checks it.",
    "`gpmirror validate --expand` prints it with ranges and defaults written out.",
    "`gpmirror schema` prints its JSON Schema for editors; `schemas/` holds a copy.",
    "Rules between keys are not in the schema; they are among the [diagnostics](diagnostics.md).",
)


def spec_page(schema: Schema) -> list[str]:
    """The lines below the heading: one table for each mapping of the document."""
    return [*INTRODUCTION, *_part("the document", schema, schema["$defs"], {})]


def _part(name: str, part: Schema, defs: Schema, seen: Schema) -> Iterator[str]:
    seen[part["title"]] = True
    heading = name if name == "the document" else f"`{name}`"
    text = part.get("description", "")
    yield from ("", f"## {heading[0].upper()}{heading[1:]}", "", text, "")
    yield from ("| key | value | default | meaning |", "| --- | --- | --- | --- |")
    required = part.get("required", [])
    for key, field in part["properties"].items():
        yield _row(key, field, defs, required=key in required)
    for key, field in part["properties"].items():
        inner, repeated = _inner(field, defs)
        if inner is not None and inner["title"] not in seen:
            prefix = "" if name == "the document" else f"{name}."
            yield from _part(f"{prefix}{key}{'[]' * repeated}", inner, defs, seen)


def _row(key: str, field: Schema, defs: Schema, *, required: bool) -> str:
    default = "required" if required else _default(field)
    text = field.get("description", "").replace("|", "\\|")
    return f"| `{key}` | {_kind(field, defs)} | {default} | {text} |"


def _default(field: Schema) -> str:
    value = field.get("default")
    if value is None:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def _inner(field: Schema, defs: Schema) -> tuple[Schema | None, bool]:
    """The mapping that a field leads to, and whether the field is a list of them."""
    for choice in (field, *field.get("anyOf", [])):
        if reference := choice.get("$ref"):
            return defs[reference.removeprefix("#/$defs/")], False
        if reference := choice.get("items", {}).get("$ref"):
            return defs[reference.removeprefix("#/$defs/")], True
    return None, False


def _kind(field: Schema, defs: Schema) -> str:
    """What may stand there, in a few words."""
    choices = field.get("anyOf") or field.get("oneOf")
    if choices:
        kinds = [_kind(choice, defs) for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in field:
        found = defs[field["$ref"].removeprefix("#/$defs/")]
        return _kind(found, defs) if "enum" in found else "mapping"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    return _plain(field, defs)


def _plain(field: Schema, defs: Schema) -> str:
    match field.get("type"):
        case "array":
            return f"list of {_plural(_kind(field['items'], defs))}"
        case "object":
            extra = field.get("additionalProperties")
            return f"mapping to {_kind(extra, defs)}" if isinstance(extra, dict) else "mapping"
        case "integer" | "number" as kind:
            return f"{kind}{_range(field)}"
        case other:
            return {"string": "text", "boolean": "`true` or `false`"}[str(other)]


def _plural(kind: str) -> str:
    return {"mapping": "mappings", "text": "texts"}.get(kind, kind)


def _range(field: Schema) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}"
    if "exclusiveMinimum" in field:
        return f" above {low}"
    return "" if low is None else f" from {low}"
