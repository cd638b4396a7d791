"""The catalog as a wave should leave it: what a rehearsal observes after the waves it recorded."""

from dataclasses import replace

from gpmirror.cluster.observed import Observed, in_canonical_order
from gpmirror.cluster.segment import Mode, Role, Segment, Slot, Status
from gpmirror.plan.model import Step, Wave


def after_wave(observed: Observed, wave: Wave) -> Observed:
    """Every copy of the wave up and in sync at its new place; switched roles back if it says so."""
    steps = {step.content: step for step in wave.steps}
    rows: list[Segment] = []
    next_dbid = max((row.dbid for row in observed.segments), default=0) + 1
    for row in observed.segments:
        step = steps.get(row.content)
        rows.append(row if step is None else _treated(row, step))
    for step in wave.steps:
        if step.from_ is None and step.to is not None:
            rows.append(_mirror(next_dbid, step.content, step.to))
            next_dbid += 1
    return replace(observed, segments=in_canonical_order(rows), copies={})


def _treated(row: Segment, step: Step) -> Segment:
    row = replace(row, mode=Mode.SYNCED, status=Status.UP)
    if step.to is None:
        return replace(row, role=row.preferred_role)
    if step.from_ is None or row.is_acting_primary:
        return row
    return replace(
        row,
        hostname=step.to.address,
        address=step.to.address,
        port=step.to.port,
        directory=step.to.directory,
        replication_port=step.to.replication_port,
        filespaces=step.to.filespaces,
    )


def _mirror(dbid: int, content: int, slot: Slot) -> Segment:
    return Segment(
        dbid=dbid,
        content=content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        mode=Mode.SYNCED,
        status=Status.UP,
        port=slot.port,
        hostname=slot.address,
        address=slot.address,
        directory=slot.directory,
        replication_port=slot.replication_port,
        filespaces=slot.filespaces,
    )
