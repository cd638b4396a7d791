"""gpmirror starts in the shell of a database administrator, wherever and however it was installed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAUNCHER = ROOT / "gpmirror" / "launcher.sh"
INSTALLED = Path(sys.executable).parent / "gpmirror"
FILES = ("greenplum_path.sh", "greengage_path.sh", "cloudberry-env.sh")
FOREIGN = {"PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "OPENSSL_CONF"}

EXPORTS = """\
GPHOME={home}
PYTHONHOME="$GPHOME/ext/python"
PYTHONPATH="$GPHOME/lib/python"
PATH="$GPHOME/bin:$PYTHONHOME/bin:$PATH"
LD_LIBRARY_PATH="$GPHOME/lib:$PYTHONHOME/lib${{LD_LIBRARY_PATH+:$LD_LIBRARY_PATH}}"
OPENSSL_CONF="$GPHOME/etc/openssl.cnf"
export GPHOME PYTHONHOME PYTHONPATH PATH LD_LIBRARY_PATH OPENSSL_CONF
"""

TELLS = """\
#!/bin/sh
echo "started $0"
for word in "$@"; do echo "word $word"; done
env
"""


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An environment file of a database whose libraries are of no use to anybody else."""
    home = tmp_path / "greenplum db"
    for name in ("lib/python/typer.py", "lib/python/site.py", "ext/python/lib/none"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("raise SystemExit('the database has its own')\n")
    for library in ("libcrypto.so.3", "libssl.so.3", "libz.so.1"):
        (home / "lib" / library).write_text("of another system\n")
    (home / "etc").mkdir()
    (home / "etc" / "openssl.cnf").write_text("openssl_conf = (none\n")
    file = home / str(request.param)
    file.write_text(EXPORTS.format(home=f"'{home}'"))
    return file


def sourced(
    file: Path, words: Sequence[str | Path], *, cwd: Path = ROOT, **more: str
) -> "subprocess.CompletedProcess[str]":
    """How a command ends in a shell that sourced the file."""
    return subprocess.run(
        ["bash", "-c", '. "$1"; shift; "$@"', "bash", file, *words],
        cwd=cwd,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def words_of(done: "subprocess.CompletedProcess[str]") -> str:
    return done.stdout + done.stderr


def test_the_installed_command_is_this_launcher() -> None:
    assert INSTALLED.read_bytes() == LAUNCHER.read_bytes(), "run `make bootstrap`"


def test_it_starts_where_the_databases_environment_is_sourced(file: Path) -> None:
    done = sourced(file, [INSTALLED, "explain", "GPM-C002"])
    assert (done.returncode, done.stderr) == (0, "")
    assert "GPM-C002" in done.stdout


def test_the_ssh_that_it_starts_has_none_of_it(file: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    _program(tmp_path / "bin" / "ssh", f"#!/bin/sh\nenv >'{told}'\nexit 255\n")
    asked = f'PATH="{tmp_path}/bin:$PATH"; exec "$@"'
    words: list[str | Path] = ["bash", "-c", asked, "bash", INSTALLED, "snapshot", "--via-ssh"]
    done = sourced(file, words, cwd=tmp_path, PGHOST="mdw")
    assert done.returncode == 1, words_of(done)
    assert "Traceback" not in words_of(done)
    assert not FOREIGN & _environment(told.read_text())


def test_the_module_starts_beside_a_databases_packages(file: Path, tmp_path: Path) -> None:
    """PYTHONHOME alone stops any other Python before the first line of any program."""
    command = f'unset PYTHONHOME; rm "{file.parent}/lib/python/site.py"; exec "$@"'
    started = [sys.executable, "-c", "from gpmirror.cli.start import run; run()", "--version"]
    module = [sys.executable, "-m", "gpmirror", "--version"]
    for words in (started, module):
        done = sourced(file, ["bash", "-c", command, "bash", *words], cwd=tmp_path)
        assert (done.stdout[:9], done.stderr) == ("gpmirror ", "")
        command = 'unset PYTHONHOME; exec "$@"'


def test_a_folder_that_the_module_was_found_by_is_kept() -> None:
    from gpmirror.cli.start import own_environment

    kept = own_environment({"PYTHONPATH": f"/usr/lib/gp/python:{ROOT}", "HOME": "/h"})
    assert kept == {"PYTHONPATH": str(ROOT), "HOME": "/h"}
    assert own_environment(kept) == kept


def test_an_own_setting_of_openssl_is_kept(tmp_path: Path) -> None:
    environment = _environ_of(tmp_path, GPHOME="/usr/local/gp", OPENSSL_CONF="/etc/ssl/own.cnf")
    assert "OPENSSL_CONF" in environment
    assert "OPENSSL_CONF" in _environ_of(tmp_path, OPENSSL_CONF="/etc/ssl/own.cnf", GPHOME="")
    assert "LD_LIBRARY_PATH" not in _environ_of(tmp_path, LD_LIBRARY_PATH="")


@pytest.mark.parametrize("kind", ["absolute", "relative", "chain", "folder", "searched", "read"])
def test_links_lead_to_the_interpreter(tmp_path: Path, kind: str) -> None:
    python = _installed(tmp_path / "an environment")
    launcher = python.parent / "gpmirror"
    links = tmp_path / "links"
    links.mkdir()
    link = links / "gpmirror"
    words: Sequence[str | Path] = [link]
    match kind:
        case "absolute" | "searched" | "read":
            link.symlink_to(launcher)
            words = {"searched": ["gpmirror"], "read": ["sh", "gpmirror"]}.get(kind) or [link]
        case "relative":
            link.symlink_to(os.path.relpath(launcher, links))
        case "chain":
            (links / "second").symlink_to(launcher)
            link.symlink_to("second")
        case _:
            (tmp_path / "again").symlink_to(python.parent)
            words = [tmp_path / "again" / "gpmirror"]
    done = _run([*words, "plan", "a b", "$x"], links, PATH=f"{links}:{os.environ['PATH']}")
    lines = done.stdout.splitlines()
    assert _started(lines[0], links) == python
    assert [line[5:] for line in lines if line.startswith("word ")] == [
        *("-P", "-m", "gpmirror"),
        *("plan", "a b", "$x"),
    ]


@pytest.mark.parametrize("beside", [True, False])
def test_without_an_environment_the_packages_say_which_python(tmp_path: Path, beside: bool) -> None:
    """As `pip install --user` leaves it; a `python` beside the command is another one's."""
    python = _installed(tmp_path / "local")
    launcher = python.parent / "gpmirror"
    (tmp_path / "local" / "pyvenv.cfg").unlink()
    packages = tmp_path / "local" / "lib" / "python3.99" / "site-packages"
    (packages / "gpmirror-1.0.dist-info").mkdir(parents=True)
    (packages.parent.parent / "python3.98" / "site-packages").mkdir(parents=True)
    right = _program((python.parent if beside else tmp_path / "bin") / "python3.99", TELLS)
    done = _run([launcher], tmp_path, PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert _started(done.stdout.splitlines()[0], tmp_path) == right


def test_a_lost_interpreter_is_named(tmp_path: Path) -> None:
    python = _installed(tmp_path / "env")
    python.unlink()
    python.symlink_to("/gone/python3.11")
    done = _run([python.parent / "gpmirror", "status"], tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: {python.parent}/gpmirror cannot start: there is no Python at {python}\n"
        "hint: its environment was moved, removed or made for a Python that is gone; "
        "install gpmirror again\n"
    )


def test_make_starts_its_programs_without_it(file: Path) -> None:
    done = sourced(file, ["make", "-s", "--eval", "told:; @env", "told"], PGHOST="mdw")
    assert not (FOREIGN | {"PGHOST"}) & _environment(done.stdout), done.stderr


@pytest.mark.parametrize("script", sorted((ROOT / ".ci").iterdir()), ids=lambda path: path.name)
def test_every_script_of_the_workshop_begins_without_it(script: Path) -> None:
    begun = script.read_text(encoding="utf-8").partition("set -euo pipefail\n")[2]
    first = begun.partition("\n")[0].split()
    assert (first[0], set(first[1:])) == ("unset", FOREIGN)


@pytest.mark.long
@pytest.mark.slow
def test_make_sets_itself_up(tmp_path: Path) -> None:
    """`make venv` with few packages, in the worst of shells."""
    sources = tmp_path / "sources"
    sources_in(sources)
    (sources / "requirements-dev.lock").write_text(_builders_alone())
    told = {"PYTHONHOME": "/none", "PYTHONPATH": "/none", "LD_LIBRARY_PATH": "/none"}
    done = _run(["make", "venv"], sources, **told, PYTHON=sys.executable)
    registry_needed(done)
    assert done.returncode == 0, words_of(done)
    assert (sources / ".venv/bin/gpmirror").read_bytes() == LAUNCHER.read_bytes()


def _builders_alone() -> str:
    """The part of the lock that an editable install needs."""
    wanted = {
        "hatchling",
        "editables",
        "packaging",
        "pathspec",
        "pluggy",
        "tomlkit",
        "trove-classifiers",
    }
    parts = re.split(r"^(?=\S)", (ROOT / "requirements-dev.lock").read_text(), flags=re.M)
    return "".join(part for part in parts if re.match(r"[a-z-]*", part).group() in wanted)  # type: ignore[union-attr]


def registry_needed(done: "subprocess.CompletedProcess[str]") -> None:
    """Without a package registry there is nothing to try; where results count, there is one."""
    if "NewConnectionError" in words_of(done) or "No matching distribution" in words_of(done):
        assert not os.environ.get("CI"), words_of(done)
        pytest.skip("no package registry answers")


def sources_in(folder: Path) -> None:
    folder.mkdir()
    for name in ("gpmirror", ".ci"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "docs").mkdir()
    files = ("pyproject.toml", "README.md", "LICENSE", "Makefile", "docs/gpmirror.1")
    for name in (*files, "requirements.lock", "requirements-dev.lock", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)


def own_home(home: Path) -> dict[str, str]:
    """Another home that keeps what pip is told, and has fetched, here."""
    own = Path.home()
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": os.environ.get("XDG_CONFIG_HOME", str(own / ".config")),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(own / ".cache")),
        # a version manager in front of python3 keeps its versions at home
        "PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}",
    }


def _installed(folder: Path) -> Path:
    """An environment with the launcher and an interpreter that tells how it was started."""
    python = _program(folder / "bin" / "python", TELLS)
    shutil.copy(LAUNCHER, folder / "bin" / "gpmirror")
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    return python


def _program(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def _run(words: Sequence[str | Path], cwd: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=cwd,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _started(line: str, cwd: Path) -> Path:
    """The interpreter that tells so, without the links that led there."""
    return (cwd / line.removeprefix("started ")).resolve()


def _environ_of(folder: Path, **more: str) -> set[str]:
    """What the interpreter gets of an environment."""
    where = folder / "env"
    if not where.exists():
        _installed(where)
    return _environment(_run([where / "bin" / "gpmirror"], folder, **more).stdout)


def _environment(text: str) -> set[str]:
    return {line.partition("=")[0] for line in text.splitlines() if "=" in line}


SLOW_PYTHON = """\
#!/bin/sh
case "$*" in
    *--require-hashes*) sleep 1.5; exit "$PIP" ;;
esac
"""


@pytest.mark.parametrize("pip", [0, 1])
def test_the_installation_of_a_checkout_tells_that_it_goes_on(pip: int, tmp_path: Path) -> None:
    """Three and a half minutes without a word were taken for a hang."""
    held = ("gpmirror/launcher.sh", "requirements-dev.lock", "pyproject.toml", ".ci/bootstrap")
    for name in held:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("python", "gpmirror"):
        program = tmp_path / ".venv" / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(SLOW_PYTHON)
        program.chmod(0o755)

    def install() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [tmp_path / ".ci" / "bootstrap"],
            env=os.environ | {"BOOTSTRAP_EVERY": "1", "PIP": str(pip)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    first = install()
    said = first.stderr.splitlines()
    assert (first.returncode, first.stdout) == (pip, "")
    assert said[0] == "installing the locked packages into .venv (once, 1-4 minutes)"
    assert said[1] == "still installing: 1 s"
    again = install()
    assert (again.stderr == "") is (pip == 0), "what is installed is told no more"
