"""Which server family a text comes from, by its version() line and its columns."""

import re
from collections.abc import Iterable

from gpmirror.catalog import codes
from gpmirror.catalog.tables import Table
from gpmirror.diagnostics import Diagnostic, Source
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, USUAL, DialectName, families, family
from gpmirror.values import dataclass

_VERSION = re.compile(
    r"PostgreSQL (\d{1,4}(?:\.\d{1,4})?)[^\s()]{0,40} \(([A-Z][A-Za-z ]{0,60}?) (\d+(?:\.\d+)+[^\s)]*)"
)
_OLD = families(lambda one: one.file_replication)
_NEW = frozenset(DialectName) - _OLD
_TELLING = {
    column: (_OLD if one.file_replication else frozenset({one.name}), one.name)
    for one in DIALECTS.values()
    for column in one.columns
}
"""Columns that prove a family: what is possible, and what to take unless version() says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a text proves: the families it may come from, the one to take when nobody says more,
    whether that is settled, and the words that say why. `version` is the server's.
    """

    allowed: frozenset[DialectName]
    preferred: DialectName
    settled: bool
    proof: str
    version: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """The dialect to read by, whether it is only assumed, the server's version, remarks."""

    name: DialectName
    assumed: bool = False
    version: str | None = None
    notes: tuple[str, ...] = ()


def families_like(name: DialectName, *, assumed: bool) -> frozenset[DialectName]:
    """The dialects a spec may name for a server of family `name`; `assumed`: only the generation
    is certain.
    """
    if not assumed:
        return families(lambda one: name in {one.name, one.fork_of})
    return _OLD if name in _OLD else _NEW


def column_evidence(table: Table, *, has_entries: bool) -> Evidence:
    """What the columns prove; `has_entries`: the text has pg_filespace_entry as well."""
    for name, (allowed, preferred) in _TELLING.items():
        if name in table.names:
            return _columns(allowed, preferred, f"has {name}")
    if has_entries:
        return _columns(_OLD, USUAL[True], "comes with pg_filespace_entry")
    if "datadir" in table.names:
        return Evidence(
            allowed=_NEW, preferred=USUAL[False], settled=False, proof="the table has datadir"
        )
    return Evidence(
        allowed=frozenset(DialectName),
        preferred=USUAL[False],
        settled=False,
        proof="the table has neither datadir nor replication_port",
    )


def version_evidence(source: Source, text: str) -> list[Evidence]:
    """What each different version() line proves.

    Raises:
        InvalidInput: a version of no known family.
    """
    found: dict[str, Evidence] = {}
    for match in _VERSION.finditer(text):
        if match[3] not in found:
            line = text.count("\n", 0, match.start()) + 1
            found[match[3]] = _from_version(source, line, *match.groups())
    return list(found.values())


def settle(
    source: Source,
    columns: Evidence,
    versions: Iterable[Evidence],
    wanted: DialectName | None,
) -> Detected:
    """The dialect that columns, version() lines and the spec (`wanted`) agree on.

    Raises:
        InvalidInput: they contradict each other.
    """
    fitting = [one for one in versions if wanted is None or wanted in one.allowed]
    version = _one(source, fitting or list(versions))
    proven = columns if version is None else version
    if not proven.allowed & columns.allowed:
        raise _conflict(source, f"{proven.proof}, but {columns.proof}", proven.line)
    if wanted is not None and wanted not in proven.allowed & columns.allowed:
        message = f"the dialect is set to {wanted.value}, but {proven.proof}: {_names(proven)}"
        raise _conflict(source, message, proven.line)
    if wanted is not None:
        return Detected(name=wanted, version=proven.version)
    return Detected(
        name=proven.preferred,
        assumed=not proven.settled,
        version=proven.version,
        notes=() if proven.settled else (_ASSUMED,),
    )


_ASSUMED = f"dialect taken as {USUAL[False].value}: the text has datadir but no version() line"


def _columns(allowed: frozenset[DialectName], name: DialectName, has: str) -> Evidence:
    return Evidence(allowed=allowed, preferred=name, settled=True, proof=f"the table {has}")


def _from_version(source: Source, line: int, backend: str, product: str, version: str) -> Evidence:
    name = family(product.lower(), version.partition(".")[0], backend)
    said = f"version() says {product} {version}"
    if name is None:
        raise InvalidInput([_unknown(source, line, said)])
    return Evidence(
        allowed=families_like(name, assumed=False),
        preferred=name,
        settled=True,
        proof=said,
        version=version,
        line=line,
    )


def _one(source: Source, versions: list[Evidence]) -> Evidence | None:
    """The only version; several of one family count as the first."""
    if len({version.preferred for version in versions}) > 1:
        said = "; ".join(f"{v.proof} in line {v.line}" for v in versions)
        raise _conflict(source, f"the text has version() lines of several servers: {said}", 0)
    return versions[0] if versions else None


def _names(evidence: Evidence) -> str:
    titles = [DIALECTS[name].title for name in DialectName if name in evidence.allowed]
    return "that is " + " or ".join(titles)


def _conflict(source: Source, message: str, line: int) -> InvalidInput:
    return InvalidInput(
        [
            Diagnostic(
                code=codes.DIALECT_CONFLICT,
                message=message,
                place=source.place(line),
                hint="correct `cluster.dialect` in the spec or leave it out, "
                "and check that the text comes from this cluster",
            )
        ]
    )


def _unknown(source: Source, line: int, said: str) -> Diagnostic:
    return Diagnostic(
        code=codes.UNKNOWN_SERVER,
        message=f"{said}, which is no family that gpmirror knows",
        place=source.place(line),
        hint="known are " + ", ".join(found.title for found in DIALECTS.values()),
    )
