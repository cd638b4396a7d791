"""`gpmirror prune` before it reaches a cluster; on one it is tested end to end."""

from pathlib import Path

import pytest

from gpmirror.adapters.runs import RunJournal, create_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.journal.records import Opening
from gpmirror.plan.planfile import plan_id, plan_text
from tests.plans import moving

NAME = "20261121T070539Z-aaaaaa"


@pytest.mark.parametrize("command", ["prune", "revert"])
def test_a_run_is_named(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == ExitCode.USAGE
    assert "RUN" in capsys.readouterr().err


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
