"""A layout's whole life, played at random: specs that change, runs that are cut off, hosts that die,
people who meddle; whatever happened, the way to the desired layout stays open.

`tests.life` looks at what must hold at every moment: a live copy of every content, nothing started
without the lock or beside another utility, nothing pruned that is in use or not ours.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gpmirror.boundary import LockHolder
from gpmirror.errors import ExitCode, GpmirrorError
from gpmirror.placement.place import place
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.remaining import plan_back, what_is_left
from gpmirror.plan.request import Request
from gpmirror.run.context import Outcome
from gpmirror.spec.model import ApplyOptions, Spec
from tests import strategies
from tests.life import FATES, FateKind, Life, machine_of
from tests.person import Ended, Person, Recorded

MOST_CONTENTS = 14
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
KILLS = st.none() | st.integers(min_value=2, max_value=32)
SECONDS = st.sampled_from([0.0, 0.5, 2.0, 4.5, 7.0, 12.0, 30.0])


@dataclass(frozen=True)
class Luck:
    """Something that happens to the cluster, some seconds from now."""

    kind: str
    seconds: float
    seed: int


LUCK = st.builds(
    Luck,
    kind=st.sampled_from(
        (
            "a mirror dies",
            "a primary dies",
            "a host dies",
            "a host is away for a while",
            "somebody edits the catalog",
            "somebody meddles with an old directory",
            "the coordinator is lost",
            "the coordinator's host is silent",
            "somebody else takes the lock",
        )
    ),
    seconds=SECONDS,
    seed=SEEDS,
)
BAD_LUCK = st.lists(LUCK, max_size=2)
FATE = st.tuples(st.sampled_from(("ok", "ok", *FATES)), SEEDS)


STRANGER = LockHolder(pid=9, since="12:00", client="10.0.0.9", name="gpmirror r77 on sdw9")


class Layout(RuleBasedStateMachine):
    """A DBA, a cluster, and bad luck."""

    person: Person

    def __init__(self) -> None:
        super().__init__()
        self.plan: Plan | None = None
        self.heirs = 0

    @property
    def life(self) -> Life:
        return self.person.life

    @property
    def spec(self) -> Spec:
        return self.person.spec

    @property
    def runs(self) -> list[Recorded]:
        return self.person.runs

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        random = Random(seed)
        while True:
            bare = strategies.mirrorless(random)
            wanted = strategies.spec(random, bare)
            if len(bare.pairs()) > MOST_CONTENTS:
                continue
            try:
                desired = place(wanted, bare)
            except GpmirrorError:
                continue
            break
        mirrored = random.random() < 0.8
        seen = strategies.applied(bare, desired) if mirrored else bare
        life = Life(seen, same_host=wanted.allow_same_host)
        self.person = Person(life=life, spec=_quick(wanted))
        if mirrored:
            self._want(strategies.changed(random, self.spec, seen))

    # --- what the DBA does ----------------------------------------------------------------------

    @rule(seed=SEEDS)
    def change_the_spec(self, seed: int) -> None:
        random = Random(seed)
        changed = strategies.changed(random, self.spec, self.life.truth())
        if random.random() < 0.2:
            changed = self._without_a_host(random, changed)
        self._want(changed)

    @rule(rebalance=st.booleans(), full=st.sampled_from([False, False, False, True]))
    def make_a_plan(self, rebalance: bool, full: bool) -> None:
        plan = self._planned(Request(rebalance=rebalance, full=full))
        if plan is not None:
            assert read_plan(plan_text(plan).encode(), "plan.json") == plan
            self.plan = plan

    @precondition(lambda self: self.plan is not None)
    @rule(kill=KILLS, before=st.booleans(), luck=BAD_LUCK, fate=FATE)
    def apply_the_plan(
        self, kill: int | None, before: bool, luck: list[Luck], fate: tuple[FateKind, int]
    ) -> None:
        assert self.plan is not None
        self._brew(luck, fate)
        self._apply(self.plan, kill, before=before)

    @rule(kill=KILLS, before=st.booleans(), rebalance=st.booleans(), luck=BAD_LUCK, fate=FATE)
    def plan_and_apply(
        self,
        kill: int | None,
        before: bool,
        rebalance: bool,
        luck: list[Luck],
        fate: tuple[FateKind, int],
    ) -> None:
        self.make_a_plan(rebalance=rebalance, full=False)
        if self.plan is not None:
            self._brew(luck, fate)
            self._apply(self.plan, kill, before=before)

    @precondition(lambda self: self.runs)
    @rule(kill=KILLS, before=st.booleans(), luck=BAD_LUCK, fate=FATE)
    def resume_the_last_run(
        self, kill: int | None, before: bool, luck: list[Luck], fate: tuple[FateKind, int]
    ) -> None:
        self._brew(luck, fate)
        self._resume(kill, before=before)

    @precondition(lambda self: self.runs)
    @rule(number=st.integers(min_value=0, max_value=99))
    def plan_the_way_back(self, number: int) -> None:
        chosen = self.person.first(self.runs[number % len(self.runs)])
        try:
            self.plan = plan_back(chosen.plan, self.life.truth(), chosen.name, Request())
        except GpmirrorError as refusal:
            event(f"no way back: {type(refusal).__name__}")
        else:
            event("a way back")

    @precondition(lambda self: self.runs)
    @rule(
        number=st.integers(min_value=0, max_value=99),
        kill=st.none() | st.integers(min_value=1, max_value=5),
        cut=st.none() | st.integers(min_value=0, max_value=8),
        luck=BAD_LUCK,
    )
    def prune_a_run(self, number: int, kill: int | None, cut: int | None, luck: list[Luck]) -> None:
        self._brew(luck, ("ok", 0))
        self.life.cut_hosts = cut
        ended = self.person.prune(self.runs[number % len(self.runs)], kill)
        self.life.cut_hosts = None
        event(f"prune: {_told(ended)}")

    @precondition(lambda self: self.life.down)
    @rule(seed=SEEDS)
    def replace_a_dead_host(self, seed: int) -> None:
        dead = [host for host in self.spec.hosts if host.name in self.life.down]
        if not dead:
            return
        chosen = Random(seed).choice(dead)
        self.heirs += 1
        name = f"spare{self.heirs}"
        addresses = tuple(f"{name}-{n + 1}" for n, _ in enumerate(chosen.addresses))
        heir = replace(
            chosen,
            name=name,
            addresses=addresses if len(addresses) > 1 else (name,),
            replaces=chosen.name,
        )
        hosts = tuple(heir if host is chosen else host for host in self.spec.hosts)
        pins = tuple(
            replace(pin, host=name, address=None) if pin.host == chosen.name else pin
            for pin in self.spec.pins
        )
        self._want(replace(self.spec, hosts=hosts, pins=pins))
        self.life.gone |= {host.replaces for host in self.spec.hosts if host.replaces is not None}

    # --- bad luck -------------------------------------------------------------------------------

    @rule(luck=LUCK)
    def bad_luck(self, luck: Luck) -> None:
        self._brew([luck], None)

    @rule(seconds=st.sampled_from([1.0, 10.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.life.sleep(seconds)

    def _brew(self, luck: list[Luck], fate: tuple[FateKind, int] | None) -> None:
        if fate is not None:
            self.life.fate = fate
        for one in luck:
            self._befall(one)

    def _befall(self, luck: Luck) -> None:
        random, life = Random(luck.seed), self.life
        content = random.choice(sorted(life.by_content()))
        machine = random.choice(self._machines())
        away = random.choice([3.0, 20.0, 200.0])
        actions: dict[str, Callable[[], None]] = {
            "a mirror dies": lambda: life.mirror_dies(content),
            "a primary dies": lambda: life.fail_over(content),
            "a host dies": lambda: life.host_dies(machine),
            "a host is away for a while": lambda: self._away(machine, away),
            "somebody edits the catalog": lambda: life.somebody_moves(content),
            "somebody meddles with an old directory": lambda: self._meddle(random),
            "the coordinator is lost": lambda: self._lose(away),
            "the coordinator's host is silent": lambda: self._silence(away),
            "somebody else takes the lock": lambda: self._take_lock(away),
        }
        if luck.seconds:
            life.later(luck.seconds, actions[luck.kind])
        else:
            actions[luck.kind]()

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "person"):
            self.life.check()

    # --- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "person"):
            return
        life = self.life
        life.sleep(300)
        life.stranger, life.cut_hosts, life.fate = None, None, ("ok", 0)
        for machine in sorted(life.down):
            life.host_returns(machine)
        if self._planned(Request()) is None:
            event("no layout at the end")
            return
        self.person.settle()
        for recorded in self.runs:
            self.person.prune(recorded)

    # --- commands -------------------------------------------------------------------------------

    def _apply(self, plan: Plan, kill: int | None, *, before: bool) -> None:
        differs = self._differs(plan)
        done = what_is_left_now(plan, self.life)
        self.life.started_now = 0
        ended = self.person.apply(plan, kill, before=before)
        event(f"apply: {_told(ended)}")
        started = self.life.started_now
        if isinstance(ended, GpmirrorError) and 3 <= ended.exit_code <= 9:
            assert not started, f"{_told(ended)} after a start"
        if differs and plan.waves:
            assert not started, "a plan for another catalog was started"
            assert not (isinstance(ended, Outcome) and not done), "a stale plan was called applied"
        if isinstance(ended, Outcome) and plan.waves:
            assert ended.code is ExitCode.OK
            if not self.life.agenda:
                self._check_applied(plan)

    def _check_applied(self, plan: Plan) -> None:
        assert what_is_left(plan, self.life.truth()).is_empty
        for change in plan.changes:
            if change.action is not Action.BLOCKED and self.life.started_now:
                assert self.life.is_synced(change.content)

    def _differs(self, plan: Plan) -> bool:
        """Whether a row that the plan was made for is another now, asked of the rows alone."""
        seen = self.life.truth().pairs()
        for planned in plan.fingerprint.contents:
            rows = [row for row in seen.get(planned.content, ()) if row is not None]
            now = [
                f"{row.preferred_role}/{row.role} {row.hostname} {row.address} {row.port} "
                f"{row.directory}"
                for row in rows
            ]
            if len(now) != len(planned.rows):
                return True
            if any(not was.startswith(new) for was, new in zip(planned.rows, now, strict=True)):
                return True
        return False

    def _resume(self, kill: int | None, *, before: bool) -> None:
        recorded = self.person.unfinished()
        if recorded is None:
            return
        jobs = self._jobs(recorded)
        ended = self.person.settle_run(recorded, before=before)
        event(f"resume: {_told(ended)}")
        begun = {key.split("-")[1] for key in jobs}
        added = {key.split("-")[1] for key in self._jobs(recorded) - jobs}
        assert added <= begun, "a wave that nobody began was started"
        if not isinstance(ended, Outcome):
            return
        if ended.remaining is None:
            assert ended.code is ExitCode.OK
            return
        self.person.go_on(recorded, ended, kill, before=before)

    def _jobs(self, recorded: Recorded) -> set[str]:
        return {key for key in self.life.jobs if key.startswith(f"{recorded.name}/")}

    def _planned(self, request: Request) -> Plan | None:
        try:
            return self.person.plan(request)
        except GpmirrorError as refusal:
            event(f"no plan: {type(refusal).__name__}")
            return None

    # --- smaller things -------------------------------------------------------------------------

    def _want(self, wanted: Spec) -> None:
        """Take the spec if it has a layout now."""
        try:
            place(wanted, self.life.truth())
        except GpmirrorError:
            return
        self.person.spec = _quick(wanted)

    def _without_a_host(self, random: Random, wanted: Spec) -> Spec:
        holding = {
            machine_of(row.hostname) for row in self.life.rows.values() if row.is_preferred_primary
        }
        free = [host for host in wanted.hosts if host.name not in holding]
        if not free or len(wanted.hosts) < 3:
            return wanted
        gone = random.choice(free)
        return replace(
            wanted,
            hosts=tuple(host for host in wanted.hosts if host is not gone),
            pins=tuple(pin for pin in wanted.pins if pin.host != gone.name),
        )

    def _machines(self) -> list[str]:
        names = {machine_of(row.hostname) for row in self.life.rows.values() if row.content >= 0}
        return sorted(names | {host.name for host in self.spec.hosts})

    def _away(self, machine: str, seconds: float) -> None:
        self.life.host_dies(machine)
        self.life.later(seconds, lambda: self.life.host_returns(machine))

    def _meddle(self, random: Random) -> None:
        old = self.life.leftovers()
        if old:
            does = random.choice([self.life.somebody_fills, self.life.somebody_deletes])
            does(random.choice(old))

    def _lose(self, seconds: float) -> None:
        self.life.locked = False
        self.life.lost_until = self.life.now + seconds

    def _silence(self, seconds: float) -> None:
        self.life.silent_until = self.life.now + seconds

    def _take_lock(self, seconds: float) -> None:
        """If it is free."""
        if not self.life.locked:
            self.life.stranger = STRANGER
            self.life.later(seconds, self._give_lock_back)

    def _give_lock_back(self) -> None:
        self.life.stranger = None


def what_is_left_now(plan: Plan, life: Life) -> bool:
    """Whether nothing of a plan is left."""
    try:
        return what_is_left(plan, life.truth()).is_empty
    except GpmirrorError:
        return False


def _quick(wanted: Spec) -> Spec:
    """Waves that nobody waits a day for."""
    return replace(wanted, apply=ApplyOptions(waves=wanted.apply.waves, sync_timeout=300))


def _told(ended: Ended) -> str:
    match ended:
        case None:
            return "killed"
        case Outcome():
            return f"exit {int(ended.code)}"
        case _:
            return f"{type(ended).__name__} ({int(ended.exit_code)})"


_SETTINGS = settings(
    stateful_step_count=16,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class TestSomeLives(Layout.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(_SETTINGS, max_examples=max(1, settings().max_examples // 4))


@pytest.mark.long
class TestLife(Layout.TestCase):  # type: ignore[misc, valid-type]
    settings = settings(_SETTINGS, max_examples=2 * settings().max_examples)
