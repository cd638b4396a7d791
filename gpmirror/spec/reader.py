"""YAML text to plain data with the place of every key and value.

It walks the parser's events in a loop, never recursively, so hostile nesting cannot exhaust the
stack, and it keeps going after a finding where the structure still makes sense.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
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
from gpmirror.spec import lookalikes, syntax
from gpmirror.spec.model import Path
from gpmirror.spec.places import Places, Span
from gpmirror.spec.scalars import plain
from gpmirror.spec.source import Source

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
    source: Source
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
        match = lookalikes.find(event.value)
        if match is None:
            return
        line, column = event.start_mark.line, event.start_mark.column
        text = self.source.lines[line] if line < len(self.source.lines) else ""
        spot = max(text.find(match.group(), column), column)
        self._report(lookalikes.diagnose(self.source, line + 1, spot + 1, match.group()))

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


def read(source: Source) -> Document:
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
        raise InvalidInput([*builder.found, *syntax.diagnose(source, error)]) from error
    except (YAMLError, ValueError) as error:
        raise InvalidInput([*builder.found, syntax.unreadable(source, error)]) from error
    if not isinstance(builder.root, dict):
        raise InvalidInput([*builder.found, syntax.not_a_mapping(source, builder.root)])
    return Document(data=builder.root, places=builder.places, found=tuple(builder.found))


def _walk(builder: _Builder, yaml: YAML) -> None:
    for event in yaml.parse(builder.source.text):
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(builder, event)


def _span(event: Event) -> Span:
    start, end = event.start_mark, event.end_mark
    return (start.line, start.column, end.line, end.column)
