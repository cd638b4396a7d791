"""What a utility asks of a segment host, as JSON on a command line."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Action = Literal["empty", "make", "port", "stop", "copy", "resync"]
Step = Literal["", "setup", "copy", "start", "mirroring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One copy to make, start or stop on the host that gets it.

    `source` is (IP, port) of the acting primary. `full` copies everything, else the directory is
    brought up to date; `overwrite` allows a directory with something in it. `seconds` is what the
    copy takes at least. `fault` is the step that fails on purpose. `log` is the file the copy
    reports to.
    """

    content: int
    dbid: int
    directory: str
    port: int
    source: tuple[str, int]
    full: bool = True
    overwrite: bool = False
    seconds: float = 0.0
    fault: Step = ""
    log: str = ""
    filespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended: `failed` is the step that did not work; `said` is what the step said."""

    dbid: int
    failed: Step = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one host is asked to do, `at_once` tasks at a time."""

    action: Action
    state: str
    host: str
    at_once: int
    tasks: tuple[Task, ...]


def write_request(request: Request) -> str:
    """One line of JSON."""
    return json.dumps(asdict(request))


def read_request(text: str) -> Request:
    """What `write_request` wrote."""
    fields = json.loads(text)
    tasks = tuple(_task(found) for found in fields.pop("tasks"))
    return Request(tasks=tasks, **fields)


def _task(fields: dict[str, Any]) -> Task:
    lists = {name: tuple(fields[name]) for name in ("source", "filespaces")}
    return Task(**{**fields, **lists})


def write_outcomes(outcomes: Sequence[Outcome]) -> str:
    """One line of JSON."""
    return json.dumps([asdict(outcome) for outcome in outcomes])


def read_outcomes(text: str) -> list[Outcome]:
    """What `write_outcomes` wrote. Raises ValueError."""
    return [Outcome(**fields) for fields in json.loads(text)]
