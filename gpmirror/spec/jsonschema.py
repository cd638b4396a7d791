"""The shape of a spec as JSON Schema, for editors and the reference documentation."""

from typing import Any

from gpmirror.spec.document import SpecPart


def spec_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the YAML document. Rules between fields are not in it."""
    schema = SpecPart.model_json_schema(mode="validation")
    for part in (schema, *schema["$defs"].values()):
        for field in part["properties"].values():
            _describe(field, schema["$defs"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "gpmirror spec",
    }


def _describe(field: dict[str, Any], parts: dict[str, Any]) -> None:
    """Give a field that only refers to a part the part's description."""
    if "description" not in field and "$ref" in field:
        field["description"] = parts[field["$ref"].removeprefix("#/$defs/")]["description"]
