"""Findings for programs: JSON, GitHub annotations, SARIF."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place, Severity

FORMAT_VERSION = "1.0"
_GITHUB_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A versioned JSON envelope with every finding, with a final newline."""
    envelope = {
        "format_version": FORMAT_VERSION,
        "diagnostics": [_as_json(found) for found in diagnostics],
    }
    return json.dumps(envelope, indent=2, ensure_ascii=False) + "\n"


def _as_json(found: Diagnostic) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity.value,
        "message": found.message,
        "place": _place_json(found.place),
        "hint": found.hint,
        "related": [
            {"place": _place_json(related.place), "label": related.label}
            for related in found.related
        ],
    }


def _place_json(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "file": place.file,
        "line": place.line or None,
        "column": place.column or None,
        "width": place.width if place.column else None,
    }


def diagnostics_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command a line, as GitHub Actions turns into annotations."""
    return "\n".join(_github(found) for found in diagnostics)


def _github(found: Diagnostic) -> str:
    properties: dict[str, str] = {}
    if found.place is not None:
        properties["file"] = found.place.file
        if found.place.line:
            properties["line"] = str(found.place.line)
        if found.place.column:
            properties["col"] = str(found.place.column)
            properties["endColumn"] = str(found.place.column + found.place.width)
    properties["title"] = found.code
    shown = ",".join(f"{key}={_github_property(value)}" for key, value in properties.items())
    text = found.message if found.hint is None else f"{found.message}\nhint: {found.hint}"
    return f"::{_GITHUB_COMMANDS[found.severity]} {shown}::{_github_data(text)}"


def _github_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


def diagnostics_sarif(
    diagnostics: Iterable[Diagnostic], codes: Mapping[str, CodeInfo] | None = None
) -> str:
    """A SARIF 2.1.0 log; `codes` adds titles and explanations to its rules."""
    found = tuple(diagnostics)
    known = codes or {}
    rules = [_rule(code, known.get(code)) for code in sorted({one.code for one in found})]
    log = {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "gpmirror", "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(one) for one in found],
            }
        ],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, info: CodeInfo | None) -> dict[str, Any]:
    if info is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": info.title},
        "fullDescription": {"text": info.why},
        "help": {"text": info.fix},
    }


def _result(found: Diagnostic) -> dict[str, Any]:
    text = found.message if found.hint is None else f"{found.message}. Hint: {found.hint}"
    result: dict[str, Any] = {
        "ruleId": found.code,
        "level": found.severity.value,
        "message": {"text": text},
    }
    if found.place is not None:
        result["locations"] = [_location(found.place)]
    if found.related:
        result["relatedLocations"] = [
            {**_location(related.place), "id": number, "message": {"text": related.label}}
            for number, related in enumerate(found.related)
        ]
    return result


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
    if place.line:
        physical["region"] = {"startLine": place.line}
        if place.column:
            physical["region"]["startColumn"] = place.column
            physical["region"]["endColumn"] = place.column + place.width
    return {"physicalLocation": physical}


def _uri(file: str) -> str:
    kept = "-._~/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return "".join(
        one if one in kept else "".join(f"%{byte:02X}" for byte in one.encode("utf-8", "replace"))
        for one in file
    )
