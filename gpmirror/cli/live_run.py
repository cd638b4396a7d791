"""Runs for commands: a run's world and reporter, its last words, and recorded runs found again."""

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from itertools import count
from typing import TYPE_CHECKING

from gpmirror import __version__
from gpmirror.cli.console import Console, visible
from gpmirror.cli.wiring import (
    DEFAULT_SPEC,
    accept_connection,
    live_catalog,
    own_spec,
    program_to_tell,
    reached,
    spec_if_any,
)
from gpmirror.errors import ExitCode, Failure, GpmirrorError
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from gpmirror.adapters.runs import Agreed
    from gpmirror.adapters.server import CatalogSession
    from gpmirror.adapters.ssh import SshHosts
    from gpmirror.boundary import Operator, Reporter, World
    from gpmirror.cli.console import Log
    from gpmirror.events import Event, RunEnded
    from gpmirror.model.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.run.context import Outcome, Run, Wishes
    from gpmirror.run.record import Record, RunRecord
    from gpmirror.spec.model import Site, Spec


# --- What `apply` and `resume` share: a run's world, opened and closed, and its last words.


TOLD = frozenset({ExitCode.OK, ExitCode.PARTIAL, ExitCode.UNVERIFIED, ExitCode.INTERRUPTED})
"""Ends that are told with a table of contents; all others are plain refusals, told as errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """An open cluster: the spec that it was reached by, the session, the hosts, and the catalog as
    first seen.
    """

    spec: "Site"
    server: "CatalogSession"
    hosts: "SshHosts"
    observed: "Observed"

    @property
    def coordinator(self) -> str:
        """The coordinator's host, as its own catalog calls it."""
        row = self.observed.coordinator
        return "" if row is None else row.hostname

    def not_of(self, plan: "Plan") -> str | None:
        """The server that was connected to, where that is not the one that the plan names."""
        is_its_own = self.spec.coordinator == plan.settings.coordinator
        return None if is_its_own else self.observed.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run talks: to a person or as JSON lines, and whether it may ask."""

    console: Console
    json: bool
    assume_yes: bool
    spec_above: str | None = None
    """The spec that is applied, where nobody named it and it was found above this folder: the question
    names it."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Of the lines of JSON, whatever runs this process tells of."""


def who() -> str:
    """This user and machine, for journals: `gpadmin@mdw`."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@contextmanager
def open_live(spec: "Site", *, via_ssh: bool) -> "Iterator[Live]":
    """The cluster that a spec names, catalog read once. Raises what connecting raises."""
    from gpmirror.adapters.ssh import open_hosts
    from gpmirror.run.look import observe

    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        observed = observe(server)
        hosts = open_hosts(spec.ssh, at_once=spec.apply.hosts_at_once)
        try:
            yield Live(spec=spec, server=server, hosts=hosts, observed=observed)
        finally:
            hosts.close()


def run_plan(
    plan: "Plan", live: Live, wishes: "Wishes", manner: Manner, *, continues: str | None = None
) -> "Outcome":
    """Apply a plan as a run of its own; `continues` names the run whose rest it does, which is
    closed once the new one has changed something. Raises what apply raises, after its last words.
    """
    from gpmirror.adapters.runs import new_run_name
    from gpmirror.run.apply import apply

    name = new_run_name()
    folder = None
    try:
        _check_person(plan, live, wishes, manner)
        if not wishes.rehearsal:
            folder = _new_folder(name, plan, live)
        with running(name, folder, plan, live, wishes, manner) as run:
            if folder is not None:
                run.world.journal.write(_opening(name, plan, wishes, continues))
            question = _question(plan, clears=bool(wishes.clear), spec=manner.spec_above)
            return apply(run, question, lambda: _keep_agreed(name, plan, live, wishes))
    finally:
        if continues is not None:
            hand_over(continues, name, live)


def _new_folder(name: str, plan: "Plan", live: Live) -> "Path":
    """A run's folder with its plan, and whether the cluster was reached as that one says."""
    from gpmirror.adapters.runs import create_run, reach_otherwise, runs_folder
    from gpmirror.plan.planfile import plan_text

    folder = create_run(runs_folder(os.environ), name, plan_text(plan))
    if not _as_planned(plan, live):
        reach_otherwise(folder)
    return folder


def _as_planned(plan: "Plan", live: Live) -> bool:
    said, taken = plan.settings, live.spec
    return (said.coordinator, said.ssh) == (taken.coordinator, taken.ssh)


def _keep_agreed(name: str, plan: "Plan", live: Live, wishes: "Wishes") -> None:
    """The yes, where no copied run folder can forge it; a rehearsal is nothing to take up."""
    from gpmirror.adapters.runs import Agreed, keep_agreed, runs_folder
    from gpmirror.plan.planfile import plan_id

    if not wishes.rehearsal:
        as_planned = _as_planned(plan, live)
        agreed = Agreed(plan_id=plan_id(plan), allow=wishes.allow, as_planned=as_planned)
        keep_agreed(runs_folder(os.environ), name, agreed)


def _check_person(plan: "Plan", live: Live, wishes: "Wishes", manner: Manner) -> None:
    """Before a lock is taken that others wait for. Raises Declined (8): the plan has something to
    do, and there is nobody to ask.
    """
    from gpmirror.adapters.operator import TerminalOperator
    from gpmirror.run.gates import is_applied

    if not wishes.rehearsal and not is_applied(plan, live.observed) and plan.waves:
        operator = TerminalOperator(assume_yes=manner.assume_yes, say=manner.console.alarm)
        operator.check_present()


def hand_over(old: str, new: str, live: Live) -> None:
    """Close a run whose rest another one was to do: it goes on as that one, if that one came to
    change something.
    """
    from gpmirror.adapters.runs import RunJournal, runs_folder
    from gpmirror.run.record import end
    from gpmirror.run.wave import FarJournal

    folder = runs_folder(os.environ)
    # where this fails, the new run is the last unfinished one all the same
    with suppress(Failure):
        rest = _recorded_rest(folder, new)
        far = FarJournal(hosts=live.hosts, coordinator=live.coordinator, run=old)
        journal = RunJournal(folder / old, far)
        journal.also_far()
        if rest is not None and rest.changed_something:
            journal.write(end(ExitCode.PARTIAL, f"goes on as run {new}", continued_as=new))
        else:
            why = rest.summary if rest is not None else "nobody was there to agree to it"
            why = why or "stopped before anything was changed"
            journal.write(end(ExitCode.PARTIAL, f"its rest was not begun: {why}"))


def _recorded_rest(folder: "Path", name: str) -> "RunRecord | None":
    """The run that was to do the rest, None where it was refused before it got a name on disk."""
    from gpmirror.adapters.runs import read_run

    return read_run(folder, name)[0] if (folder / name).exists() else None


@contextmanager
def running(
    name: str,
    folder: "Path | None",
    plan: "Plan",
    live: Live,
    wishes: "Wishes",
    manner: Manner,
) -> "Iterator[Run]":
    """A run in its world. `folder` None: a rehearsal. Its last words are said when it ends."""
    from gpmirror.adapters.operator import TerminalOperator
    from gpmirror.run.context import Run

    console = manner.console
    assume_yes = manner.assume_yes or wishes.rehearsal
    report = json_reporter(console, manner.numbers) if manner.json else people_reporter(console)
    ends: list[RunEnded] = []
    run: Run | None = None
    try:
        with ExitStack() as stack:
            reporter = stack.enter_context(report)
            say = voice(console, reporter)
            operator = TerminalOperator(assume_yes=assume_yes, say=say)
            stack.enter_context(operator.listening())
            keeping = _Keeping(reporter=reporter, ends=ends, log=console.log)
            told = keeping if folder is None else _telling(keeping, live, plan, say)
            world = (
                _rehearsed_world(name, live, operator, told)
                if folder is None
                else _real_world(name, folder, live, operator, told)
            )
            started = world.clock.monotonic()
            run = Run(name=name, plan=plan, world=world, wishes=wishes, started=started)
            yield run
    finally:
        if run is not None and ends and not manner.json and ends[-1].exit_code in TOLD:
            with suppress(Failure):  # a full disk does not change what became of the run
                _last_words(console, ends[-1], run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keeping:
    """A reporter that keeps the end, whose words come after the live area is gone, and the log."""

    reporter: "Reporter"
    ends: "list[RunEnded]"
    log: "Log | None"

    def tell(self, event: "Event") -> None:
        """Pass on, keep the end."""
        from gpmirror.events import RunEnded

        if isinstance(event, RunEnded):
            self.ends.append(event)
        if self.log:
            self.log.event(event)
        self.reporter.tell(event)


def _telling(
    reporter: "Reporter", live: Live, plan: "Plan", say: Callable[[str], None]
) -> "Reporter":
    """Who tells the operator's program too, where the applied spec names one, or with a plan file the
    spec of this folder, for the same cluster.
    """
    command = program_to_tell(live.spec, plan.cluster)
    if not command:
        return reporter
    from gpmirror.adapters.notify import Notifier

    return Notifier(command=command, reporter=reporter, say=say)


def _real_world(
    name: str, folder: "Path", live: Live, operator: "Operator", reporter: "Reporter"
) -> "World":
    from gpmirror.adapters.operator import SystemClock
    from gpmirror.adapters.runs import RunJournal
    from gpmirror.boundary import World
    from gpmirror.run.gates import native_environment
    from gpmirror.run.wave import DetachedNatives, FarJournal

    hosts, coordinator = live.hosts, live.coordinator
    environment = native_environment(live.observed)
    far = FarJournal(hosts=hosts, coordinator=coordinator, run=name)
    return World(
        catalog=live.server,
        hosts=hosts,
        natives=DetachedNatives(
            hosts=hosts, coordinator=coordinator, run=name, environment=environment
        ),
        journal=RunJournal(folder, far),
        clock=SystemClock(),
        operator=operator,
        reporter=reporter,
        coordinator=coordinator,
    )


def _rehearsed_world(name: str, live: Live, operator: "Operator", reporter: "Reporter") -> "World":
    from gpmirror.adapters.operator import SystemClock
    from gpmirror.adapters.ssh import RehearsalHosts
    from gpmirror.boundary import World
    from gpmirror.run.gates import native_environment
    from gpmirror.run.rehearsal import (
        ForeseeingCatalog,
        RehearsalReporter,
        RehearsedNatives,
        SilentJournal,
    )

    hosts = RehearsalHosts(live.hosts, reporter.tell)
    catalog = ForeseeingCatalog(live.server)
    environment = native_environment(live.observed)
    return World(
        catalog=catalog,
        hosts=hosts,
        natives=RehearsedNatives(hosts, live.coordinator, name, environment, catalog),
        journal=SilentJournal(),
        clock=SystemClock(),
        operator=operator,
        reporter=RehearsalReporter(reporter),
        coordinator=live.coordinator,
    )


def _opening(name: str, plan: "Plan", wishes: "Wishes", continues: str | None) -> "Record":
    from gpmirror.plan.planfile import plan_id
    from gpmirror.run.record import Opening

    return Opening(
        run=name,
        plan_id=plan_id(plan),
        cluster=plan.cluster,
        by=who(),
        version=__version__,
        waves=len(plan.waves),
        continues=continues,
        allow=wishes.allow,
    ).record()


def _question(plan: "Plan", *, clears: bool, spec: str | None) -> str:
    from gpmirror.render.run import question

    return question(plan, clears=clears, spec=spec)


def _last_words(console: Console, ended: "RunEnded", run: "Run") -> None:
    from gpmirror.render.run import summary

    text = summary(
        ended,
        run.health,
        run.plan,
        underway=run.underway,
        width=console.width,
        color=console.color,
    )
    if ended.exit_code == ExitCode.OK:
        console.page(text)
    else:
        console.alarm(text)


# --- Which reporter a run gets: bars on a terminal, lines elsewhere, JSON with `--json`.


@contextmanager
def people_reporter(console: Console) -> "Iterator[Reporter]":
    """A reporter on standard output: redrawn in place on a terminal, else line by line; nothing
    with `--quiet`. Whatever happens, no live area is left behind.
    """
    from gpmirror.adapters.terminal import Beat, LineReporter, TerminalReporter
    from gpmirror.render.progress import RunView

    stream = None if console.quiet else console.out
    view = RunView(color=console.color)
    if stream is not None and stream.isatty() and not _is_dumb():
        # a full line leaves the cursor between two lines on some terminals
        with TerminalReporter(stream, replace(view, width=console.width - 1)) as reporter:
            yield reporter
    else:
        lines = LineReporter(stream, view)
        with Beat(lines.beat):
            yield lines


@contextmanager
def json_reporter(console: Console, numbers: Iterator[int]) -> "Iterator[Reporter]":
    """A reporter that writes one line of JSON an event to standard output, numbered by `numbers`."""
    from gpmirror.adapters.terminal import Beat, JsonReporter

    reporter = JsonReporter(console.out, numbers)
    with Beat(reporter.beat):
        yield reporter


def voice(console: Console, reporter: "Reporter") -> Callable[[str], None]:
    """How to say a line to the person while a run goes on: above the live area where there is one,
    which would wipe it otherwise; else on standard error. What a name holds never moves the cursor.
    """
    from gpmirror.adapters.terminal import TerminalReporter

    say = reporter.say if isinstance(reporter, TerminalReporter) else console.alarm
    return lambda text: say(visible(text))


def _is_dumb() -> bool:
    """Whether the terminal cannot move its cursor."""
    return os.environ.get("TERM", "dumb") in {"", "dumb"}


# --- A recorded run for a command: from this machine's journal, else from the coordinator's host.


def recorded(
    name: str, *, via_ssh: bool, console: Console | None = None
) -> "tuple[Path, RunRecord, Plan]":
    """A run's folder, where it stands, and its plan; the start of its name will do. One that this
    machine does not know is copied from the run directory on the coordinator's host, which the spec
    here names.

    Raises Failure: nobody knows it, or its folder holds another plan than the one that it was begun
    with; InvalidInput: its plan was changed.
    """
    from gpmirror.adapters.runs import check_name, read_run, runs_folder, whole_name
    from gpmirror.plan.planfile import read_plan
    from gpmirror.run.resume import check_own_plan

    folder = runs_folder(os.environ)
    check_name(folder, name)
    name = whole_name(folder, name)
    if not (folder / name).is_dir():
        _fetch(folder, name, console, via_ssh=via_ssh)
    standing, data = read_run(folder, name)
    plan = read_plan(data, f"{name}/plan.json")
    check_own_plan(standing, plan)
    return folder / name, standing, plan


def agreed_to(name: str, plan: "Plan") -> "Agreed | None":
    """The yes that the operator of this machine gave to a run, None: there is none on record."""
    from gpmirror.adapters.runs import read_agreed, runs_folder
    from gpmirror.plan.planfile import plan_id

    return read_agreed(runs_folder(os.environ), name, plan_id(plan))


def site_of_run(
    name: str,
    plan: "Plan",
    console: Console,
    *,
    allow: tuple[str, ...] = (),
    assume_yes: bool = False,
) -> "Site":
    """What a recorded run's plan tells of its spec, and how the cluster is reached: as the operator
    confirmed when the run began here; as the spec of this folder or the environment says, where
    another machine began it or it was not reached as its plan says. Where nobody knows, it is asked
    as for a plan file: a run folder may be a copy from anywhere. Raises as `accept_connection`.
    """
    from gpmirror.adapters.runs import is_reached_otherwise, runs_folder
    from gpmirror.plan.remaining import site_of
    from gpmirror.spec.model import CoordinatorAddress, SshOptions

    spec, agreed, own = site_of(plan), agreed_to(name, plan), own_spec(console)
    otherwise = agreed is not None and not agreed.as_planned
    if otherwise or is_reached_otherwise(runs_folder(os.environ), name):
        spec = replace(
            spec,
            coordinator=own.coordinator if own else CoordinatorAddress(),
            ssh=own.ssh if own else SshOptions(),
        )
    elif agreed is None:
        accept_connection(
            plan.settings, f"{name}/plan.json", allow, console, own=own, assume_yes=assume_yes
        )
    return reached(spec)


def caught_up(name: str, live: "Live") -> "RunRecord":
    """Where a run of this machine stands, with what other machines wrote when they took it up. The
    records are kept here. Raises Failure: the coordinator's host does not answer.
    """
    from gpmirror.adapters.runs import add_records, read_journal, read_run, runs_folder
    from gpmirror.run.prune import believed
    from gpmirror.run.record import missing
    from gpmirror.run.resume import far_journal

    folder = runs_folder(os.environ)
    far = far_journal(live.hosts, live.coordinator, name)
    lines = missing(read_journal(folder, name), far)
    if lines:
        add_records(folder, name, lines)
    standing, _ = read_run(folder, name)
    return believed(standing, _earlier_plans(standing, live)) if standing.clearing else standing


def _earlier_plans(standing: "RunRecord", live: "Live") -> "Iterator[Plan]":
    """The plans of the runs whose rest this one does, as far as anybody has them."""
    from gpmirror.adapters.runs import read_run, runs_folder
    from gpmirror.plan.planfile import read_plan
    from gpmirror.run.record import read_standing
    from gpmirror.run.resume import check_own_plan, far_files

    folder, known, name = runs_folder(os.environ), {standing.run}, standing.continues
    with suppress(GpmirrorError):
        while name is not None and name not in known:
            known.add(name)
            try:
                earlier, data = read_run(folder, name)
            except Failure:
                journal, text = far_files(live.hosts, live.coordinator, name)
                earlier, data = read_standing(journal, name), text.encode()
            plan = read_plan(data, f"{name}/plan.json")
            check_own_plan(earlier, plan)
            yield plan
            name = earlier.continues


def first_recorded(
    name: str, *, via_ssh: bool, console: Console | None = None
) -> "tuple[RunRecord, Plan]":
    """The run that this one continues, and the one that that one continues, down to the first: its
    plan is the whole. Raises as `recorded`.
    """
    _, standing, plan = recorded(name, via_ssh=via_ssh, console=console)
    known = {standing.run}
    while standing.continues is not None and standing.continues not in known:
        known.add(standing.continues)
        _, standing, plan = recorded(standing.continues, via_ssh=via_ssh, console=console)
    return standing, plan


def _fetch(folder: "Path", name: str, console: Console | None, *, via_ssh: bool) -> None:
    from gpmirror.adapters.runs import keep_run
    from gpmirror.run.resume import far_files

    with open_live(_spec(folder, name, console), via_ssh=via_ssh) as live:
        journal, plan = far_files(live.hosts, live.coordinator, name)
    keep_run(folder, name, journal, plan)


def _spec(folder: "Path", name: str, console: Console | None) -> "Spec":
    found = spec_if_any(None, console)
    if found is None:
        from gpmirror.adapters.files import where_sought

        raise Failure(
            f"no run {name} in {folder}, and no {DEFAULT_SPEC} that names the coordinator whose host "
            f"may know it {where_sought()}",
            hint="`gpmirror runs` lists the runs of this machine; else go where the spec is",
        )
    return found
