"""Reading files of 6 and later, with what their utilities would have said of every bad line."""

import re

from gpmirror.gputils.characters import shown
from gpmirror.gputils.fields import Field
from gpmirror.gputils.lines import AddLine, Grammar, Location, MoveLine
from gpmirror.gputils.pipe import ADD_FIELDS, HOST_FIELD, NEW_FIELDS, OLD_FIELDS
from gpmirror.gputils.source import Findings, Span

MAX_GROUPS = 2
"""The old and the new place."""

_TYPE = re.compile(r"[IDF]", re.IGNORECASE)


def read_add_line(span: Span, findings: Findings) -> AddLine | None:
    """A line of a gpaddmirrors file, or None and findings."""
    spans = fields_of(span)
    if len(spans) != len(ADD_FIELDS):
        native = f"line {span.number} of file {span.file}: expected 4 parts, obtained {len(spans)}"
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


def read_move_line(span: Span, findings: Findings) -> MoveLine | None:
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


def fields_of(span: Span) -> list[Span]:
    """What `|` separates."""
    spans: list[Span] = []
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


def _counts_fit(groups: list[Span], parts: list[list[Span]], findings: Findings) -> bool:
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
    spans: list[Span], fields: tuple[Field, ...], findings: Findings
) -> Location | None:
    named = len(spans) == len(fields) + 1
    if not findings.check((HOST_FIELD, *fields) if named else fields, spans, Grammar.PIPE):
        return None
    address, port, directory = (field.text for field in spans[-3:])
    hostname = spans[0].text if named else None
    return Location(address=address, port=int(port), directory=directory, hostname=hostname)
