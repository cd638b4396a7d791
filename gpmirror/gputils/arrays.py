"""Rows of a gpinitsystem input array file: `hostname~address~port~directory~dbid~content`.

Before 6 a row was `host~port~directory~dbid~content~replication_port`, also with `:`; the form of
five fields without hostname is still read by later releases. From 6 on a seventh field, the
replication port of old, may follow and is of no effect: it is read, and not kept.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gpmirror.diagnostics import Place
from gpmirror.gputils.fields import (
    Field,
    Flaw,
    address_flaw,
    content_flaw,
    dbid_flaw,
    new_directory_flaw,
    port_flaw,
)
from gpmirror.gputils.lines import Grammar
from gpmirror.gputils.source import Findings, Span

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


def read_array_row(span: Span, findings: Findings) -> ArrayRow | None:
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


def _fields(spans: list[Span]) -> Sequence[Field] | None:
    if len(spans) == len(_PLACE):
        return _PLACE
    if len(spans) == len(_NAMED) + 1:
        return (*_NAMED, _REPLICATED[-1])
    if len(spans) != len(_NAMED):
        return None
    return _REPLICATED if _PORT_TEXT.fullmatch(spans[1].text) else _NAMED


def _split(span: Span, separator: str) -> list[Span]:
    spans: list[Span] = []
    start = 0
    for text in span.text.split(separator):
        spans.append(span.part(start, start + len(text)))
        start += len(text) + 1
    return spans


def _row(span: Span, fields: Sequence[Field], spans: list[Span]) -> ArrayRow:
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
