"""`gpmirror runs`: what journals on this machine tell, and names that are no runs."""

import json
from pathlib import Path

import pytest

from gpmirror.adapters.runs import RunJournal, create_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.run.record import JOURNAL, Opening, end, resumed, step, wave_step

Shown = pytest.CaptureFixture[str]
OLD, NEW = "20261121T070539Z-aaaaaa", "20261122T070539Z-bbbbbb"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "gpmirror" / "runs"


def begin(folder: Path, name: str, continues: str | None = None) -> RunJournal:
    journal = RunJournal(create_run(folder, name, "{}"), None)
    opening = Opening(
        run=name,
        plan_id="9c41d7ab12cd",
        cluster="prod",
        by="me@here",
        version="0",
        continues=continues,
    )
    journal.write(opening.record())
    return journal


def test_no_runs_yet(capsys: Shown) -> None:
    assert main(["runs"]) == ExitCode.OK
    assert "Traceback" not in capsys.readouterr().err


def test_runs_newest_first(folder: Path, capsys: Shown) -> None:
    first = begin(folder, OLD)
    first.write(step(wave_step(1, "native"), "begin"))
    first.write(end(ExitCode.PARTIAL, f"goes on as run {NEW}", continued_as=NEW))
    second = begin(folder, NEW, continues=OLD)
    second.write(step(wave_step(2, "native"), "begin"))
    second.write(end(ExitCode.OK, "Apply complete"))
    assert main(["runs"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.index(NEW) < out.index(OLD)
    assert "complete" in out
    assert "partial" in out
    assert main(["runs", OLD]) == ExitCode.OK
    told = capsys.readouterr().out
    assert f"goes on as run {NEW}" in told
    assert str(folder / OLD) in told
    assert main(["runs", NEW]) == ExitCode.OK
    assert f"does the rest of run {OLD}" in capsys.readouterr().out


def test_the_begin_of_a_name_is_enough_where_it_is_the_only_one(
    folder: Path, capsys: Shown
) -> None:
    for name in (OLD, NEW):
        begin(folder, name).write(end(ExitCode.OK, "Apply complete"))
    assert main(["runs", OLD[:8]]) == ExitCode.OK
    assert OLD in capsys.readouterr().out
    for command in ("runs", "prune", "revert", "resume"):
        assert main([command, "202611"]) == ExitCode.ERROR
        said = " ".join(capsys.readouterr().err.split())
        assert f"2 runs begin with 202611: {NEW}, {OLD}" in said
        assert "hint: write more of the name" in said
    assert main(["prune", OLD[:8]]) != ExitCode.OK
    assert f"{OLD}/plan.json" in capsys.readouterr().err, "it was found; its plan here is none"


@pytest.mark.parametrize(
    ("records", "state"),
    [
        ([], "unknown"),
        ([step("detach", "done")], "detached"),
        ([end(ExitCode.PREFLIGHT, "host checks")], "refused"),
        ([end(ExitCode.ERROR, "no session")], "failed"),
        ([end(ExitCode.UNVERIFIED, "not proved")], "partial"),
        ([end(ExitCode.PARTIAL, "stopped"), resumed("me")], "unknown"),
    ],
)
def test_states(folder: Path, capsys: Shown, records: list[dict[str, object]], state: str) -> None:
    journal = begin(folder, OLD)
    for record in records:
        journal.write(record)
    assert main(["runs", "--all"]) == ExitCode.OK
    assert state in capsys.readouterr().out


def test_what_a_journal_says_cannot_steer_the_terminal(folder: Path, capsys: Shown) -> None:
    hostile = "\x1b[2J\x1b]0;pwned\x07 \r\b\x9b31m"
    journal = begin(folder, OLD)
    journal.write({**step(f"wave-001/{hostile}", "begin"), "time": hostile})
    journal.write(end(ExitCode.PARTIAL, hostile))
    text = (folder / OLD / JOURNAL).read_text()
    (folder / OLD / JOURNAL).write_text(text.replace('"prod"', json.dumps(hostile)))
    for words in (["runs"], ["runs", OLD]):
        assert main(words) == ExitCode.OK
        out, err = capsys.readouterr()
        assert all(c.isprintable() or c == "\n" for c in out + err), repr(out + err)


@pytest.mark.parametrize("name", ["../../etc", "$(id)", "", "a" * 5000, "nobody", "a\x1b[2J"])
@pytest.mark.parametrize("command", ["runs", "resume"])
def test_names_that_are_no_runs(capsys: Shown, command: str, name: str) -> None:
    assert main([command, name]) == ExitCode.ERROR
    err = capsys.readouterr().err
    assert "error: no run" in err
    assert "hint: " in err
    assert len(err) < 600
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("records", "listed"),
    [
        ([end(ExitCode.DECLINED, "not yes")], False),
        ([end(ExitCode.INTERRUPTED, "interrupted; nothing was changed")], False),
        ([end(ExitCode.OK, "already applied (run x), 0 changes")], False),
        ([end(ExitCode.LOCKED, "locked")], False),
        ([end(ExitCode.PREFLIGHT, "host checks")], False),
        ([], True),
        ([step("detach", "done")], True),
        ([end(ExitCode.ERROR, "no session")], True),
        ([step("host-actions", "begin"), end(ExitCode.OK, "done")], True),
        ([step(wave_step(1, "native"), "begin"), end(ExitCode.INTERRUPTED, "x")], True),
        ([end(ExitCode.DECLINED, "not yes"), resumed("me")], True),
    ],
)
def test_a_run_that_did_nothing_leaves_no_row(
    folder: Path, capsys: Shown, records: list[dict[str, object]], listed: bool
) -> None:
    journal = begin(folder, OLD)
    for record in records:
        journal.write(record)
    assert main(["runs"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert (OLD in shown.out) is listed
    assert shown.err.startswith("1 run ") is not listed
    assert ("`gpmirror runs --all`" in shown.err) is not listed
    assert (shown.err == "") is listed
    assert main(["runs", "--all"]) == ExitCode.OK
    assert OLD in capsys.readouterr().out
    assert main(["runs", OLD]) == ExitCode.OK
