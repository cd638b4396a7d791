"""init, validate, fmt and schema, from arguments to output and exit code."""

import io
import json
import sys
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode

SPEC = """\
# the ring
apiVersion: gpmirror/v1
cluster: {name: prod}
hosts:
  - name: sdw[1-4]
    roots: [/data/mirror]
mirrors:
  strategy: group
  ports: {offset: 1000}
"""
WRONG = SPEC.replace("group", "grup").replace("1000", "0")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(SPEC)
    (tmp_path / "wrong.yaml").write_text(WRONG)
    return tmp_path


Shown = pytest.CaptureFixture[str]


def test_init_writes_a_spec_that_validates(folder: Path, capsys: Shown) -> None:
    assert main(["init"]) == ExitCode.OK
    assert "gpmirror validate gpmirror.yaml" in capsys.readouterr().out
    assert main(["validate"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("gpmirror.yaml: ok (4 hosts, ")


def test_init_takes_its_file_with_o_as_the_other_commands(folder: Path, capsys: Shown) -> None:
    assert main(["init", "-o", "new.yaml"]) == ExitCode.OK
    assert "gpmirror validate new.yaml" in capsys.readouterr().out
    assert (folder / "new.yaml").exists()
    assert main(["init", "a.yaml", "-o", "b.yaml"]) == ExitCode.USAGE
    assert main(["init", "-o", "good.yaml"]) == ExitCode.ERROR


def test_init_never_overwrites(folder: Path, capsys: Shown) -> None:
    assert main(["init", "good.yaml"]) == ExitCode.ERROR
    assert "good.yaml: it exists" in capsys.readouterr().err
    assert (folder / "good.yaml").read_text() == SPEC


@pytest.mark.parametrize(
    ("change", "gist"),
    [
        (("group", "group"), "4 hosts, group, offset 1000"),
        (("sdw[1-4]", "sdw1"), "1 host, group, offset 1000"),
        (("group", "block\n  block_size: 2"), "4 hosts, block of 2, offset 1000"),
        (("offset: 1000", "mirror_base: 50000"), "4 hosts, group, mirror base 50000"),
    ],
)
def test_validate_says_what_it_read(
    change: tuple[str, str], gist: str, folder: Path, capsys: Shown
) -> None:
    (folder / "good.yaml").write_text(SPEC.replace(*change))
    assert main(["validate", "good.yaml"]) == ExitCode.OK
    assert capsys.readouterr().out == f"good.yaml: ok ({gist})\n"


def test_validate_reports_all_files_and_all_problems(folder: Path, capsys: Shown) -> None:
    assert main(["validate", "wrong.yaml", "good.yaml"]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-3:] == [
        "good.yaml      0  ok (4 hosts, group, offset 1000)",
        "",
        "2 specs, by exit code: 1 with 0, 1 with 3.",
    ]
    assert "wrong.yaml:8:" in shown.err
    assert "wrong.yaml:9:" in shown.err


def test_validate_for_machines(folder: Path, capsys: Shown) -> None:
    assert main(["validate", "wrong.yaml", "--json"]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["diagnostics"]) == 2
    assert not shown.err
    assert main(["validate", "wrong.yaml", "--sarif"]) == ExitCode.INVALID
    assert json.loads(capsys.readouterr().out)["version"] == "2.1.0"
    assert main(["validate", "wrong.yaml", "--github"]) == ExitCode.INVALID
    assert capsys.readouterr().out.count("::error ") == 2
    assert main(["validate", "good.yaml", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["diagnostics"] == []


def test_validate_expands(folder: Path, capsys: Shown) -> None:
    assert main(["validate", "good.yaml", "--expand"]) == ExitCode.OK
    expanded = capsys.readouterr().out
    assert all(f"sdw{number}" in expanded for number in (1, 2, 3, 4))
    (folder / "expanded.yaml").write_text(expanded)
    assert main(["validate", "expanded.yaml"]) == ExitCode.OK


def test_validate_reads_stdin(folder: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SPEC.encode())))
    assert main(["validate", "-"]) == ExitCode.OK
    assert "ok (4 hosts" in capsys.readouterr().out


def test_missing_spec_is_invalid_input(folder: Path, capsys: Shown) -> None:
    assert main(["validate"]) == ExitCode.INVALID
    assert "gpmirror init" in capsys.readouterr().err
    assert main(["validate", "god.yaml"]) == ExitCode.INVALID
    assert "did you mean good.yaml?" in capsys.readouterr().err


def test_fmt_reaches_a_fixed_point_and_keeps_comments(folder: Path, capsys: Shown) -> None:
    ragged = folder / "ragged.yaml"
    ragged.write_text(
        SPEC.replace("  strategy: group", "    strategy:   group").replace("  ports", "    ports")
    )
    assert main(["fmt", "--check", "ragged.yaml"]) == ExitCode.DIFFERENCES
    assert main(["fmt", "--diff", "ragged.yaml"]) == ExitCode.OK
    assert "+  strategy: group" in capsys.readouterr().out
    assert main(["fmt", "ragged.yaml"]) == ExitCode.OK
    assert "# the ring" in ragged.read_text()
    assert main(["fmt", "--check", "ragged.yaml"]) == ExitCode.OK


def test_fmt_writes_stdin_to_stdout(
    folder: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SPEC.encode())))
    assert main(["fmt", "-"]) == ExitCode.OK
    assert "# the ring" in capsys.readouterr().out


@pytest.mark.parametrize("data", [b"a: [", b"\xff\xfe", b"", b"a: 1\na: 2\n", b"\x00"])
def test_fmt_leaves_what_is_no_spec_alone(data: bytes, folder: Path, capsys: Shown) -> None:
    (folder / "odd.yaml").write_bytes(data)
    assert main(["fmt", "odd.yaml", "good.yaml"]) == ExitCode.INVALID
    assert "GPM-V" in capsys.readouterr().err
    assert (folder / "odd.yaml").read_bytes() == data


@pytest.mark.parametrize("name", ["spec", "plan", "snapshot"])
def test_schema_is_a_json_schema(name: str, capsys: Shown) -> None:
    assert main(["schema", name]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["$schema"].endswith("2020-12/schema")


def test_an_unreadable_file_hides_no_other_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faulty = tmp_path / "faulty.yaml"
    faulty.write_text("apiVersion: gpmirror/v2\n")
    missing = tmp_path / "missing.yaml"
    assert main(["validate", "--json", str(missing), str(faulty)]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert json.loads(shown.out)["diagnostics"]
    assert "cannot read" in shown.err
