"""What programs read: the same facts as the text, whole, with a version."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gpmirror.adapters.runs import RunJournal, create_run
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.render.json import applied_already_json, content_json, host_json, preflight_json
from gpmirror.render.whatif import whatif_json
from gpmirror.run.record import Opening, end, step
from gpmirror.whatif import Question, compare
from tests.clusters import mirrored, spec
from tests.plans import HOSTS, adding, moving, seen_before_add, seen_before_moves, unchanged
from tests.shapes import aligned_text

Shown = pytest.CaptureFixture[str]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json.md"


def documented(name: str) -> set[str]:
    """The keys that the page promises for a command."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1, name
    return {word.strip("`") for word in rows[0].split("|")[3].split(", ") if word.strip()} - {""}


def read(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert found["format_version"] == "1.0"
    assert {*found} - {"format_version"} == {one.strip(" `") for one in documented(name)}
    return found


def test_preflight() -> None:
    plan = adding()
    checks = (
        Check(host="sdw1", name="space", result=Result.BAD, detail="full", remedy="make room"),
        Check(host="sdw1", name="ports", result=Result.OK, detail="free"),
    )
    found = read(
        preflight_json(plan, Preflight(checks=checks, hazards=()), code=9), "gpmirror preflight"
    )
    assert (found["ready"], found["exit_code"]) == (False, 9)
    assert [(one["name"], one["result"], one["blocks"]) for one in found["checks"]] == [
        ("space", "bad", True),
        ("ports", "ok", False),
    ]
    assert read(applied_already_json(plan), "gpmirror preflight")["ready"] is True


def test_content_and_host_tell_what_the_text_tells() -> None:
    plan, seen = moving(), seen_before_moves()
    change = plan.changes[0]
    found = read(content_json(plan, seen, change.content), "gpmirror explain content N")
    assert found["change"]["to"]["host"] == change.to.host  # type: ignore[union-attr]
    assert found["change"]["reason"] == change.reason
    assert len(found["observed"]) == 2
    assert found["waves"]
    assert len(found["waves"]) == len(found["exposure"])
    host = read(host_json(plan, seen, HOSTS[0]), "gpmirror explain host H")
    loads = {load.host: load for load in plan.layout.after.hosts}
    assert host["mirrors"]["after"] == loads[HOSTS[0]].mirrors
    assert host["primaries_of"]
    quiet = read(content_json(unchanged(), mirrored(HOSTS, 2), 0), "gpmirror explain content N")
    assert (quiet["change"], quiet["waves"]) == (None, [])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "bare.txt").write_text(aligned_text(seen_before_add()))
    (tmp_path / "full.txt").write_text(aligned_text(mirrored(HOSTS, 2)))
    return tmp_path


def test_runs(folder: Path, capsys: Shown) -> None:
    name = "20261121T070539Z-aaaaaa"
    journal = RunJournal(create_run(folder / "gpmirror" / "runs", name, "{}"), None)
    journal.write(
        Opening(run=name, plan_id="9c", cluster="prod", by="me@here", version="0").record()
    )
    journal.write(step("host-actions", "begin"))
    journal.write(end(ExitCode.PARTIAL, "stopped"))
    for words in (["runs", "--json"], ["runs", name, "--json"]):
        assert main(words) == ExitCode.OK
        (run,) = read(capsys.readouterr().out, "gpmirror runs")["runs"]
        assert (run["run"], run["state"], run["exit_code"]) == (name, "partial", 10)
        assert run["unfinished"] == ["host-actions"]


def test_no_runs(folder: Path, capsys: Shown) -> None:
    assert main(["runs", "--json"]) == ExitCode.OK
    assert read(capsys.readouterr().out, "gpmirror runs")["runs"] == []


def test_diff_of_catalogs(folder: Path, capsys: Shown) -> None:
    assert main(["diff", "bare.txt", "full.txt", "--json"]) == ExitCode.DIFFERENCES
    found = read(capsys.readouterr().out, "gpmirror diff (catalogs)")
    assert found["kind"] == "catalog"
    assert {row["kind"] for row in found["rows"]} == {"added"}
    assert main(["diff", "full.txt", "full.txt", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["differs"] is False


def test_plans_and_their_diff(folder: Path, capsys: Shown) -> None:
    (folder / "gpmirror.yaml").write_text(
        "apiVersion: gpmirror/v1\ncluster: {name: prod}\nhosts:\n"
        "  - {name: 'sdw[1-4]', roots: [/data/mirror]}\n"
        "mirrors: {strategy: group, ports: {offset: 1000}}\n"
    )
    assert main(["plan", "--catalog", "bare.txt", "--json"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert json.loads(text)["plan_id"]
    (folder / "p.json").write_text(text)
    assert main(["show", "p.json", "--json"]) == ExitCode.OK
    assert capsys.readouterr().out == text
    assert main(["diff", "p.json", "p.json", "--json"]) == ExitCode.OK
    found = read(capsys.readouterr().out, "gpmirror diff (plans)")
    assert (found["kind"], found["differs"], found["changed"]) == ("plan", False, [])
    assert main(["plan", "--catalog", "bare.txt", "--json", "--format", "md"]) == ExitCode.USAGE


def test_what_strategies_would_mean() -> None:
    """A row is told on the page in a paragraph of its own."""
    wanted = spec(HOSTS)
    text = whatif_json(compare(wanted, seen_before_moves(), Question()))
    found = read(text, "gpmirror whatif")
    rows = {key for row in found["rows"] for key in row}
    assert rows - set(re.findall(r"`(\w+)`", PAGE.read_text())) == set()


def test_a_name(capsys: Shown) -> None:
    assert main(["explain", "space", "--json"]) == ExitCode.OK
    assert read(capsys.readouterr().out, "gpmirror explain NAME")["kind"] == "host check"
