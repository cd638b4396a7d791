"""The log file: every command leaves its begin and end, and no secret."""

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from gpmirror.cli.logbook import Logbook, open_logbook
from gpmirror.cli.main import main
from gpmirror.events import NativeSaid, RunEnded
from gpmirror.model.dialect import DialectName

SPEC = str(Path(__file__).parents[3] / "examples" / "two-hosts" / "gpmirror.yaml")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "gpmirror.log"


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def opened(log: Path, **environment: str) -> Logbook:
    return open_logbook(str(log), environment)


@pytest.mark.parametrize("form", ["before", "behind", "joined", "variable"])
def test_a_command_leaves_its_begin_and_end(
    log: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "variable":
        monkeypatch.setenv("GPMIRROR_LOG_FILE", str(log))
    option = ["--log-file", str(log)]
    words = {
        "before": [*option, "validate", SPEC],
        "behind": ["validate", SPEC, *option],
        "joined": ["validate", SPEC, f"--log-file={log}"],
        "variable": ["validate", SPEC],
    }[form]
    assert main(words) == 0
    begin, end = lines(log)
    assert (begin["kind"], begin["level"], begin["arguments"]) == (
        "command",
        "info",
        ["validate", SPEC],
    )
    assert (end["kind"], end["level"], end["exit_code"]) == ("end", "info", 0)
    assert begin["pid"] == end["pid"] == os.getpid()
    assert begin["time"].endswith("Z")
    assert end["time"] >= begin["time"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_words_errors_and_findings_have_levels(log: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: gpmirror/v2\n")
    for words in (["validate", "nowhere.yaml"], ["validate", str(bad)], ["valdate"]):
        assert main([*words, "--quiet", "--log-file", str(log)]) != 0
    told = lines(log)
    assert [one["kind"] for one in told].count("command") == 3
    assert {"level": "error", "kind": "said"}.items() <= told[1].items()
    assert "nowhere.yaml" in told[1]["text"]
    found = next(one for one in told if one["kind"] == "finding")
    assert (found["level"], found["code"][:5]) == ("error", "GPM-V")
    assert found["place"].startswith(str(bad))
    assert [one["level"] for one in told if one["kind"] == "end"] == ["error"] * 3


def test_remarks_are_kept_although_quiet(log: Path) -> None:
    from gpmirror.cli.console import Console

    for quiet in (True, False):
        kept = opened(log)
        Console(out=None, err=None, quiet=quiet, log=kept).talk("warning: low on disk")
        kept.end(2)
    assert [(one["kind"], one["level"]) for one in lines(log)] == [
        ("said", "warning"),
        ("end", "info"),
    ] * 2


def test_what_a_run_tells_is_in_it(log: Path) -> None:
    kept = opened(log)
    kept.event(NativeSaid(wave=1, level="warning", text="password=hidden9 taken"))
    kept.event(RunEnded(run="r", exit_code=10, summary="stopped", next_actions=(), seconds=1.0))
    kept.end(10)
    first, second, _ = lines(log)
    assert first["event"]["event"] == "native_said"
    assert "hidden9" not in json.dumps(first)
    assert (first["level"], second["level"]) == ("warning", "error")


@pytest.mark.parametrize(
    "words",
    [
        "postgresql://gpadmin:hunter22@mdw/postgres",
        "host=mdw password=hunter22 user=x",
        "password = 'hunter22'",
        "PGPASSWORD: hunter22",
        "it was hunter22 all along",
    ],
)
def test_secrets_are_left_out(log: Path, words: str) -> None:
    kept = opened(log, PGPASSWORD="hunter22" if words.startswith("it was") else "")
    kept.begin(["snapshot", words])
    kept.said(words)
    kept.end(0)
    text = log.read_text(encoding="utf-8")
    assert "hunter22" not in text
    assert text.count("***") == 2


@pytest.mark.parametrize("kind", ["link", "folder", "open", "missing", "pipe", "nameless"])
def test_a_file_that_will_not_do_is_refused_before_anything(
    log: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    match kind:
        case "link":
            log.symlink_to(log.with_name("other"))
        case "folder":
            log.mkdir()
        case "open":
            log.touch()
            log.chmod(0o644)
        case "missing":
            log = log / "in" / "nowhere"
        case "pipe":
            os.mkfifo(log)
        case _:
            pass
    option = ["--log-file"] if kind == "nameless" else ["--log-file", str(log)]
    assert main(["validate", SPEC, *option]) == (64 if kind == "nameless" else 1)
    said = capsys.readouterr()
    assert said.out == ""
    reason = {
        "link": "it is a link",
        "folder": "Is a directory",
        "open": "has mode 0644: others may read or write it",
        "missing": "No such file or directory",
        "pipe": "No such device or address",
        "nameless": "needs the name of a file",
    }[kind]
    assert reason in said.err
    assert "hint: " in said.err


def test_a_full_disk_is_told_and_changes_nothing(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Logbook(path="app.log", descriptor=os.open("/dev/full", os.O_WRONLY), secrets=())
    monkeypatch.setattr("gpmirror.cli.logbook.open_logbook", lambda *_: full)
    assert main(["validate", SPEC, "--log-file", str(log)]) == 0
    assert "the log file app.log is not whole: No space left on device" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--version", "--json"], ["--json", "-V"]])
def test_the_version_tells_what_a_bug_report_needs(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dialects"] == [name.value for name in DialectName]
    assert told["python"]["version"][:4] == f"3.{sys.version_info.minor}"
    assert {"pydantic", "psycopg", "typer"} <= set(told["libraries"])


def test_json_alone_belongs_to_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "status"]) == 64
    assert "--json stands behind the name of a command" in capsys.readouterr().err
