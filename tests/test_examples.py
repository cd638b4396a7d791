"""Every example, through the real command line, byte for byte."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.render.status import METRICS

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(file.parent for file in (ROOT / "examples").glob("*/gpmirror.yaml"))
CATALOGS = sorted((ROOT / "examples").glob("*/catalog*.txt"))

Run = Callable[..., str]


@pytest.fixture(params=EXAMPLES, ids=lambda folder: folder.name)
def example(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of one example, also the current directory."""
    folder: Path = request.param
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must succeed; its stdout."""

    def call(*arguments: str) -> str:
        status = main(arguments)
        captured = capsys.readouterr()
        assert status == ExitCode.OK, captured.err
        return captured.out

    return call


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare with a file of the example, or write it with --write-golden."""

    def compare(file: Path, text: str) -> None:
        if request.config.getoption("--write-golden"):
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file} is missing: run `make golden` and review it"
        assert text == file.read_text(encoding="utf-8")

    return compare


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
    return found


def test_there_are_examples() -> None:
    names = {folder.name for folder in EXAMPLES}
    assert names == {"two-hosts", "single-host", "spread-4x4", "block-of-4"}


@pytest.mark.usefixtures("example")
def test_spec_is_sound_and_laid_out(run: Run) -> None:
    assert ": ok (" in run("validate")
    assert run("fmt", "--check") == ""


def test_plan_on_screen(example: Path, run: Run, kept: Callable[[Path, str], None]) -> None:
    kept(example / "plan.txt", run("plan", "--catalog", "catalog.txt"))


def test_native_lines(example: Path, run: Run, kept: Callable[[Path, str], None]) -> None:
    kept(example / "native.txt", run("plan", "--catalog", "catalog.txt", "--format", "native"))


@pytest.mark.usefixtures("example")
def test_plan_file_fits_its_schema(run: Run) -> None:
    plan = json.loads(run("plan", "--catalog", "catalog.txt", "--format", "json"))
    jsonschema.validate(plan, schema("plan"))


@pytest.mark.usefixtures("example")
def test_spec_fits_its_schema(example: Path) -> None:
    from ruamel.yaml import YAML

    spec = YAML(typ="safe").load(example / "gpmirror.yaml")
    jsonschema.validate(spec, schema("gpmirror"))


@pytest.mark.parametrize("file", CATALOGS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_snapshot_of_a_catalog_fits_its_schema(file: Path) -> None:
    from gpmirror.catalog import read_catalog, snapshot_text

    snapshot = snapshot_text(read_catalog(file.read_bytes(), file.name))
    jsonschema.validate(json.loads(snapshot), schema("snapshot"))


@pytest.mark.usefixtures("example")
def test_shown_plan_equals_the_first(run: Run, tmp_path: Path) -> None:
    planned = run("plan", "--catalog", "catalog.txt", "-o", str(tmp_path / "plan.json"))
    assert run("show", str(tmp_path / "plan.json")) == planned


def test_demo_is_a_script_that_always_takes_its_cluster_down() -> None:
    demo = (ROOT / "examples" / "demo.sh").read_text(encoding="utf-8")
    assert subprocess.run(["/bin/bash", "-n"], input=demo, text=True, check=False).returncode == 0
    assert demo.index("trap end EXIT") < demo.index("gpmirror lab up")


def test_demo_shows_commands_and_options_that_exist() -> None:
    from gpmirror.cli.commands import COMMANDS, load_command

    demo = (ROOT / "examples" / "demo.sh").read_text(encoding="utf-8")
    shown = re.findall(r"^expect \d gpmirror ([a-z]+)(.*)$", demo, re.M)
    assert shown
    for name, rest in shown:
        command = load_command(name, COMMANDS[name])
        options = {option for one in command.params for option in one.opts}
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= options, f"{name}{rest}"


def test_alerts_and_dashboard_ask_for_figures_that_exist() -> None:
    folder = ROOT / "examples" / "monitoring"
    panels = json.loads((folder / "dashboard.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = YAML(typ="safe").load(folder / "gpmirror.rules.yml")["groups"][0]["rules"]
    asked += [rule["expr"] for rule in rules]
    named = {name for text in asked for name in re.findall(r"gpmirror_(\w+)", text)}
    assert named <= set(METRICS)
    assert {"up", "in_sync", "contents"} <= named
