"""Runs as the coordinator's host knows them, asked through a real shell."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.errors import Failure
from gpmirror.native.process import RUNS, keep_script
from gpmirror.run.record import Opening, step
from gpmirror.run.resume import far_files, far_journal, later_runs
from gpmirror.run.wave import FarJournal

FIRST, SECOND, THIRD = (f"20261121T07053{number}Z-aaaaaa" for number in (1, 2, 3))


class Home:
    """The coordinator's host: one home directory. `silent`: it does not answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.silent = False

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        return {host: self._run(host, script, seconds) for host, script in scripts.items()}

    change = ask

    def _run(self, host: str, script: str, seconds: float) -> Reply:
        if self.silent:
            words = f"{host} does not answer"
            return NoAnswer(host=host, why=Silence.UNREACHABLE, message=words, hint="wait")
        done = subprocess.run(
            ["sh"],
            input=script,
            env={"HOME": str(self.path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Answered(host=host, status=done.returncode, out=done.stdout, err=done.stderr)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def journal(name: str) -> str:
    opening = Opening(run=name, plan_id="p", cluster="c", by="me", version="0").record()
    records = (opening, step("wave-001/native", "begin"))
    return "".join(f"{json.dumps(record)}\n" for record in records)


def keep(home: Home, name: str) -> None:
    assert FarJournal(hosts=home, coordinator="mdw", run=name).replace(journal(name))


def test_runs_that_were_begun_later(home: Home) -> None:
    assert later_runs(home, "mdw", FIRST) == []
    for name in (FIRST, SECOND, THIRD):
        keep(home, name)
    (home.path / RUNS / "zz no run").mkdir()
    assert [found.run for found in later_runs(home, "mdw", FIRST)] == [SECOND, THIRD]
    assert all(found.changed_something for found in later_runs(home, "mdw", FIRST))
    assert later_runs(home, "mdw", THIRD) == []


def test_the_coordinators_numbers_tell_which_run_is_later(home: Home) -> None:
    """The machine of the first run was ahead of time: its name sorts last."""
    for name in (THIRD, FIRST, SECOND):
        keep(home, name)
        home.change({"mdw": keep_script(name, [])}, seconds=20)
    assert {found.run for found in later_runs(home, "mdw", THIRD)} == {FIRST, SECOND}
    assert [found.run for found in later_runs(home, "mdw", FIRST)] == [SECOND]
    assert later_runs(home, "mdw", SECOND) == []


def test_a_journal_that_is_not_there_is_empty(home: Home) -> None:
    assert far_journal(home, "mdw", FIRST) == ""
    keep(home, FIRST)
    assert far_journal(home, "mdw", FIRST) == journal(FIRST)
    with pytest.raises(Failure, match=f"no run {FIRST} on mdw either"):
        far_files(home, "mdw", FIRST)


def test_a_host_that_does_not_answer_is_not_a_host_without_runs(home: Home) -> None:
    home.silent = True
    for asked in (far_journal, later_runs, far_files):
        with pytest.raises(Failure, match="mdw does not answer"):
            asked(home, "mdw", FIRST)


@pytest.mark.parametrize("which", ["", SECOND])
def test_what_others_may_have_written_there_is_no_silence(home: Home, which: str) -> None:
    """A later run must not be hidden by opening its folder to others."""
    for name in (FIRST, SECOND):
        keep(home, name)
    folder = home.path / RUNS / which
    folder.chmod(0o770)
    with pytest.raises(Failure, match="is not this account's alone: drwxrwx---") as caught:
        later_runs(home, "mdw", FIRST)
    assert str(folder) in caught.value.message
    assert "`chmod go-w`" in (caught.value.hint or "")
    with pytest.raises(Failure, match="this account's alone"):
        far_files(home, "mdw", SECOND)
