"""gpinitsystem's configuration (`-c`) and input array files (`-I`), read without running anything."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import dropwhile, groupby
from types import MappingProxyType
from typing import NamedTuple

from gpmirror.diagnostics import Place, Related
from gpmirror.native.fields import (
    Field,
    Flaw,
    address_flaw,
    content_flaw,
    dbid_flaw,
    named,
    new_directory_flaw,
    port_flaw,
    shown,
)
from gpmirror.native.lines import Grammar
from gpmirror.native.source import Findings, LinePart, read_text
from gpmirror.values import dataclass

# --- The assignments of a shell fragment, read without running anything.
#
# Only what gpinitsystem's files need is understood: `NAME=value`, `NAME=(a b)`, `declare -a`,
# `export`, quotes, comments and line continuations. Whatever a shell would expand or run is refused
# by name.


_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\r?\n)|(?P<newline>\n)|(?P<comment>#[^\n]*)"
    r"|(?P<single>'[^'\n]*')|(?P<double>\"[^\"$`\\\n]*\")|(?P<open>\()|(?P<close>\))"
    r"|(?P<plain>[^\s\"'\\$`;&|<>(){}*?\[\]!#\x00-\x1f\x7f]+)|(?P<other>.)",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?==)")
_PIECES = frozenset({"plain", "single", "double"})
_KEYWORDS = frozenset({"declare", "typeset", "export", "readonly", "-a", "-x"})
_CONSTRUCTS = {
    "$(": "a command substitution",
    "${": "a variable",
    "$": "a variable",
    "`": "a command substitution",
    ";": "a second command",
    "&": "a background command or a list of commands",
    "|": "a pipe",
    "<": "a redirection or process substitution",
    ">": "a redirection or process substitution",
    "*": "a file name pattern",
    "?": "a file name pattern",
    "[": "a file name pattern",
    "]": "a file name pattern",
    "{": "a brace expansion",
    "}": "a brace expansion",
    "!": "a history expansion or negation",
    "\\": "an escape",
    '"': "a quote without its end, or with an expansion inside",
    "'": "a quote without its end",
}


class _Token(NamedTuple):
    kind: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class ShellWord:
    """A word after quote removal, and where it starts."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`name` set to one value, or to the values of an array."""

    name: str
    values: tuple[ShellWord, ...]
    is_array: bool
    place: Place


def read_assignments(text: str, file: str, findings: Findings) -> list[Assignment]:
    """Every assignment in order; statements that are none are reported."""
    found: list[Assignment] = []
    statement: list[_Token] = []
    depth = 0
    for token in _tokens(text, file, findings):
        if findings.full:
            return found
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind == "newline" and depth <= 0:
            found += _statement(statement, findings)
            statement, depth = [], 0
        else:
            statement.append(token)
    return found + _statement(statement, findings)


def _tokens(text: str, file: str, findings: Findings) -> Iterator[_Token]:
    lines = text.split("\n")
    number, start = 1, 0
    after_blank = True
    for found in _TOKEN.finditer(text):
        kind, value = found.lastgroup or "other", found.group()
        raw = lines[number - 1].rstrip("\r")
        place = Place(
            file=file, line=number, column=found.start() - start + 1, width=len(value), text=raw
        )
        if kind == "other" or (kind == "comment" and not after_blank):
            _report_construct(text[found.start() : found.start() + 2], place, findings)
            kind = "other"
        if kind != "comment":
            yield _Token(kind, value, place)
        after_blank = kind in {"blank", "newline", "open", "close"}
        if value.endswith("\n"):
            number, start = number + 1, found.end()


def _report_construct(text: str, place: Place, findings: Findings) -> None:
    construct = _CONSTRUCTS.get(text) or _CONSTRUCTS.get(text[0])
    if construct is None:
        message = f"{named(text[0])} has no place in a value"
        findings.report("GPM-N026", message, place, "take it out, or put the value in quotes")
        return
    shown = text if text in _CONSTRUCTS else text[0]
    message = f"`{shown}` is {construct}; nothing of this file is ever run or expanded"
    findings.report("GPM-N040", message, place, "write the value itself")


def _statement(tokens: list[_Token], findings: Findings) -> list[Assignment]:
    words = list(dropwhile(lambda word: word.text in _KEYWORDS, _words(tokens)))
    if not words or any(token.kind == "other" for token in tokens):
        return []
    first = words[0]
    name = _NAME.match(first.text)
    is_array = any(token.kind == "open" for token in tokens)
    if name is None or (len(words) > 1 and not is_array) or not _closed(tokens):
        message = f"`{first.text[:40]}` is not an assignment such as `NAME=value` or `NAME=(a b)`"
        findings.report("GPM-N041", message, first.place, "one assignment a line, quotes in pairs")
        return []
    value = ShellWord(first.text[name.end() + 1 :], first.place)
    values = tuple(words[1:]) if is_array else (value,)
    return [Assignment(name=name.group(), values=values, is_array=is_array, place=first.place)]


def _closed(tokens: list[_Token]) -> bool:
    """Whether parentheses, if any, are one pair round all that follows `NAME=`."""
    kinds = [token.kind for token in tokens]
    if "open" not in kinds and "close" not in kinds:
        return True
    once = kinds.count("open") == 1 and kinds.count("close") == 1
    opened = kinds.index("open") if once else 0
    return (
        once
        and opened > 0
        and tokens[opened - 1].text.endswith("=")
        and all(kind == "blank" for kind in kinds[kinds.index("close") + 1 :])
    )


def _words(tokens: list[_Token]) -> Iterator[ShellWord]:
    """Adjacent pieces joined, quotes taken off."""
    for is_word, pieces in groupby(tokens, key=lambda token: token.kind in _PIECES):
        if is_word:
            found = list(pieces)
            yield ShellWord("".join(map(_unquoted, found)), found[0].place)


def _unquoted(token: _Token) -> str:
    return token.text if token.kind == "plain" else token.text[1:-1]


# --- Rows of a gpinitsystem input array file: `hostname~address~port~directory~dbid~content`.
#
# Before 6 a row was `host~port~directory~dbid~content~replication_port`, also with `:`; the form of
# five fields without hostname is still read by later releases. From 6 on a seventh field, the
# replication port of old, may follow and is of no effect: it is read, and not kept.


_PORT_TEXT = re.compile(r"[0-9]+")


def _coordinator_or_content(text: str, grammar: Grammar) -> Flaw | None:
    return None if text == "-1" else content_flaw(text, grammar)


def _replication_or_none(text: str, grammar: Grammar) -> Flaw | None:
    # The coordinator's row carries 0.
    return None if text == "0" else port_flaw(text, grammar)


_PLACE = (
    Field("address", "address", address_flaw),
    Field("port", "port", port_flaw),
    Field("directory", "directory", new_directory_flaw),
    Field("dbid", "dbid", dbid_flaw),
    Field("content", "content", _coordinator_or_content),
)
_NAMED = (Field("hostname", "hostname", address_flaw), *_PLACE)
_FORMS = (
    "hostname~address~port~directory~dbid~content",
    "host~port~directory~dbid~content",
    "host~port~directory~dbid~content~replication_port",
    "hostname~address~port~directory~dbid~content~replication_port",
)
_REPLICATED = (*_PLACE, Field("replication port", "replication_port", _replication_or_none))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRow:
    """One segment, or the coordinator with content -1. `hostname` is the address where the row
    does not show it.
    """

    hostname: str
    address: str
    port: int
    directory: str
    dbid: int
    content: int
    replication_port: int | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


def read_array_row(span: LinePart, findings: Findings) -> ArrayRow | None:
    """A row, or None and findings."""
    separator = "~" if "~" in span.text else ":"
    spans = _split(span, separator)
    fields = _fields(spans)
    if fields is None:
        message = f"expected 5 to 7 fields, such as `{_FORMS[0]}`, found {len(spans)} fields"
        hint = "write one segment a word, as " + " or ".join(f"`{form}`" for form in _FORMS)
        findings.report("GPM-N010", message, span.place(), hint)
        return None
    return _row(span, fields, spans) if findings.check(fields, spans, Grammar.PIPE) else None


def _fields(spans: list[LinePart]) -> Sequence[Field] | None:
    if len(spans) == len(_PLACE):
        return _PLACE
    if len(spans) == len(_NAMED) + 1:
        return (*_NAMED, _REPLICATED[-1])
    if len(spans) != len(_NAMED):
        return None
    return _REPLICATED if _PORT_TEXT.fullmatch(spans[1].text) else _NAMED


def _split(span: LinePart, separator: str) -> list[LinePart]:
    spans: list[LinePart] = []
    start = 0
    for text in span.text.split(separator):
        spans.append(span.part(start, start + len(text)))
        start += len(text) + 1
    return spans


def _row(span: LinePart, fields: Sequence[Field], spans: list[LinePart]) -> ArrayRow:
    values = {field.name: found.text for field, found in zip(fields, spans, strict=True)}
    old = "hostname" not in values
    replication_port = int(values.get("replication port", "0")) if old else 0
    return ArrayRow(
        hostname=values.get("hostname", values["address"]),
        address=values["address"],
        port=int(values["port"]),
        directory=values["directory"],
        dbid=int(values["dbid"]),
        content=int(values["content"]),
        replication_port=replication_port or None,
        place=span.place(),
    )


# --- A gpinitsystem configuration (`-c`) or input array file (`-I`), read without running it.


MAX_BYTES = 256 * 1024

_PORTS = {
    "PORT_BASE": "port_base",
    "MIRROR_PORT_BASE": "mirror_port_base",
    "REPLICATION_PORT_BASE": "replication_port_base",
    "MIRROR_REPLICATION_PORT_BASE": "mirror_replication_port_base",
    "MASTER_PORT": "coordinator_port",
    "COORDINATOR_PORT": "coordinator_port",
}
_TEXTS = {
    "SEG_PREFIX": "seg_prefix",
    "MASTER_HOSTNAME": "coordinator_hostname",
    "COORDINATOR_HOSTNAME": "coordinator_hostname",
    "MASTER_DIRECTORY": "coordinator_directory",
    "COORDINATOR_DIRECTORY": "coordinator_directory",
    "MACHINE_LIST_FILE": "machine_list_file",
    "MIRROR_TYPE": "mirror_type",
}
_DIRECTORIES = {
    "DATA_DIRECTORY": "data_directories",
    "MIRROR_DATA_DIRECTORY": "mirror_directories",
}
_ARRAYS = {
    "QD_PRIMARY_ARRAY": "coordinator",
    "PRIMARY_ARRAY": "primaries",
    "MIRROR_ARRAY": "mirrors",
}
KNOWN_NAMES = frozenset({*_PORTS, *_TEXTS, *_DIRECTORIES, *_ARRAYS, "ARRAY_NAME", "TRUSTED_SHELL"})
"""Names that tell a gpinitsystem file from any other."""

_PORT = Field("port", "port", port_flaw)
_ADDRESS = Field("hostname", "hostname", address_flaw)
_DIRECTORY = Field("directory", "directory", new_directory_flaw)
_CHECKED = {
    "coordinator_hostname": _ADDRESS,
    "coordinator_directory": _DIRECTORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InitSystem:
    """What the file sets; None or empty is what it leaves out. Ports are TCP ports, directories
    absolute paths in the order of the file. `settings` holds every further single value.
    """

    name: str
    seg_prefix: str | None = None
    coordinator_hostname: str | None = None
    coordinator_directory: str | None = None
    coordinator_port: int | None = None
    machine_list_file: str | None = None
    mirror_type: str | None = None
    port_base: int | None = None
    mirror_port_base: int | None = None
    replication_port_base: int | None = None
    mirror_replication_port_base: int | None = None
    data_directories: tuple[str, ...] = ()
    mirror_directories: tuple[str, ...] = ()
    coordinator: ArrayRow | None = None
    primaries: tuple[ArrayRow, ...] = ()
    mirrors: tuple[ArrayRow, ...] = ()
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class _Draft:
    """The values found so far, each under its place in `InitSystem`."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.directories: dict[str, tuple[str, ...]] = {}
        self.rows: dict[str, tuple[ArrayRow, ...]] = {}
        self.settings: dict[str, str] = {}


def read_initsystem(data: bytes, name: str) -> InitSystem:
    """What the file sets, without running it. `name` is for messages. Raises InvalidInput with
    every problem.
    """
    findings = Findings()
    text = read_text(data, name, findings, MAX_BYTES)
    assignments = read_assignments(text, name, findings)
    _report_repeats(assignments, findings)
    draft = _Draft()
    for assignment in assignments:
        if not findings.full:
            _take(assignment, draft, findings)
    _check_counts(assignments, findings)
    if not assignments and not findings:
        findings.report("GPM-N009", f"{name} sets nothing", Place(file=name))
    findings.raise_if_any()
    return _finished(name, draft)


def _take(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    name = assignment.name
    if name in _DIRECTORIES:
        draft.directories[_DIRECTORIES[name]] = _directories(assignment, findings)
    elif name in _ARRAYS:
        read = (read_array_row(_span(word), findings) for word in _filled(assignment.values))
        draft.rows[_ARRAYS[name]] = tuple(row for row in read if row is not None)
    elif assignment.is_array:
        message = f"{name} is not an array that gpinitsystem knows"
        findings.report("GPM-N041", message, assignment.place, f"write `{name}=value`")
    elif name in _PORTS:
        _take_port(assignment, draft, findings)
    elif name in _TEXTS:
        _take_text(assignment, draft, findings)
    else:
        draft.settings[name] = assignment.values[0].text


def _take_port(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    value = _value(assignment)
    port = Field(assignment.name, assignment.name, _PORT.judge)
    if findings.check([port], [value], Grammar.PIPE):
        draft.ports[_PORTS[assignment.name]] = int(value.text)


def _take_text(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    value = _value(assignment)
    target = _TEXTS[assignment.name]
    checked = _CHECKED.get(target)
    named = () if checked is None else (Field(assignment.name, "", checked.judge),)
    if findings.check(named, [value] if named else [], Grammar.PIPE):
        draft.texts[target] = value.text


def _directories(assignment: Assignment, findings: Findings) -> tuple[str, ...]:
    field = Field(f"{assignment.name} entry", "", _DIRECTORY.judge)
    spans = [_span(word) for word in _filled(assignment.values)]
    findings.check([field] * len(spans), spans, Grammar.PIPE)
    return tuple(span.text for span in spans)


def _filled(words: tuple[ShellWord, ...]) -> tuple[ShellWord, ...]:
    return tuple(word for word in words if word.text)


def _value(assignment: Assignment) -> LinePart:
    span = _span(assignment.values[0])
    # The word's place is that of the name; the value follows the equals sign.
    return LinePart(span.text, span.column + len(assignment.name) + 1, span.line)


def _span(word: ShellWord) -> LinePart:
    return LinePart(word.text, word.place.column, word.place)


def _report_repeats(assignments: list[Assignment], findings: Findings) -> None:
    first: dict[str, Assignment] = {}
    for assignment in assignments:
        name = assignment.name
        meaning = _PORTS.get(name) or _TEXTS.get(name) or name
        earlier = first.setdefault(meaning, assignment)
        if earlier is not assignment:
            message = f"{name} is set twice: on line {earlier.place.line} as {earlier.name}"
            related = (Related(place=earlier.place, label="first here"),)
            hint = "keep one; a shell would silently take the last"
            findings.report("GPM-N042", message, assignment.place, hint, related)


def _check_counts(assignments: list[Assignment], findings: Findings) -> None:
    found = {assignment.name: assignment for assignment in assignments}
    primary, mirror = found.get("DATA_DIRECTORY"), found.get("MIRROR_DATA_DIRECTORY")
    if primary is None or mirror is None or len(primary.values) == len(mirror.values):
        return
    counts = f"{len(mirror.values)} and {len(primary.values)}"
    message = f"MIRROR_DATA_DIRECTORY and DATA_DIRECTORY have {counts} entries; gpinitsystem stops"
    related = (Related(place=primary.place, label=shown("DATA_DIRECTORY")),)
    hint = "give one mirror directory for each primary directory"
    findings.report("GPM-N043", message, mirror.place, hint, related)


def _finished(name: str, draft: _Draft) -> InitSystem:
    ports, texts, directories, rows = draft.ports, draft.texts, draft.directories, draft.rows
    return InitSystem(
        name=name,
        seg_prefix=texts.get("seg_prefix"),
        coordinator_hostname=texts.get("coordinator_hostname"),
        coordinator_directory=texts.get("coordinator_directory"),
        coordinator_port=ports.get("coordinator_port"),
        machine_list_file=texts.get("machine_list_file"),
        mirror_type=texts.get("mirror_type"),
        port_base=ports.get("port_base"),
        mirror_port_base=ports.get("mirror_port_base"),
        replication_port_base=ports.get("replication_port_base"),
        mirror_replication_port_base=ports.get("mirror_replication_port_base"),
        data_directories=directories.get("data_directories", ()),
        mirror_directories=directories.get("mirror_directories", ()),
        coordinator=next(iter(rows.get("coordinator", ())), None),
        primaries=rows.get("primaries", ()),
        mirrors=rows.get("mirrors", ()),
        settings=MappingProxyType(draft.settings),
    )
