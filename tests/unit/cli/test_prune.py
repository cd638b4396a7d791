"""`gpmirror prune` before it reaches a cluster; on one it is tested end to end."""

from pathlib import Path

import pytest

from gpmirror.adapters.runs import RunJournal, create_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.plan.model import Action
from gpmirror.plan.planfile import plan_id, plan_text
from gpmirror.run.record import Opening, step, wave_step
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


@pytest.mark.parametrize("words", [[], ["--yes"]])
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
