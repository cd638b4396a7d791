"""What all phases of a run share: its name, its world, and how steps are told and recorded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace

from gpmirror.boundary import DEFAULT_PROBE_SECONDS, Catalog, World
from gpmirror.errors import ExitCode, Failure
from gpmirror.events import Phase, PhaseDone, PhaseStarted
from gpmirror.model.observed import Observed
from gpmirror.native.directories import Leftover
from gpmirror.plan.model import Plan
from gpmirror.preflight.facts import LockFile
from gpmirror.run.record import step
from gpmirror.values import dataclass
from gpmirror.verify import Health

# --- What all phases of a run share: the run's name, its world, and how steps are told and recorded.

_GRACE_SECONDS = 15.0
"""Added to the fault prober's own interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the caller of a run asks for beside the plan.

    `allow` as on the command line; `stop_after_wave` None: go on to the end. `applied_by` names an
    earlier run of the same plan, for words only. `rehearsal`: nothing will be changed. `clear` are
    copies of the run whose rest this is that were cut off, to be deleted before anything else.
    `confirmed` False: the run that is taken up was begun elsewhere as far as this machine knows, so
    that it was begun allows nothing.
    """

    allow: tuple[str, ...] = ()
    stop_after_wave: int | None = None
    applied_by: str | None = None
    rehearsal: bool = False
    clear: tuple[Leftover, ...] = ()
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended. `health` is the last look at all copies, None where there was none.
    `remaining` is the plan for what an earlier run left, if `resume` is to go on with it, `halves`
    the copies of that run that were cut off, each proved or with the reason why it stays.
    """

    code: ExitCode
    summary: str
    next_actions: tuple[str, ...] = ()
    health: Health | None = None
    remaining: Plan | None = None
    halves: tuple[Leftover, ...] = ()


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a plan. `name` is its id, `started` monotonic seconds, `health` the last look,
    `at_work` the native utility that was started and is not known to have ended, `rate` bytes a
    second that a host sends, and receives, as the last wave of copies showed, `tried` the waves
    whose files the utilities tried since anything was done; `measured` bytes by content, as the
    primaries' hosts measured them before the first wave; `dead_locks` those that are to be removed.
    Of the wave at hand: `underway` its contents while a utility is at work, `heard` bytes done and in
    all by dbid, as the utility's log tells, `landed` when all its copies were seen to have left their
    old places, `ended` when its utility was seen to have ended; `stopping` the seconds that the last wave of moves took until then, for its old
    mirrors and the fault prober.
    """

    name: str
    plan: Plan
    world: World
    wishes: Wishes
    started: float
    health: Health | None = None
    at_work: str | None = None
    rate: int | None = None
    tried: set[int] = field(default_factory=set)
    measured: dict[int, int] = field(default_factory=dict)
    dead_locks: tuple[LockFile, ...] = ()
    underway: tuple[int, ...] = ()
    heard: dict[int, tuple[int, int]] = field(default_factory=dict)
    landed: float | None = None
    stopping: float | None = None
    ended: float | None = None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[list[str]]:
        """Tell and record a phase. What the caller appends to the list becomes its detail."""
        world = self.world
        begin = world.clock.monotonic()
        world.journal.write(step(name, "begin"))
        world.reporter.tell(PhaseStarted(phase=name))
        detail: list[str] = []
        try:
            yield detail
        except Exception as error:
            world.journal.write(step(name, "failed", error=str(error)[:500]))
            raise
        world.journal.write(step(name, "done"))
        seconds = world.clock.monotonic() - begin
        world.reporter.tell(PhaseDone(phase=name, detail=", ".join(detail), seconds=seconds))

    def wave_begins(self) -> float:
        """Forget the last wave's copies; now, on the clock."""
        self.heard, self.landed, self.ended = {}, None, None
        return self.world.clock.monotonic()

    def probe_round_seconds(self) -> float:
        """In what time the fault prober surely looked at everything once, by itself."""
        try:
            return self.world.catalog.probe_seconds() + _GRACE_SECONDS
        except Failure:
            return DEFAULT_PROBE_SECONDS + _GRACE_SECONDS

    def seconds(self) -> float:
        """Since the run began."""
        return self.world.clock.monotonic() - self.started


# --- Sizes for a plan that needs them: what is copied, for how long, and the largest first.


def measured(
    plan: Plan, observed: Observed, catalog: Catalog, plan_again: Callable[[Observed], Plan]
) -> Plan:
    """The plan made again with sizes, if it copies something whole whose size it does not know."""
    if plan.exposure.bytes is not None:
        return plan
    return plan_again(with_sizes(observed, catalog))


def with_sizes(observed: Observed, catalog: Catalog) -> Observed:
    """The same with the bytes of every content; a note says why where they cannot be had."""
    found = catalog.sizes()
    notes = () if found.note is None else (found.note,)
    return replace(observed, sizes=found.by_content, notes=(*observed.notes, *notes))
