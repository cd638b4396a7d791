"""`gpmirror prune` before it reaches a cluster; on one it is tested end to end."""

import json
from pathlib import Path

import pytest

from gpmirror.adapters.runs import RunJournal, create_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.model.text import counted
from gpmirror.native.directories import Leftover
from gpmirror.plan.model import Action
from gpmirror.plan.planfile import plan_id, plan_text
from gpmirror.run.record import FORGET, Opening, places, step, wave_step
from tests.plans import moving

NAME = "20261121T070539Z-aaaaaa"


def test_a_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revert"]) == ExitCode.USAGE
    assert "RUN" in capsys.readouterr().err


def test_without_a_run_those_that_left_directories_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that began and moved mirrors, one that was cut off in its first wave; no host is asked."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["prune"]) == ExitCode.OK
    assert capsys.readouterr().out == "No run of this machine left directories that may go.\n"
    plan = moving()
    every = [wave_step(wave.number, what) for wave in plan.waves for what in ("native", "sync")]
    moves = sum(one.action is Action.MOVE for one in plan.changes)
    for name, steps, also in (
        ("20261121T070539Z-aaaaaa", every, ()),
        ("20261122T070539Z-bbbbbb", [], ()),
        ("20261123T070539Z-cccccc", every, ("prune/delete",)),
        ("20261124T070539Z-dddddd", every[:1], ()),
    ):
        run = create_run(tmp_path / "gpmirror" / "runs", name, plan_text(plan))
        journal = RunJournal(run, None)
        journal.write(
            Opening(run=name, plan_id=plan_id(plan), cluster="c", by="me", version="0").record()
        )
        for one in (*steps, *also):
            journal.write(step(one, "begin"))
            if len(steps) > 1:
                journal.write(step(one, "done"))
    assert main(["prune"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert f"20261121T070539Z-aaaaaa  c: {moves} directories on sdw[1-3]" in out
    assert f"20261124T070539Z-dddddd  c: {2 * len(plan.waves[0].contents)} directories on" in out
    assert "bbbbbb" not in out
    assert "cccccc" not in out
    assert "`gpmirror prune RUN`" in out


def test_a_run_whose_rest_is_given_up_is_listed_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    plan = moving()
    folder = tmp_path / "gpmirror" / "runs"
    journal = RunJournal(create_run(folder, NAME, plan_text(plan)), None)
    journal.write(
        Opening(run=NAME, plan_id=plan_id(plan), cluster="c", by="me", version="0").record()
    )
    for wave in plan.waves:
        journal.write(step(wave_step(wave.number, "native"), "begin"))
        journal.write(step(wave_step(wave.number, "sync"), "done"))
    left = [
        Leftover(content=one.content, host=one.from_.host, path=path, at=path)
        for one in plan.changes
        if one.from_ is not None and (path := one.from_.directory) is not None
    ]
    gone = [one for one in left if one.host == "sdw1"]
    assert 0 < len(gone) < len(left)
    journal.write(step(FORGET, "done", places=places(gone)))
    assert main(["prune"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert f"{NAME}  c: {len(left) - len(gone)} directories on sdw[2-" in out
    assert main(["runs", NAME]) == ExitCode.OK
    assert (
        f"given up (`prune --forget`): {counted(len(gone), 'directory', 'directories')} on host sdw1"
        in (capsys.readouterr().out)
    )
    assert main(["runs", NAME, "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)["runs"][0]["given_up"]
    assert told == [f"{one.host}:{one.path}" for one in gone]
    journal.write(step(FORGET, "done", places=places(left)))
    assert main(["prune"]) == ExitCode.OK
    assert capsys.readouterr().out == "No run of this machine left directories that may go.\n"


def test_to_give_up_takes_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", "--forget", "sdw1"]) == ExitCode.USAGE
    assert "--forget needs the run" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["--yes"], ["--forget", "sdw1"]])
def test_without_its_cluster_nothing_is_written(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    plan = moving()
    run = create_run(tmp_path / "gpmirror" / "runs", NAME, plan_text(plan))
    opening = Opening(run=NAME, plan_id=plan_id(plan), cluster="c", by="me", version="0")
    RunJournal(run, None).write(opening.record())
    before = (run / "journal.jsonl").read_bytes()
    assert main(["prune", NAME, *words]) == ExitCode.ERROR
    assert "hint: " in capsys.readouterr().err
    assert (run / "journal.jsonl").read_bytes() == before
