"""What differs between two observed catalogs: rows added, removed, moved, switched, up or down."""

from dataclasses import dataclass
from typing import Literal

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment, same_place
from gpmirror.plan.compare import FactDifference

Kind = Literal["added", "removed", "moved", "switched", "changed"]
"""What happened to a row: it came, it went, its place changed, its acting role changed, or only its
status, mode or dbid did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One row by content and preferred role; `first` or `second` is None where a side lacks it."""

    kind: Kind
    first: Segment | None
    second: Segment | None

    @property
    def row(self) -> Segment:
        """The row on the side that has it, the second preferred."""
        row = self.second if self.second is not None else self.first
        assert row is not None  # noqa: S101 - one side always has the row
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDifference:
    """All differences in canonical order of rows; both empty when the catalogs say the same."""

    facts: tuple[FactDifference, ...]
    rows: tuple[RowDifference, ...]

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self.facts or self.rows)


def catalogs_differ(first: Observed, second: Observed) -> ObservedDifference:
    """What the second catalog says differently. Directories, replication ports, versions and
    identifiers that a side does not show equal any.
    """
    ours = {(row.content, row.preferred_role): row for row in first.segments}
    theirs = {(row.content, row.preferred_role): row for row in second.segments}
    keys = sorted({*ours, *theirs}, key=lambda key: (key[0], key[1] == "m"))
    compared = (_row(ours.get(key), theirs.get(key)) for key in keys)
    return ObservedDifference(
        facts=_facts(first, second), rows=tuple(found for found in compared if found is not None)
    )


def _row(first: Segment | None, second: Segment | None) -> RowDifference | None:
    kind = _kind(first, second)
    return None if kind is None else RowDifference(kind=kind, first=first, second=second)


def _kind(first: Segment | None, second: Segment | None) -> Kind | None:
    if first is None:
        return "added"
    if second is None:
        return "removed"
    if first.hostname != second.hostname or not same_place(first, second):
        return "moved"
    if first.role is not second.role:
        return "switched"
    states = ((row.dbid, row.status, row.mode) for row in (first, second))
    return "changed" if len(set(states)) > 1 else None


def _facts(first: Observed, second: Observed) -> tuple[FactDifference, ...]:
    told = (
        ("dialect", first.dialect.name.value, second.dialect.name.value),
        ("server version", first.server_version, second.server_version),
        ("system identifier", first.system_identifier, second.system_identifier),
    )
    return tuple(
        FactDifference(name=name, first=ours, second=theirs)
        for name, ours, theirs in told
        if ours is not None and theirs is not None and ours != theirs
    )
