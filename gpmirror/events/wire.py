"""Events as lines of JSON: what `--json` writes and a journal may keep."""

import json
from collections.abc import Mapping

from gpmirror.events.model import (
    EVENTS_VERSION,
    Event,
    NativeEnded,
    NativeSaid,
    PhaseDone,
    PhaseStarted,
    Progress,
    Rehearsed,
    RunEnded,
    RunStarted,
    WaveDone,
    WaveStarted,
)
from gpmirror.plan.canonical import plain

EVENT_NAMES: Mapping[type[Event], str] = {
    RunStarted: "run_started",
    PhaseStarted: "phase_started",
    PhaseDone: "phase_done",
    WaveStarted: "wave_started",
    NativeSaid: "native_said",
    Progress: "progress",
    NativeEnded: "native_ended",
    WaveDone: "wave_done",
    Rehearsed: "rehearsed",
    RunEnded: "run_ended",
}
"""Kind of event -> its name on the wire, in the order in which a run tells them."""


def event_line(event: Event, *, seq: int, time: str) -> str:
    """One line of JSON without its newline: version, seq (from 1), time (UTC, ISO 8601), the
    event's name, then the event's own fields. ASCII alone, so that any stream can take it.
    """
    head = {
        "version": EVENTS_VERSION,
        "seq": seq,
        "time": time,
        "event": EVENT_NAMES[type(event)],
    }
    return json.dumps({**head, **plain(event)}, separators=(",", ":"))
