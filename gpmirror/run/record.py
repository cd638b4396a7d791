"""A run's journal: one JSON object a line, and where the run stands, read from it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Literal

from gpmirror.errors import ExitCode, Failure
from gpmirror.native.directories import Leftover
from gpmirror.plan.model import RUN_NAME
from gpmirror.values import dataclass

# --- The records of a run's journal: one JSON object a line, nothing secret, only ever appended.
#
# Every record has `seq` (from 1), `time` (UTC, added when it is written) and `record`: `run` opens the
# journal, `step` marks the begin or the end of a step, `resumed` a new process taking the run up,
# `end` closes it. Steps bear the phases' names; those of a wave are `wave-001/native` and the like.


Record = Mapping[str, object]
WaveStep = Literal["gate", "native", "sync"]
State = Literal["begin", "done", "failed"]

JOURNAL = "journal.jsonl"
PLAN = "plan.json"
FORMAT_VERSION = "1.0"
CLEAR_ASIDE = "clear/aside"
"""The step that sets copies aside which were cut off; its begin bears their places."""
FORGET = "prune/forget"
"""The step that gives directories up on hosts which never come back; its end bears their places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Who does what: the first record. `continues` names the run whose rest this one does, `allow`
    what the command line allowed beside the plan.
    """

    run: str
    plan_id: str
    cluster: str
    by: str
    version: str
    waves: int = 0
    continues: str | None = None
    allow: tuple[str, ...] = ()

    def record(self) -> Record:
        """As written."""
        return {
            "record": "run",
            "format_version": FORMAT_VERSION,
            "run": self.run,
            "plan_id": self.plan_id,
            "cluster": self.cluster,
            "by": self.by,
            "version": self.version,
            "waves": self.waves,
            "continues": self.continues,
            "allow": list(self.allow),
        }


def step(name: str, state: State, **facts: object) -> Record:
    """A step's begin, or how it ended."""
    return {"record": "step", "step": name, "state": state, **facts}


def wave_step(wave: int, name: WaveStep) -> str:
    """The name of a wave's step."""
    return f"wave-{wave:03d}/{name}"


def places(leftovers: Iterable[Leftover]) -> list[dict[str, object]]:
    """Directories as a record bears them."""
    return [
        {"content": one.content, "host": one.host, "path": one.path, "at": one.at, "home": one.home}
        for one in leftovers
    ]


def read_places(written: object) -> Iterator[Leftover]:
    """The directories of a record, as places of cut-off copies; what makes no sense is left out."""
    for one in written if isinstance(written, list) else ():
        match one:
            case {
                "content": int(content),
                "host": str(host),
                "path": str(path),
                "at": str(at),
                "home": str(home),
            } if all(_is_place(one) for one in (path, at, home or "/")) and host.isprintable():
                yield Leftover(content=content, host=host, path=path, at=at, home=home, begun=True)
            case _:
                pass


def _is_place(path: str) -> bool:
    return path.startswith("/") and path.isprintable() and ".." not in path.split("/")


def resumed(by: str) -> Record:
    """A new process takes the run up."""
    return {"record": "resumed", "by": by}


def end(exit_code: int, summary: str, continued_as: str | None = None) -> Record:
    """The run is over; a run without this record was cut off."""
    return {
        "record": "end",
        "exit_code": exit_code,
        "summary": summary,
        "continued_as": continued_as,
    }


# --- Where a run stands, read from its journal; a line cut off by a crash is no record.


_CHANGES = frozenset({"host-actions", CLEAR_ASIDE})
_WAVE = re.compile(r"wave-([0-9]{1,9})/([a-z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as its journal tells. `begun` and `done` hold the names of steps. `exit_code` None: the
    run was cut off, or still goes on. Times as written (UTC). `allow` is what the command line of
    the run's begin allowed beside the plan. `failed` names steps whose failure was known, `clearing`
    the copies that were cut off which it began to clear, where they stood then, and `given_up` the
    directories that nobody looks at any more.
    """

    run: str
    plan_id: str
    cluster: str
    by: str
    started: str
    waves: int
    last: str
    begun: tuple[str, ...]
    done: tuple[str, ...]
    exit_code: int | None
    summary: str
    continues: str | None
    continued_as: str | None
    allow: tuple[str, ...]
    failed: tuple[str, ...] = ()
    clearing: tuple[Leftover, ...] = ()
    given_up: tuple[Leftover, ...] = ()

    @property
    def changed_something(self) -> bool:
        """Whether a step of the plan that changes a host or the cluster has begun; a prune is none."""
        return any(name in _CHANGES or _WAVE.fullmatch(name) for name in self.begun)

    @property
    def did_nothing(self) -> bool:
        """Whether it came to an end of its own before it changed anything: refused, declined,
        interrupted at the question, or nothing was to do. A failure is worth a look.
        """
        ends = {ExitCode.OK, ExitCode.INTERRUPTED, *range(ExitCode.INVALID, ExitCode.PREFLIGHT + 1)}
        return self.exit_code in ends and not self.changed_something and not self.was_pruned

    @property
    def was_pruned(self) -> bool:
        """Whether a prune came to its end: what it could not prove may still be there."""
        return "prune/delete" in self.done

    @property
    def native_begun(self) -> tuple[int, ...]:
        """Numbers of the waves whose utility was started, or was about to be."""
        return _waves(self.begun, "native")

    @property
    def waves_done(self) -> tuple[int, ...]:
        """Numbers of the waves that were in sync at their end."""
        return _waves(self.done, "sync")

    @property
    def waves_failed(self) -> tuple[int, ...]:
        """Numbers of the waves that were waited for, and given up."""
        return tuple(n for n in _waves(self.failed, "sync") if n not in self.waves_done)


@dataclass(slots=True)
class _Draft:
    head: dict[str, object] = field(default_factory=dict)
    last: str = ""
    begun: dict[str, None] = field(default_factory=dict)
    done: dict[str, None] = field(default_factory=dict)
    failed: dict[str, None] = field(default_factory=dict)
    clearing: list[Leftover] = field(default_factory=list)
    given_up: list[Leftover] = field(default_factory=list)
    end: dict[str, object] = field(default_factory=dict)


def read_standing(text: str, name: str) -> RunRecord:
    """Where the run stands. Raises Failure: the file holds no journal."""
    fold = _Draft()
    for record in _records(text.split("\n")):
        _take(fold, record)
    if not fold.head:
        hint = "name a run that `gpmirror runs` lists"
        raise Failure(f"{name} is not a journal: it has no opening record", hint=hint)
    head, closing = fold.head, fold.end
    code = closing.get("exit_code")
    value = head.get("waves")
    return RunRecord(
        run=str(head.get("run", "")),
        plan_id=str(head.get("plan_id", "")),
        cluster=str(head.get("cluster", "")),
        by=str(head.get("by", "")),
        started=str(head.get("time", "")),
        waves=value if isinstance(value, int) else 0,
        last=fold.last,
        begun=tuple(fold.begun),
        done=tuple(fold.done),
        exit_code=code if isinstance(code, int) else None,
        summary=str(closing.get("summary", "")),
        continues=_run_name(head.get("continues")),
        continued_as=_run_name(closing.get("continued_as")),
        allow=_texts(head.get("allow")),
        failed=tuple(fold.failed),
        clearing=tuple(fold.clearing),
        given_up=tuple(fold.given_up),
    )


def finished_run(plan_id: str, runs: Sequence[RunRecord]) -> str | None:
    """The latest run that carried a plan out, itself or through the runs that did its rest; None:
    none of `runs` (newest first) did.
    """
    by_name = {one.run: one for one in runs}
    for one in runs:
        if one.plan_id != plan_id or not one.changed_something:
            continue
        last: RunRecord | None = one
        while last is not None and last.continued_as is not None:
            # the rest is begun later: a journal that says otherwise leads nowhere
            last = by_name.get(last.continued_as) if last.continued_as > last.run else None
        if last is not None and last.exit_code == ExitCode.OK:
            return one.run
    return None


def _records(lines: Iterable[str]) -> Iterator[dict[str, object]]:
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue  # a crash while writing leaves part of a line
        if isinstance(record, dict):
            yield record


def _take(fold: _Draft, record: dict[str, object]) -> None:
    fold.last = str(record.get("time", fold.last))
    match record.get("record"):
        case "run" if not fold.head:
            fold.head = record
        case "resumed":
            fold.end = {}
        case "end":
            fold.end = record
        case "step":
            _take_step(fold, str(record.get("step", "")), record)
        case _:
            pass  # a later version's record


def _take_step(fold: _Draft, name: str, record: dict[str, object]) -> None:
    match record.get("state"):
        case "begin":
            fold.begun[name] = None
            if name == CLEAR_ASIDE:
                fold.clearing += read_places(record.get("places"))
        case "done":
            fold.done[name] = None
            if name == FORGET:
                fold.given_up += read_places(record.get("places"))
        case "failed":
            fold.failed[name] = None
        case _:
            pass


def _waves(names: Iterable[str], step: str) -> tuple[int, ...]:
    found = [_WAVE.fullmatch(name) for name in names]
    return tuple(sorted(int(one[1]) for one in found if one is not None and one[2] == step))


def _run_name(value: object) -> str | None:
    """Names of runs stand in commands that people copy: anything else is none."""
    return value if isinstance(value, str) and RUN_NAME.fullmatch(value) else None


def _texts(value: object) -> tuple[str, ...]:
    """Earlier versions wrote none."""
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


# --- Two copies of one journal: what of them is whole, and what one has that the other one lacks.


def whole_lines(text: str) -> str:
    """The lines that can be records: a crash or a power cut leaves a line without an end, or bytes
    that JSON cannot hold, and no such byte is to reach a script or another journal.
    """
    lines = text.split("\n")[:-1]
    return "".join(f"{line}\n" for line in lines if line.isprintable())


def missing(own: str, far: str) -> str:
    """The whole lines of the far copy that our own lacks, in its order: what another machine wrote
    when it took the run up. A record bears its number and time, so no two are alike.
    """
    known = set(own.split("\n"))
    lines = whole_lines(far).split("\n")[:-1]
    return "".join(f"{line}\n" for line in lines if line not in known)
