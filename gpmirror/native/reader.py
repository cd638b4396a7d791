"""Reading any native file: which utility and generation it is for, its lines, or everything wrong."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Literal

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import Dialect
from gpmirror.model.segment import Role
from gpmirror.native import colon, pipe
from gpmirror.native.colon import HEADER
from gpmirror.native.fields import (
    Field,
    address_flaw,
    content_flaw,
    dbid_flaw,
    new_directory_flaw,
    port_flaw,
    role_flaw,
    shown,
)
from gpmirror.native.initsystem import KNOWN_NAMES, InitSystem, read_initsystem
from gpmirror.native.lines import (
    AddFile,
    AddLine,
    ExpandFile,
    ExpandLine,
    Grammar,
    MoveFile,
    MoveLine,
    add_clashes,
    expand_clashes,
    move_clashes,
)
from gpmirror.native.source import Findings, LinePart, read_text, significant_lines
from gpmirror.values import dataclass

# --- Telling from a file's text which utility it is for and which generation wrote it.


Purpose = Literal["add", "move", "expand"]

MAX_JOINTS = 10_000

_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:(?:declare|typeset)[ \t]+-a[ \t]+|export[ \t]+)?([A-Z][A-Z_]*)=", re.MULTILINE
)
_LABEL = re.compile(r"mirror[^=:|/]*=")
_CONTENT = re.compile(r"-?[0-9]+(?:=[0-9]+)?")
_BETA = re.compile(r"mirror[^=:|/]*=[^:]*:[^:]*:[^:]*:/[^:]*")
_NEXT_LABEL = re.compile(r"[ \t\f\v](?=mirror[0-9]{0,9}=)")
_NEXT_CONTENT = re.compile(r"[ \t\f\v](?=[0-9]{1,9}\|[^|\s]+\|[0-9])")


@dataclass(frozen=True, slots=True)
class FileShape:
    """What a line, or most lines of a file, looks like."""

    purpose: Purpose
    grammar: Grammar


def is_initsystem(text: str) -> bool:
    """Whether some line assigns a setting that only gpinitsystem knows."""
    return any(found[1] in KNOWN_NAMES for found in _ASSIGNMENT.finditer(text))


def shape_of_file(spans: Iterable[LinePart]) -> FileShape | None:
    """What most lines look like; of equals the first. None: no line looks like any."""
    votes = Counter(shape for span in spans if (shape := shape_of(span.text)) is not None)
    return votes.most_common(1)[0][0] if votes else None


def shape_of(text: str) -> FileShape | None:
    """What one line looks like; None for the header and for lines without any sign."""
    if text.startswith(HEADER) or "/" not in text:
        return None
    if "|" not in text and ":" not in text:
        return None
    grammar = Grammar.PIPE if "|" in text else Grammar.COLON
    return FileShape(_purpose(text, grammar), grammar)


def _purpose(text: str, grammar: Grammar) -> Purpose:
    fields = text.split(None, 1)[0].split(grammar.value)
    if len(fields) in {7, 8} and fields[6] in {"p", "m"}:
        return "expand"
    return "add" if _LABEL.match(text) or _CONTENT.fullmatch(fields[0]) else "move"


def is_beta(spans: Iterable[LinePart]) -> bool:
    """Whether the lines are `mirror0=content:address:port:directory` without a header: what a
    development version of 6 read and no release does.
    """
    return all(_BETA.fullmatch(span.text) for span in spans)


def split_entries(spans: Iterable[LinePart], findings: Findings) -> list[LinePart]:
    """One span an entry: where line ends were lost in copying, the line is reported and split."""
    return [entry for span in spans for entry in _entries(span, findings)]


def _entries(span: LinePart, findings: Findings) -> list[LinePart]:
    pattern = _NEXT_CONTENT if _CONTENT.match(span.text) else _NEXT_LABEL
    joints = [found.start() for found in islice(pattern.finditer(span.text), MAX_JOINTS)]
    if not joints:
        return [span]
    bounds = [*joints, len(span.text)]
    entries = [_trimmed(span.part(0, joints[0]))]
    entries += [_trimmed(span.part(a + 1, b)) for a, b in pairwise(bounds)]
    message = f"{len(entries)} lines have run into one: their line ends are lost"
    following = span.text[joints[0] + 1 :].split(None, 1)[0]
    hint = f"start a new line before each of them, first before `{following[:40]}`"
    findings.report("GPM-N012", message, span.place(joints[0] + 1, len(following)), hint)
    return entries


def _trimmed(span: LinePart) -> LinePart:
    return span.part(0, len(span.text.rstrip()))


# --- Files of gpexpand: `hostname|address|port|directory|dbid|content|role`, with `:` before 6.


_FIELDS = (
    Field("hostname", "hostname", address_flaw),
    Field("address", "address", address_flaw),
    Field("port", "port", port_flaw),
    Field("directory", "datadir", new_directory_flaw),
    Field("dbid", "dbid", dbid_flaw),
    Field("content", "content", content_flaw),
    Field("role", "role", role_flaw),
)
_WITH_REPLICATION = (*_FIELDS, Field("replication port", "replication_port", port_flaw))


def read_expand_line(span: LinePart, grammar: Grammar, findings: Findings) -> ExpandLine | None:
    """A line of a gpexpand file, or None and findings."""
    piped = grammar is Grammar.PIPE
    spans = pipe.fields_of(span) if piped else colon.fields_of(span, findings)
    if spans is None:
        return None
    fields = _WITH_REPLICATION if len(spans) == len(_WITH_REPLICATION) else _FIELDS
    if len(spans) != len(fields):
        names = grammar.value.join(field.name for field in _FIELDS)
        message = f"expected 7 fields `{names}`, found {len(spans)}; gpexpand refuses the file"
        findings.report("GPM-N010", message, span.place(), "write one segment a line")
        return None
    return _line(span, spans) if findings.check(fields, spans, grammar) else None


def _line(span: LinePart, spans: list[LinePart]) -> ExpandLine:
    hostname, address, port, directory, dbid, content, role, *rest = (field.text for field in spans)
    return ExpandLine(
        hostname=hostname,
        address=address,
        port=int(port),
        directory=directory,
        dbid=int(dbid),
        content=int(content),
        role=Role(role),
        replication_port=int(rest[0]) if rest else None,
        place=span.place(),
    )


# --- Reading any native file: which utility it is for, its lines, or everything wrong with it.


NativeFile = AddFile | MoveFile | ExpandFile | InitSystem


def read_native(data: bytes, name: str, dialect: Dialect | None = None) -> NativeFile:
    """What the file says, for whichever utility it is. `name` is for messages. Raises InvalidInput
    with every problem when the file is not exactly what its utility reads.
    """
    findings = Findings()
    text = read_text(data, name, findings)
    if is_initsystem(text):
        return read_initsystem(data, name)
    spans = split_entries(significant_lines(text, name, findings), findings)
    shape = shape_of_file(spans)
    if shape is None:
        raise InvalidInput([_unknown(spans, name)])
    if _is_beta(spans, shape, dialect):
        _report_beta(spans, findings)
    else:
        _check_dialect(spans[0], shape, dialect, findings)
    found = _read(spans, shape, name, findings)
    findings.raise_if_any()
    return found


def _is_beta(spans: list[LinePart], shape: FileShape, dialect: Dialect | None) -> bool:
    old = dialect is not None and dialect.file_replication
    return not old and shape == FileShape("add", Grammar.COLON) and is_beta(spans)


def _report_beta(spans: list[LinePart], findings: Findings) -> None:
    first = spans[0]
    fixed = first.text.partition("=")[2].replace(":", "|")
    message = (
        f"`mirror<number>=content:address:port:directory` ({len(spans)} lines) is the syntax of a "
        'development version of 6; every release stops with "expected 4 parts, obtained 1"'
    )
    findings.report("GPM-N013", message, first.place(), f"write {shown(fixed)}")
    findings.raise_if_any()


def _check_dialect(
    first: LinePart, shape: FileShape, dialect: Dialect | None, findings: Findings
) -> None:
    if dialect is None or dialect.separator == shape.grammar.value:
        return
    message = (
        f"the file is in the form of {shape.grammar.releases}, with `{shape.grammar}` between fields; "
        f"{dialect.title} reads `{dialect.separator}`"
    )
    hint = "write it for this server, or name the dialect it was written for"
    findings.report("GPM-N005", message, first.place(), hint)


def _unknown(spans: list[LinePart], name: str) -> Diagnostic:
    real = [span for span in spans if not span.text.startswith(HEADER)]
    if not real:
        message = f"{name} has no line that names a mirror"
        hint = "was the file written completely?"
        return Diagnostic(code="GPM-N009", message=message, place=Place(file=name), hint=hint)
    message = (
        f"{name} is no file of gpaddmirrors, gpmovemirrors, gprecoverseg, gpexpand or gpinitsystem"
    )
    hint = "their lines have fields separated by `:` (4.3 and 5) or `|` (6 and later)"
    return Diagnostic(code="GPM-N004", message=message, place=real[0].place(), hint=hint)


def _read(
    spans: list[LinePart], shape: FileShape, name: str, findings: Findings
) -> AddFile | MoveFile | ExpandFile:
    if shape.purpose == "expand":
        return _read_expand(spans, shape.grammar, name, findings)
    if shape.grammar is Grammar.COLON:
        return _read_colon(spans, shape, name, findings)
    return _read_pipe(spans, shape, name, findings)


def _read_expand(
    spans: list[LinePart], grammar: Grammar, name: str, findings: Findings
) -> ExpandFile:
    read = (read_expand_line(s, grammar, findings) for s in spans if not findings.full)
    lines = tuple(line for line in read if line is not None)
    findings.extend(expand_clashes(lines))
    return ExpandFile(name=name, grammar=grammar, lines=lines)


def _read_colon(
    spans: list[LinePart], shape: FileShape, name: str, findings: Findings
) -> AddFile | MoveFile:
    header = colon.read_header(spans[0], findings)
    rest = spans[1:] if spans[0].text.startswith(HEADER) else spans
    known = header or colon.FilespaceHeader()
    names = tuple(sorted(known.names))
    if shape.purpose == "add":
        adds = (colon.read_add_line(s, known, findings) for s in rest if not findings.full)
        return _add_file(name, Grammar.COLON, names, adds, findings)
    moves = (colon.read_move_line(s, known, findings) for s in rest if not findings.full)
    return _move_file(name, Grammar.COLON, names, moves, findings)


def _read_pipe(
    spans: list[LinePart], shape: FileShape, name: str, findings: Findings
) -> AddFile | MoveFile:
    if shape.purpose == "add":
        adds = (pipe.read_add_line(s, findings) for s in spans if not findings.full)
        return _add_file(name, Grammar.PIPE, (), adds, findings)
    moves = (pipe.read_move_line(s, findings) for s in spans if not findings.full)
    return _move_file(name, Grammar.PIPE, (), moves, findings)


def _add_file(
    name: str,
    grammar: Grammar,
    filespaces: tuple[str, ...],
    read: Iterable[AddLine | None],
    findings: Findings,
) -> AddFile:
    lines = tuple(line for line in read if line is not None)
    findings.extend(add_clashes(lines))
    return AddFile(name=name, grammar=grammar, lines=lines, filespaces=filespaces)


def _move_file(
    name: str,
    grammar: Grammar,
    filespaces: tuple[str, ...],
    read: Iterable[MoveLine | None],
    findings: Findings,
) -> MoveFile:
    lines = tuple(line for line in read if line is not None)
    findings.extend(move_clashes(lines))
    return MoveFile(name=name, grammar=grammar, lines=lines, filespaces=filespaces)
