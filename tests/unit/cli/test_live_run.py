"""How a run whose rest another one does is closed."""

import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from gpmirror.adapters.runs import RunJournal, create_run, read_agreed, read_run, runs_folder
from gpmirror.boundary import Answered, Reply
from gpmirror.cli.console import Console
from gpmirror.cli.live_run import Live, Manner, hand_over, run_plan, site_of_run
from gpmirror.cli.main import main
from gpmirror.errors import Declined, ExitCode, Failure
from gpmirror.model.observed import Observed
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.remaining import site_of
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.record import Opening, Record, end, resumed, step
from gpmirror.spec.model import CoordinatorAddress, Site, SshOptions
from tests.clusters import spec
from tests.plans import HOSTS, adding, seen_before_add

OLD, NEW = "20261121T070539Z-aaaaaa", "20261121T070540Z-bbbbbb"
NATIVE = step("wave-001/native", "begin")


@dataclass
class Far:
    """A live cluster as handing over needs it: the coordinator's host, which keeps journals."""

    coordinator: str = "mdw"
    scripts: str = ""

    @property
    def hosts(self) -> "Far":
        return self

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.scripts += "".join(scripts.values())
        return {host: Answered(host=host, status=0, out="", err="") for host in scripts}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return runs_folder({"XDG_STATE_HOME": str(tmp_path)})


def recorded(folder: Path, name: str, *records: Record) -> None:
    journal = RunJournal(create_run(folder, name, "{}"), None)
    opening = Opening(run=name, plan_id="p", cluster="c", by="me", version="0").record()
    for record in (opening, *records):
        journal.write(record)


def handed_over(folder: Path, *rest: Record) -> Far:
    recorded(folder, OLD, NATIVE, end(ExitCode.PARTIAL, "stopped"), resumed("me"))
    recorded(folder, NEW, *rest)
    far = Far()
    hand_over(OLD, NEW, far)  # type: ignore[arg-type]
    return far


def test_a_run_goes_on_as_the_one_that_does_its_rest(folder: Path) -> None:
    far = handed_over(folder, NATIVE)
    standing, _ = read_run(folder, OLD)
    assert (standing.continued_as, standing.exit_code) == (NEW, ExitCode.PARTIAL)
    assert f"goes on as run {NEW}" in far.scripts, "other machines know it too"


def test_a_rest_that_was_refused_leaves_the_run_partial(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handed_over(folder, end(ExitCode.PREFLIGHT, "1 check found trouble"))
    standing, _ = read_run(folder, OLD)
    assert (standing.continued_as, standing.exit_code) == (None, ExitCode.PARTIAL)
    assert standing.summary == "its rest was not begun: 1 check found trouble"
    assert main(["runs", OLD]) == ExitCode.OK
    assert " partial " in capsys.readouterr().out


@dataclass
class Untouched:
    """A server and hosts that nobody may ask anything."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"asked for {name}")


def live(seen: Observed, wanted: Site | None = None) -> Live:
    nobody: Any = Untouched()
    return Live(spec=wanted or spec(HOSTS), server=nobody, hosts=nobody, observed=seen)


def test_without_a_terminal_a_run_is_declined_before_the_lock_and_leaves_nothing(
    folder: Path,
) -> None:
    console = Console(out=None, err=None)
    manner = Manner(console=console, json=False, assume_yes=False)
    with pytest.raises(Declined, match="no terminal to ask on"):
        run_plan(adding(), live(seen_before_add()), Wishes(), manner)
    assert not folder.exists()
    with pytest.raises(AssertionError, match="asked for lock"):
        run_plan(adding(), live(seen_before_add()), Wishes(), replace(manner, assume_yes=True))


def said_yes(run: Run, question: str, agreed: Callable[[], None]) -> Outcome:
    """Cut off before anything was changed."""
    del run, question
    agreed()
    raise Failure("cut off")


@pytest.mark.parametrize("rehearsal", [False, True])
def test_a_yes_is_kept_outside_the_runs_folder(
    folder: Path, rehearsal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpmirror.run.apply.apply", said_yes)
    manner = Manner(console=Console(out=None, err=None), json=False, assume_yes=True)
    wishes = Wishes(allow=("policy", "dead-lock"), rehearsal=rehearsal)
    with pytest.raises(Failure, match="cut off"):
        run_plan(adding(), live(seen_before_add()), wishes, manner)
    yes = folder.parent / "confirmed"
    assert yes.exists() is not rehearsal
    if not rehearsal:
        (run,) = folder.iterdir()
        kept = read_agreed(folder, run.name, plan_id(adding()))
        assert kept is not None
        assert kept.allow == ("dead-lock", "policy")
        assert read_agreed(folder, run.name, "0" * 64) is None
        assert stat.S_IMODE((yes / f"{run.name}.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("agreed", [True, False])
def test_a_connection_that_nobody_agreed_to_is_not_taken_later(
    folder: Path, agreed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment alone decided, `resume` is not to go where the plan file points."""
    evil = CoordinatorAddress(host="attacker")
    settings = replace(adding().settings, coordinator=evil, ssh=SshOptions(config="/tmp/evil"))
    plan = replace(adding(), settings=settings)
    taken = site_of(plan) if agreed else spec(HOSTS)
    manner = Manner(console=Console(out=None, err=None), json=False, assume_yes=True)
    monkeypatch.setattr("gpmirror.run.apply.apply", said_yes)
    with pytest.raises(Failure, match="cut off"):
        run_plan(plan, live(seen_before_add(), taken), Wishes(), manner)
    (run,) = folder.iterdir()
    found = site_of_run(run.name, plan, manner.console)
    assert (found.coordinator == evil) is agreed
    assert (found.ssh.config == "/tmp/evil") is agreed


def test_a_rest_that_nobody_could_agree_to_leaves_the_run_partial(folder: Path) -> None:
    recorded(folder, OLD, NATIVE, end(ExitCode.PARTIAL, "stopped"), resumed("me"))
    hand_over(OLD, NEW, Far())  # type: ignore[arg-type]
    standing, _ = read_run(folder, OLD)
    assert (standing.continued_as, standing.exit_code) == (None, ExitCode.PARTIAL)
    assert standing.summary == "its rest was not begun: nobody was there to agree to it"
