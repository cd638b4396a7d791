"""The life of a layout on a practice cluster, played at random: specs change, runs are cut off,
hosts die, people meddle; whatever happened, no row is lost and the way to the spec stays open.

The same game with everything in memory, and many more turns, is `tests/property/test_life.py`.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.e2e import troubles
from tests.e2e.clusters import Ended
from tests.e2e.judging import (
    CUT_OFF,
    REFUSALS,
    check_applied,
    check_ended,
    check_seen,
    is_stale,
    nobody,
    watching,
    words_of,
)
from tests.e2e.living import LivingCluster
from tests.e2e.specs import any_spec, calm_spec
from tests.e2e.troubles import FAILURES, Trouble, befall, prepare, some_trouble
from tests.labs import Practice

pytestmark = [
    pytest.mark.long,
    *(pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow),
    pytest.mark.xdist_group("machine"),
]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
EXAMPLES, STEPS = (int(os.environ.get("LIVES", "20")), 14) if THOROUGH else (2, 6)
DIALECTS = ("gp6", "gp5") if THOROUGH else ("gp6",)
SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
"""Choices are made from a seed and the number of the step: the same zero is another choice each
time, and nothing is simplified afterwards, which would take a night here.
"""
SALT = 1267
"""With this one the first life, all zeros, meets a kill -9, lost connections and a failover."""
MOST_TURNS = 12
KINDS = (
    "apply_a_new_plan",
    "go_on",
    "bad_luck",
    "apply_the_saved_plan",
    "other_people_meddle",
    "save_a_plan",
    "tidy_up",
)
DANGERS = ("guard:moves_percent", "cancels-queries", "deletes-old-directory", "dead-lock")
ALLOWED = tuple(word for name in DANGERS for word in ("--allow", name))


class Tally(Counter[str]):
    """What was driven, told at the end."""

    def told(self) -> str:
        return "\n".join(f"  {count:4} {what}" for what, count in sorted(self.items()))

    def summary(self) -> str:
        troubles = sum(count for what, count in self.items() if what.startswith("trouble"))
        commands = sum(count for what, count in self.items() if what.startswith("exit"))
        return (
            f"{self['lives that ended well']} with {self['steps']} steps, {commands} commands and "
            f"{troubles} troubles while one ran: all ended in sync with nothing lost"
        )


class Life(RuleBasedStateMachine):
    """A DBA, a cluster, and bad luck."""

    def __init__(self, practice: Practice, folder: Path, tally: Tally) -> None:
        super().__init__()
        self.cluster = LivingCluster(practice, folder)
        self.tally = tally
        self.lately: deque[str] = deque(maxlen=2)
        self.steps = 0
        self.saved = False
        self.salt = 0

    # --- what the DBA does ----------------------------------------------------------------------

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        self.salt = seed
        random = self._turn("begin", seed)
        self._want(calm_spec(self.cluster))
        self._apply(random, "gpmirror.yaml", trouble=None)
        assert self.cluster.whole()
        self._want(any_spec(self.cluster, random))
        self._plan("saved.json", random)

    @rule(kind=st.sampled_from(KINDS), seed=SEEDS)
    def something_happens(self, kind: str, seed: int) -> None:
        """None of the last few again: most turns do something new."""
        while kind in self.lately:
            kind = KINDS[(KINDS.index(kind) + 1) % len(KINDS)]
        random = self._turn(kind, seed)
        self.cluster.write()
        getattr(self, kind)(random)

    def apply_a_new_plan(self, random: Random) -> None:
        if self.cluster.dead and random.random() < 0.6:
            self._mend()
        if random.random() < 0.7:
            self._want(any_spec(self.cluster, random))
        if self._plan("plan.json", random):
            trouble = some_trouble(random)
            stop = ("--stop-after-wave", "1") if random.random() < 0.2 else ()
            self._apply(random, "plan.json", trouble, *stop)

    def apply_the_saved_plan(self, random: Random) -> None:
        if self.saved:
            self._apply(random, "saved.json", random.choice([None, some_trouble(random)]))

    def bad_luck(self, random: Random) -> None:
        if self.cluster.dead and random.random() < 0.7:
            self._mend()
        else:
            self._note(random.choice(troubles.LUCK)(self.cluster, random))
            if random.random() < 0.7:  # time enough for the prober to see it
                self.cluster.notice()

    def go_on(self, random: Random) -> None:
        self._resume(random, some_trouble(random))

    def other_people_meddle(self, random: Random) -> None:
        if not self.cluster.at_work():
            self._note(random.choice(troubles.OTHERS)(self.cluster, random))

    def save_a_plan(self, random: Random) -> None:
        runs = self.cluster.runs()
        if runs and random.random() < 0.4:
            done = self._refusing("revert", random.choice(runs), "-o", "saved.json")
            self.saved = self.saved or done.returncode == 0
        else:
            self._want(any_spec(self.cluster, random))
            self._plan("saved.json", random)

    def tidy_up(self, random: Random) -> None:
        if runs := self.cluster.runs():
            self._prune(random.choice(runs))

    # --- what must hold after every step ---------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.steps:
            self.cluster.write()
            self.cluster.check_rows()

    @invariant()
    def no_content_is_held_twice(self) -> None:
        rows = self.cluster.segments()
        for content in self.cluster.contents():
            roles = [row.role for row in rows if row.content == content]
            assert sorted(roles) in (["m", "p"], ["p"]), self.cluster.told()
        for held in (
            [(row.address, row.port) for row in rows],
            [(row.address, row.directory) for row in rows],
        ):
            assert len(set(held)) == len(held), self.cluster.told()

    @invariant()
    def utilities_run_one_after_the_other(self) -> None:
        spans = self.cluster.spans()
        for (_, ended, first), (began, _, second) in pairwise(spans):
            assert ended <= began, f"{second} began while {first} was at work"

    # --- commands -------------------------------------------------------------------------------

    def _plan(self, name: str, random: Random) -> bool:
        """Whether there is a plan in the file now."""
        rebalance = ("--rebalance",) if random.random() < 0.3 else ()
        done = self._refusing("plan", "-o", name, "--detailed-exitcode", *rebalance, *ALLOWED)
        if name == "saved.json":
            self.saved = self.saved or done.returncode in {0, 2}
        return done.returncode in {0, 2}

    def _mend(self) -> None:
        self.cluster.fix()
        self._note("hosts return")

    def _apply(self, random: Random, target: str, trouble: Trouble | None, *more: str) -> Ended:
        cluster = self.cluster
        plan = self._json(target)
        stale = plan is not None and is_stale(plan, cluster)
        begun = cluster.begun()
        done = self._run(random, ["apply", target, "--yes", *ALLOWED, *more], trouble)
        if stale and plan["waves"]:
            assert cluster.begun() == begun, f"a stale plan was started: {words_of(done)}"
            if done.returncode == 0:
                assert "already applied" in done.stdout + done.stderr, words_of(done)
        if done.returncode == 0 and plan is not None and trouble is None:
            check_applied(plan, cluster, done)
        return done

    def _resume(self, random: Random, trouble: Trouble | None) -> Ended:
        return self._run(random, ["resume", "--yes", *ALLOWED], trouble)

    def _prune(self, run: str) -> Ended:
        return self._run(Random(0), ["prune", run, "--yes"], None)

    def _refusing(self, *words: str) -> Ended:
        """A command that only reads."""
        return self._run(Random(0), [*words], None)

    def _run(self, random: Random, words: list[str], trouble: Trouble | None) -> Ended:
        """The command, with what befalls it; how it ended is looked at."""
        cluster = self.cluster
        quiet = not cluster.at_work() and words[0] != "prune"
        before, known = cluster.places(), set(cluster.runs())
        prepare(cluster, trouble.kind if trouble else "", random)
        watch = quiet and trouble is None and not cluster.struck and cluster.whole()
        with watching(cluster) if watch else nobody() as seen:
            done, struck = self._driven(words, trouble)
        self._tell(done, struck)
        check_ended(done, killed=struck is not None and struck.kind == "gpmirror is killed")
        self._remove_locks(done.stderr)
        if quiet and done.returncode in REFUSALS:
            assert cluster.places() == before, f"changed something: {words_of(done)}"
        if watch and words[0] in {"apply", "resume"}:
            check_seen(seen, cluster, set(cluster.runs()) - known, done)
        return done

    def _driven(self, words: list[str], trouble: Trouble | None) -> tuple[Ended, Trouble | None]:
        """How it ended, and what befell it meanwhile."""
        cluster = self.cluster
        known = set(cluster.runs())
        with cluster.start(*words) as running:
            struck = trouble if trouble and befall(cluster, trouble, running, known) else None
            if struck is not None and struck.kind not in FAILURES:
                cluster.write()
            try:
                out, err = running.communicate(timeout=cluster.patience)
            except subprocess.TimeoutExpired:
                running.kill()
                raise
        return subprocess.CompletedProcess(words, running.returncode, out, err), struck

    def _tell(self, done: Ended, struck: Trouble | None) -> None:
        what = "" if struck is None else f"({struck.kind} at {struck.step} {struck.state})"
        self._note(f"{' '.join(done.args[:2])}: exit {done.returncode}", what)
        if done.returncode in {*REFUSALS, *CUT_OFF}:
            said = done.stderr.strip().replace("\n", " / ")
            self._note("  ", said if len(said) < 900 else f"{said[:300]} ... {said[-600:]}")
        self.tally[f"exit {done.returncode} of {done.args[0]}"] += 1
        if struck is not None:
            self.tally[f"trouble: {struck.kind}"] += 1

    # --- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        if not self.steps:
            return
        cluster = self.cluster
        self._note("the end")
        self._mend()
        cluster.rest()
        self._until_whole()
        cluster.check_rows()
        assert cluster.whole(), cluster.told()
        status = self._refusing("status")
        assert status.returncode == 0, words_of(status)
        self._prune_all(cluster.runs() if THOROUGH else cluster.runs()[-2:])
        assert cluster.whole(), cluster.told()
        cluster.check_rows()
        self.tally["lives that ended well"] += 1

    def _until_whole(self) -> None:
        """What a person does until there is nothing left to do."""
        random = Random(0)
        last = self._resume(random, None)
        for turn in range(MOST_TURNS):
            self._follow_advice(last)
            # roles return only when the rest is in sync
            rebalance = ("--rebalance",) if turn % 2 else ()
            words = ("plan", "-o", "plan.json", "--detailed-exitcode", *rebalance, *ALLOWED)
            planned = self._refusing(*words)
            if planned.returncode == 0 and rebalance:
                return
            last = planned
            if planned.returncode == 2:
                last = self._apply(random, "plan.json", None)
            elif planned.returncode in {3, 6}:  # ports are taken, or there is no layout
                self._want(calm_spec(self.cluster, offset=1000 + 100 * turn))
        raise AssertionError(f"no end: {words_of(last)}\n{self.cluster.told()}")

    def _follow_advice(self, done: Ended) -> None:
        """Make room where a message asks for it."""
        if done.returncode == 9:
            self._prune_all(self.cluster.runs())
            self._make_room(done.stdout + done.stderr)

    def _remove_locks(self, said: str) -> None:
        """What utilities that were killed left, as the message says."""
        for path in re.findall(r"`rm -r (\S+\.lock)`", said):
            self.cluster.ssh("mdw", f"rm -r {path}")
            self._note(f"removed {path}")

    def _prune_all(self, runs: list[str]) -> None:
        for run in runs:
            if self.cluster.changed(run):
                self._prune(run)

    def _make_room(self, said: str) -> None:
        """Directories that nobody uses and that a message names."""
        used = {row.directory for row in self.cluster.segments()}
        for host in self.cluster.lab.hosts:
            for path in host.data.glob("*/*"):
                if str(path) in said and str(path) not in used:
                    self.cluster.ssh(host.name, f"rm -r {path}")
                    self._note(f"removed {path}")

    # --- smaller things -------------------------------------------------------------------------

    def _turn(self, name: str, seed: int) -> Random:
        self.lately.append(name)
        self.steps += 1
        self.tally["steps"] += 1
        self._note(f"--- {name.replace('_', ' ')}")
        return Random(f"{SALT}/{self.salt}/{seed}/{self.steps}")

    def _want(self, text: str) -> None:
        (self.cluster.folder / "gpmirror.yaml").write_text(text, encoding="utf-8")

    def _json(self, name: str) -> Any:
        if not name.endswith(".json"):
            return None
        return json.loads((self.cluster.folder / name).read_text(encoding="utf-8"))

    def _note(self, *words: str) -> None:
        _say(" ".join((time.strftime("%X"), f"{self.steps:2}", *words)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_life(
    shared_labs: Callable[..., Practice],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    dialect: str,
) -> None:
    practice = shared_labs(dialect=dialect, hosts=3, primaries=2, addresses=1)
    tally = Tally()
    number = iter(range(1_000_000))

    def life() -> Life:
        folder = tmp_path / f"life-{next(number)}"
        folder.mkdir()
        return Life(practice, folder, tally)

    try:
        run_state_machine_as_test(
            cast("type[Life]", life),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                phases=[Phase.generate],
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        _say(f"driven on {dialect}:\n{tally.told()}")
    record_property("told", f"lives on {dialect}: {tally.summary()}")
