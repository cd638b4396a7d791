"""What is wrong with text that is not YAML, in words for someone who does not live in YAML."""

import re

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.spec import lookalikes
from gpmirror.spec.source import Source

_LEADING_TAB = re.compile(r" *\t")
_BARE_BRACES = re.compile(r"\{(?:host|root|prefix|content)\}")
_BARE_RANGE = re.compile(r"\{[^\"'}]*\w\[[0-9]")
_MISSING_BLANK = re.compile(r"^\s*(?:- )?\w+:[^\s/:]")
_MOST_TABS_SHOWN = 20
_LONGEST_LINE = 2_000


def diagnose(source: Source, error: MarkedYAMLError) -> list[Diagnostic]:
    """Findings for a parser's complaint; look-alikes and tabs explain most of them."""
    tabs = _tabs(source)
    explained = lookalikes.in_structure(source) + tabs
    return explained or [_complaint(source, error)]


def unreadable(source: Source, error: YAMLError | ValueError) -> Diagnostic:
    """The finding for a complaint without a position."""
    first_line = str(error).splitlines()[0] if str(error) else "unreadable"
    return Diagnostic(
        code="GPM-V004",
        message=f"not YAML: {first_line}",
        place=Place(file=source.file),
        hint="save the file as plain UTF-8 text",
    )


def not_a_mapping(source: Source, root: object) -> Diagnostic:
    """The finding for a file that is empty, a list or a lone text."""
    if root is None:
        message = "the spec is empty"
    else:
        kind = "a list" if isinstance(root, list) else "one text"
        message = f"the spec is {kind}; it must be keys such as `cluster:` and `hosts:`"
    return Diagnostic(
        code="GPM-V008",
        message=message,
        place=Place(file=source.file) if root is None else source.place(_first_line(source), 1),
        hint="`gpmirror init` writes a starter spec",
    )


def _first_line(source: Source) -> int:
    for number, line in enumerate(source.lines, start=1):
        if line.strip() and not line.lstrip().startswith(("#", "---", "%")):
            return number
    return 1


def _tabs(source: Source) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for number, line in enumerate(source.lines, start=1):
        match = _LEADING_TAB.match(line)
        if match and line.strip() and len(found) < _MOST_TABS_SHOWN:
            found.append(_tab(source.place(number, match.end())))
    return found


def _tab(place: Place) -> Diagnostic:
    return Diagnostic(
        code="GPM-V005",
        message="a tab indents this line; YAML allows spaces only",
        place=place,
        hint="replace the tab by two spaces for each level",
    )


def _complaint(source: Source, error: MarkedYAMLError) -> Diagnostic:
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and "end of stream" in str(error.problem):
        mark = error.context_mark  # where the quote or bracket was opened
    place = Place(file=source.file)
    if mark is not None:
        place = source.place(mark.line + 1, mark.column + 1)
    if place.text[place.column - 1 : place.column] == "\t":
        return _tab(place)
    words = ", ".join(part for part in (error.context, error.problem) if part)
    return Diagnostic(
        code="GPM-V004",
        message=f"not YAML: {' '.join(words.split()) or 'unreadable'}",
        place=place,
        hint=_hint(source, place),
    )


def _hint(source: Source, place: Place) -> str:
    above = source.lines[place.line - 2] if place.line > 1 else ""
    for text in (place.text, above):
        line = lookalikes.unquoted(text[:_LONGEST_LINE])
        if _BARE_BRACES.search(line):
            return 'quote text that holds braces: "{host}-1"'
        if _BARE_RANGE.search(line):
            return 'inside {...} quote host ranges: {name: "sdw[1-4]"}'
    if _MISSING_BLANK.match(place.text) or _MISSING_BLANK.match(above):
        return "write a space after the colon: `name: sdw1`"
    return "check indentation, brackets and quotes on this line and the one above"
