"""Files of 4.3 and 5, a `filespaceOrder=` header and fields separated by colons, written and read."""

import re
from collections.abc import Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.model.dialect import MoveEngine
from gpmirror.native.fields import (
    FILESPACE,
    Field,
    address_flaw,
    content_flaw,
    filespace_problems,
    gpmovemirrors_problem,
    header_problems,
    new_directory_flaw,
    old_directory_flaw,
    paths,
    port_flaw,
    port_text,
    raise_if_any,
    refuse_empty,
    replication_port_flaw,
    shown,
    value_problems,
)
from gpmirror.native.lines import (
    AddLine,
    Filespaces,
    Grammar,
    Location,
    MoveLine,
    add_clashes,
    move_clashes,
)
from gpmirror.native.source import Findings, LinePart
from gpmirror.values import dataclass

# --- Files of 4.3 and 5: a `filespaceOrder=` header, then lines of fields separated by `:`.


HEADER = "filespaceOrder="

_ADDRESS = Field("address", "address", address_flaw)
_PORT = Field("port", "port", port_flaw)
_REPLICATION = Field("replication port", "replicationPort", replication_port_flaw)
_PRIMARY = Field(
    "primary's replication port", "primarySegmentReplicationPort", replication_port_flaw
)
_DIRECTORY = Field("directory", "dataDirectory", new_directory_flaw)

OLD_FIELDS = (_ADDRESS, _PORT, Field("old directory", "dataDirectory", old_directory_flaw))
NEW_FIELDS = (_ADDRESS, _PORT, _REPLICATION, _DIRECTORY)
ADD_FIELDS = (
    Field("content", "contentId", content_flaw),
    _ADDRESS,
    _PORT,
    _REPLICATION,
    _PRIMARY,
    _DIRECTORY,
)


def filespace_fields(names: Sequence[str]) -> tuple[Field, ...]:
    """The fields that a header adds to each line, in its order."""
    return tuple(Field(f"directory of filespace {n}", n, new_directory_flaw) for n in names)


def add_file(lines: Sequence[AddLine], filespaces: Sequence[str]) -> str:
    """The text for `gpaddmirrors -i`; lines are labelled by their number from 0. Raises
    InvalidInput for what it cannot carry.
    """
    refuse_empty(lines)
    names = sorted(filespaces)
    fields = ADD_FIELDS + filespace_fields(names)
    values = [_add_values(line, names) for line in lines]
    found = list(header_problems(names, Grammar.COLON))
    for line, row in zip(lines, values, strict=True):
        found += _line_problems(line.subject, fields, row)
        found += filespace_problems(line.subject, line.filespaces, names)
    raise_if_any(found + add_clashes(lines))
    return _text(names, (f"mirror{i}={_joined(row, 1)}" for i, row in enumerate(values)))


def move_file(lines: Sequence[MoveLine], filespaces: Sequence[str], engine: MoveEngine) -> str:
    """The text for `gprecoverseg -i` or `gpmovemirrors -i`. Raises InvalidInput for what it cannot
    carry.
    """
    refuse_empty(lines)
    names = sorted(filespaces)
    found = list(header_problems(names, Grammar.COLON))
    for line in lines:
        found += _move_problems(line, names, engine)
    raise_if_any(found + move_clashes(lines))
    return _text(names, (_move_text(line, names) for line in lines))


def _move_problems(
    line: MoveLine, names: Sequence[str], engine: MoveEngine
) -> Iterator[Diagnostic]:
    yield from _line_problems(line.subject, OLD_FIELDS, _old_values(line.old))
    if line.new is not None:
        fields = NEW_FIELDS + filespace_fields(names)
        yield from _line_problems(line.subject, fields, _new_values(line.new, names))
        yield from filespace_problems(line.subject, line.new.filespaces, names)
    elif engine == "gpmovemirrors":
        yield gpmovemirrors_problem(line.subject)


def _line_problems(
    subject: str, fields: Sequence[Field], values: Sequence[str]
) -> Iterator[Diagnostic]:
    return value_problems(subject, fields, values, Grammar.COLON)


def _add_values(line: AddLine, names: Sequence[str]) -> tuple[str, ...]:
    where = Location(
        address=line.address,
        port=line.port,
        directory=line.directory,
        replication_port=line.replication_port,
        filespaces=line.filespaces,
    )
    address, port, replication_port, *directories = _new_values(where, names)
    primary = port_text(line.primary_replication_port)
    return (str(line.content), address, port, replication_port, primary, *directories)


def _old_values(old: Location) -> tuple[str, ...]:
    return (old.address, str(old.port), old.directory)


def _new_values(new: Location, names: Sequence[str]) -> tuple[str, ...]:
    replication_port = port_text(new.replication_port)
    return (new.address, str(new.port), replication_port, new.directory, *paths(new, names))


def _move_text(line: MoveLine, names: Sequence[str]) -> str:
    old = _joined(_old_values(line.old), 0)
    return old if line.new is None else f"{old} {_joined(_new_values(line.new, names), 0)}"


def _joined(values: Sequence[str], address: int) -> str:
    fields = list(values)
    if ":" in fields[address]:
        fields[address] = f"[{fields[address]}]"
    return ":".join(fields)


def _text(names: Sequence[str], lines: Iterator[str]) -> str:
    return f"{HEADER}{':'.join(names)}\n" + "".join(f"{line}\n" for line in lines)


# --- Reading files of 4.3 and 5, with what their utilities would have said of every bad line.


MAX_GROUPS = 2
"""The old and the new place."""

MAX_FILESPACES = 256

_LABEL = re.compile(r"mirror[^=]*=")


@dataclass(frozen=True, slots=True)
class FilespaceHeader:
    """The filespace names that every line has a directory for, in the order of the file, and the
    fields that they add to a line.
    """

    names: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


def read_header(span: LinePart, findings: Findings) -> FilespaceHeader | None:
    """The first significant line, or None when it is no header or a bad one."""
    if not span.text.startswith(HEADER):
        message = f'the file does not start with `{HEADER}`; the utility stops with "does not start with {HEADER}"'
        hint = f"put a line `{HEADER}` before the first mirror, even when there is no filespace"
        findings.report("GPM-N015", message, span.place(), hint)
        return None
    listed = span.part(len(HEADER))
    if not listed.text:
        return FilespaceHeader()
    names = fields_of(listed, findings)
    if names is not None and len(names) > MAX_FILESPACES:
        message = f"the header lists {len(names)} filespaces; the limit is {MAX_FILESPACES}"
        findings.report("GPM-N016", message, listed.place(), "check that this is the right file")
        return None
    if names is None or not findings.check([FILESPACE] * len(names), names, Grammar.COLON):
        return None
    return _header(names, findings)


def _header(listed: list[LinePart], findings: Findings) -> FilespaceHeader | None:
    names: dict[str, None] = {}
    for name in listed:
        if name.text in names:
            message = f"filespace {shown(name.text)} is listed twice"
            findings.report("GPM-N016", message, name.place(), "name each filespace once")
            return None
        names[name.text] = None
    return FilespaceHeader(tuple(names), filespace_fields(tuple(names)))


def read_add_line(span: LinePart, header: FilespaceHeader, findings: Findings) -> AddLine | None:
    """A line of a gpaddmirrors file, or None and findings."""
    label = _LABEL.match(span.text)
    if label is None:
        message = 'the line has no label `mirror<number>=`; gpaddmirrors stops with "does not start with mirror"'
        hint = f"write `mirror0={span.text[:40]}`"
        findings.report("GPM-N014", message, span.place(), hint)
    spans = fields_of(span if label is None else span.part(label.end()), findings)
    fields = ADD_FIELDS + header.fields
    if spans is None or not _fits(span, fields, spans, findings, _IGNORED):
        return None
    content, address, port, replication, primary, directory, *rest = (f.text for f in spans)
    return AddLine(
        content=int(content),
        address=address,
        port=int(port),
        directory=directory,
        replication_port=int(replication),
        primary_replication_port=int(primary),
        filespaces=_filespaces(header, rest),
        place=span.place(),
    )


def read_move_line(span: LinePart, header: FilespaceHeader, findings: Findings) -> MoveLine | None:
    """A line of a gpmovemirrors or gprecoverseg file, or None and findings."""
    groups = span.groups()
    if len(groups) > MAX_GROUPS:
        count = len(groups)
        message = (
            f"expected 1 or 2 groups of fields, found {count}; the utility stops with "
            f'"only one or two groups of fields delimited by a space, not {count}"'
        )
        hint = "write one mirror a line: the old place, one space, the new place"
        findings.report("GPM-N011", message, span.place(), hint)
        return None
    old = _read_old(groups[0], header, findings)
    if len(groups) == 1:
        return None if old is None else MoveLine(old=old, place=span.place())
    new = _read_new(groups[1], header, findings)
    if old is None or new is None:
        return None
    return MoveLine(old=old, new=new, place=span.place())


def fields_of(span: LinePart, findings: Findings) -> list[LinePart] | None:
    """What `:` separates; a field in brackets is an IPv6 address. None: brackets do not match."""
    spans: list[LinePart] = []
    start = 0
    while start <= len(span.text):
        end = _end_of_field(span, start, findings)
        if end is None:
            return None
        bracket = int(span.text.startswith("[", start))
        spans.append(span.part(start + bracket, end - bracket))
        start = end + 1
    return spans


def _end_of_field(span: LinePart, start: int, findings: Findings) -> int | None:
    text = span.text
    close = start
    if text.startswith("[", start):
        close = text.find("]", start) + 1
        if not close or (close < len(text) and text[close] != ":"):
            wrong = "is not followed by `:`" if close else "has no end"
            native = (
                "characters not allowed after ending ]" if close else "does not contain ending ]"
            )
            message = f'the bracketed address {wrong}; the utility stops with "{native}"'
            hint = "write an IPv6 address as `[fd00::1]:`"
            findings.report("GPM-N034", message, span.place(start, 1), hint)
            return None
    found = text.find(":", close)
    return len(text) if found < 0 else found


_IGNORED = "gpaddmirrors ignores the rest without a word"
_UNEXPECTED = 'the utility stops with "unexpected characters after mirror fields"'


def _fits(
    span: LinePart,
    fields: Sequence[Field],
    spans: list[LinePart],
    findings: Findings,
    too_many: str,
) -> bool:
    if len(spans) == len(fields):
        return findings.check(fields, spans, Grammar.COLON)
    consequence = too_many
    if len(spans) < len(fields):
        missing = fields[len(spans)]
        consequence = f'the utility stops with "out of values (reading {missing.native})"'
    names = ", ".join(field.name for field in fields)
    message = f"expected {len(fields)} fields ({names}), found {len(spans)}; {consequence}"
    code = "GPM-N017" if len(spans) > len(fields) or _lacks_filespace(fields, spans) else "GPM-N010"
    findings.report(code, message, span.place(), _hint(fields, spans))
    return False


def _lacks_filespace(fields: Sequence[Field], spans: list[LinePart]) -> bool:
    return fields[len(spans)].name.startswith("directory of filespace")


def _hint(fields: Sequence[Field], spans: list[LinePart]) -> str:
    if len(spans) > len(fields):
        return f"name the filespaces of the further directories in `{HEADER}`, or take them out"
    if _lacks_filespace(fields, spans):
        return f"give one directory for each filespace that `{HEADER}` lists"
    return "compare the line with the fields above, from left to right"


def _read_old(span: LinePart, header: FilespaceHeader, findings: Findings) -> Location | None:
    spans = fields_of(span, findings)
    if spans is None:
        return None
    if len(spans) != len(OLD_FIELDS):
        found = len(spans)
        message = f"expected 3 fields `address:port:directory` for the old place, found {found}"
        findings.report("GPM-N010", message, span.place(), _split_hint(spans, header))
        return None
    if not findings.check(OLD_FIELDS, spans, Grammar.COLON):
        return None
    address, port, directory = (field.text for field in spans)
    return Location(address=address, port=int(port), directory=directory)


def _split_hint(spans: list[LinePart], header: FilespaceHeader) -> str:
    # A published example breaks the line between the groups and again before a directory.
    expected = len(NEW_FIELDS) + len(header.names)
    if len(spans) in {1, len(NEW_FIELDS), expected}:
        return "this looks like the rest of the line above: write old and new place on one line"
    return "the old place has no replication port and no filespaces"


def _read_new(span: LinePart, header: FilespaceHeader, findings: Findings) -> Location | None:
    spans = fields_of(span, findings)
    fields = NEW_FIELDS + header.fields
    if spans is None or not _fits(span, fields, spans, findings, _UNEXPECTED):
        return None
    address, port, replication, directory, *rest = (field.text for field in spans)
    return Location(
        address=address,
        port=int(port),
        directory=directory,
        replication_port=int(replication),
        filespaces=_filespaces(header, rest),
    )


def _filespaces(header: FilespaceHeader, directories: list[str]) -> Filespaces:
    return tuple(sorted(zip(header.names, directories, strict=True)))
