"""A cluster and a person in memory, behind the Protocols of `gpmirror.boundary`.

They outlive a killed run, as the real ones do: `World`s made one after the other share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gpmirror.boundary import (
    Answered,
    Freshness,
    LockHolder,
    NoAnswer,
    OtherWork,
    Reply,
    Silence,
    Sizes,
    World,
)
from gpmirror.errors import ConnectionLost, Declined
from gpmirror.events import Event
from gpmirror.model.observed import CopyProgress, Observed, Replication, in_canonical_order
from gpmirror.model.segment import Mode, Role, Status
from gpmirror.native.process import Poll, ProcessStage, Utility
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Wave
from gpmirror.preflight import shell

_EMPTY = f"{shell.VERSION}\nsoftware t/usr/local/gp/bin\nversion t6.24.3\n{shell.END}\n"
"""A whole answer of a host that tells no fact."""


def dry_run(out: str | None, said: str = "", status: int = 0) -> Answered:
    """The answer of a native dry run that wrote `out`."""
    wrote = "gpmirror-dry-run none\n" if out is None else f"gpmirror-dry-run out\n{out}\n"
    return Answered(host="mdw", status=status, out=f"{wrote}gpmirror-dry-run said\n{said}", err="")


class Killed(BaseException):
    """kill -9: nobody catches it."""


@dataclass
class ManualClock:
    """Time that passes by sleeping alone; `at_sleep` are things that happen at given seconds."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Behaviour:
    """What a utility does: polls answered `running`, its exit status, contents that it fails,
    whether it does anything at all, and its last words. `vanish`: it is killed in the middle, its copies go on.
    """

    polls: int = 2
    status: int = 0
    fails: tuple[int, ...] = ()
    does_nothing: bool = False
    says: str = ""
    vanish: bool = False
    sync_looks: int = 1
    """Looks at the catalog until the copies are in sync."""


@dataclass
class FakeCluster:
    """Catalog, hosts and native utilities in one, so that they agree."""

    observed: Observed
    behaviour: Behaviour = field(default_factory=Behaviour)
    run: str = "r1"
    """Whose run directory the utilities start in; every run has its own."""
    started: list[str] = field(default_factory=list)
    forestalled: set[str] = field(default_factory=set)
    left: dict[str, int] = field(default_factory=dict)
    waves: dict[str, Wave] = field(default_factory=dict)
    unsynced: dict[int, int] = field(default_factory=dict)
    changed: list[dict[str, str]] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    lost_for: int = 0
    silent_for: int = 0
    holder: LockHolder | None = None
    work: tuple[str, ...] = ()
    replies: dict[str, Reply] = field(default_factory=dict)
    paused: str | None = None
    """What gpexpand wrote last, where it pauses."""
    unseen: tuple[str, ...] = ()
    """What could not be looked at for other work."""
    probes: int = 0
    busy: int | None = 0
    tried: Reply | None = None
    trials: list[Utility] = field(default_factory=list)
    bytes: Sizes = field(default_factory=lambda: Sizes(by_content={}, note=None))
    measured: int = 0
    """How often sizes were asked for."""

    # --- catalog --------------------------------------------------------------------------------

    def sizes(self) -> Sizes:
        self._session()
        self.measured += 1
        return self.bytes

    def observe(self) -> Observed:
        self._session()
        for content in list(self.unsynced):
            self.unsynced[content] -= 1
            if self.unsynced[content] <= 0:
                del self.unsynced[content]
                self._set(content, Mode.SYNCED, Status.UP)
        return self.observed

    def replication(self) -> tuple[Replication, ...]:
        self._session()
        return tuple(
            Replication(
                content=row.content,
                application_name="gp_walreceiver",
                state="streaming",
                sync_state="sync",
            )
            for row in self.observed.segments
            if row.content >= 0 and row.role is Role.MIRROR and row.is_up
        )

    def copying(self) -> tuple[CopyProgress, ...]:
        return ()

    def request_probe(self) -> None:
        self.probes += 1

    def probe_seconds(self) -> float:
        return 60.0

    def busy_sessions(self) -> int | None:
        return self.busy

    def refresh(self) -> Freshness:
        self.request_probe()
        return Freshness.PROBED

    def ask_primaries(self) -> bool:
        return True

    def other_work(self) -> OtherWork:
        self._session()
        return OtherWork(in_the_way=self.work, paused=self.paused, unseen=self.unseen)

    def lock(self, name: str) -> LockHolder | None:
        del name
        self._session()
        return self.holder

    def reconnect(self) -> None:
        if self.lost_for > 0:
            self.lost_for -= 1
            raise ConnectionLost("mdw:5432 does not answer", hint="wait")

    def _session(self) -> None:
        if self.lost_for > 0:
            raise ConnectionLost("mdw:5432 does not answer", hint="wait")

    # --- hosts ----------------------------------------------------------------------------------

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        return {host: self._reply(host) for host in scripts}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.changed.append(dict(scripts))
        return {host: self._reply(host) for host in scripts}

    def _reply(self, host: str) -> Reply:
        return self.replies.get(host) or Answered(host=host, status=0, out=_EMPTY, err="")

    # --- native utilities -----------------------------------------------------------------------

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        self.kept |= dict(files)

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        if self._silent():
            return self._silence()
        if self._key(utility.name) in self.started or self._key(utility.name) in self.forestalled:
            return None
        self.started.append(self._key(utility.name))
        self.waves[self._key(utility.name)] = wave
        self.left[self._key(utility.name)] = self.behaviour.polls
        return None

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        if self._silent():
            return self._silence()
        name = self._key(name)
        if name not in self.started:
            return Poll(stage=ProcessStage.ABSENT, status=None, text="", offset=offset)
        if self.left[name] > 0:
            self.left[name] -= 1
            return Poll(stage=ProcessStage.RUNNING, status=None, text="", offset=offset)
        if name in self.waves:
            self._finish(self.waves.pop(name))
        if self.behaviour.vanish:
            return Poll(stage=ProcessStage.LOST, status=None, text="", offset=offset)
        text = "" if offset else self.behaviour.says
        return Poll(
            stage=ProcessStage.ENDED,
            status=self.behaviour.status,
            text=text,
            offset=offset + len(text),
        )

    def forestall(self, name: str) -> bool | NoAnswer:
        if self._silent():
            return self._silence()
        name = self._key(name)
        if name in self.started:
            return False
        self.forestalled.add(name)
        return True

    def _key(self, name: str) -> str:
        return f"{self.run}/{name}"

    def try_out(self, utility: Utility) -> Reply:
        self.trials.append(utility)
        return self.tried or dry_run(utility.file_text)

    def _silent(self) -> bool:
        self.silent_for -= 1
        return self.silent_for >= 0

    def _silence(self) -> NoAnswer:
        return NoAnswer(
            host="mdw", why=Silence.UNREACHABLE, message="mdw does not answer", hint="wait"
        )

    def _finish(self, wave: Wave) -> None:
        if self.behaviour.does_nothing:
            return
        self.observed = after_wave(self.observed, wave)
        for content in wave.contents:
            self._set(content, Mode.NOT_IN_SYNC, Status.DOWN)
            if content not in self.behaviour.fails:
                self.unsynced[content] = self.behaviour.sync_looks

    def _set(self, content: int, mode: Mode, status: Status) -> None:
        rows = [
            row
            if row.content != content
            else replace(row, mode=mode, status=status if row.role is Role.MIRROR else Status.UP)
            for row in self.observed.segments
        ]
        self.observed = replace(self.observed, segments=in_canonical_order(rows))


@dataclass
class FakeOperator:
    """Answers with `answer` (None: nobody is there); asks to stop once `stop_at` waves were asked."""

    answer: bool | None = True
    stop: bool = False
    asked: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    changing: bool = False

    def show(self, text: str) -> None:
        self.shown.append(text)

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        if self.answer is None:
            raise Declined("there is no terminal to ask on", hint="add --yes")
        return self.answer

    def changes_begin(self) -> None:
        self.changing = True

    def stop_asked(self) -> bool:
        return self.stop


@dataclass
class Reporter:
    """Keeps what it is told."""

    events: list[Event] = field(default_factory=list)

    def tell(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class MemoryJournal:
    """Keeps records; dies before or after writing the record of a given number (from 1)."""

    records: list[Mapping[str, object]] = field(default_factory=list)
    die_before: int | None = None
    die_after: int | None = None
    far: bool = False

    def write(self, record: Mapping[str, object]) -> None:
        number = len(self.records) + 1
        if number == self.die_before:
            raise Killed
        self.records.append(dict(record))
        if number == self.die_after:
            raise Killed

    def also_far(self) -> None:
        self.far = True


def world_of(
    cluster: FakeCluster,
    *,
    journal: MemoryJournal | None = None,
    operator: FakeOperator | None = None,
    reporter: Reporter | None = None,
) -> World:
    """A world around a cluster that may have lived through other worlds."""
    return World(
        catalog=cluster,
        hosts=cluster,
        natives=cluster,
        journal=journal or MemoryJournal(),
        clock=ManualClock(),
        operator=operator or FakeOperator(),
        reporter=reporter or Reporter(),
        coordinator="mdw",
    )
