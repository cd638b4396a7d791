"""What must still hold when a plan is applied: digests of what was observed, and copies in their places."""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment, Slot, same_place
from gpmirror.plan.model import Action, Change, Fingerprint, FingerprintRow, Plan, Step, Wave

# --- What must still hold when a plan is applied, and the digest of an observed catalog.


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


# --- Whether a wave's copies stand where the wave takes them from, and where it puts them.


class Arrival(StrEnum):
    """Where a step's copy is: no row at all, still elsewhere, at its place but down, or up."""

    ABSENT = "absent"
    ELSEWHERE = "elsewhere"
    DOWN = "down"
    UP = "up"


def arrivals(wave: Wave, observed: Observed) -> dict[int, Arrival]:
    """Every content of the wave. A rebalance has arrived when its roles are the preferred ones."""
    rows: dict[int, list[Segment]] = {}
    for row in observed.segments:
        rows.setdefault(row.content, []).append(row)
    return {step.content: _arrival(step, rows.get(step.content, [])) for step in wave.steps}


def _arrival(step: Step, rows: list[Segment]) -> Arrival:
    if step.to is None:
        return Arrival.ELSEWHERE if any(row.is_switched for row in rows) else Arrival.UP
    there = [row for row in rows if same_place(row, step.to)]
    if there:
        return Arrival.UP if all(row.is_up for row in there) else Arrival.DOWN
    return Arrival.ELSEWHERE if len(rows) > 1 else Arrival.ABSENT


def strayed(wave: Wave, observed: Observed) -> tuple[str, ...]:
    """Contents that are not as the wave was planned for, one sentence each: while earlier waves ran,
    their roles may have switched, their mirror may have died or been moved by somebody.
    """
    rows: dict[int, list[Segment]] = {}
    for row in observed.segments:
        rows.setdefault(row.content, []).append(row)
    told = [_stray(wave.action, step, rows.get(step.content, [])) for step in wave.steps]
    return tuple(words for words in told if words)


def moved_elsewhere(plan: Plan, observed: Observed) -> tuple[str, ...]:
    """Contents with a copy that the plan touches and that now stands at none of the places where the
    plan takes it from or puts it, one sentence each: somebody else has moved it since.
    """
    places: dict[int, list[Slot]] = {}
    for wave in plan.waves:
        for step in wave.steps:
            known = places.setdefault(step.content, [])
            known += [slot for slot in (step.from_, step.to) if slot is not None]
    return tuple(
        f"content {content}: its mirror is {mirror.hostname}:{mirror.port} by now"
        for content, (primary, mirror) in sorted(observed.pairs().items())
        if mirror is not None and places.get(content)
        if not any(same_place(row, slot) for row in (primary, mirror) for slot in places[content])
    )


def _stray(action: Action, step: Step, rows: list[Segment]) -> str:
    if step.to is None:
        return ""
    idle = next((row for row in rows if not row.is_acting_primary), None)
    if step.from_ is None:
        return "" if idle is None else f"content {step.content} has a mirror by now"
    name = f"content {step.content}"
    if idle is None or not same_place(idle, step.from_):
        where = "has none" if idle is None else f"is {idle.hostname}:{idle.port} by now"
        return f"{name}: {step.from_.host}:{step.from_.port} was to go, its mirror {where}"
    if action is Action.MOVE and not idle.is_up:
        return f"{name}: its mirror {step.from_.host}:{step.from_.port} is down by now"
    return ""
