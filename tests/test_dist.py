"""What is carried to machines without internet: it is built twice alike, and starts where nothing is.

The single file runs in a root file system of Debian's own files with a shell, a C library and one
Python: no network, no compiler, no packages, another account. What is built here needs a registry.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from packaging.requirements import Requirement
from referencing import Registry, Resource

from gpmirror.lab.account import lab_account
from release import build, single_file
from release.wheels import GLIBC_MOST, Target, Wheel
from tests.labs import lab_folder
from tests.sshd import farm
from tests.test_launcher import EXPORTS, FOREIGN

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "how-to" / "install-offline.md"
HERE = f"3.{sys.version_info.minor}"
SFTP = "/usr/lib/openssh/sftp-server"
OTHER = 12345
"""An account that no system has, without a home."""

pytestmark = [pytest.mark.slow, pytest.mark.long]  # what they build needs some 150 MB of packages

Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("dist", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def program(dist: Path) -> Path:
    (found,) = dist.glob("*.pyz")
    return found


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A cache that the tests share which do not look at it."""
    return _cache(tmp_path_factory.mktemp("warm"))


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _built("wheelhouse", tmp_path_factory.mktemp("house"))


def _built(kind: str, folder: Path) -> Path:
    words = [sys.executable, "-m", "release.build", kind, str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    if "NewConnectionError" in done.stderr or "No matching distribution" in done.stderr:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip("no package registry answers")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


# --- What is built


def test_twice_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    again = _built("dist", tmp_path)
    names = sorted(file.name for file in dist.iterdir())
    assert names == sorted(file.name for file in again.iterdir())
    for name in names:
        assert (dist / name).read_bytes() == (again / name).read_bytes(), name


def test_checksums_hold(dist: Path) -> None:
    done = _run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=dist)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert told == {file.name for file in dist.iterdir()} - {"SHA256SUMS"}


def test_the_bill_of_materials_is_valid_and_whole(dist: Path) -> None:
    (file,) = dist.glob("*.cdx.json")
    bill = json.loads(file.read_text(encoding="utf-8"))
    schemas = {
        one.name.replace(".schema.json", ".SNAPSHOT.schema.json"): json.loads(
            one.read_text("utf-8")
        )
        for one in (ROOT / "tests/fixtures/cyclonedx").glob("*.json")
    }
    whole = schemas["bom-1.6.SNAPSHOT.schema.json"]
    base = whole["$id"].rpartition("/")[0]
    known = [(f"{base}/{name}", Resource.from_contents(one)) for name, one in schemas.items()]
    Draft7Validator(whole, registry=Registry().with_resources(known)).validate(bill)
    assert {one["name"] for one in bill["components"]} == _pinned(build.targets("x86_64"))
    assert bill["metadata"]["component"]["name"] == "gpmirror"
    bare = [one["name"] for one in bill["components"] if "not told" in json.dumps(one["licenses"])]
    assert bare == []


def test_the_licences_of_all_that_is_inside_are_there(dist: Path) -> None:
    text = (dist / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    parts = re.findall(r"^(\S+) \S+\n=+\nLicense: (.+)$", text, re.M)
    assert {_plain(name) for name, _ in parts} == _pinned(build.targets("x86_64"))
    assert "libpq" in text
    assert "Permission is hereby granted" in text


def test_every_python_of_the_project_is_carried(program: Path) -> None:
    assert build.pythons() == ["3.11", "3.12", "3.13", "3.14"]
    done = _run(
        [
            "python3",
            "-c",
            "import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist())",
            str(program),
        ]
    )
    lists = {f"{one.replace('.', '')}.txt" for one in build.pythons()}
    assert lists <= set(done.stdout.split())


@pytest.mark.parametrize("machine", build.MACHINES)
def test_the_wheelhouse_has_a_wheel_for_each_pin_and_python(house: Path, machine: str) -> None:
    (folder,) = house.glob(f"*-{machine}")
    assert folder.with_name(f"{folder.name}.tar").is_file()
    wheels = [Wheel(file) for file in folder.glob("*.whl")]
    assert max(wheel.glibc() for wheel in wheels) <= GLIBC_MOST
    foreign = [w.path.name for w in wheels if w.glibc() > (0, 0) and machine not in w.path.name]
    assert foreign == []
    compiled = [w.path.name for w in wheels if w.path.name.startswith("pydantic_core-")]
    assert len(compiled) == len(build.pythons())
    done = _run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=folder)
    assert done.returncode == 0, done.stdout


def test_a_line_of_the_lock_holds_for_the_pythons_that_it_names() -> None:
    pin = Requirement("deprecated==1.3.1 ; python_full_version < '3.12'")
    assert [one.python for one in build.targets("x86_64") if one.holds(pin)] == ["3.11"]
    assert not Target(machine="x86_64", python="3.12").holds(
        Requirement("colorama==1 ; sys_platform == 'win32'")
    )


# --- How the single file starts


def test_it_starts_where_the_databases_environment_is_sourced(
    program: Path, tmp_path: Path, warm: dict[str, str]
) -> None:
    home = tmp_path / "greenplum db"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "libz.so.1").write_text("of another system\n")
    old = _script(home / "ext/python/bin/python3", 'echo "2.7"; exit 1')
    _script(old.with_name("python3.11"), "exit 127")
    file = tmp_path / "greenplum_path.sh"
    file.write_text(EXPORTS.format(home=f"'{home}'"))
    words = ["bash", "-c", '. "$1"; shift; "$@"', "bash", str(file), str(program), "--version"]
    done = _run(words, cwd=tmp_path, **warm)
    assert (done.returncode, done.stdout[:9], done.stderr) == (0, "gpmirror ", "")


def test_what_it_starts_has_nothing_of_the_databases_environment(
    program: Path, tmp_path: Path, warm: dict[str, str]
) -> None:
    told = tmp_path / "told"
    _script(tmp_path / "bin" / "ssh", f"env >'{told}'\nexit 255")
    foreign = {"PYTHONHOME": "/none", "PYTHONPATH": "/none", "LD_LIBRARY_PATH": "/none"}
    foreign |= {"GPHOME": "/gp", "OPENSSL_CONF": "/gp/openssl.cnf"}
    path = f"{tmp_path}/bin:{_python_first()}"
    more = {**warm, "PGHOST": "mdw", "PATH": path, **foreign}
    done = _run([str(program), "snapshot", "--via-ssh"], cwd=tmp_path, **more)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    seen = {line.partition("=")[0] for line in told.read_text().splitlines()}
    assert not FOREIGN & seen


def test_it_runs_a_plan_as_the_installed_command_does(program: Path, warm: dict[str, str]) -> None:
    words = ["plan", "--catalog", "catalog.txt", "--no-color"]
    example = ROOT / "examples" / "two-hosts"
    ours = _run([str(program), *words], cwd=example, **warm)
    installed = Path(sys.executable).with_name("gpmirror")
    assert ours.stdout == _run([str(installed), *words], cwd=example).stdout
    assert "4 to add" in ours.stdout
    assert ours.returncode == 0


def test_the_second_start_unpacks_nothing(program: Path, tmp_path: Path) -> None:
    assert _version(program, **_cache(tmp_path)).returncode == 0
    (place,) = (tmp_path / "cache" / "gpmirror").iterdir()
    first = place.stat().st_ino
    assert _version(program, **_cache(tmp_path)).returncode == 0
    assert place.stat().st_ino == first
    assert list(place.parent.iterdir()) == [place]
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_many_starts_at_once_share_one_folder(program: Path, tmp_path: Path) -> None:
    environment = os.environ | _cache(tmp_path)
    starts = [
        subprocess.Popen(
            [program, "--version"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]
    said = [start.communicate(timeout=300)[0] for start in starts]
    assert {text[:9] for text in said} == {b"gpmirror "}, said
    assert len(list((tmp_path / "cache" / "gpmirror").iterdir())) == 1


def test_a_folder_that_lost_files_is_unpacked_anew(program: Path, tmp_path: Path) -> None:
    assert _version(program, **_cache(tmp_path)).returncode == 0
    (place,) = (tmp_path / "cache" / "gpmirror").iterdir()
    shutil.rmtree(place / "typer")
    (place / "gpmirror" / "__init__.py").write_text("")
    old = place.with_name(".part-old")
    old.mkdir()
    os.utime(old, (time.time() - 7 * 86400,) * 2)
    assert _version(program, **_cache(tmp_path)).stdout[:9] == "gpmirror "
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("kind", ["readable", "link", "file", "another's", "on the way"])
def test_a_place_that_others_may_write_is_refused(program: Path, tmp_path: Path, kind: str) -> None:
    """It says why, of the place that is named; without a name the next one is taken."""
    place = tmp_path / "cache" / "gpmirror"
    place.parent.mkdir()
    match kind:
        case "readable":
            place.mkdir(mode=0o755)
            place.chmod(0o755)
            reason = "has mode 0755: others may go there"
        case "link":
            (tmp_path / "elsewhere").mkdir(mode=0o700)
            place.symlink_to(tmp_path / "elsewhere")
            reason = "is no folder"
        case "file":
            place.write_text("")
            reason = "File exists"
        case "another's":
            _root_needed("give a folder to another account")
            place.mkdir(mode=0o700)
            os.chown(place, OTHER, OTHER)
            reason = f"belongs to the account with the number {OTHER}"
        case _:
            place.parent.chmod(0o777)
            reason = "others may exchange it"
    shared = tmp_path / "tmp"
    shared.mkdir()
    more = {"XDG_CACHE_HOME": str(place.parent), "TMPDIR": str(shared)}
    assert _version(program, **more).stdout[:9] == "gpmirror "
    (taken,) = shared.iterdir()
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700
    if kind != "on the way":  # who names a place answers for the way there
        done = _version(program, GPMIRROR_CACHE=str(place))
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{place}: {reason}" in done.stderr
        assert "hint: name a folder of your own" in done.stderr


def test_a_damaged_file_is_told(program: Path, tmp_path: Path) -> None:
    cut = tmp_path / "gpmirror.pyz"
    cut.write_bytes(program.read_bytes()[:-1000])
    cut.chmod(0o755)
    done = _version(cut)
    size = program.stat().st_size
    assert (done.returncode, done.stdout) == (1, "")
    assert f"is damaged: it has {size - 1000} bytes, and gpmirror has {size}" in done.stderr
    assert "SHA256SUMS" in done.stderr


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("exit 127", "is older, or does not start"),
        ("echo is Python 3.10", "is Python 3.10"),
        ("echo 'is a free-threaded Python 3.14'", "is a free-threaded Python 3.14"),
    ],
)
def test_a_named_python_that_does_not_fit_is_told(
    program: Path, tmp_path: Path, answer: str, why: str
) -> None:
    named = _script(tmp_path / "python3", answer)
    done = _version(program, GPMIRROR_PYTHON=str(named))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{named} {why}" in done.stderr


def test_pythons_are_asked_what_they_are(program: Path, tmp_path: Path) -> None:
    """Versions, kinds and missing parts, as real interpreters tell them."""
    script = single_file.HERE / "start.sh"
    (asks,) = re.findall(r"^asks='\n(.*?)^'", script.read_text(encoding="utf-8"), re.M | re.S)
    for versions, said in ((HERE, ""), ("3.2 3.3", f"is Python {HERE}\n")):
        done = _run([sys.executable, "-I", "-S", "-c", asks, versions])
        assert (done.returncode, done.stdout) == (0, said)
    part = asks.replace("import _ctypes, zlib", "import _no_ctypes")
    done = _run([sys.executable, "-I", "-S", "-c", part, HERE])
    assert done.stdout == f"is Python {HERE} without _no_ctypes\n"


@pytest.mark.parametrize("how", ["link", "sh", "name"])
def test_links_and_names_lead_to_it(
    program: Path, tmp_path: Path, warm: dict[str, str], how: str
) -> None:
    link = tmp_path / "gpmirror"
    link.symlink_to(program)
    words = {"link": [str(link)], "sh": ["sh", "gpmirror"], "name": ["gpmirror"]}[how]
    path = f"{tmp_path}:{_python_first()}"
    done = _run([*words, "--version"], tmp_path, **{**warm, "PATH": path})
    assert (done.returncode, done.stdout[:9], done.stderr) == (0, "gpmirror ", "")


@pytest.mark.postgres
@pytest.mark.ssh
@pytest.mark.parametrize("who", ["the caller", "the account of the lab"])
def test_the_practice_cluster_works_from_it(program: Path, who: str) -> None:
    """Where root starts it the lab's account cannot enter root's cache, and gets a copy of the code."""
    other = {} if who == "the caller" else _as_account_of_the_lab()
    with lab_folder() as practice:
        carried = practice.folder / "gpmirror"
        shutil.copy(program, carried)
        work, state = practice.spec.parent, practice.folder / "state"
        state.mkdir()
        for folder in (work, state) if other else ():
            os.chown(folder, other["user"], other["group"])
        environment = dict(practice.environment())
        del environment["PYTHONPATH"]

        def run(*words: str) -> str:
            done: Ended = subprocess.run(
                [carried, *words],
                cwd=work,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                **other,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        assert "Practice cluster: 2 hosts" in run("lab", "up", "--hosts", "2", "--primaries", "1")
        assert "Apply complete: 2 added" in run("apply", "--yes")
        assert "gpaddmirrors" in run("lab", "ssh", "mdw", "--", "which gpaddmirrors")
        assert "prober: running" in run("lab", "status")
        assert "is gone" in run("lab", "down")


def _as_account_of_the_lab() -> dict[str, Any]:
    _root_needed("become another account")
    account = lab_account({})
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def test_the_guides_lines_compare_and_start_it(dist: Path, tmp_path: Path) -> None:
    """Word for word, in the folder into which all was copied."""
    (lines,) = (part for part in GUIDE.read_text("utf-8").split("```") if "install -m 755" in part)
    carried = tmp_path / "carried"
    carried.mkdir()
    for file in (*dist.glob("*.pyz"), dist / "SHA256SUMS"):
        shutil.copy(file, carried)
    more = {"HOME": str(tmp_path), "XDG_CACHE_HOME": "", "PATH": _python_first()}
    done = _run(["bash", "-ec", lines], carried, **more)
    assert (done.returncode, done.stderr) == (0, "")
    checked, started = done.stdout.splitlines()
    assert checked.endswith(".pyz: OK")
    assert started[:9] == "gpmirror "


@pytest.mark.ssh
def test_the_readmes_line_carries_it_to_a_host(
    dist: Path, tmp_path: Path, warm: dict[str, str]
) -> None:
    """Word for word, to a real SSH server that is called mdw."""
    page = (ROOT / "README.md").read_text("utf-8")
    (line,) = re.findall(r"`(scp [^`]+)`", page)
    there = tmp_path / "there"
    there.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "dist").symlink_to(dist)
    if not Path(SFTP).exists():
        pytest.skip(f"there is no {SFTP}")
    inside = f"cd {there} && export PATH='{_python_first()}' && "
    inside += f"case $SSH_ORIGINAL_COMMAND in *sftp*) exec {SFTP};; esac; "
    inside += 'exec sh -c "$SSH_ORIGINAL_COMMAND"'
    with farm(tmp_path / "farm") as made:
        made.start("mdw", f"Subsystem sftp {SFTP}", f"ForceCommand {inside}")
        for name in ("scp", "ssh"):
            found = shutil.which(name)
            _script(tmp_path / "bin" / name, f'exec {found} -F {made.config} "$@"')
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        done = _run(["bash", "-ec", line], work, PATH=path)
    assert (done.returncode, done.stdout[:9]) == (0, "gpmirror "), done.stderr
    assert os.access(there / "gpmirror", os.X_OK)


# --- In a root file system without anything


BARE = ("dash", "coreutils", "libc-bin")
LOADS = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
for name in "psycopg.pq psycopg_binary pydantic_core paramiko nacl.bindings bcrypt cffi _cffi_backend \
cryptography.hazmat.bindings._rust ruamel.yaml wrapt fabric".split():
    importlib.import_module(name)
import psycopg
print("python", "%d.%d.%d" % sys.version_info[:3], psycopg.pq.__impl__)
"""


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a system with a shell and coreutils, of the Debian packages installed here."""
    _root_needed("change the root folder")
    if _run(["unshare", "--net", "--mount", "true"]).returncode:
        pytest.skip("this system lets nobody unshare the network and mounts")
    if shutil.which("dpkg-query") is None:
        pytest.skip("the root file system is made of Debian's packages, and this is no Debian")
    return _system(tmp_path_factory.mktemp("bare"), BARE)


@pytest.fixture(scope="session")
def root(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with Debian's Python."""
    return _system(tmp_path_factory.mktemp("root"), (*BARE, "python3.11"))


def test_without_a_python_it_says_where_it_looked_and_what_to_install(
    bare: Path, program: Path
) -> None:
    (bare / "usr/libexec").mkdir(exist_ok=True)
    old = _script(bare / "usr/bin/python3", "exit 1")
    try:
        done = _inside(bare, program, ["--version"])
    finally:
        old.unlink()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: gpmirror needs a Python of 3.11 3.12 3.13 3.14 on this machine, and none was found\n"
        "looked at python3 and python3.N in PATH, /usr/bin, /usr/local, /opt and ~/.pyenv:\n"
        "  /usr/bin/python3 is older, or does not start\n"
        "  /bin/python3 is older, or does not start\n"
        "hint: on RHEL 8 and 9, Rocky and Alma: dnf install python3.11\n"
        "hint: on Debian 12 and Ubuntu 24.04: apt-get install python3\n"
        "hint: or name one that is elsewhere: "
        "GPMIRROR_PYTHON=/path/to/python3.11 /srv/gpmirror.pyz\n"
    )


def test_it_plans_without_network_compiler_or_packages_with_each_python(
    root: Path, program: Path
) -> None:
    shutil.copytree(ROOT / "examples" / "two-hosts", root / "srv" / "two-hosts")
    for home in ("root", "home/dba"):
        (root / home).mkdir(parents=True, exist_ok=True)
    os.chown(root / "home/dba", OTHER, OTHER)
    assert not (root / "usr/bin/gcc").exists()
    tried = _pythons()
    assert {f"3.{sys.version_info.minor}"} <= {version.rpartition(".")[0] for version, _ in tried}
    for account, home in ((0, "/root"), (OTHER, "/home/dba"), (OTHER, "/nowhere")):
        # the first account tries every Python, the others Debian's own
        for version, prefix in tried if account == 0 else tried[:1]:
            _see_it_work(root, program, (version, prefix), (account, home))


def _see_it_work(
    root: Path, program: Path, python: tuple[str, Path], person: tuple[int, str]
) -> None:
    (version, prefix), (account, home) = python, person
    words = ["plan", "/srv/two-hosts/gpmirror.yaml", "--catalog", "/srv/two-hosts/catalog.txt"]
    done = _inside(root, program, words, prefix=prefix, account=account, home=home)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "4 to add" in done.stdout
    place = (
        f"{home}/.cache/gpmirror" if (root / home[1:]).is_dir() else f"/var/tmp/gpmirror-{OTHER}"
    )
    tag = "".join(version.split(".")[:2])
    (folder,) = (root / place[1:]).glob(f"*-cp{tag}")
    assert folder.stat().st_uid == account
    if account == 0:
        inside = f"{place}/{folder.name}"
        done = _shell(
            root,
            f'exec "{prefix}/bin/python{version[:4]}" -I -S -c "$1" {inside}',
            [LOADS],
            prefix=prefix,
        )
        assert (done.stdout, done.stderr) == (f"python {version} binary\n", "")
    more = {"PGHOST": "127.0.0.1", "PGPORT": "1"}
    done = _inside(root, program, ["snapshot"], prefix=prefix, account=account, home=home, **more)
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr


def test_disks_that_will_not_do_are_told(root: Path, program: Path) -> None:
    mounts = (
        f"mount -t tmpfs -o noexec none '{root}/var/tmp'; "
        f"mount -t tmpfs -o size=1m none '{root}/tmp'"
    )
    done = _inside(root, program, ["--version"], home="/nowhere", mounts=mounts)
    assert (done.returncode, done.stdout) == (1, "")
    assert "/var/tmp/gpmirror-0: is on a disk that runs no programs (mounted noexec)" in done.stderr
    assert re.search(r"  /tmp/gpmirror-0: has [01] MiB free, and \d+ MiB are needed", done.stderr)


# --- From a wheelhouse


@pytest.mark.parametrize("pip", ["oldest", "newest"])
def test_pip_installs_from_the_wheelhouse_alone(house: Path, tmp_path: Path, pip: str) -> None:
    """The lines of the guide, word for word, in an environment with that pip."""
    python = ROOT / "build" / "pips" / pip / "bin" / "python"
    if not python.exists():
        assert not os.environ.get("CI"), "run `make pips`"
        pytest.skip("`make pips` makes the environments with the oldest and the newest pip")
    (lines,) = (part for part in GUIDE.read_text("utf-8").split("```") if "--no-index" in part)
    folder = tmp_path / "carried"
    folder.mkdir()
    for file in house.glob("*x86_64.tar"):
        shutil.copy(file, folder)
    packages = next(python.parents[1].glob("lib/python3*/site-packages"))
    # the guide's `pip` is the pip of a new environment: here the one under trial
    tried = lines.replace(
        "~/gpmirror/bin/pip", f"PYTHONPATH='{packages}' ~/gpmirror/bin/python -m pip"
    )
    assert tried != lines
    home = tmp_path / "home"
    home.mkdir()
    unshared = ["unshare", "--net"] if _run(["unshare", "--net", "true"]).returncode == 0 else []
    done = _run(
        [*unshared, "bash", "-ec", tried],
        cwd=folder,
        HOME=str(home),
        PATH=f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}",
        PIP_CONFIG_FILE="/dev/null",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
        XDG_CACHE_HOME=str(home / "cache"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("gpmirror ")


# --- Means


def _run(words: Sequence[str], cwd: Path = ROOT, **more: str) -> Ended:
    return subprocess.run(
        words,
        cwd=cwd,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _cache(folder: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": _python_first()}


def _python_first() -> str:
    return f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}"


def _version(program: Path, **more: str) -> Ended:
    return _run([str(program), "--version"], ROOT, **{"PATH": _python_first(), **more})


def _script(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def _root_needed(what: str) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"only root may {what}")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pinned(targets: Sequence[Target]) -> set[str]:
    lines = re.findall(r"^([a-z0-9][^\\\n]*)", build.LOCK.read_text("utf-8"), re.M)
    pins = [Requirement(line) for line in lines]
    return {_plain(pin.name) for pin in pins if any(one.holds(pin) for one in targets)}


def _pythons() -> list[tuple[str, Path]]:
    """Every Python here that the file carries libraries for: Debian's own first."""
    homes = [Path("/usr"), *sorted(Path("/root/.pyenv/versions").glob("3.*"))]
    found = []
    for home in homes:
        done = _run(
            [
                str(home / "bin/python3"),
                "-I",
                "-c",
                "import sys; print('%d.%d.%d' % sys.version_info[:3])",
            ]
        )
        if done.stdout.rpartition(".")[0] in build.pythons():
            found.append((done.stdout.strip(), home))
    return found


def _system(root: Path, packages: Sequence[str]) -> Path:
    """A root folder with the files of Debian packages installed here, and of what they need."""
    for name in (
        "proc",
        "dev",
        "tmp",
        "var/tmp",
        "srv",
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    root.chmod(0o755)
    for package in _closure(packages):
        listed = _run(["dpkg-query", "-L", package]).stdout.splitlines()
        for file in map(Path, listed):
            skipped = str(file).startswith(
                ("/usr/share/doc", "/usr/share/man", "/usr/share/locale")
            )
            target = root / str(file)[1:]
            if skipped or file.is_dir() or not file.exists() or os.path.lexists(target):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target, follow_symlinks=False)
    if not os.path.lexists(root / "bin/sh"):
        (root / "bin/sh").symlink_to("dash")
    return root


def _closure(packages: Sequence[str]) -> Iterator[str]:
    """The packages and all that they depend on, but for what only asks questions at installation."""
    seen = {"debconf", "perl-base", "dpkg"}
    waiting = list(packages)
    while waiting:
        package = waiting.pop()
        if package in seen:
            continue
        seen.add(package)
        asked = "-f=${Pre-Depends},${Depends}"
        told = _run(["dpkg-query", "-W", asked, package])
        if told.returncode:
            continue
        yield package
        waiting += re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9.+-]*)", told.stdout)


def _inside(
    root: Path,
    program: Path,
    words: Sequence[str],
    *,
    prefix: Path = Path("/usr"),
    account: int = 0,
    home: str = "/root",
    mounts: str = ":",
    **more: str,
) -> Ended:
    """How the program ends in that root, without a network, as an account."""
    target = root / "srv" / "gpmirror.pyz"
    if not target.exists():
        os.link(program, target) if program.stat().st_dev == root.stat().st_dev else shutil.copy(
            program, target
        )
    settings = " ".join(f"{name}='{value}'" for name, value in {"HOME": home, **more}.items())
    command = f'export {settings}; exec /srv/gpmirror.pyz "$@"'
    return _shell(root, command, words, prefix=prefix, account=account, mounts=mounts)


def _shell(
    root: Path,
    command: str,
    words: Sequence[str],
    *,
    prefix: Path = Path("/usr"),
    account: int = 0,
    mounts: str = ":",
) -> Ended:
    (root / "dev/null").touch()
    bound = f"mount --bind /dev/null '{root}/dev/null'"
    if prefix != Path("/usr"):
        (root / str(prefix)[1:]).mkdir(parents=True, exist_ok=True)
        bound += f"; mount --bind '{prefix}' '{root}{prefix}'"
    outside = (
        f"set -e; {mounts}; {bound}; root=$1; shift; exec chroot --userspec={account}:{account} "
        f'"$root" /usr/bin/env -i PATH="{prefix}/bin:/usr/bin:/bin" /bin/sh -c "$@"'
    )
    start = ["unshare", "--net", "--mount", "--", "sh", "-c", outside, "sh", str(root)]
    return _run([*start, command, "sh", *words])
