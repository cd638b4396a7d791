"""YAML text to plain data with the place of every key and value, and what is wrong with other text."""

import re
from collections.abc import Callable
from dataclasses import field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.errors import InvalidInput
from gpmirror.spec.model import Path
from gpmirror.spec.source import Places, Span, SpecText
from gpmirror.spec.writing import plain
from gpmirror.values import dataclass

# --- Characters that look like the ones YAML or a host name needs, and are others.


_NAMES = {
    "\u00a0": ("no-break space", "a space"),
    "\u00ad": ("soft hyphen", "nothing"),
    "\u200b": ("zero-width space", "nothing"),
    "\u200c": ("zero-width non-joiner", "nothing"),
    "\u200d": ("zero-width joiner", "nothing"),
    "\u200e": ("left-to-right mark", "nothing"),
    "\u200f": ("right-to-left mark", "nothing"),
    "\u202a": ("left-to-right embedding", "nothing"),
    "\u202b": ("right-to-left embedding", "nothing"),
    "\u202d": ("left-to-right override", "nothing"),
    "\u202e": ("right-to-left override", "nothing"),
    "\u2060": ("word joiner", "nothing"),
    "\ufeff": ("zero-width no-break space", "nothing"),
    "\u2007": ("figure space", "a space"),
    "\u202f": ("narrow no-break space", "a space"),
    "\u3000": ("ideographic space", "a space"),
    "\u2010": ("hyphen", "`-`"),
    "\u2011": ("non-breaking hyphen", "`-`"),
    "\u2013": ("en dash", "`-`"),
    "\u2014": ("em dash", "`-`"),
    "\u2212": ("minus sign", "`-`"),
    "\u2018": ("left single quotation mark", "`'`"),
    "\u2019": ("right single quotation mark", "`'`"),
    "\u201c": ("left double quotation mark", '`"`'),
    "\u201d": ("right double quotation mark", '`"`'),
    "\u2026": ("horizontal ellipsis", "`...`"),
    "\u2044": ("fraction slash", "`/`"),
    "\u2215": ("division slash", "`/`"),
    "\u3001": ("ideographic comma", "`,`"),
    "\u3002": ("ideographic full stop", "`.`"),
    "\u3010": ("left black lenticular bracket", "`[`"),
    "\u3011": ("right black lenticular bracket", "`]`"),
}
_FULL_WIDTH_FIRST, _FULL_WIDTH_LAST, _FULL_WIDTH_SHIFT = 0xFF01, 0xFF5E, 0xFEE0
_LOOK_ALIKE = re.compile(
    "[" + "".join(_NAMES) + f"{chr(_FULL_WIDTH_FIRST)}-{chr(_FULL_WIDTH_LAST)}" + "]"
)
_FREE_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:^|(?<=\s))#.*")
_MOST_SHOWN = 20
_LONGEST_LINE = 2_000
"""Longer lines are no one's typing, and matching quotes in them takes too long."""


def find(text: str) -> re.Match[str] | None:
    """The first look-alike in `text`."""
    return None if text.isascii() else _LOOK_ALIKE.search(text)


def in_structure(source: SpecText) -> list[Diagnostic]:
    """Look-alikes outside quotes and comments of a text that is not YAML, line by line."""
    found: list[Diagnostic] = []
    for number, line in enumerate(source.lines, start=1):
        if line.isascii() or len(line) > _LONGEST_LINE:
            continue
        bare = unquoted(line)
        found += [
            lookalike_at(source, number, match.start() + 1, match.group())
            for match in _LOOK_ALIKE.finditer(bare)
        ]
        if len(found) >= _MOST_SHOWN:
            break
    return found[:_MOST_SHOWN]


def unquoted(line: str) -> str:
    """`line` with quoted text and comments blanked out, every other character in its column."""
    return _FREE_TEXT.sub(lambda match: " " * len(match.group()), line)


def lookalike_at(source: SpecText, line: int, column: int, character: str) -> Diagnostic:
    """The finding for one look-alike at a known spot, counted from 1."""
    name, instead = _described(character)
    shown = f"`{character}` " if character.isprintable() and not character.isspace() else ""
    action = "delete it" if instead == "nothing" else f"write {instead} instead"
    return Diagnostic(
        code="GPM-V006",
        message=f"look-alike character {shown}U+{ord(character):04X} ({name})",
        place=source.place(line, column),
        hint=f"{action}; copied text often brings such characters along",
    )


def _described(character: str) -> tuple[str, str]:
    if character in _NAMES:
        return _NAMES[character]
    plain = chr(ord(character) - _FULL_WIDTH_SHIFT)
    return f"full-width `{plain}`", f"`{plain}`"


# --- What is wrong with text that is not YAML, in words for someone who does not live in YAML.


_LEADING_TAB = re.compile(r" *\t")
_BARE_BRACES = re.compile(r"\{(?:host|root|prefix|content)\}")
_BARE_RANGE = re.compile(r"\{[^\"'}]*\w\[[0-9]")
_MISSING_BLANK = re.compile(r"^\s*(?:- )?\w+:[^\s/:]")
_MOST_TABS_SHOWN = 20


def diagnose(source: SpecText, error: MarkedYAMLError) -> list[Diagnostic]:
    """Findings for a parser's complaint; look-alikes and tabs explain most of them."""
    tabs = _tabs(source)
    explained = in_structure(source) + tabs
    return explained or [_complaint(source, error)]


def unreadable(source: SpecText, error: YAMLError | ValueError) -> Diagnostic:
    """The finding for a complaint without a position."""
    first_line = str(error).splitlines()[0] if str(error) else "unreadable"
    return Diagnostic(
        code="GPM-V004",
        message=f"not YAML: {first_line}",
        place=Place(file=source.file),
        hint="save the file as plain UTF-8 text",
    )


def not_a_mapping(source: SpecText, root: object) -> Diagnostic:
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


def _first_line(source: SpecText) -> int:
    for number, line in enumerate(source.lines, start=1):
        if line.strip() and not line.lstrip().startswith(("#", "---", "%")):
            return number
    return 1


def _tabs(source: SpecText) -> list[Diagnostic]:
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


def _complaint(source: SpecText, error: MarkedYAMLError) -> Diagnostic:
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


def _hint(source: SpecText, place: Place) -> str:
    above = source.lines[place.line - 2] if place.line > 1 else ""
    for text in (place.text, above):
        line = unquoted(text[:_LONGEST_LINE])
        if _BARE_BRACES.search(line):
            return 'quote text that holds braces: "{host}-1"'
        if _BARE_RANGE.search(line):
            return 'inside {...} quote host ranges: {name: "sdw[1-4]"}'
    if _MISSING_BLANK.match(place.text) or _MISSING_BLANK.match(above):
        return "write a space after the colon: `name: sdw1`"
    return "check indentation, brackets and quotes on this line and the one above"


# --- YAML text to plain data with the place of every key and value.
#
# It walks the parser's events in a loop, never recursively, so hostile nesting cannot exhaust the
# stack, and it keeps going after a finding where the structure still makes sense.


MAX_DEPTH = 32
MAX_VALUES = 250_000
"""Keys and values after aliases are followed; 8,000 full pins have about 100,000."""

_Open: TypeAlias = MappingStartEvent | SequenceStartEvent
_MOST_FINDINGS = 500
_FREE_TEXT_KEYS = frozenset({"reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Plain data (dict, list, str, int, float, bool, None), its places, and what was found."""

    data: dict[str, Any]
    places: Places
    found: tuple[Diagnostic, ...]


@dataclass(slots=True, kw_only=True)
class _Frame:
    """A list or mapping still open. `key` is the key whose value comes next."""

    container: dict[str, Any] | list[Any]
    path: Path
    anchor: str | None
    values_before: int
    key: str | None = None
    keeps: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Anchored:
    value: Any
    values: int


@dataclass(slots=True, kw_only=True)
class _Builder:
    source: SpecText
    places: Places
    found: list[Diagnostic] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, _Anchored] = field(default_factory=dict)
    root: Any = None
    documents: int = 0
    values: int = 0

    def document(self, event: Event) -> None:
        """Count documents; a spec is one."""
        self.documents += 1
        if self.documents > 1:
            message = "a second YAML document starts here; a spec is one document"
            hint = "keep one document per file and delete the `---` line"
            raise _Stop(self._at("GPM-V009", message, event, hint))

    def scalar(self, event: ScalarEvent) -> None:
        """Take a key or a value."""
        self._count(1, event)
        self._refuse_tag(event)
        if self._key_is_due():
            self._take_key(event)
            return
        value = plain(event.value) if event.implicit[0] else event.value
        path = self._take(value, event)
        if not (path and path[-1] in _FREE_TEXT_KEYS):
            self._check_characters(event)
        self._check_controls(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value=value, values=1)

    def alias(self, event: AliasEvent) -> None:
        """Take the value of an anchor; one that is still open would contain itself."""
        if self._key_is_due():
            raise _Stop(self._at("GPM-V004", "an alias cannot be a key", event, _PLAIN_KEY))
        anchored = self.anchors.get(event.anchor)
        if anchored is None:
            self._report(self._bad_alias(event))
            self._take(None, event)
            return
        self._count(anchored.values, event)
        self._take(anchored.value, event)

    def start_mapping(self, event: MappingStartEvent) -> None:
        """Open a mapping."""
        self._start({}, event)

    def start_sequence(self, event: SequenceStartEvent) -> None:
        """Open a list."""
        self._start([], event)

    def end(self, _event: Event) -> None:
        """Close the innermost list or mapping."""
        frame = self.stack.pop()
        if frame.anchor is not None:
            size = self.values - frame.values_before
            self.anchors[frame.anchor] = _Anchored(value=frame.container, values=size)

    def _start(self, container: dict[str, Any] | list[Any], event: _Open) -> None:
        self._count(1, event)
        self._refuse_tag(event)
        if self._key_is_due():
            message = "a list or mapping stands where a key must be"
            raise _Stop(self._at("GPM-V004", message, event, _PLAIN_KEY))
        if len(self.stack) >= MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels; a spec needs 6"
            raise _Stop(self._at("GPM-V003", message, event, "check the brackets"))
        before = self.values
        path = self._take(container, event)
        self.stack.append(
            _Frame(container=container, path=path, anchor=event.anchor, values_before=before)
        )

    def _report(self, found: Diagnostic) -> None:
        if len(self.found) < _MOST_FINDINGS:
            self.found.append(found)

    def _key_is_due(self) -> bool:
        if not self.stack:
            return False
        top = self.stack[-1]
        return isinstance(top.container, dict) and top.key is None

    def _take_key(self, event: ScalarEvent) -> None:
        top = self.stack[-1]
        key = event.value
        path = (*top.path, key)
        self._check_characters(event)
        self._check_controls(event)
        top.key = key
        top.keeps = path not in self.places.key_spans
        if top.keeps:
            self.places.key_spans[path] = _span(event)
        else:
            self._report(self._duplicate(path, event))

    def _take(self, value: object, event: Event) -> Path:
        """Put `value` where the open container expects it and tell its path."""
        if not self.stack:
            self.root = value
            return ()
        top = self.stack[-1]
        if isinstance(top.container, list):
            path: Path = (*top.path, len(top.container))
            top.container.append(value)
            self.places.value_spans[path] = _span(event)
            return path
        key, top.key = top.key or "", None
        if not top.keeps:
            return (*top.path, key, _DISCARDED)
        path = (*top.path, key)
        top.container[key] = value
        empty = value is None or isinstance(value, dict | list)
        self.places.value_spans[path] = self.places.key_spans[path] if empty else _span(event)
        return path

    def _count(self, more: int, event: Event) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            message = f"more than {MAX_VALUES:,} values, counting each use of an alias"
            raise _Stop(self._at("GPM-V003", message, event, "write host ranges; drop aliases"))

    def _refuse_tag(self, event: ScalarEvent | _Open) -> None:
        if event.tag is not None:
            shown = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            message = f"the YAML tag `{shown}` has no meaning in a spec"
            self._report(self._at("GPM-V011", message, event, "delete the tag"))

    def _check_characters(self, event: ScalarEvent) -> None:
        match = find(event.value)
        if match is None:
            return
        line, column = event.start_mark.line, event.start_mark.column
        text = self.source.lines[line] if line < len(self.source.lines) else ""
        spot = max(text.find(match.group(), column), column)
        self._report(lookalike_at(self.source, line + 1, spot + 1, match.group()))

    def _check_controls(self, event: ScalarEvent) -> None:
        for character in event.value:
            if not character.isprintable() and character in _CONTROLS:
                message = f"control character U+{ord(character):04X} in a value"
                hint = "delete the escape; no name, path or text may hold control characters"
                self._report(self._at("GPM-V002", message, event, hint))
                return

    def _duplicate(self, path: Path, event: ScalarEvent) -> Diagnostic:
        return Diagnostic(
            code="GPM-V007",
            message=f"key `{event.value}` is given twice",
            place=self._place(event),
            hint="keep one of the two; the second would silently replace the first",
            related=(Related(place=self.places.key(path), label="first given here"),),
        )

    def _bad_alias(self, event: AliasEvent) -> Diagnostic:
        name = event.anchor
        if any(frame.anchor == name for frame in self.stack):
            message = f"alias `*{name}` stands inside its own anchor `&{name}`: an endless loop"
            return self._at("GPM-V010", message, event, "write the value out instead")
        message = f"alias `*{name}` has no anchor `&{name}` before it"
        hint = f"quote it, if the text `*{name}` is meant"
        return self._at("GPM-V010", message, event, hint)

    def _at(self, code: str, message: str, event: Event, hint: str) -> Diagnostic:
        return Diagnostic(code=code, message=message, place=self._place(event), hint=hint)

    def _place(self, event: Event) -> Place:
        line, column, last_line, last_column = _span(event)
        width = last_column - column if last_line == line else 1
        return self.source.place(line + 1, column + 1, max(1, width))


class _Stop(Exception):
    """Reading on makes no sense."""

    def __init__(self, found: Diagnostic) -> None:
        super().__init__(found.message)
        self.found = found


_DISCARDED = "\0second"
"""Ends the path of what stands below a key given twice: no real key can hold a NUL."""
_PLAIN_KEY = 'keys are plain words; quote text that starts with `{`, `[` or `*`: "{host}-1"'
_CONTROLS = frozenset(
    chr(code) for code in (*(set(range(32)) - {0x0A}), *range(0x7F, 0xA0), 0x2028, 0x2029)
)

_HANDLERS: dict[type[Event], Callable[[_Builder, Any], None]] = {
    DocumentStartEvent: _Builder.document,
    ScalarEvent: _Builder.scalar,
    AliasEvent: _Builder.alias,
    MappingStartEvent: _Builder.start_mapping,
    SequenceStartEvent: _Builder.start_sequence,
    MappingEndEvent: _Builder.end,
    SequenceEndEvent: _Builder.end,
}


def read(source: SpecText) -> Document:
    """The one YAML document of `source`.

    Findings that leave the structure readable (duplicate keys, look-alikes, tags) are in
    `Document.found`. Raises `InvalidInput` where there is no structure to go on with.
    """
    builder = _Builder(source=source, places=Places(source=source))
    try:
        _walk(builder, YAML(typ="safe"))
    except _Stop as stop:
        raise InvalidInput([*builder.found, stop.found]) from None
    except MarkedYAMLError as error:
        raise InvalidInput([*builder.found, *diagnose(source, error)]) from error
    except (YAMLError, ValueError) as error:
        raise InvalidInput([*builder.found, unreadable(source, error)]) from error
    if not isinstance(builder.root, dict):
        raise InvalidInput([*builder.found, not_a_mapping(source, builder.root)])
    return Document(data=builder.root, places=builder.places, found=tuple(builder.found))


def _walk(builder: _Builder, yaml: YAML) -> None:
    for event in yaml.parse(builder.source.text):
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(builder, event)


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return (start.line, start.column, end.line, end.column)
