"""How a run whose rest another one does is closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpmirror.adapters.runs import RunJournal, create_run, read_run, runs_folder
from gpmirror.boundary import Answered, Reply
from gpmirror.cli.live_run import hand_over
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.journal.records import Opening, Record, end, resumed, step

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
