"""What a run tells while it goes on: a closed list of events, as lines of JSON, and their schema.

The same events go to a person at a terminal, to the journal and to programs.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from gpmirror.plan.model import plain
from gpmirror.values import dataclass

# --- What a run tells while it goes on: a closed list of events, the same for people and machines.
#
# `--json` writes each as one line with `version`, `seq` and `time`; the schema is kept in `schemas/`.
# Times are seconds, sizes bytes, None means unknown. Tuples are sorted.


EVENTS_VERSION = "1.0"
"""Minor: readers ignore what they do not know. Major: readers refuse."""

Phase = Literal[
    "lock",
    "observe",
    "confirm",
    "rebalance",
    "clear",
    "preflight",
    "dry-run",
    "host-actions",
    "waves",
    "verify",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run begins, or is taken up again (`resumed`)."""

    run: str
    plan_id: str
    cluster: str
    changes: int
    waves: int
    rehearsal: bool
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted:
    """A phase begins."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDone:
    """A phase went well; `detail` says in a few words what it found (`12 checks on 5 hosts`)."""

    phase: Phase
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStarted:
    """The native run of a wave is about to start; `log` is its log on the coordinator's host.

    The plan foresees that losing `worst_host`, or another of `worst_hosts`, meanwhile would lose
    `worst_host_loses` contents (the cluster and the spec have `hosts` hosts), and that the wave
    copies `bytes` in `seconds`, at the rate that waves showed so far, else (`rate_assumed`) at the
    plan's; `catching_up` contents only fetch what changed. `stopping` of
    these seconds pass before: moves wait until the fault prober has seen their old mirrors stop.
    `settling` of them pass after, where it has to see the new ones in sync and cannot be asked.
    """

    wave: int
    waves: int
    action: str
    contents: tuple[int, ...]
    utility: str
    log: str
    worst_host: str | None = None
    worst_host_loses: int = 0
    bytes: int | None = None
    seconds: int | None = None
    rate: int | None = None
    rate_assumed: bool = True
    catching_up: int = 0
    stopping: int = 0
    settling: int = 0
    worst_hosts: tuple[str, ...] = ()
    hosts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeSaid:
    """A line of the native utility worth showing: level `info`, `warning` or `error`."""

    wave: int
    level: Literal["info", "warning", "error"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentProgress:
    """One content of a wave: `synced`, `syncing`, `single` or `none`; bytes copied and to copy.

    `host` is where the copy goes; None for roles that only return. Not `arrived`: the catalog still
    shows the old mirror, or the old roles, and `state` is theirs.
    """

    content: int
    state: Literal["synced", "syncing", "single", "none"]
    done: int | None
    total: int | None
    host: str | None = None
    arrived: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What is at stake in the whole cluster: contents with one live copy, or with a second one that
    is behind; the host whose loss would lose most contents, and how many; `none` are contents without
    any live copy, which no further loss makes worse.
    """

    single: tuple[int, ...]
    worst_host: str | None
    worst_host_loses: int
    none: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a wave stands; told at least every 10 s while one runs, so it is the heartbeat too.

    `utility_running` None: not known now (`trouble` says why, e.g. a lost connection). `stakes` are
    those of the last look at the catalog, None before the first.
    """

    wave: int
    waves: int
    seconds: float
    utility_running: bool | None
    contents: tuple[ContentProgress, ...]
    trouble: str | None = None
    stakes: Stakes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeEnded:
    """The utility ended; `status` None: lost. `seconds` None: it had ended before a run that was
    taken up looked at it. The catalog decides, not this.
    """

    wave: int
    utility: str
    status: int | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveDone:
    """A wave's contents are all in sync. `bytes` were copied, as measured at the targets, None where
    a copy only caught up; `bytes_left` is what the waves to come copy, as the plan knows it. `rate`
    is what a host sent, and received, in a second; `seconds_left` what the rest takes at that rate.
    `syncing` of the `seconds` passed after the utility's end.
    """

    wave: int
    waves: int
    seconds: float
    bytes: int | None = None
    bytes_left: int | None = None
    rate: int | None = None
    seconds_left: int | None = None
    syncing: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What a rehearsal would have run on a host, verbatim."""

    host: str
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The last event: exit code, one line of summary, and what a person should do next."""

    run: str
    exit_code: int
    summary: str
    next_actions: tuple[str, ...]
    seconds: float


Event = (
    RunStarted
    | PhaseStarted
    | PhaseDone
    | WaveStarted
    | NativeSaid
    | Progress
    | NativeEnded
    | WaveDone
    | Rehearsed
    | RunEnded
)


# --- Events as lines of JSON: what `--json` writes and a journal may keep.


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


# --- JSON Schema of the event lines, made from the events themselves.


def events_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of one line of `--json` output."""
    definitions: dict[str, Any] = {}
    for kind, name in EVENT_NAMES.items():
        body, shared = _body(kind)
        definitions |= {**shared, kind.__name__: _with_head(body, name)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gpmirror event",
        "description": "One line of `gpmirror apply --json`. Times are seconds, sizes bytes, "
        "null means unknown. Readers skip keys and events they do not know.",
        "oneOf": [{"$ref": f"#/$defs/{kind.__name__}"} for kind in EVENT_NAMES],
        "$defs": dict(sorted(definitions.items())),
    }


def _body(kind: type[Event]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A kind's own schema, and the schemas it refers to."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(kind).json_schema(mode="serialization")
    shared = schema.pop("$defs", {})
    for part in (schema, *shared.values()):
        part["required"] = list(part["properties"])  # a line always holds every key
    return schema, shared


def _with_head(body: dict[str, Any], name: str) -> dict[str, Any]:
    head = {
        "version": {"type": "string", "pattern": r"^\d+\.\d+$"},
        "seq": {"type": "integer", "minimum": 1},
        "time": {"type": "string", "format": "date-time"},
        "event": {"const": name},
    }
    return {
        **body,
        "properties": {**head, **body["properties"]},
        "required": [*head, *body["required"]],
    }
