"""The records of a run's journal: one JSON object a line, nothing secret, only ever appended.

Every record has `seq` (from 1), `time` (UTC, added when it is written) and `record`: `run` opens the
journal, `step` marks the begin or the end of a step, `resumed` a new process taking the run up,
`end` closes it. Steps bear the phases' names; those of a wave are `wave-001/native` and the like.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from gpmirror.gputils.leavings import Leaving

Record = Mapping[str, object]
WaveStep = Literal["gate", "native", "sync"]
State = Literal["begin", "done", "failed"]

JOURNAL = "journal.jsonl"
PLAN = "plan.json"
FORMAT_VERSION = "1.0"
CLEAR_ASIDE = "clear/aside"
"""The step that sets copies aside which were cut off; its begin bears their places."""


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


def places(leavings: Iterable[Leaving]) -> list[dict[str, object]]:
    """Directories as a record bears them."""
    return [
        {"content": one.content, "host": one.host, "path": one.path, "at": one.at, "home": one.home}
        for one in leavings
    ]


def read_places(written: object) -> Iterator[Leaving]:
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
                yield Leaving(content=content, host=host, path=path, at=at, home=home, begun=True)
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
