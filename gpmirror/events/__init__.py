"""What a run tells while it goes on: a closed list of events, the same for people and machines."""

from gpmirror.events.model import (
    EVENTS_VERSION,
    ContentProgress,
    Event,
    NativeEnded,
    NativeSaid,
    Phase,
    PhaseDone,
    PhaseStarted,
    Progress,
    Rehearsed,
    RunEnded,
    RunStarted,
    Stakes,
    WaveDone,
    WaveStarted,
)

__all__ = [
    "EVENTS_VERSION",
    "ContentProgress",
    "Event",
    "NativeEnded",
    "NativeSaid",
    "Phase",
    "PhaseDone",
    "PhaseStarted",
    "Progress",
    "Rehearsed",
    "RunEnded",
    "RunStarted",
    "Stakes",
    "WaveDone",
    "WaveStarted",
]
