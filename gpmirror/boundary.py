"""What we ask of the world: the Protocols that `run` calls, and the values that pass.

`run` sees nothing else of the world; adapters fulfil these, `cli/wiring.py` joins the two.
Every method may raise ConnectionLost; none raises anything of the library behind it.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from gpmirror.events import Event
from gpmirror.model.observed import CopyProgress, Observed, Replication
from gpmirror.native.process import Poll, Utility
from gpmirror.plan.model import Wave
from gpmirror.values import dataclass

DEFAULT_PROBE_SECONDS = 60.0
"""How often the fault prober looks where nobody can be asked: gp_fts_probe_interval's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A script ran to its end on a host: its exit status and everything it printed.

    A login banner or a talkative shell start-up file never shows up in `out`.
    """

    host: str
    status: int
    out: str
    err: str


class Silence(StrEnum):
    """Why a host gave no answer."""

    UNREACHABLE = "unreachable"
    UNKNOWN_KEY = "unknown-host-key"
    CHANGED_KEY = "changed-host-key"
    NO_LOGIN = "login-refused"
    TIMED_OUT = "timed-out"
    LOST = "connection-lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """A host that did not answer: why, in words with the host and the address tried, what to do.

    After TIMED_OUT and LOST the script may or may not have run; the far side has ended it.
    """

    host: str
    why: Silence
    message: str
    hint: str


Reply = Answered | NoAnswer


class Hosts(Protocol):
    """Shell scripts on hosts, by spec host name; every host of a call at once, one round trip."""

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Run scripts that change nothing. A script still running after `seconds` is ended there."""
        ...

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Run scripts that change something; a rehearsal records these and runs none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LockHolder:
    """Who holds the cluster's lock: session pid on the coordinator, since when (server's clock,
    text), client address, and what the holder said of itself (`gpmirror RUN on HOST`).
    """

    pid: int
    since: str
    client: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes by content, or a note that says why they cannot be had."""

    by_content: Mapping[int, int]
    note: str | None


class Freshness(StrEnum):
    """What a server did so that its catalog tells how things are now."""

    PROBED = "probed"
    """6 and later: the fault prober looked when it was asked."""
    PROBING = "probing"
    """6 and later: the fault prober was asked, and had not ended in time."""
    REFUSED = "refused"
    """6 and later: this user may not ask, or the prober could not be asked."""
    PRIMARIES = "primaries"
    """4.3 and 5: every acting primary answered a query."""
    LATE = "late"
    """4.3 and 5: not every acting primary answered in time."""
    NOT_ASKED = "not-asked"
    """Nobody was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherWork:
    """What sessions and tables of a cluster tell of other work, one sentence each: what stands in the
    way, and what could not be looked at (`unseen`). `paused`: what gpexpand wrote last (`EXPANSION
    STOPPED`), where tables are still to be redistributed and no gpexpand is at it.
    """

    in_the_way: tuple[str, ...] = ()
    paused: str | None = None
    unseen: tuple[str, ...] = ()


class Catalog(Protocol):
    """A live session on the coordinator; each reading asks one query per catalog table."""

    def observe(self) -> Observed:
        """The catalog now. Raises InvalidInput: it is not sane (every finding)."""
        ...

    def sizes(self) -> Sizes:
        """How large the contents are, measured now or some minutes ago."""
        ...

    def replication(self) -> tuple[Replication, ...]:
        """Who streams now, sorted by content; empty before 6."""
        ...

    def copying(self) -> tuple[CopyProgress, ...]:
        """Base backups as the server counts them; empty where it does not."""
        ...

    def request_probe(self) -> None:
        """Ask the fault prober to look now, where the server can (6 and later)."""
        ...

    def refresh(self) -> Freshness:
        """Have the server look before it is read: from 6 on a fault probe, which may also make a
        failover happen that was due; before, one query that every acting primary has to answer.
        Raises CannotDispatch (4.3, 5): one of them does not.
        """
        ...

    def ask_primaries(self) -> bool:
        """One query that every acting primary has to answer, whether they did in time. Raises
        CannotDispatch: one of them does not.
        """
        ...

    def other_work(self) -> OtherWork:
        """Other work on this cluster that sessions and tables tell of."""
        ...

    def lock(self, name: str) -> LockHolder | None:
        """Take the cluster's lock, or say who holds it; None: it is ours until the session ends.

        `name` is shown to others. Taking it again in the same session is no error.
        """
        ...

    def busy_sessions(self) -> int | None:
        """Sessions of others that run statements or hold a transaction open, as seen within about a
        second; None: not told.
        """
        ...

    def probe_seconds(self) -> float:
        """How often the fault prober looks by itself (gp_fts_probe_interval), else
        `DEFAULT_PROBE_SECONDS`.
        """
        ...

    def reconnect(self) -> None:
        """A new session in place of a lost one; the lock is gone with the old one."""
        ...


class Journal(Protocol):
    """One run's append-only record; a record is on disk when `write` returns."""

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record; sequence number and time are added."""
        ...

    def also_far(self) -> None:
        """From now on keep a copy in the run directory on the coordinator's host, as far as that
        host can be reached; records that could not be sent go with the next.
        """
        ...


class Natives(Protocol):
    """Native utilities on the coordinator's host, detached from us."""

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        """Make the run directory and put files there. Raises Failure: it cannot be written."""
        ...

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        """Start a utility, once ever for this run and name; None: it was started, now or before.
        Raises Failure: the run directory cannot be written.
        """
        ...

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        """How a started utility is doing, with its log from a byte offset on: at once when it has
        ended, else after up to `wait` seconds.
        """
        ...

    def forestall(self, name: str) -> bool | NoAnswer:
        """True: a utility was never started and from now on never can be; False: it was started."""
        ...

    def try_out(self, utility: Utility) -> Reply:
        """Run a utility that changes nothing to its end, in a directory of its own."""
        ...


class Clock(Protocol):
    """Time."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Operator(Protocol):
    """The person in front of the terminal, if there is one."""

    def show(self, text: str) -> None:
        """Show what is at stake, also where nothing is asked because all was answered before."""
        ...

    def confirm(self, question: str) -> bool:
        """Ask; True for yes. Raises Declined: nobody can be asked."""
        ...

    def changes_begin(self) -> None:
        """From now on the first interrupt asks to stop after the wave; the second raises
        KeyboardInterrupt wherever the run is, as any does before.
        """
        ...

    def stop_asked(self) -> bool:
        """Whether a person interrupted once: finish the wave, then stop."""
        ...


class Reporter(Protocol):
    """Who is told what happens; never fails the run."""

    def tell(self, event: Event) -> None:
        """Show or record one event."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a run touches, passed in once. `coordinator` is the coordinator's host name as
    `hosts` takes it.
    """

    catalog: Catalog
    hosts: Hosts
    natives: Natives
    journal: Journal
    clock: Clock
    operator: Operator
    reporter: Reporter
    coordinator: str
