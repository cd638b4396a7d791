"""Findings for people, with an excerpt and a caret, and for programs: JSON, annotations, SARIF."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place, Related, Severity
from gpmirror.model.text import ranges
from gpmirror.render.text import fitted
from gpmirror.values import dataclass

# --- The excerpt below a finding: its source line with a caret under the right character.


MAX_COLUMNS = 120
_BEFORE_CARET = 60
_LEAST = 20
_MOST_RELATED = 6
"""So many further places of a finding are shown with their lines; of the rest the numbers are."""
_CUT = "..."


def visible(text: str) -> str:
    """`text` on one line, without anything that could steer a terminal or reorder text."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def display_width(text: str) -> int:
    """Terminal columns of visible `text`: East Asian wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def excerpt(place: Place, *, most: int = MAX_COLUMNS) -> tuple[str, str]:
    """The shown part of the source line, of at most `most` columns, and the line with the carets
    below it.
    """
    start = max(place.column - 1, 0)
    first, last = _window(place.text, start, max(most, _LEAST))
    end = min(max(start + place.width, start + 1), max(last, start + 1))
    head = visible(place.text[first:start])
    marked = visible(place.text[start:end])
    tail = visible(place.text[end:last])
    before = _CUT if first else ""
    after = _CUT if last < len(place.text) else ""
    blanks = " " * display_width(before + head)
    carets = "^" * min(max(1, display_width(marked)), max(most, _LEAST))
    return f"{before}{head}{marked}{tail}{after}", f"{blanks}{carets}"


def _window(text: str, start: int, most: int) -> tuple[int, int]:
    """First and last offset to show, so that the line fits and `start` is in it."""
    if len(text) <= most and display_width(text) <= most:
        return 0, len(text)
    room = most - 2 * len(_CUT)
    lead = min(_BEFORE_CARET, room // 2)
    first = max(0, start - lead)
    while first < start and display_width(text[first:start]) > lead:
        first += 1
    last = first
    used = 0
    while last < len(text) and used + _columns(text[last]) <= room:
        used += _columns(text[last])
        last += 1
    return first, last


# --- Findings for programs: JSON, GitHub annotations, SARIF.


FORMAT_VERSION = "1.0"
_GITHUB_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> str:
    """A versioned JSON envelope with every finding, with a final newline."""
    envelope = {
        "format_version": FORMAT_VERSION,
        "diagnostics": [diagnostic_json(found) for found in diagnostics],
    }
    return json.dumps(envelope, indent=2, ensure_ascii=False) + "\n"


def diagnostic_json(found: Diagnostic) -> dict[str, Any]:
    """One finding as plain data."""
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
    return "\n".join(line for found in diagnostics for line in _github(found))


def _github(found: Diagnostic) -> Iterator[str]:
    """The finding on its line, and a notice on each line that belongs to it."""
    text = found.message if found.hint is None else f"{found.message}\nhint: {found.hint}"
    yield _annotation(_GITHUB_COMMANDS[found.severity], found.code, found.place, text)
    for related in found.related:
        text = f"{related.label}: see also {_file_and_line(found.place)}, {found.message}"
        yield _annotation("notice", found.code, related.place, text)


def _annotation(command: str, code: str, place: Place | None, text: str) -> str:
    properties: dict[str, str] = {}
    if place is not None:
        properties["file"] = place.file
        if place.line:
            properties["line"] = str(place.line)
        if place.column:
            properties["col"] = str(place.column)
            properties["endColumn"] = str(place.column + place.width)
    properties["title"] = code
    shown = ",".join(f"{key}={_github_property(value)}" for key, value in properties.items())
    return f"::{command} {shown}::{_github_data(text)}"


def _file_and_line(place: Place | None) -> str:
    if place is None:
        return "below"
    return f"{place.file}:{place.line}" if place.line else place.file


def _github_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


_CODE_QUALITY = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def diagnostics_gitlab(diagnostics: Iterable[Diagnostic]) -> str:
    """A code quality report, as GitLab shows beside the lines of a merge request."""
    report = [
        {
            "description": found.message
            if found.hint is None
            else f"{found.message}. {found.hint}",
            "check_name": found.code,
            "fingerprint": _fingerprint(found),
            "severity": _CODE_QUALITY[found.severity],
            "location": {"path": found.place.file, "lines": {"begin": found.place.line or 1}},
        }
        for found in diagnostics
        if found.place is not None
    ]
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def _fingerprint(found: Diagnostic) -> str:
    """The same finding keeps its name when lines above it come or go."""
    place = found.place
    said = (found.code, found.message, "" if place is None else f"{place.file}:{place.text}")
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()


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


# --- Findings as text for people; the forms for programs are exported beside it.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """ANSI sequences, all empty without colour."""

    severities: dict[Severity, str]
    frame: str
    hint: str
    bold: str
    end: str


_COLOURED = _Style(
    severities={
        Severity.ERROR: "\033[1;31m",
        Severity.WARNING: "\033[1;33m",
        Severity.NOTE: "\033[1;36m",
    },
    frame="\033[34m",
    hint="\033[32m",
    bold="\033[1m",
    end="\033[0m",
)
_BARE = _Style(severities=dict.fromkeys(Severity, ""), frame="", hint="", bold="", end="")


def diagnostics_text(
    diagnostics: Iterable[Diagnostic], *, color: bool, width: int | None = None
) -> str:
    """Each finding with excerpt, caret and hint, a blank line between two; no final newline.
    `width` are the columns of a terminal, None: sentences stay on their lines.
    """
    style = _COLOURED if color else _BARE
    return "\n\n".join("\n".join(_lines(found, style, width)) for found in diagnostics)


def _lines(found: Diagnostic, style: _Style, width: int | None) -> list[str]:
    places = [related.place for related in found.related]
    places += [] if found.place is None else [found.place]
    gutter = max((len(str(place.line)) for place in places), default=1)
    head = f"{style.severities[found.severity]}{found.severity}[{found.code}]{style.end}"
    lines = [_fit(f"{head}: {style.bold}{visible(found.message)}{style.end}", width)]
    if found.place is not None:
        lines += _place_lines(found.place, gutter, style, "", width)
    shown, rest = _shown(found.related)
    for related in shown:
        lines += _place_lines(related.place, gutter, style, related.label, width)
    if rest:
        margin = " " * gutter
        lines.append(_fit(f"{margin}{style.frame}:::{style.end} see also {visible(rest)}", width))
    if found.hint is not None:
        margin = " " * gutter
        hint = (
            f"{margin} {style.frame}={style.end} {style.hint}hint:{style.end} {visible(found.hint)}"
        )
        lines.append(_fit(hint, width))
    return lines


def _shown(related: Sequence[Related]) -> tuple[Sequence[Related], str]:
    """What is shown with its line, and the rest as `FILE:9, 12-60`."""
    if len(related) <= _MOST_RELATED:
        return related, ""
    rest = related[_MOST_RELATED:]
    files = dict.fromkeys(one.place.file for one in rest)
    return related[:_MOST_RELATED], "; ".join(
        f"{file}:{ranges({one.place.line for one in rest if one.place.file == file})}"
        for file in files
    )


def _fit(text: str, width: int | None) -> str:
    return text if width is None else fitted(text, width=width)


def _place_lines(
    place: Place, gutter: int, style: _Style, label: str, width: int | None
) -> list[str]:
    margin = " " * gutter
    arrow = ":::" if label else "-->"
    lines = [_fit(f"{margin}{style.frame}{arrow}{style.end} {visible(str(place))}", width)]
    if not (place.line and place.text):
        return [f"{lines[0]}: {visible(label)}"] if label else lines
    most = MAX_COLUMNS if width is None else min(MAX_COLUMNS, width - gutter - len(" | "))
    source, carets = excerpt(place, most=most)
    bar = f"{style.frame}|{style.end}"
    number = f"{style.frame}{place.line:>{gutter}}{style.end}"
    tone = style.frame if label else style.severities[Severity.ERROR]
    under = f"{carets} {visible(label)}" if label else carets
    return [
        *lines,
        f"{margin} {bar}",
        f"{number} {bar} {source}".rstrip(),
        f"{margin} {bar} {tone}{under}{style.end}",
    ]
