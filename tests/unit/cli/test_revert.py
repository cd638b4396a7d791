"""`gpmirror revert` before it reaches a cluster; on one it is tested end to end."""

from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode


@pytest.mark.parametrize("form", ["table", ""])
def test_formats_that_there_are_not(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revert", "r1", "--format", form]) == ExitCode.USAGE
    assert "--format" in capsys.readouterr().err


def test_names_to_allow_that_there_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["revert", "r1", "--allow", "moving"]) == ExitCode.INVALID
    assert "--allow moving: there is no such name" in capsys.readouterr().err


def test_the_plan_file_is_not_touched_where_there_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "back.json"
    out.write_text("mine")
    assert main(["revert", "20261121T070539Z-aaaaaa", "-o", str(out)]) == ExitCode.ERROR
    assert out.read_text() == "mine"
    assert "no run" in capsys.readouterr().err
