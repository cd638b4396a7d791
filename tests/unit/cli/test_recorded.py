"""Runs by name for `prune`, `revert` and `resume`: known here, known elsewhere, or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.adapters.runs import Agreed, RunJournal, create_run, keep_agreed, keep_run
from gpmirror.cli.console import Console
from gpmirror.cli.live_run import first_recorded, recorded, site_of_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode, Failure, Unsafe
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id, plan_text
from gpmirror.run.record import PLAN, Opening, Record, step
from gpmirror.spec.model import CoordinatorAddress, Spec, SshOptions
from tests.plans import adding, moving, unchanged

Shown = pytest.CaptureFixture[str]
NAME = "20261121T070539Z-aaaaaa"
SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: far, coordinator: {host: 127.0.0.1, port: 1, user: me, database: postgres}}
hosts:
  - {name: "sdw[1-2]", roots: [/data/mirror]}
mirrors: {strategy: group, ports: {offset: 1000}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state" / "gpmirror" / "runs"


QUIET = Console(out=None, err=None)


def elsewhere(plan: Plan) -> Plan:
    """The same plan, with a coordinator and an SSH configuration of somebody else's."""
    evil = CoordinatorAddress(host="attacker", user="root")
    settings = replace(plan.settings, coordinator=evil, ssh=SshOptions(config="/tmp/evil"))
    return replace(plan, settings=settings)


def say_yes(folder: Path, plan: Plan, name: str = NAME, *, as_planned: bool = True) -> None:
    keep_agreed(folder, name, Agreed(plan_id=plan_id(plan), allow=(), as_planned=as_planned))


def keep(folder: Path, plan: Plan, name: str = NAME) -> Path:
    run = create_run(folder, name, plan_text(plan))
    opening = Opening(run=name, plan_id=plan_id(plan), cluster="c", by="me", version="0")
    RunJournal(run, None).write(opening.record())
    return run


def test_a_run_of_this_machine(folder: Path) -> None:
    plan = moving()
    run = keep(folder, plan)
    assert recorded(NAME, via_ssh=False)[0] == run
    standing, read = recorded(NAME, via_ssh=False)[1:]
    assert (standing.run, standing.plan_id) == (NAME, plan_id(plan))
    assert read == plan


@pytest.mark.parametrize("name", ["", "../../etc", "a/b", ".hidden", "-x", "n" * 101, "a\nb", "ä"])
def test_names_that_no_run_has(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    with pytest.raises(Failure, match="no run"):
        recorded(name, via_ssh=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("command", ["prune", "revert", "resume"])
def test_a_run_that_nobody_here_knows(command: str, capsys: Shown) -> None:
    assert main([command, NAME]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert f"no run {NAME} in " in err
    assert (
        "no gpmirror.yaml that names the coordinator whose host may know it in this folder" in err
    )
    assert "hint: " in err


@pytest.mark.parametrize("command", ["prune", "revert"])
def test_the_coordinator_that_the_spec_names_is_asked(
    command: str, tmp_path: Path, folder: Path, capsys: Shown
) -> None:
    (tmp_path / "gpmirror.yaml").write_text(SPEC)
    assert main([command, NAME]) == ExitCode.ERROR
    assert "cannot connect" in capsys.readouterr().err
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("command", ["prune", "revert", "resume"])
def test_another_plan_than_the_runs_own(command: str, folder: Path, capsys: Shown) -> None:
    """A whole plan with the right checksum, put in the place of the one that was carried out."""
    run = keep(folder, moving())
    (run / PLAN).write_text(plan_text(adding()))
    assert main([command, NAME]) == ExitCode.ERROR
    assert f"run {NAME} was begun with plan" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["prune", "revert"])
def test_a_plan_that_was_edited(command: str, folder: Path, capsys: Shown) -> None:
    run = keep(folder, adding())
    text = (run / PLAN).read_text()
    (run / PLAN).write_text(text.replace("sdw1", "sdw9", 1))
    assert main([command, NAME]) == ExitCode.INVALID
    assert f"{NAME}/plan.json" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "not json", '{"record": "run"}\n', '{"record": "step"}\n'])
@pytest.mark.parametrize("command", ["prune", "revert"])
def test_a_journal_that_is_none(command: str, text: str, folder: Path, capsys: Shown) -> None:
    run = keep(folder, adding())
    (run / "journal.jsonl").write_text(text)
    assert main([command, NAME]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "journal" in err
    assert "Traceback" not in err


def continuing(folder: Path, plan: Plan, name: str, earlier: str | None) -> None:
    run = create_run(folder, name, plan_text(plan))
    opening = Opening(
        run=name, plan_id=plan_id(plan), cluster="c", by="me", version="0", continues=earlier
    )
    RunJournal(run, None).write(opening.record())


def test_the_whole_is_the_plan_of_the_first_run(folder: Path) -> None:
    names = [f"20261121T07053{number}Z-aaaaaa" for number in (9, 8, 7)]
    plans = [moving(), adding(), unchanged()]
    continuing(folder, plans[0], names[0], None)
    continuing(folder, plans[1], names[1], names[0])
    continuing(folder, plans[2], names[2], names[1])
    for name in names:
        standing, plan = first_recorded(name, via_ssh=False)
        assert (standing.run, plan) == (names[0], plans[0])


def test_runs_that_go_around_in_circles_end(folder: Path) -> None:
    other = "20261121T070540Z-bbbbbb"
    continuing(folder, moving(), NAME, other)
    continuing(folder, moving(), other, NAME)
    assert first_recorded(NAME, via_ssh=False)[0].run in {NAME, other}


@pytest.mark.parametrize(
    ("steps", "changed", "pruned"),
    [
        ((), False, False),
        ((step("lock", "begin"),), False, False),
        ((step("host-actions", "begin"),), True, False),
        ((step("wave-001/gate", "begin"),), True, False),
        ((step("prune/aside", "begin"), step("prune/delete", "begin")), False, False),
        ((step("prune/delete", "begin"), step("prune/delete", "done")), False, True),
    ],
)
def test_a_prune_is_no_change_of_the_run(
    folder: Path, steps: tuple[Record, ...], changed: bool, pruned: bool
) -> None:
    run = keep(folder, moving())
    for record in steps:
        RunJournal(run, None).write(record)
    standing, _ = first_recorded(NAME, via_ssh=False)
    assert (standing.changed_something, standing.was_pruned) == (changed, pruned)


def test_a_run_of_another_machine_is_reached_as_the_operator_here_says(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plan names an SSH configuration and a coordinator of that machine."""
    plan = elsewhere(adding())
    keep(folder, plan)
    say_yes(folder, plan)
    assert site_of_run(NAME, plan, QUIET).ssh.config == "/tmp/evil", "it was confirmed here"
    other = f"{NAME}1"
    opening = Opening(run=other, plan_id=plan_id(plan), cluster="c", by="me", version="0")
    keep_run(folder, other, f"{json.dumps(opening.record())}\n", plan_text(plan))
    found = site_of_run(other, recorded(other, via_ssh=False)[2], QUIET)
    assert (found.coordinator, found.ssh) == (CoordinatorAddress(), SshOptions())
    (tmp_path / "gpmirror.yaml").write_text(SPEC)
    found = site_of_run(other, plan, QUIET)
    assert (found.coordinator.host, found.coordinator.user) == ("127.0.0.1", "me")
    assert found.ssh == SshOptions()


@pytest.mark.parametrize(
    "words", [("resume",), ("resume", NAME), ("prune", NAME), ("revert", NAME)]
)
def test_a_copied_run_folder_does_not_say_how_the_cluster_is_reached(
    words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    """Whole in itself, of this account and closed to others: and nobody here ever said yes to it."""
    tried: list[str | None] = []

    def connect(spec: Spec, **_: object) -> None:
        tried.append(spec.coordinator.host)
        raise Failure("cannot connect")

    monkeypatch.setattr("gpmirror.cli.live_run.open_live", connect)
    for module in ("live_run", "wiring"):
        monkeypatch.setattr(f"gpmirror.cli.{module}.live_catalog", connect)
    plan = elsewhere(moving())
    RunJournal(keep(folder, plan), None).write(step("wave-001/native", "begin"))
    yes = ["--yes"] * (words[0] != "revert")
    for more in ([], yes):
        assert main([*words, *more]) == ExitCode.UNSAFE
        told = capsys.readouterr().err
        assert f"plan file {NAME}/plan.json says how the cluster is reached" in told
        assert "attacker" in told
        assert "--allow connection-from-plan" in told
    assert tried == []
    assert main([*words, "--allow", "connection-from-plan"]) == ExitCode.ERROR
    say_yes(folder, plan)
    assert main([*words]) == ExitCode.ERROR
    assert tried == ["attacker", "attacker"]


def test_a_yes_to_another_plan_or_another_way_there_is_none(folder: Path) -> None:
    plan = elsewhere(adding())
    keep(folder, plan)
    say_yes(folder, elsewhere(moving()))
    with pytest.raises(Unsafe, match="attacker"):
        site_of_run(NAME, plan, QUIET)
    (folder.parent / "confirmed" / f"{NAME}.json").unlink()
    say_yes(folder, plan, as_planned=False)
    assert site_of_run(NAME, plan, QUIET).coordinator == CoordinatorAddress()


def test_a_yes_that_others_may_have_written_is_refused(folder: Path) -> None:
    plan = elsewhere(adding())
    keep(folder, plan)
    say_yes(folder, plan)
    yes = folder.parent / "confirmed" / f"{NAME}.json"
    yes.chmod(0o666)
    with pytest.raises(Failure, match="others may write it"):
        site_of_run(NAME, plan, QUIET)
    yes.chmod(0o600)
    yes.write_text('{"run": "cut o')
    with pytest.raises(Unsafe, match="attacker"):
        site_of_run(NAME, plan, QUIET)


def test_prune_allows_the_connection_alone(folder: Path, capsys: Shown) -> None:
    keep(folder, moving())
    assert main(["prune", NAME, "--allow", "same-host"]) == ExitCode.USAGE
    assert "--allow same-host: prune takes connection-from-plan alone" in capsys.readouterr().err
