"""What must still hold when a plan is applied, and the digest of an observed catalog."""

import hashlib
from collections.abc import Iterable, Sequence

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.plan.model import Change, Fingerprint, FingerprintRow


def fingerprint(observed: Observed, changes: Sequence[Change]) -> Fingerprint:
    """The rows of every touched content with its class, and everything in use. Not dbid, mode or
    the status of other contents: those change by themselves and are judged by the health gate.
    """
    pairs = observed.pairs()
    contents = tuple(
        FingerprintRow(
            content=change.content,
            action=change.action,
            rows=tuple(_row(row) for row in pairs[change.content] if row is not None),
        )
        for change in sorted(changes, key=lambda change: change.content)
    )
    coordinator = observed.coordinator
    told = _place(coordinator) if coordinator is not None else ""
    in_use = tuple(sorted({item for row in observed.segments for item in _uses(row)}))
    facts = [told, observed.system_identifier or "", observed.server_version or ""]
    facts += [f"{item.content} {item.action} {' '.join(item.rows)}" for item in contents]
    return Fingerprint(
        digest=_sha256([*facts, *in_use]),
        coordinator=told,
        system_identifier=observed.system_identifier,
        server_version=observed.server_version,
        contents=contents,
        in_use=in_use,
    )


def catalog_digest(observed: Observed) -> str:
    """sha256 over all facts of the catalog, without line numbers, file name and notes."""
    rows = [
        f"{row.dbid} {row.content} {row.mode} {row.status} {row.replication_port} {_row(row)}"
        for row in observed.segments
    ]
    sizes = [f"{content} {size}" for content, size in sorted(observed.sizes.items())]
    copies = [f"{dbid} {fact}" for dbid, fact in sorted(observed.copies.items())]
    head = [observed.dialect.name, observed.server_version or "", observed.system_identifier or ""]
    return _sha256([*head, *observed.filespaces, "rows", *rows, "sizes", *sizes, "copies", *copies])


def _row(row: Segment) -> str:
    return f"{row.preferred_role}/{row.role} {_place(row)}"


def _place(row: Segment) -> str:
    directories = " ".join((row.directory or "?", *(f"{n}={p}" for n, p in row.filespaces)))
    return f"{row.hostname} {row.address} {row.port} {directories}"


def _uses(row: Segment) -> Iterable[str]:
    yield f"{row.hostname}:{row.port}"
    if row.replication_port is not None:
        yield f"{row.hostname}:{row.replication_port}"
    for path in (row.directory, *(path for _, path in row.filespaces)):
        if path is not None:
            yield f"{row.hostname}:{path}"


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
