"""What hands and shells expect of any program: short options, variables, colours, streams."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gpmirror.catalog import read_catalog, snapshot_text
from gpmirror.cli.commands import COMMANDS, load_command
from gpmirror.cli.console import GlobalFlags, open_console
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.inputs import InputKind, kind_of
from tests.clusters import mirrored, mirrorless
from tests.shapes import aligned_text

SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: prod}
hosts:
  - name: sdw[1-3]
    roots: [/data/mirror]
mirrors:
  strategy: group
  ports: {offset: 1000}
"""
HOSTS = ("sdw1", "sdw2", "sdw3")
CODE = "import sys; from gpmirror.cli.main import main; sys.exit(main(sys.argv[1:]))"
Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGHOST", str(tmp_path))  # nobody's socket is there
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "prod.yaml").write_text(SPEC)
    (tmp_path / "bare.txt").write_text(aligned_text(mirrorless(HOSTS, 2)))
    (tmp_path / "full.txt").write_text(aligned_text(mirrored(HOSTS, 2)))
    return tmp_path


@pytest.mark.parametrize(
    "words", [[], *([name] for name in COMMANDS), ["lab", "up"], ["lab", "ssh", "--help"]]
)
def test_h_is_help_everywhere(words: list[str], capsys: Shown) -> None:
    asked = words if words[-1:] == ["--help"] else [*words, "-h"]
    assert main(asked) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("Usage: gpmirror")
    assert re.findall(r"<str>|<int\b[^|>]*>|<float\b[^>]*>|list\[|<=x|x>=", out) == []
    assert (
        re.findall(r"^  ([a-z]+)  ", out.partition("Arguments:")[2].partition("Options:")[0]) == []
    )


@pytest.mark.parametrize(
    ("words", "known"), [([], "validate"), (["--quiet"], "runs"), (["lab"], "fail-over")]
)
def test_without_a_command_the_commands_are_listed(
    words: list[str], known: str, capsys: Shown
) -> None:
    assert main(words) == ExitCode.OK
    shown = capsys.readouterr()
    assert "Commands:" in shown.out
    assert known in shown.out
    assert "..." not in shown.out.partition("Commands:")[2]
    assert shown.err == ""


def test_version_in_short(capsys: Shown) -> None:
    assert main(["-V"]) == ExitCode.OK
    short = capsys.readouterr().out
    assert main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out == short


@pytest.mark.parametrize("name", ["apply", "resume", "prune"])
def test_yes_in_short(name: str) -> None:
    (yes,) = (one for one in load_command(name, COMMANDS[name]).params if one.name == "yes")
    assert yes.opts == ["--yes", "-y"]


def test_psql_keeps_its_own_h(capsys: Shown, tmp_path: Path) -> None:
    assert main(["lab", "psql", "-h", "mdw"]) == ExitCode.ERROR
    assert "no practice cluster" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["validate"], 0),
        (["fmt", "--check"], 0),
        (["plan", "--catalog", "bare.txt"], 0),
        (["simulate", "--catalog", "bare.txt"], 0),
        (["explain", "host", "sdw2", "--catalog", "bare.txt"], 0),
        (["status"], 1),
        (["snapshot"], 1),
        (["preflight"], 1),
        (["apply"], 1),
    ],
)
def test_the_spec_of_the_environment(
    command: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_SPEC", "missing.yaml")
    assert main(command) == ExitCode.INVALID
    assert "missing.yaml: no such file" in capsys.readouterr().err
    monkeypatch.setenv("GPMIRROR_SPEC", "prod.yaml")
    got = main(command)
    assert (got, "gpmirror.yaml" in capsys.readouterr().err) == (code, False)


def test_a_named_spec_wins(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("GPMIRROR_SPEC", "missing.yaml")
    assert main(["validate", "prod.yaml"]) == ExitCode.OK
    monkeypatch.setenv("GPMIRROR_SPEC", "")
    assert main(["validate"]) == ExitCode.INVALID
    assert "cannot read gpmirror.yaml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "prod.yaml"],
        ["simulate", "prod.yaml"],
        ["whatif", "prod.yaml"],
        ["import"],
        ["explain", "content", "0"],
    ],
)
def test_the_catalog_of_the_environment_is_told(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_SPEC", "prod.yaml")
    monkeypatch.setenv("GPMIRROR_CATALOG", "bare.txt")
    assert main(command) == ExitCode.OK
    assert "catalog: bare.txt, as GPMIRROR_CATALOG says\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["apply", "prod.yaml"], ["status"], ["preflight", "prod.yaml"], ["snapshot"]]
)
def test_what_changes_or_looks_ignores_a_saved_catalog(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_CATALOG", "bare.txt")
    assert main(command) == ExitCode.ERROR
    assert "GPMIRROR_CATALOG" not in capsys.readouterr().err


def test_flags_win_over_the_catalog_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_CATALOG", "missing.txt")
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt"]) == ExitCode.OK
    assert "GPMIRROR_CATALOG" not in capsys.readouterr().err
    monkeypatch.delenv("PGHOST")
    assert main(["plan", "prod.yaml", "--via-ssh"]) == ExitCode.USAGE  # live, and no host is named
    assert "--via-ssh needs the coordinator's host" in capsys.readouterr().err
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt", "--via-ssh"]) == ExitCode.USAGE


def test_a_plan_is_simulated_whatever_catalog_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt", "-o", "p.json"]) == ExitCode.OK
    capsys.readouterr()
    monkeypatch.setenv("GPMIRROR_CATALOG", "bare.txt")
    assert main(["simulate", "p.json"]) == ExitCode.OK
    assert capsys.readouterr().err == ""


class Tty:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "no_color", "terminal", "coloured"),
    [
        ({}, False, False, False),
        ({}, False, True, True),
        ({"TERM": "dumb"}, False, True, False),
        ({"CLICOLOR": "0"}, False, True, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"FORCE_COLOR": "true"}, False, False, True),
        ({"FORCE_COLOR": ""}, False, False, False),
        ({"FORCE_COLOR": "0"}, False, True, False),
        ({"CLICOLOR_FORCE": "1"}, False, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, True, False),
        ({"FORCE_COLOR": "1"}, True, True, False),
    ],
)
def test_colours(
    environment: dict[str, str],
    no_color: bool,
    terminal: bool,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if terminal:
        monkeypatch.setattr(sys, "stdout", Tty())
    console = open_console(GlobalFlags(no_color=no_color), {"COLUMNS": "80", **environment})
    assert console.color is coloured


def test_forced_colours_reach_the_text(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt"]) == ExitCode.OK
    assert "\x1b[" in capsys.readouterr().out


def piped(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_plan_file_on_stdout_and_nothing_else(name: str) -> None:
    done = piped("plan", "prod.yaml", "--catalog", "bare.txt", "-o", name)
    assert done.returncode == ExitCode.OK, done.stderr
    assert json.loads(done.stdout)["format_version"] == "1.0"
    assert "Plan: 6 to add" in done.stderr


def test_stdout_in_a_file_gets_the_plan_file(folder: Path) -> None:
    words = ["plan", "prod.yaml", "--catalog", "bare.txt", "-o", "/dev/stdout"]
    with (folder / "p.json").open("w") as out:
        out.write("")
        done = subprocess.run([sys.executable, "-c", CODE, *words], stdout=out, check=False)
    assert done.returncode == ExitCode.OK
    assert json.loads((folder / "p.json").read_text())["format_version"] == "1.0"


@pytest.mark.parametrize("words", [["import", "--catalog", "full.txt", "-o"], ["init"]])
def test_a_spec_on_stdout(words: list[str]) -> None:
    done = piped(*words, "/dev/stdout")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "apiVersion: gpmirror/v1" in done.stdout
    assert "Wrote" not in done.stdout
    assert "Wrote /dev/stdout" in done.stderr


def test_process_substitution() -> None:
    line = (
        f"{sys.executable} -c '{CODE}' plan <(cat prod.yaml) --catalog <(cat bare.txt)"
        " -o >(cat >copy.json) --format json >out.json && wait $!; "
        "for _ in $(seq 200); do cmp -s copy.json out.json && exit; sleep 0.05; done; exit 9"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("copy.json").read_text())["format_version"] == "1.0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "/dev/stdout", "--format", "md"], "would mix with what --format md prints"),
        (["-o", "/dev/stdout", "--out-md", "/dev/stdout"], "would overwrite -o /dev/stdout"),
        (["-o", "/dev/stdout", "--sign", "key"], "/dev/stdout is no file"),
        (["--sign", "key"], "add `-o PLAN`"),
    ],
)
def test_streams_that_would_mix(words: list[str], message: str, capsys: Shown) -> None:
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt", *words]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_a_descriptor_that_is_closed(capsys: Shown) -> None:
    words = ["plan", "prod.yaml", "--catalog", "bare.txt", "-o", "/dev/fd/987654"]
    assert main(words) == ExitCode.ERROR
    assert "cannot write /dev/fd/987654" in capsys.readouterr().err


def test_a_reader_that_went_away() -> None:
    line = f"{sys.executable} -c '{CODE}' plan prod.yaml --catalog bare.txt -o /dev/stdout 2>err | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, Path("err").read_text()


@pytest.fixture
def files(folder: Path) -> Path:
    """One file of every kind, named for it."""
    assert main(["plan", "prod.yaml", "--catalog", "bare.txt", "-o", "plan"]) == ExitCode.OK
    observed = read_catalog((folder / "bare.txt").read_bytes(), "bare.txt")
    (folder / "snapshot").write_text(snapshot_text(observed))
    (folder / "spec").write_text(SPEC)
    (folder / "jspec").write_text(json.dumps({"apiVersion": "gpmirror/v1", "cluster": {}}))
    (folder / "catalog").write_text(aligned_text(mirrorless(HOSTS, 2)))
    (folder / "native").write_text("filespaceOrder=\nmirror0=0:sdw2:50000:51000:41000:/d/gpseg0\n")
    (folder / "journal").write_text('{"seq": 1, "time": "x", "record": "run"}\n{"seq": 2}\n')
    (folder / "other").write_text("what is this\n")
    return folder


SPEC_TAKERS = (
    ["validate"],
    ["fmt"],
    ["plan", "--catalog", "bare.txt"],
    ["whatif", "--catalog", "bare.txt"],
    ["explain", "host", "sdw1", "--catalog", "bare.txt", "--spec"],
    ["status"],
    ["snapshot"],
)
CATALOG_TAKERS = (
    ["plan", "spec", "--catalog"],
    ["simulate", "spec", "--catalog"],
    ["whatif", "spec", "--catalog"],
    ["import", "--catalog"],
    ["explain", "host", "sdw1", "--spec", "spec", "--catalog"],
)
SHOWS = "`gpmirror show plan` prints it, `gpmirror apply plan` carries it out"


@pytest.mark.parametrize(
    ("command", "file", "said", "way"),
    [
        *((one, "plan", "plan is a plan file, and a spec is wanted", SHOWS) for one in SPEC_TAKERS),
        *(
            (one, file, f"{file} is a {what}, and a spec is wanted", f"--catalog {file}`")
            for one in SPEC_TAKERS
            for file, what in [("snapshot", "snapshot"), ("catalog", "catalog text")]
        ),
        *((one, "plan", "and a catalog text is wanted", SHOWS) for one in CATALOG_TAKERS),
        (["show"], "spec", "spec is a spec, and a plan file is wanted", "`gpmirror plan spec -o"),
        (["show"], "jspec", "jspec is a spec, and a plan file is wanted", "gpmirror validate"),
        (["show"], "snapshot", "and a plan file is wanted", "--catalog snapshot`"),
        (["show"], "catalog", "and a plan file is wanted", "--catalog catalog`"),
        (["show"], "native", "is a file of a native utility", "import --catalog native`"),
        (["show"], "journal", "journal is a journal of a run", "`gpmirror runs`"),
        (["apply"], "snapshot", "snapshot is a snapshot", "--catalog snapshot`"),
        (["preflight"], "catalog", "catalog is a catalog text", "--catalog catalog`"),
        (["apply"], "native", "native is a file of a native utility", "import --catalog native`"),
        (["diff", "catalog"], "spec", "this is a spec of gpmirror", "name it as SPEC"),
        (["validate"], "native", "is a file of a native utility", "import --catalog native`"),
    ],
)
def test_the_wrong_kind_of_file_is_named_with_who_takes_it(
    files: Path, command: list[str], file: str, said: str, way: str, capsys: Shown
) -> None:
    before = (files / file).read_bytes()
    capsys.readouterr()
    assert main([*command, file]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert said in shown.err
    assert way in shown.err
    assert shown.out == ""
    assert (files / file).read_bytes() == before


@pytest.mark.parametrize("command", [["validate"], ["show"], ["apply"]])
def test_a_file_of_no_known_kind_is_left_to_the_reader(
    files: Path, command: list[str], capsys: Shown
) -> None:
    assert main([*command, "other"]) == ExitCode.INVALID
    assert "is wanted here" not in capsys.readouterr().err


def test_a_spec_with_faults_is_a_spec() -> None:
    assert kind_of("cluster\uff1a x\nhosts: []\nmirrors: {}\n".encode()) is InputKind.SPEC
    assert kind_of(b"") is InputKind.OTHER
    assert kind_of(b"\xff\xfe{") is InputKind.OTHER


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("sdw4", "note: host sdw4 holds no segment yet: it becomes a mirror-only host\n"),
        (
            "sdw[9-11]",
            "note: hosts sdw9, sdw10, sdw11 hold no segment yet: they become mirror-only hosts\n",
        ),
    ],
)
def test_hosts_that_the_catalog_does_not_know_are_announced(
    folder: Path, names: str, said: str, capsys: Shown
) -> None:
    fresh = f"    weight: 0\n  - {{name: '{names}', roots: [/data/mirror]}}\nmirrors:"
    (folder / "more.yaml").write_text(SPEC.replace("mirrors:", fresh))
    assert main(["plan", "more.yaml", "--catalog", "bare.txt"]) == ExitCode.OK
    assert capsys.readouterr().err == said


def test_a_host_that_holds_nothing_and_gets_nothing(folder: Path, capsys: Shown) -> None:
    drained = "  - {name: sdw4, weight: 0, roots: [/data/mirror]}\nmirrors:"
    (folder / "more.yaml").write_text(SPEC.replace("mirrors:", drained))
    assert main(["plan", "more.yaml", "--catalog", "bare.txt"]) == ExitCode.OK
    said = "note: host sdw4 holds no segment yet: it gets no mirrors either\n"
    assert capsys.readouterr().err == said


def test_no_guess_names_a_host_that_the_catalog_has(folder: Path, capsys: Shown) -> None:
    (folder / "less.yaml").write_text(SPEC.replace("sdw[1-3]", "sdw[1-2]"))
    assert main(["plan", "less.yaml", "--catalog", "bare.txt"]) == ExitCode.INVALID
    shown = capsys.readouterr().err
    assert "host sdw3 holds the preferred primaries" in shown
    assert "did you mean" not in shown
