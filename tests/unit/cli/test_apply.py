"""`gpmirror apply`: what is refused before a cluster is asked."""

import io
from pathlib import Path

import pytest

from gpmirror.cli.apply import _show
from gpmirror.cli.console import Console
from gpmirror.cli.live_run import Manner
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.plan.planfile import plan_text
from tests.plans import adding

Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def plan(folder: Path) -> str:
    (folder / "plan.json").write_text(plan_text(adding()))
    return "plan.json"


@pytest.mark.parametrize(
    "flag",
    [
        ["--content", "0"],
        ["--host", "sdw1"],
        ["--rebalance"],
        ["--full"],
    ],
)
def test_a_plan_file_is_not_selected_from(plan: str, flag: list[str], capsys: Shown) -> None:
    assert main(["apply", plan, "--yes", *flag]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert "plan.json is a plan file" in err
    assert "gpmirror plan" in err


@pytest.mark.parametrize("wave", ["0", "-1", "x", "1e9"])
def test_a_wave_that_is_none(plan: str, wave: str, capsys: Shown) -> None:
    assert main(["apply", plan, "--yes", "--stop-after-wave", wave]) == ExitCode.USAGE
    assert "--stop-after-wave" in capsys.readouterr().err


def test_an_unknown_name_to_allow(plan: str, capsys: Shown) -> None:
    assert main(["apply", plan, "--yes", "--allow", "everything"]) == ExitCode.INVALID
    assert "everything" in capsys.readouterr().err


def test_an_unknown_name_to_unprotect(plan: str, capsys: Shown) -> None:
    assert main(["apply", plan, "--yes", "--unprotect", "host:a"]) == ExitCode.INVALID
    assert "--unprotect host:a: there is no such name" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.yaml", ".", "/dev/null/x"])
def test_a_target_that_cannot_be_read(name: str, capsys: Shown) -> None:
    assert main(["apply", name, "--yes"]) == ExitCode.INVALID
    assert name in capsys.readouterr().err


def test_an_edited_plan(folder: Path, plan: str, capsys: Shown) -> None:
    text = (folder / plan).read_text()
    (folder / plan).write_text(text.replace("gpaddmirrors", "rm", 1))
    assert main(["apply", plan, "--yes"]) == ExitCode.INVALID
    assert "plan.json" in capsys.readouterr().err


def test_no_run_is_recorded_for_a_refusal_without_a_cluster(folder: Path, plan: str) -> None:
    assert main(["apply", plan, "--yes"]) == ExitCode.ERROR
    assert not (folder / "state").exists()


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize("asks", [True, False])
def test_what_is_asked_is_shown_where_the_question_stands(
    json: bool, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --quiet --json, and with standard output in a file, the question came out of nowhere."""
    monkeypatch.setattr("gpmirror.cli.apply.can_be_asked", lambda: True)
    out, err = io.StringIO(), io.StringIO()
    manner = Manner(console=Console(out=out, err=err, quiet=True), json=json, assume_yes=not asks)
    _show(adding(), manner, server=None, asks=asks)
    assert ("$ gpaddmirrors" in err.getvalue()) is asks
    assert ("$ gpaddmirrors" in out.getvalue()) is not json
