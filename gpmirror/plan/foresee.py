"""The catalog as a wave should leave it: what a rehearsal observes after the waves it recorded."""

from dataclasses import replace

from gpmirror.cluster.content import contents_of, rows_of
from gpmirror.cluster.observed import Observed, in_canonical_order
from gpmirror.plan.model import Wave


def after_wave(observed: Observed, wave: Wave) -> Observed:
    """Every copy of the wave up and in sync at its new place; switched roles back if it says so."""
    mine = {step.content for step in wave.steps}
    rows = [row for row in observed.segments if row.content not in mine]
    touched = tuple(row for row in observed.segments if row.content in mine)
    contents = contents_of(replace(observed, segments=touched), lambda row: row.hostname)
    next_dbid = max((row.dbid for row in observed.segments), default=0) + 1
    for step in wave.steps:
        content = contents[step.content]
        rows += rows_of(content.after(step.to, dbid=next_dbid))
        next_dbid += content.idle is None
    return replace(observed, segments=in_canonical_order(rows), copies={})
