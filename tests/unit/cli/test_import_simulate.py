"""import and simulate, from arguments to output and exit code."""

import json
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode

ROOT = Path(__file__).parents[3]
CATALOGS = ROOT / "tests" / "fixtures" / "catalogs"
CONFIGS = ROOT / "tests" / "fixtures" / "configs"
EXAMPLES = ROOT / "examples"
MIRRORED = str(EXAMPLES / "two-hosts" / "catalog-mirrored.txt")
BLOCKS = EXAMPLES / "block-of-4"

Shown = pytest.CaptureFixture[str]


def test_import_prints_a_spec_that_plans_to_nothing(tmp_path: Path, capsys: Shown) -> None:
    spec = str(tmp_path / "spec.yaml")
    assert main(["import", "--catalog", MIRRORED, "-o", spec, "--name", "dwh"]) == ExitCode.OK
    assert capsys.readouterr().out == f"Wrote {spec}: 2 hosts, group, no pins.\n"
    assert "  name: dwh\n" in Path(spec).read_text()
    assert main(["plan", spec, "--catalog", MIRRORED, "--detailed-exitcode"]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-1].startswith("No changes. ")


def test_import_is_in_standard_form(tmp_path: Path) -> None:
    spec = str(tmp_path / "spec.yaml")
    assert main(["import", "--catalog", str(BLOCKS / "catalog.txt"), "-o", spec]) == ExitCode.OK
    assert main(["fmt", "--check", spec]) == ExitCode.OK


def test_import_replaces_a_file_only_when_told(tmp_path: Path, capsys: Shown) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("mine\n")
    arguments = ["import", "--catalog", MIRRORED, "-o", str(spec)]
    assert main(arguments) == ExitCode.ERROR
    assert spec.read_text() == "mine\n"
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "--force"]) == ExitCode.OK


def test_remarks_go_to_stderr(capsys: Shown) -> None:
    saved = str(CATALOGS / "28-greengage7-segment-down.array")
    assert main(["import", "--catalog", saved]) == ExitCode.OK
    shown = capsys.readouterr()
    assert "note: 1 blocked: content 0\n" in shown.err
    assert "name: 28-greengage7-segment-down\n" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--catalog", MIRRORED, "--via-ssh"], ExitCode.USAGE, "leave one of them out"),
        (["--table", "1"], ExitCode.USAGE, "add `--catalog FILE`"),
        ([], ExitCode.ERROR, "cannot connect to localhost:5432"),
        (["--catalog", MIRRORED, "--name", "Not A Name"], ExitCode.USAGE, "not a cluster name"),
        (
            ["--catalog", str(CONFIGS / "02-add-gp5-fullwidth-colons.txt")],
            ExitCode.INVALID,
            "U+FF1A",
        ),
        (["--catalog", str(ROOT / "README.md")], ExitCode.INVALID, "no catalog table found"),
        (
            ["--catalog", str(CATALOGS / "07-gp7.2.0-failover-3-states.md")],
            ExitCode.INVALID,
            "--table",
        ),
        (
            ["--catalog", str(CATALOGS / "23-gp6.17.0-content-hole.txt")],
            ExitCode.INVALID,
            "content gaps",
        ),
    ],
)
def test_import_refuses(
    arguments: list[str],
    code: ExitCode,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Shown,
) -> None:
    monkeypatch.setenv("PGHOST", str(tmp_path))
    assert main(["import", *arguments]) == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert not shown.out


def test_simulate_judges_a_catalog(capsys: Shown) -> None:
    assert main(["simulate", MIRRORED]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "lose sdw1: 0 contents lost; sdw2 2 -> 4 primaries (x2.0)\n" in out
    assert "fatal host pairs: 1 of 1\n" in out


def test_simulate_counts_down_copies_as_absent(capsys: Shown) -> None:
    saved = str(CATALOGS / "16-gp6.4.0-after-host-failure.txt")
    assert main(["simulate", saved]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "(4 copies down: counted as absent)" in out
    assert "4 contents lost (0, 1, 2, 3)" in out


def test_simulate_judges_the_desired_layout_of_a_spec(capsys: Shown) -> None:
    spec, catalog = str(BLOCKS / "gpmirror.yaml"), str(BLOCKS / "catalog.txt")
    assert main(["simulate", spec, "--catalog", catalog, "--lose", "rack:a"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "lose rack a: 0 contents lost;" in out
    assert "fatal host pairs: 12 of 28\n" in out


def test_simulate_plays_a_plan_wave_by_wave(tmp_path: Path, capsys: Shown) -> None:
    plan = str(tmp_path / "plan.json")
    spec, catalog = str(BLOCKS / "gpmirror.yaml"), str(BLOCKS / "catalog.txt")
    assert main(["plan", spec, "--catalog", catalog, "-o", plan]) == ExitCode.OK
    capsys.readouterr()
    assert main(["simulate", plan]) == ExitCode.OK
    titles = [line for line in capsys.readouterr().out.splitlines() if line.endswith(":")]
    assert titles == [
        "before the plan:",
        "during wave 1 of 2 (move):",
        "during wave 2 of 2 (move):",
        "after the plan:",
    ]
    assert main(["simulate", plan, "--json"]) == ExitCode.OK
    assert len(json.loads(capsys.readouterr().out)["sections"]) == 4


def test_simulate_lists_pairs_when_asked(capsys: Shown) -> None:
    assert main(["simulate", MIRRORED, "--k", "2", "--json"]) == ExitCode.OK
    assert len(json.loads(capsys.readouterr().out)["pairs"]) == 1
    assert main(["simulate", MIRRORED, "--k", "3"]) == ExitCode.USAGE


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([MIRRORED, "--lose", "host:sdw11"], ExitCode.INVALID, "did you mean `host:sdw1`?"),
        ([MIRRORED, "--catalog", MIRRORED], ExitCode.USAGE, "needs no --catalog"),
        ([str(BLOCKS / "gpmirror.yaml")], ExitCode.ERROR, "cannot connect to localhost:5432"),
        ([MIRRORED, "--via-ssh"], ExitCode.USAGE, "no live catalog is read"),
        (["-", "--catalog", "-"], ExitCode.USAGE, "cannot both"),
    ],
)
def test_simulate_refuses(
    arguments: list[str],
    code: ExitCode,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Shown,
) -> None:
    monkeypatch.setenv("PGHOST", str(tmp_path))
    assert main(["simulate", *arguments]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "[gpadmin@mdw ~]$ gpstate -m\n20190814:06:18:00:003263 gpstate:mdw:gpadmin-[INFO]:-x\n",
        " fsefsoid | fsedbid | fselocation\n----------+---------+--------\n 3052 | 2 | /data/gpseg0\n",
    ],
)
def test_output_of_other_commands_is_called_no_catalog(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "saved.txt"
    saved.write_text(text)
    assert main(["import", "--catalog", str(saved)]) == 3
    assert "error[GPM-C002]" in capsys.readouterr().err
