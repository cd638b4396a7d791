"""The spec that nobody named: of this folder, else the nearest above it in its git repository."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpmirror.cli import completion
from gpmirror.cli.live_run import Manner
from gpmirror.cli.main import main
from gpmirror.cli.wiring import own_spec
from gpmirror.errors import ExitCode
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_text
from tests.clusters import mirrorless
from tests.plans import adding
from tests.shapes import aligned_text

HOSTS = ("sdw1", "sdw2", "sdw3")
SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: NAME}
hosts:
  - name: sdw[1-3]
    roots: [/data/mirror]
mirrors:
  strategy: group
  ports: {offset: 1000}
"""
Shown = pytest.CaptureFixture[str]


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a repository with a spec, two folders below; the deepest is where we stand."""
    monkeypatch.setenv("PGHOST", str(tmp_path))  # nobody's socket is there
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GPMIRROR_SPEC", raising=False)
    top = tmp_path / "layouts"
    (top / "clusters" / "prod").mkdir(parents=True)
    for folder in (top, top / "clusters", top / "clusters" / "prod", tmp_path):
        folder.chmod(0o755)
    (top / ".git").mkdir()
    write(top, "top")
    monkeypatch.chdir(top / "clusters" / "prod")
    return top


def write(folder: Path, name: str) -> Path:
    file = folder / "gpmirror.yaml"
    file.write_text(SPEC.replace("NAME", name))
    file.chmod(0o644)
    return file


def give_away(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file belong to somebody else than whoever runs this."""
    if os.geteuid() == 0:
        os.chown(file, 54321, -1, follow_symlinks=False)
    else:
        other = os.geteuid() + 1
        monkeypatch.setattr("os.geteuid", lambda: other)


def test_the_one_above_is_taken_and_told(top: Path, capsys: Shown) -> None:
    assert main(["validate"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out.startswith("../../gpmirror.yaml: ok")
    assert shown.err == "using ../../gpmirror.yaml\n"
    assert main(["validate", "--quiet"]) == ExitCode.OK
    assert capsys.readouterr().err == ""


def test_the_nearest_wins(top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    write(top / "clusters", "middle")
    assert main(["validate"]) == ExitCode.OK
    assert capsys.readouterr().err == "using ../gpmirror.yaml\n"
    write(Path(), "here").chmod(0o666)
    assert main(["validate"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert (shown.out[:17], shown.err) == ("gpmirror.yaml: ok", ""), "where we stand nothing is new"
    monkeypatch.setenv("GPMIRROR_SPEC", str(top / "gpmirror.yaml"))
    assert main(["validate"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith(f"{top}/gpmirror.yaml: ok")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["fmt", "--check"], 0),
        (["plan", "--catalog", "bare.txt"], 0),
        (["simulate", "--catalog", "bare.txt"], 0),
        (["whatif", "--catalog", "bare.txt"], 0),
        (["maintenance", "--catalog", "bare.txt"], 0),
        (["ok-to-stop", "sdw1", "--catalog", "bare.txt"], 4),
        (["explain", "host", "sdw2", "--catalog", "bare.txt"], 0),
        (["explain", "wave"], 0),
        *(([name], 1) for name in ("plan", "drift", "status", "snapshot", "preflight", "apply")),
        (["resume", "20261121T070539Z-1f3a9c"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_command_that_takes_a_spec(
    command: list[str], code: int, top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    Path("bare.txt").write_text(aligned_text(mirrorless(HOSTS, 2)))
    monkeypatch.setenv("GPMIRROR_SPEC", "missing.yaml")
    if command[-1] != "wave":
        # who reads the variable reads a spec: it wins, and is not there
        ended = main(command)
        err = capsys.readouterr().err
        assert (ended, "missing.yaml" in err, "using" in err) == (ExitCode.INVALID, True, False)
    monkeypatch.delenv("GPMIRROR_SPEC")
    got = main(command)
    told = capsys.readouterr().err.count("using ../../gpmirror.yaml\n")
    assert (got, told) == (code, 0 if command[-1] == "wave" else 1)


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_root_of_the_repository_is_the_last(kind: str, top: Path, capsys: Shown) -> None:
    mark = top / "clusters" / ".git"
    if kind == "file":  # of a submodule, or of a second work tree
        mark.write_text("gitdir: ../.git/worktrees/clusters\n")
    else:
        mark.mkdir()
    assert main(["validate"]) == ExitCode.INVALID
    err = capsys.readouterr().err
    assert (
        "cannot read gpmirror.yaml: no such file in this folder or above it up to .., the root of its "
        "git repository\n"
    ) in err
    assert "gpmirror init" in err
    assert own_spec() is None
    Path(".git").mkdir()
    assert main(["plan"]) == ExitCode.INVALID
    assert "no such file in this folder, the root of its git repository" in capsys.readouterr().err


def test_without_a_repository_nothing_above_is_sought(top: Path, capsys: Shown) -> None:
    (top / ".git").rmdir()
    assert main(["apply", "--yes"]) == ExitCode.INVALID
    err = capsys.readouterr().err
    assert "no such file in this folder, and no git repository around it\n" in err
    assert main(["status"]) == ExitCode.ERROR
    assert "using" not in capsys.readouterr().err


def test_the_home_folder_is_the_last(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("HOME", str(top / "clusters"))
    assert main(["validate"]) == ExitCode.INVALID
    assert "no git repository around it" in capsys.readouterr().err
    monkeypatch.setenv("HOME", str(top))
    assert main(["validate"]) == ExitCode.OK, "a home folder may be a repository itself"
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    assert main(["validate"]) == ExitCode.OK


def test_another_file_system_is_not_entered(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    look = Path.stat

    def mounted(path: Path, *, follow_symlinks: bool = True) -> object:
        found = look(path, follow_symlinks=follow_symlinks)
        return SimpleNamespace(st_dev=found.st_dev + 1) if path == Path("..") else found

    monkeypatch.setattr(Path, "stat", mounted)
    assert main(["validate"]) == ExitCode.INVALID
    assert "no git repository around it" in capsys.readouterr().err


def test_what_is_no_spec_of_ours(top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    """The nearest is refused by name, and no farther one takes its place."""

    def refused() -> str:
        err = ""
        for command in (["validate"], ["apply", "--yes"], ["status"]):
            assert main(command) == ExitCode.INVALID
            err = capsys.readouterr().err
            assert err.startswith("error: found ../gpmirror.yaml and do not use it: ")
            assert "hint: if you trust it, name it as SPEC or in GPMIRROR_SPEC" in err
        assert own_spec() is None
        return err

    file = write(top / "clusters", "middle")
    for mode in (0o646, 0o666):
        file.chmod(mode)
        assert f"others may write it (mode {mode:04o})" in refused()
    file.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(file, -1, 54321)
        assert "others may write it (mode 0664)" in refused()
    file.chmod(0o644)
    file.parent.chmod(0o777)
    assert "its folder is not to be believed: others may write it (mode 0777)" in refused()
    file.parent.chmod(0o1777)
    assert main(["validate"]) == ExitCode.OK
    capsys.readouterr()
    file.parent.chmod(0o755)
    file.unlink()
    file.mkdir()
    assert "it is no file" in refused()
    file.rmdir()
    file.symlink_to("nowhere.yaml")
    assert "it is no file" in refused()
    file.unlink()
    give_away(write(top / "clusters", "middle"), monkeypatch)
    assert "it belongs to " in refused()
    assert main(["validate", "../gpmirror.yaml"]) == ExitCode.OK, "whoever names it trusts it"


@pytest.mark.parametrize("command", ["apply", "preflight"])
def test_a_plan_file_beside_a_spec_that_is_ignored(
    command: str, top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    """It needs none, so it goes on as without one, and says so in one line, also with --quiet."""
    Path("plan.json").write_text(plan_text(adding()))

    def told() -> list[str]:
        assert main([command, "plan.json", "--quiet"]) == ExitCode.ERROR
        said = capsys.readouterr().err.splitlines()
        assert any("cannot connect" in line for line in said), said
        return [line for line in said if line.startswith(("warning: spec", "using"))]

    assert told() == []
    file = write(top / "clusters", "middle")
    file.write_text(SPEC.replace("NAME", "top").replace("strategy", "stratgy"))
    (line,) = told()
    assert line == (
        "warning: spec ignored: ../gpmirror.yaml:6:1: required key `strategy` is missing in `mirrors` "
        "(GPM-V013), and 1 more finding; `gpmirror validate` shows all"
    )
    file.write_text("a: [")
    (line,) = told()
    assert line.startswith("warning: spec ignored: ../gpmirror.yaml:2:1: not YAML: ")
    file.chmod(0o646)
    (line,) = told()
    assert line == (
        "warning: spec ignored: found ../gpmirror.yaml and do not use it: "
        "it is not to be believed: others may write it (mode 0646)"
    )
    monkeypatch.setenv("GPMIRROR_SPEC", "missing.yaml")
    (line,) = told()
    assert line == "warning: spec ignored: cannot read missing.yaml: no such file"


def test_a_link_of_somebody_else(top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    file = top / "clusters" / "gpmirror.yaml"
    file.symlink_to("../gpmirror.yaml")
    assert main(["validate"]) == ExitCode.OK
    give_away(file, monkeypatch)
    assert main(["validate"]) == ExitCode.INVALID
    assert "it belongs to " in capsys.readouterr().err


def test_a_group_of_ones_own_is_nobody_else(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    """With the umask 002 of RHEL every file of a checkout is writable for its owner's own group."""
    uid, gid = (top / "gpmirror.yaml").stat().st_uid, (top / "gpmirror.yaml").stat().st_gid
    (top / "gpmirror.yaml").chmod(0o664)
    (top).chmod(0o775)
    members: list[str] = []
    account = SimpleNamespace(pw_name="gpadmin", pw_gid=gid, pw_uid=uid)
    group = SimpleNamespace(gr_name="gpadmin", gr_gid=gid, gr_mem=members)
    monkeypatch.setattr("pwd.getpwuid", lambda _: account)
    monkeypatch.setattr("grp.getgrgid", lambda _: group)
    assert main(["validate"]) == ExitCode.OK
    members.append("mallory")
    assert main(["validate"]) == ExitCode.INVALID
    assert "others may write it (mode 0664)" in capsys.readouterr().err


def test_a_named_spec_that_lies_above(top: Path, capsys: Shown) -> None:
    assert main(["validate", "gpmirror.yaml"]) == ExitCode.INVALID
    assert "hint: did you mean ../../gpmirror.yaml?" in capsys.readouterr().err


def test_its_snapshot_lies_beside_it(top: Path, capsys: Shown) -> None:
    (top / "snapshot.json").write_text(aligned_text(mirrorless(HOSTS, 2)))
    assert main(["plan", "--offline"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert "../../snapshot.json" in shown.out
    assert "spec     gpmirror.yaml\n" in shown.out, (
        "a plan's bytes do not tell where somebody stood"
    )


@pytest.mark.parametrize("named", [True, False])
def test_the_question_of_apply_names_it(
    named: bool, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    @contextmanager
    def open_live(spec: object, *, via_ssh: bool) -> Iterator[SimpleNamespace]:
        del spec, via_ssh
        yield SimpleNamespace(not_of=lambda plan: None)

    def run_plan(plan: Plan, live: object, wishes: object, manner: Manner) -> SimpleNamespace:
        from gpmirror.cli.live_run import _question

        del live, wishes
        asked.append(_question(plan, clears=False, spec=manner.spec_above))
        return SimpleNamespace(code=ExitCode.OK)

    monkeypatch.setattr("gpmirror.cli.live_run.open_live", open_live)
    monkeypatch.setattr("gpmirror.cli.live_run.run_plan", run_plan)
    monkeypatch.setattr("gpmirror.cli.apply._planned", lambda *_: adding())
    assert main(["apply", *(["../../gpmirror.yaml"] if named else [])]) == ExitCode.OK
    source = "" if named else ", as ../../gpmirror.yaml says"
    assert asked[0].splitlines()[-1] == (
        f"Apply these changes to cluster prod-dwh{source}? Only 'yes' is accepted:"
    )


def test_shells_are_offered_its_hosts(
    top: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    asked = SimpleNamespace(params={"target": None, "catalog": None})
    assert completion.hosts(asked, "") == list(HOSTS)  # type: ignore[arg-type]
    (top / "gpmirror.yaml").chmod(0o666)
    assert completion.hosts(asked, "") == []  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
