"""Whether rows make a cluster: every contradiction is reported, none is planned over."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from gpmirror.catalog import codes
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.model.claims import contested, on_disk
from gpmirror.model.segment import COORDINATOR_CONTENT, Segment

_PAIR = 2


def check_sane(source: Source, segments: Sequence[Segment], hint: str) -> list[Diagnostic]:
    """Every contradiction between rows; `hint` says what to do about an incomplete catalog."""
    check = _Check(source, segments, hint)
    if not any(segment.content > COORDINATOR_CONTENT for segment in segments):
        return [check.no_segments()]
    return [
        *check.dbids(),
        *check.gaps(),
        *check.roles(),
        *check.ports(),
        *check.directories(),
    ]


class _Check:
    """The checks over one catalog."""

    def __init__(self, source: Source, segments: Sequence[Segment], hint: str) -> None:
        self._source = source
        self._segments = segments
        self._hint = hint

    def no_segments(self) -> Diagnostic:
        rows = len(self._segments)
        said = (
            "the table has no rows"
            if not rows
            else (
                f"no row has a content of 0 or more: {rows} coordinator row{'s' * (rows > 1)} only"
            )
        )
        return self._found(codes.NO_ROWS, said, self._segments[:1])

    def dbids(self) -> Iterator[Diagnostic]:
        seen: defaultdict[int, list[Segment]] = defaultdict(list)
        for segment in self._segments:
            seen[segment.dbid].append(segment)
        for dbid, rows in sorted(seen.items()):
            if len(rows) > 1:
                contents = " and ".join(f"content {row.content}{_line(row)}" for row in rows)
                message = f"dbid {dbid} occurs {_times(len(rows))}: {contents}"
                yield self._found(codes.DUPLICATE_DBID, message, rows)

    def gaps(self) -> Iterator[Diagnostic]:
        contents = sorted({row.content for row in self._segments} | {COORDINATOR_CONTENT})
        gaps = [
            _range(before + 1, after - 1)
            for before, after in pairwise(contents)
            if after > before + 1
        ]
        if gaps:
            message = (
                f"content gaps: no row of content {', '.join(gaps)}; "
                f"the highest content is {contents[-1]}"
            )
            yield self._found(codes.CONTENT_GAP, message, ())

    def roles(self) -> Iterator[Diagnostic]:
        by_content: defaultdict[int, list[Segment]] = defaultdict(list)
        for segment in self._segments:
            by_content[segment.content].append(segment)
        for content, rows in sorted(by_content.items()):
            preferred = [row for row in rows if row.is_preferred_primary]
            acting = [row for row in rows if row.is_acting_primary]
            if len(preferred) != 1 or len(rows) > _PAIR:
                yield from self._preferred(content, rows, len(preferred))
            elif len(acting) != 1:
                yield self._acting(content, rows, len(acting))

    def ports(self) -> Iterator[Diagnostic]:
        made = (
            ((row.hostname, port), (row, column))
            for row in self._segments
            for column, port in (("port", row.port), ("replication_port", row.replication_port))
            if port is not None
        )
        for (host, port), (first, its), (row, column) in contested(made):
            message = (
                f"host {host} has port {port} twice: {_named(first)} as {its} "
                f"and {_named(row)} as {column}"
            )
            yield self._found(codes.DUPLICATE_PORT, message, [row])

    def directories(self) -> Iterator[Diagnostic]:
        made = (
            (on_disk(row.hostname, path), (row, path))
            for row in self._segments
            for path in row.directories
        )
        for _, (first, _), (row, path) in contested(made):
            message = (
                f"host {row.hostname} has directory {path} twice: {_named(first)} and {_named(row)}"
            )
            yield self._found(codes.DUPLICATE_DIRECTORY, message, [row])

    def _preferred(self, content: int, rows: list[Segment], primaries: int) -> Iterator[Diagnostic]:
        subject, those = _subject(content), ", ".join(map(_named, rows))
        mirrors = len(rows) - primaries
        said: list[str] = []
        if len(rows) > _PAIR:
            said.append(f"has {len(rows)} rows, at most two make a pair")
        if primaries == 0:
            said.append("has no preferred primary")
        if primaries > 1:
            said.append(f"has {_count(primaries)} preferred primaries")
        if mirrors > 1:
            said.append(f"has {_count(mirrors)} preferred mirrors")
        for words in said:
            yield self._found(codes.PREFERRED_ROLES, f"{subject} {words}: {those}", rows)

    def _acting(self, content: int, rows: list[Segment], primaries: int) -> Diagnostic:
        those = " and ".join(map(_named, rows))
        what = "has no acting primary" if primaries == 0 else "has two acting primaries"
        return self._found(codes.ACTING_ROLES, f"{_subject(content)} {what}: {those}", rows)

    def _found(self, code: str, message: str, rows: Sequence[Segment]) -> Diagnostic:
        line = rows[0].line if rows else 0
        place = self._source.place(line)
        return Diagnostic(code=code, message=message, place=place, hint=self._hint)


def _named(row: Segment) -> str:
    return f"dbid {row.dbid}{_line(row)}"


def _line(row: Segment) -> str:
    return f" (line {row.line})" if row.line else ""


def _subject(content: int) -> str:
    if content == COORDINATOR_CONTENT:
        return "the coordinator (content -1)"
    return f"content {content}"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}..{last}"


def _times(number: int) -> str:
    return "twice" if number == _PAIR else f"{number} times"


def _count(number: int) -> str:
    return "two" if number == _PAIR else str(number)
