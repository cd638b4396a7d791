"""Files of 6 and later, `content|address|port|directory` and groups of three or four, written and read."""

import re
from collections.abc import Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.model.dialect import Dialect, MoveEngine, has
from gpmirror.native.fields import (
    Field,
    address_flaw,
    content_flaw,
    gpmovemirrors_problem,
    lines_of,
    new_directory_flaw,
    old_directory_flaw,
    old_generation_problems,
    port_flaw,
    raise_if_any,
    refuse_empty,
    shown,
    value_problems,
)
from gpmirror.native.lines import AddLine, Grammar, Location, MoveLine, add_clashes, move_clashes
from gpmirror.native.source import Findings, LinePart

# --- Files of 6 and later: `content|address|port|directory`, and groups of three or four fields.


_ADDRESS = Field("address", "address", address_flaw)
HOST_FIELD = Field("hostname", "hostname", address_flaw)
_PORT = Field("port", "port", port_flaw)
NEW_FIELDS = (_ADDRESS, _PORT, Field("directory", "dataDirectory", new_directory_flaw))
OLD_FIELDS = (_ADDRESS, _PORT, Field("old directory", "dataDirectory", old_directory_flaw))
ADD_FIELDS = (Field("content", "contentId", content_flaw), *NEW_FIELDS)

_WITH_HOSTNAME = 4
"""Fields of a group that begins with a hostname."""

_Groups = tuple[tuple[str, ...], ...]

RECOVERY_KINDS = frozenset("IDFidf")
"""What stands for a kind of recovery before the address (Greengage 6.27.1; 6.27 and 7.1 by source):
no host of such a name can stand there."""


def add_file(lines: Sequence[AddLine]) -> str:
    """The text for `gpaddmirrors -i`. Raises InvalidInput for what it cannot carry."""
    refuse_empty(lines)
    raise_if_any([found for line in lines for found in _add_problems(line)] + add_clashes(lines))
    return "".join("|".join(_add_values(line)) + "\n" for line in lines)


def move_file(
    lines: Sequence[MoveLine], dialect: Dialect, server_version: str | None, engine: MoveEngine
) -> str:
    """The text for `gprecoverseg -i` or `gpmovemirrors -i`; groups have a hostname only where the
    server is known to read it. Raises InvalidInput for what it cannot carry.
    """
    refuse_empty(lines)
    with_hosts = engine == "gprecoverseg" and reads_hostnames(dialect, server_version)
    groups = [_groups(line, with_hosts=with_hosts) for line in lines]
    pairs = zip(lines, groups, strict=True)
    found = [found for line, group in pairs for found in _move_problems(line, group, engine)]
    raise_if_any(found + move_clashes(lines))
    return "".join(" ".join(map("|".join, line_groups)) + "\n" for line_groups in groups)


def reads_hostnames(dialect: Dialect, server_version: str | None) -> bool:
    """Whether gprecoverseg takes `host|address|port|directory`."""
    return has(dialect.hostnames, server_version)


def hostnames_in(text: str) -> list[tuple[str, str, int]]:
    """Hostname, address and port of the new places of a gprecoverseg file whose lines tell a
    hostname beside another address.
    """
    found = []
    for line in lines_of(text):
        *_, last = [[], *(group.split("|") for group in line.split()[1:2])]
        if len(last) == _WITH_HOSTNAME and last[0] != last[1] and last[2].isdecimal():
            found.append((last[0], last[1], int(last[2])))
    return found


def _add_values(line: AddLine) -> tuple[str, ...]:
    return (str(line.content), line.address, str(line.port), line.directory)


def _add_problems(line: AddLine) -> Iterator[Diagnostic]:
    yield from value_problems(line.subject, ADD_FIELDS, _add_values(line), Grammar.PIPE)
    yield from old_generation_problems(
        line.subject,
        line.replication_port,
        line.primary_replication_port,
        filespaces=line.filespaces,
    )


def _move_problems(line: MoveLine, groups: _Groups, engine: MoveEngine) -> Iterator[Diagnostic]:
    for group, fields in zip(groups, (OLD_FIELDS, NEW_FIELDS), strict=False):
        named = (HOST_FIELD, *fields) if len(group) > len(fields) else fields
        yield from value_problems(line.subject, named, group, Grammar.PIPE)
    if line.new is not None:
        new = line.new
        yield from old_generation_problems(
            line.subject, new.replication_port, filespaces=new.filespaces
        )
    elif engine == "gpmovemirrors":
        yield gpmovemirrors_problem(line.subject)


def _groups(line: MoveLine, *, with_hosts: bool) -> _Groups:
    # In place the catalog's hostname stays; three fields are what every release reads.
    if line.new is None:
        return (_group(line.old),)
    both = (line.old, line.new)
    # Where the new hostname is the address, three fields say the same, and no resolver is asked.
    if with_hosts and _hostname(line.new) != line.new.address:
        return tuple((_hostname(where), *_group(where)) for where in both)
    return tuple(_group(where) for where in both)


def _hostname(where: Location) -> str:
    # Without a hostname field the utility takes the address for the hostname.
    return where.address if where.hostname is None else where.hostname


def _group(where: Location) -> tuple[str, ...]:
    return (where.address, str(where.port), where.directory)


# --- Reading files of 6 and later, with what their utilities would have said of every bad line.


MAX_GROUPS = 2
"""The old and the new place."""

_TYPE = re.compile(r"[IDF]", re.IGNORECASE)


def read_add_line(span: LinePart, findings: Findings) -> AddLine | None:
    """A line of a gpaddmirrors file, or None and findings."""
    spans = fields_of(span)
    if len(spans) != len(ADD_FIELDS):
        where = f"line {span.line.line} of file {span.line.file}"
        native = f"{where}: expected 4 parts, obtained {len(spans)}"
        message = (
            f"expected 4 fields `content|address|port|directory`, found {len(spans)}; "
            f'gpaddmirrors stops with "{native}"'
        )
        hint = "6 and later have neither replication ports nor a hostname in this file"
        findings.report("GPM-N010", message, span.place(), hint)
        return None
    if not findings.check(ADD_FIELDS, spans, Grammar.PIPE):
        return None
    content, address, port, directory = (field.text for field in spans)
    return AddLine(
        content=int(content),
        address=address,
        port=int(port),
        directory=directory,
        place=span.place(),
    )


def read_move_line(span: LinePart, findings: Findings) -> MoveLine | None:
    """A line of a gpmovemirrors or gprecoverseg file, or None and findings."""
    groups = span.groups()
    if len(groups) > MAX_GROUPS:
        findings.report("GPM-N011", _groups_message(len(groups)), span.place(), _GROUPS_HINT)
        return None
    parts = [fields_of(group) for group in groups]
    if not _counts_fit(groups, parts, findings):
        return None
    old = _read_location(parts[0], OLD_FIELDS, findings)
    if len(parts) == 1:
        return None if old is None else MoveLine(old=old, place=span.place())
    new = _read_location(parts[1], NEW_FIELDS, findings)
    if old is None or new is None:
        return None
    return MoveLine(old=old, new=new, place=span.place())


def fields_of(span: LinePart) -> list[LinePart]:
    """What `|` separates."""
    spans: list[LinePart] = []
    start = 0
    for text in span.text.split("|"):
        spans.append(span.part(start, start + len(text)))
        start += len(text) + 1
    return spans


_GROUPS_HINT = "write one mirror a line: the old place, one space, the new place"


def _groups_message(count: int) -> str:
    return (
        f"expected 1 or 2 groups of fields, found {count}; "
        f'the utility stops with "expected 1 or 2 groups but found {count}"'
    )


def _counts_fit(groups: list[LinePart], parts: list[list[LinePart]], findings: Findings) -> bool:
    if _TYPE.fullmatch(parts[0][0].text) and len(parts[0]) > len(OLD_FIELDS):
        message = f"recovery type {shown(parts[0][0].text)} is not read by every release"
        hint = "take it out; `gprecoverseg -F` makes every recovery of a file a full one"
        findings.report("GPM-N019", message, parts[0][0].place(), hint)
        return False
    counts = [len(part) for part in parts]
    if counts[0] in {3, 4} and counts[-1] == counts[0]:
        return True
    wrong = groups[0] if counts[0] not in {3, 4} else groups[-1]
    message = (
        "expected `address|port|directory` on each side, or `hostname|address|port|directory` on "
        f"each side, found {' and '.join(map(str, counts))} fields"
    )
    hint = "6 and later have no replication port here; the utility refuses unequal groups"
    findings.report("GPM-N010", message, wrong.place(), hint)
    return False


def _read_location(
    spans: list[LinePart], fields: tuple[Field, ...], findings: Findings
) -> Location | None:
    named = len(spans) == len(fields) + 1
    if not findings.check((HOST_FIELD, *fields) if named else fields, spans, Grammar.PIPE):
        return None
    address, port, directory = (field.text for field in spans[-3:])
    hostname = spans[0].text if named else None
    return Location(address=address, port=int(port), directory=directory, hostname=hostname)
