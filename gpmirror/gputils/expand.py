"""Files of gpexpand: `hostname|address|port|directory|dbid|content|role`, with `:` before 6."""

from gpmirror.cluster.segment import Role
from gpmirror.gputils import colon_reader, pipe_reader
from gpmirror.gputils.fields import (
    Field,
    address_flaw,
    content_flaw,
    dbid_flaw,
    new_directory_flaw,
    port_flaw,
    role_flaw,
)
from gpmirror.gputils.lines import ExpandLine, Grammar
from gpmirror.gputils.source import Findings, Span

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


def read_expand_line(span: Span, grammar: Grammar, findings: Findings) -> ExpandLine | None:
    """A line of a gpexpand file, or None and findings."""
    piped = grammar is Grammar.PIPE
    spans = pipe_reader.fields_of(span) if piped else colon_reader.fields_of(span, findings)
    if spans is None:
        return None
    fields = _WITH_REPLICATION if len(spans) == len(_WITH_REPLICATION) else _FIELDS
    if len(spans) != len(fields):
        names = grammar.value.join(field.name for field in _FIELDS)
        message = f"expected 7 fields `{names}`, found {len(spans)}; gpexpand refuses the file"
        findings.report("GPM-N010", message, span.place(), "write one segment a line")
        return None
    return _line(span, spans) if findings.check(fields, spans, grammar) else None


def _line(span: Span, spans: list[Span]) -> ExpandLine:
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
