"""A person at a cluster in memory who uses nothing but gpmirror: plans, applies, resumes, prunes.

`Person.settle` is what is left to do when all bad luck is over. By hand a person does two things, and
only where a refusal says so: moves away a directory that a prune keeps, and lets the name of a dead
host lead to its successor.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from gpmirror.boundary import World
from gpmirror.errors import ExitCode, Failure, GpmirrorError, NotReady
from gpmirror.native.directories import Leftover
from gpmirror.plan.hazards import GUARDS, HAZARDS, HOST_HAZARDS
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.request import Request
from gpmirror.run.apply import apply
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.look import plan_inspected
from gpmirror.run.prune import prune
from gpmirror.run.record import Opening, RunRecord, end, read_standing
from gpmirror.run.resume import check_own_plan, check_resumable, resume
from gpmirror.spec.model import Spec
from tests.fakes import FakeOperator, Killed, MemoryJournal, Reporter
from tests.life import FOREIGN, Files, Life, Spot, content_of, machine_of
from tests.unchecked import UNCHECKED

Ended = Outcome | GpmirrorError | None
"""How a command ended; None: it was killed."""

KNOWN = ("unchecked:reachable", "unchecked:directories")
"""What these hosts tell, so nobody need allow that they do not."""

ALLOW = (
    *(name for name in UNCHECKED if name not in KNOWN),
    *HAZARDS,
    *HOST_HAZARDS,
    *(f"guard:{name}" for name in GUARDS),
)

MOST_TURNS = 12
"""So often a person plans and applies before giving up."""


@dataclass
class Recorded:
    """A run as the machine that began it remembers it."""

    name: str
    plan: Plan
    records: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def standing(self) -> RunRecord:
        return read_standing("\n".join(json.dumps(record) for record in self.records), self.name)


@dataclass
class Person:
    """Who works on a cluster, what is wanted of it, and what was done so far."""

    life: Life
    spec: Spec
    runs: list[Recorded] = field(default_factory=list)

    # --- commands -------------------------------------------------------------------------------

    def plan(self, request: Request) -> Plan:
        """Raises GpmirrorError: there is no layout now."""
        return plan_inspected(self.spec, self.life.truth(), request, self.life)

    def apply(
        self,
        plan: Plan,
        kill: int | None = None,
        *,
        continues: str | None = None,
        before: bool = False,
        clear: tuple[Leftover, ...] = (),
    ) -> Ended:
        """As a run of its own; `kill` counts the records it may write."""
        recorded = Recorded(name=f"r{len(self.runs) + 1}", plan=plan)
        self.runs.append(recorded)
        opening = Opening(
            run=recorded.name,
            plan_id=plan_id(plan),
            cluster=plan.cluster,
            by="me",
            version="0",
            continues=continues,
        )
        recorded.records.append(opening.record())
        run = self._run(recorded, kill, before=before, clear=clear)
        return self._ended(lambda: apply(run, "?"))

    def unfinished(self) -> Recorded | None:
        """The last run that can be resumed."""
        for recorded in reversed(self.runs):
            try:
                check_resumable(recorded.standing)
            except Failure:
                continue
            return recorded
        return None

    def settle_run(self, recorded: Recorded, *, before: bool = False) -> Ended:
        """The first half of `resume`: what the run began comes to its end."""
        standing = recorded.standing
        check_own_plan(standing, recorded.plan)
        run = self._run(recorded, None, before=before)
        return self._ended(lambda: resume(run, standing, "me"))

    def resume(self, kill: int | None = None, *, before: bool = False) -> Ended:
        """The last unfinished run, and what it leaves as a run of its own."""
        recorded = self.unfinished()
        if recorded is None:
            return None
        ended = self.settle_run(recorded, before=before)
        if not isinstance(ended, Outcome) or ended.remaining is None:
            return ended
        return self.go_on(recorded, ended, kill, before=before)

    def go_on(self, recorded: Recorded, left: Outcome, kill: int | None, *, before: bool) -> Ended:
        """The second half: the rest of a run as a run of its own."""
        assert left.remaining is not None
        ended = self.apply(
            left.remaining,
            kill,
            continues=recorded.name,
            before=before,
            clear=tuple(one for one in left.halves if not one.keep),
        )
        mine = self.runs[-1]
        if mine.standing.changed_something:
            told = f"goes on as {mine.name}"
            recorded.records.append(end(ExitCode.PARTIAL, told, continued_as=mine.name))
        return ended

    def first(self, recorded: Recorded) -> Recorded:
        """The run whose rest this one does, if it does one's."""
        earlier = [one for one in self.runs if one.name == recorded.standing.continues]
        return self.first(earlier[0]) if earlier else recorded

    def prune(self, recorded: Recorded, kill: int | None = None) -> Ended:
        """Delete what a run's moves left."""
        at = None if kill is None else len(recorded.records) + kill
        run = self._run(recorded, at, before=False)
        return self._ended(lambda: prune(run, recorded.standing))

    def _run(
        self,
        recorded: Recorded,
        kill: int | None,
        *,
        before: bool,
        clear: tuple[Leftover, ...] = (),
    ) -> Run:
        self.life.run = recorded.name
        world = World(
            catalog=self.life,
            hosts=self.life,
            natives=self.life,
            journal=MemoryJournal(
                records=recorded.records,
                die_before=kill if before else None,
                die_after=None if before else kill,
            ),
            clock=self.life,
            operator=FakeOperator(),
            reporter=Reporter(),
            coordinator="mdw",
        )
        wishes = Wishes(allow=ALLOW, clear=clear)
        now = self.life.monotonic()
        return Run(name=recorded.name, plan=recorded.plan, world=world, wishes=wishes, started=now)

    def _ended(self, command: Callable[[], Outcome]) -> Ended:
        try:
            return command()
        except GpmirrorError as refusal:
            return refusal
        except Killed:
            return None
        finally:
            self.life.killed()

    # --- to the end -----------------------------------------------------------------------------

    def settle(self) -> list[str]:
        """Resume what is unfinished, then plan and apply, with and without `--rebalance` in turns,
        until neither has anything to say. What was done, a line a turn. Fails if there is no end.
        """
        told = [f"resume: {words(self.resume())}"]
        quiet = 0
        while quiet < 2:
            rebalance = len(told) % 2 == 0
            plan = self.plan(Request(rebalance=rebalance))
            if all(map(_stays, plan.changes)):
                quiet += 1
                told.append("nothing to do")
                continue
            quiet = 0
            assert len(told) < MOST_TURNS, "no end:\n" + "\n".join([*told, *self._state(plan)])
            ended = self.apply(plan)
            told.append(f"apply{' --rebalance' if rebalance else ''}: {words(ended)}")
            if isinstance(ended, NotReady):
                self._make_room(ended)
        for content in self.life.by_content():
            assert self.life.is_synced(content), content
        return told

    def _make_room(self, refusal: NotReady) -> None:
        """Prune what moves left; let a dead host's name lead to its successor where that is asked
        for. What a prune keeps is moved away by whoever reads its name.
        """
        for recorded in self.runs:
            self.prune(recorded)
        self.life.successors |= set(re.findall(r"`Host (\S+)`", refusal.message))
        for machine, path in self.life.leftovers():
            held = self.life.files[machine, path]
            if f"{machine}: directories: " in refusal.message and f"`mv {path} " in refusal.message:
                kept = self._is_kept((machine, path), held)
                assert kept, f"{machine}:{path} was not pruned: {refusal}"
                self.life.somebody_deletes((machine, path))

    def _is_kept(self, spot: Spot, held: Files) -> bool:
        """Whether a prune leaves it: it is not ours, or stands where a good copy of a content stood
        that is not in sync. What a run only began goes, whatever its content's state.
        """
        if held.identifier == FOREIGN:
            return True
        if held.partial and spot not in self._left():
            return False
        return not self.life.is_synced(content_of(held.identifier))

    def _left(self) -> set[Spot]:
        """Where any run took a copy from."""
        steps = [step for one in self.runs for wave in one.plan.waves for step in wave.steps]
        slots = [step.from_ for step in steps if step.from_ is not None]
        return {(machine_of(slot.host), path) for slot in slots for path in slot.directories}

    def _state(self, plan: Plan) -> Iterator[str]:
        for change in plan.changes:
            yield f"content {change.content} to {change.action.value}: {change.reason}"


def _stays(change: Change) -> bool:
    """Whether a mirror stays where it is for good: 4.3 and 5 fill no mirror's own directory again."""
    return change.action is Action.BLOCKED and "holds the mirror itself" in change.reason


def words(ended: Ended) -> str:
    """An end in a line."""
    match ended:
        case None:
            return "killed, or nothing to do"
        case Outcome():
            return f"exit {int(ended.code)}: {ended.summary}"
        case _:
            return f"{type(ended).__name__} ({int(ended.exit_code)}): {ended}"
