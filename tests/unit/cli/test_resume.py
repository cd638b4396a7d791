"""`gpmirror resume`: what is refused before a cluster is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpmirror.adapters.runs import Agreed, RunJournal, create_run, keep_agreed, read_run
from gpmirror.cli.console import Console
from gpmirror.cli.live_run import Live, Manner
from gpmirror.cli.main import main
from gpmirror.cli.resume import _last_unfinished, _resume
from gpmirror.errors import ExitCode
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id, plan_text
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.record import PLAN, Opening, Record, end, resumed, step
from tests.clusters import spec
from tests.plans import HOSTS, adding, seen_before_add

Shown = pytest.CaptureFixture[str]
NAME = "20261121T070539Z-aaaaaa"
NATIVE = step("wave-001/native", "begin")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "gpmirror" / "runs"


def recorded(
    folder: Path,
    *records: Record,
    name: str = NAME,
    plan: Plan | None = None,
    allow: tuple[str, ...] = (),
) -> Path:
    plan = plan or adding()
    run = create_run(folder, name, plan_text(plan))
    journal = RunJournal(run, None)
    opening = Opening(
        run=name, plan_id=plan_id(plan), cluster="c", by="me", version="0", allow=allow
    )
    journal.write(opening.record())
    for record in records:
        journal.write(record)
    return run


def refused(capsys: Shown, code: ExitCode, *words: str, name: str | None = NAME) -> None:
    assert main(["resume", *([] if name is None else [name])]) == code
    err = capsys.readouterr().err
    for word in (*words, "hint: "):
        assert word in err
    assert "Traceback" not in err


def test_nothing_to_resume(capsys: Shown) -> None:
    refused(capsys, ExitCode.ERROR, "can be resumed", "gpmirror runs", name=None)


def test_runs_that_are_over_or_changed_nothing(folder: Path, capsys: Shown) -> None:
    recorded(folder, end(ExitCode.OK, "Apply complete"))
    recorded(folder, end(ExitCode.DECLINED, "no"), name="20261121T070540Z-bbbbbb")
    refused(capsys, ExitCode.ERROR, f"run {NAME} is complete")
    refused(capsys, ExitCode.ERROR, "changed nothing", name="20261121T070540Z-bbbbbb")
    refused(capsys, ExitCode.ERROR, "can be resumed", name=None)


def test_a_run_that_a_later_one_followed_is_not_offered(folder: Path, capsys: Shown) -> None:
    later = "20261121T070540Z-bbbbbb"
    recorded(folder, NATIVE, end(ExitCode.PARTIAL, "stopped"))
    recorded(folder, NATIVE, end(ExitCode.OK, "Apply complete"), name=later)
    refused(capsys, ExitCode.ERROR, f"run {later} has changed cluster c after run {NAME}")
    refused(capsys, ExitCode.ERROR, "no run in ", "can be resumed", name=None)


def test_a_run_that_goes_on_elsewhere(folder: Path, capsys: Shown) -> None:
    recorded(folder, NATIVE, end(ExitCode.PARTIAL, "", continued_as="20261121T070540Z-bbbbbb"))
    refused(capsys, ExitCode.ERROR, "goes on as run 20261121T070540Z-bbbbbb")


def test_a_plan_that_was_edited(folder: Path, capsys: Shown) -> None:
    run = recorded(folder, NATIVE)
    text = (run / PLAN).read_text()
    (run / PLAN).write_text(text.replace("sdw1", "sdw9", 1))
    refused(capsys, ExitCode.INVALID, f"{NAME}/plan.json")


@pytest.mark.parametrize("text", ["", "{", "[]", "\0" * 99, '{"format_version": "9.0"}'])
def test_a_plan_that_is_none(folder: Path, capsys: Shown, text: str) -> None:
    run = recorded(folder, NATIVE)
    (run / PLAN).write_text(text)
    refused(capsys, ExitCode.INVALID, "plan.json")


def test_the_plan_of_another_run(folder: Path, capsys: Shown) -> None:
    run = recorded(folder, NATIVE)
    other = adding()
    body = json.loads(plan_text(other))
    journal = run / "journal.jsonl"
    journal.write_text(journal.read_text().replace(body["plan_id"], "f" * 64))
    refused(capsys, ExitCode.ERROR, "was begun with plan ffffffffffff", body["plan_id"][:12])


def test_a_resumed_run_is_open_again(folder: Path, capsys: Shown) -> None:
    """It is followed, so the cluster is asked: here there is none."""
    recorded(folder, NATIVE, end(ExitCode.PARTIAL, ""), resumed("me"))
    assert main(["resume"]) == ExitCode.ERROR
    assert "cannot connect" in capsys.readouterr().err


def test_a_name_to_allow_that_nobody_knows(folder: Path, capsys: Shown) -> None:
    recorded(folder, NATIVE)
    assert main(["resume", NAME, "--allow", "everything"]) == ExitCode.INVALID
    assert "everything" in capsys.readouterr().err


def test_without_a_name_a_run_of_the_cluster_here_is_meant(
    folder: Path, tmp_path: Path, capsys: Shown
) -> None:
    """In the folder of another cluster nobody means this one's half-done run."""
    recorded(folder, NATIVE)
    (tmp_path / "gpmirror.yaml").write_text(
        "apiVersion: gpmirror/v1\ncluster: {name: other}\n"
        "hosts: [{name: 'sdw[1-2]', roots: [/data/mirror]}]\n"
        "mirrors: {strategy: group, ports: {offset: 1000}}\n"
    )
    words = (f"no run of cluster other in {folder}", f"run {NAME} is one of cluster c: name it")
    refused(capsys, ExitCode.ERROR, *words, name=None)
    (tmp_path / "gpmirror.yaml").unlink()
    assert _last_unfinished() == NAME


def test_without_a_name_a_spec_that_cannot_be_read_leaves_the_cluster_open(
    folder: Path, tmp_path: Path, capsys: Shown
) -> None:
    """A run of some other cluster was taken up."""
    recorded(folder, NATIVE)
    (tmp_path / "gpmirror.yaml").write_text(
        "apiVersion: gpmirror/v1\n"
        "cluster: {nam: other}\nhosts: [{name: sdw1, roots: [/d]}]\n"
        "mirrors: {strategy: group, ports: {offset: 1}}\n"
    )
    words = ("no run is named", "gpmirror.yaml:2:", "required key `name`", "gpmirror resume RUN")
    refused(capsys, ExitCode.INVALID, *words, name=None)
    assert main(["resume", NAME]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert err.startswith("warning: spec ignored: gpmirror.yaml:2:")
    assert "cannot connect" in err


@pytest.mark.parametrize("said_yes", [True, False])
@pytest.mark.parametrize("yes", [True, False])
def test_only_a_yes_of_this_machine_answers_for_the_rest(
    folder: Path, said_yes: bool, yes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that was copied here may allow anything: it counts for nothing, and it is asked."""
    plan, taken = adding(), dict[str, Any]()
    recorded(folder, NATIVE, allow=("policy", "dead-lock"))
    if said_yes:
        agreed = Agreed(plan_id=plan_id(plan), allow=("policy",), as_planned=True)
        keep_agreed(folder, NAME, agreed)

    def settle(run: Run, *_: object) -> Outcome:
        taken["settled"] = run.wishes
        return Outcome(code=ExitCode.PARTIAL, summary="left", remaining=plan)

    def rest(_plan: Plan, _live: Live, wishes: Wishes, manner: Manner, **_: object) -> Outcome:
        taken["rest"], taken["sure"] = wishes, manner.assume_yes
        return Outcome(code=ExitCode.OK, summary="")

    standing, _ = read_run(folder, NAME)
    monkeypatch.setattr("gpmirror.run.resume.resume", settle)
    monkeypatch.setattr("gpmirror.cli.live_run.run_plan", rest)
    monkeypatch.setattr("gpmirror.cli.live_run.caught_up", lambda *_: standing)
    monkeypatch.setattr("gpmirror.run.gates.take_own_lock", lambda _: None)
    monkeypatch.setattr("gpmirror.run.resume.later_runs", lambda *_: [])
    nobody: Any = None
    live = Live(spec=spec(HOSTS), server=nobody, hosts=nobody, observed=seen_before_add())
    manner = Manner(console=Console(out=None, err=None), json=False, assume_yes=yes)
    assert _resume(plan, standing, live, manner, ("low-space",)) == ExitCode.OK
    allow = ("low-space", "policy") if said_yes else ("low-space",)
    assert taken["settled"] == Wishes(allow=allow, confirmed=said_yes)
    assert taken["rest"].allow == allow
    assert taken["sure"] is (said_yes or yes)
