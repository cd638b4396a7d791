"""What pages say of installation, line by line, in the shell of a database administrator.

Packages come from where pip finds them here.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.code_host import github_job, gitlab_job, serving
from tests.test_launcher import EXPORTS, LAUNCHER, own_home, registry_needed, sourced, sources_in

ROOT = Path(__file__).parents[1]
INSTALL = ROOT / "docs" / "how-to" / "install.md"
EXAMPLE = ROOT / "examples" / "layouts-repo"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

pytestmark = [pytest.mark.slow, pytest.mark.long]

Ended = subprocess.CompletedProcess[str]


def shown(page: Path, words: str) -> str:
    """The one block of a page that holds these words."""
    (found,) = (part for part in page.read_text("utf-8").split("```") if words in part)
    return found.partition("\n")[2]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment file that keeps every Python but the database's own from starting."""
    folder = tmp_path_factory.mktemp("database")
    file = folder / "greenplum_path.sh"
    file.write_text(EXPORTS.format(home=f"'{folder}'"))
    return file


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    sources_in(tmp_path / "sources")
    return tmp_path / "sources"


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pipx, uv, as their newest releases are."""
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "-qq",
        "--disable-pip-version-check",
        "install",
    ]
    done = subprocess.run([*pip, "pipx", "uv"], capture_output=True, text=True, check=False)
    registry_needed(done)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def carried_out(lines: str, file: Path, sources: Path, **more: str) -> Ended:
    home = sources.parent / "home"
    home.mkdir(exist_ok=True)
    environment = own_home(home) | more
    done = sourced(file, ["bash", "-ec", lines], cwd=sources, **environment)
    registry_needed(done)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_readmes_lines(database: Path, sources: Path) -> None:
    done = carried_out(shown(ROOT / "README.md", "-m venv"), database, sources)
    assert "Usage: gpmirror" in done.stdout
    installed = sources.parent / "home" / "gpmirror/bin/gpmirror"
    assert installed.read_bytes() == LAUNCHER.read_bytes()


def test_the_guides_lines_with_hashes_manual_and_completion(database: Path, sources: Path) -> None:
    carried_out(shown(INSTALL, "--require-hashes"), database, sources)
    after = shown(INSTALL, "bin/gpmirror --version").splitlines()[-1]
    assert carried_out(after, database, sources).stdout[:9] == "gpmirror "
    (completion,) = re.findall(r"^`(gpmirror [^`]+)`", INSTALL.read_text("utf-8"), re.M)
    path = f"{sources.parent}/home/gpmirror/bin:{os.environ['PATH']}"
    assert "complete" in carried_out(completion, database, sources, PATH=path).stdout
    if shutil.which("man") and shutil.which("groff"):
        (line,) = re.findall(r"`(MANPATH=[^`]+)`", INSTALL.read_text("utf-8"))
        assert "gpmirror" in carried_out(line, database, sources, MANPAGER="cat").stdout


@pytest.mark.parametrize("tool", ["pipx install", "uv tool install"])
def test_the_guides_lines_with_tools(tool: str, database: Path, sources: Path, tools: Path) -> None:
    home = sources.parent / "home"
    path = f"{tools}:{own_home(home)['PATH']}"
    own = dict.fromkeys(("PIPX_HOME", "PIPX_BIN_DIR", "UV_TOOL_DIR", "XDG_BIN_HOME"), "")
    carried_out(shown(INSTALL, tool), database, sources, PATH=path, **own)
    done = carried_out('"$HOME/.local/bin/gpmirror" --version', database, sources)
    assert (done.stdout[:9], done.stderr) == ("gpmirror ", "")


def test_the_action_installs_itself(tmp_path: Path) -> None:
    """With the packages of the lock, checked by hash; the steps after it run what it installed."""
    checkout, work = tmp_path / "checkout", tmp_path / "work"
    shutil.copytree(EXAMPLE, checkout)
    with serving() as server:
        ended = github_job(server, checkout, work, python=sys.executable)
    registry_needed(Ended([], ended.status, ended.text, ""))
    assert ended.status == 0, ended.text
    assert len(server.ours) == 1
    assert (work / "gpmirror/bin/gpmirror").read_bytes() == LAUNCHER.read_bytes()


def test_the_template_installs_what_it_is_told(tmp_path: Path, sources: Path) -> None:
    """An archive of a commit, as GitLab's address serves it."""
    served = tmp_path / "served" / "example" / "gpmirror" / "-" / "archive" / COMMIT
    served.mkdir(parents=True)
    with tarfile.open(served / "gpmirror.tar.gz", "w:gz") as archive:
        archive.add(sources, f"gpmirror-{COMMIT}")
    checkout, place = tmp_path / "checkout", tmp_path / "image"
    shutil.copytree(EXAMPLE, checkout)
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    (named,) = re.findall(
        r'GPMIRROR_INSTALL: "https://gitlab\.example\.com(.*)"',
        (EXAMPLE / ".gitlab-ci.yml").read_text(),
    )
    with serving() as server, files_of(tmp_path / "served") as address:
        path = f"{place}/bin:/usr/bin:/bin"
        ended = gitlab_job(server, checkout, GPMIRROR_INSTALL=f"{address}{named}", PATH=path)
    registry_needed(Ended([], ended.status, ended.text, ""))
    assert ended.status == 0, ended.text
    assert len(server.ours) == 1
    assert (place / "bin/gpmirror").read_bytes() == LAUNCHER.read_bytes()


@contextmanager
def files_of(folder: Path) -> Iterator[str]:
    """The address of a server that hands out the files of a folder."""
    handler = functools.partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *parts: object) -> None:
        del parts


def test_pre_commit_runs_the_hooks(tmp_path: Path, sources: Path) -> None:
    """From a repository, at a commit of it, over the example."""
    checkout = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, checkout)
    commit = committed(sources)
    config = checkout / ".pre-commit-config.yaml"
    text = config.read_text().replace("https://github.com/example/gpmirror", str(sources))
    config.write_text(text.replace(COMMIT, commit))
    committed(checkout)
    first = hooks(checkout, tmp_path / "cache")
    registry_needed(first)
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(re.findall(r"^gpmirror \w+\.+Passed$", first.stdout, re.M)) == 2
    spec = checkout / "clusters" / "test" / "gpmirror.yaml"
    spec.write_text(spec.read_text().replace("strategy: group", "strategy:   grup"))
    second = hooks(checkout, tmp_path / "cache")
    assert second.returncode == 1
    assert "GPM-V" in second.stdout
    assert len(re.findall(r"^gpmirror \w+\.+Failed$", second.stdout, re.M)) == 2


def committed(folder: Path) -> str:
    """The commit of all that is in a folder."""
    git: list[str | Path] = [
        "git",
        "-C",
        folder,
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@localhost",
    ]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    told = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def hooks(checkout: Path, cache: Path) -> Ended:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"],
        cwd=checkout,
        env=os.environ | {"PRE_COMMIT_HOME": str(cache), "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
