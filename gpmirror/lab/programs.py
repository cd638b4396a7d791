"""The programs a practice cluster needs, and a copy of the lab's code where its account may read it."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import gpmirror
from gpmirror.errors import Failure, Locked
from gpmirror.lab.account import Account, as_account
from gpmirror.values import dataclass

# --- A copy of the lab's own code for an account that may not read where it is installed.
#
# What root installs often lies below /root, which no other account may enter.


_LIBRARIES = ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py")
_NEEDLESS = shutil.ignore_patterns("__pycache__")


def make_copy(state: Path, libraries: Path) -> Path:
    """Copy gpmirror and what the lab needs of the libraries to a folder beside the state folder.

    Raises Failure: it cannot be written, or something that is not ours has its name.
    """
    folder = _folder(state)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o755, exist_ok=True)
        if not _is_ours(folder):
            raise Failure(f"{folder} is not a folder of ours", hint="move it away")
        folder.chmod(0o755)
        for source in (Path(gpmirror.__file__).parent, *(libraries / name for name in _LIBRARIES)):
            _copy(source, folder / source.name)
    except OSError as error:
        raise Failure(
            f"cannot copy the practice cluster's code to {folder}: {error.strerror}",
            hint="name a place with space in XDG_STATE_HOME",
        ) from error
    return folder


def drop_copy(state: Path) -> None:
    """Remove the copy of a lab that is gone."""
    folder = _folder(state)
    if _is_ours(folder) and not (state.exists() and any(state.iterdir())):
        shutil.rmtree(folder, ignore_errors=True)


def _folder(state: Path) -> Path:
    return state.with_name(f"{state.name}.code")


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and folder.lstat().st_uid == os.geteuid()


def _copy(source: Path, target: Path) -> None:
    """Whoever installed it may have kept it to himself: in the copy every account reads it."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NEEDLESS, copy_function=_renew, dirs_exist_ok=True)
        for folder in (target, *(one for one in target.rglob("*") if one.is_dir())):
            folder.chmod(0o755)
    elif source.exists():
        _renew(str(source), str(target))


def _renew(source: str, target: str) -> None:
    """Copy what is not there as it is. Never writes into a file: running processes have libraries
    of the copy mapped, and would crash.
    """
    now, then = Path(source).stat(), Path(target).stat() if Path(target).exists() else None
    mode = 0o755 if now.st_mode & stat.S_IXUSR else 0o644
    if then and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns):
        Path(target).chmod(mode)
        return
    shutil.copy2(source, f"{target}.part")
    Path(f"{target}.part").chmod(mode)
    Path(f"{target}.part").replace(target)


# --- The programs a practice cluster needs: PostgreSQL's, OpenSSH's, and a Python for the account.


_POSTGRES = ("initdb", "postgres", "pg_ctl", "pg_basebackup", "pg_controldata", "psql")
_OLDEST = 12  # standby.signal and pg_promote came with 12
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """An interpreter that the account can run, and the PYTHONPATH that finds gpmirror with it."""

    program: Path
    path: str


def find_postgres(asked: Path | None) -> Path:
    """PostgreSQL's folder of programs: the one asked for, PATH's, Debian's newest.

    Raises Failure: none that is complete.
    """
    candidates = [asked] if asked is not None else [*_from_path(), *_from_debian()]
    for folder in candidates:
        if all(os.access(folder / name, os.X_OK) for name in _POSTGRES):
            return folder.resolve()
    where = str(asked) if asked is not None else f"PATH or {_DEBIAN}"
    raise Failure(
        f"no PostgreSQL server of {_OLDEST} or later in {where}; its programs "
        f"{', '.join(_POSTGRES)} are needed",
        hint="`sudo apt-get install postgresql`, or name its folder with --pg-bindir",
    )


def find_sshd() -> Path:
    """The OpenSSH server. Raises Failure: there is none."""
    for folder in (*os.get_exec_path(), "/usr/sbin", "/usr/local/sbin"):
        program = Path(folder) / "sshd"
        if program.is_absolute() and os.access(program, os.X_OK):
            return program
    raise Failure(
        "no OpenSSH server (sshd) in PATH or /usr/sbin",
        hint="`sudo apt-get install openssh-server`; it need not be running",
    )


def find_client(name: str) -> Path:
    """Ssh or ssh-keygen. Raises Failure: it is not installed."""
    if found := shutil.which(name):
        return Path(found)
    raise Failure(f"no `{name}` in PATH", hint="`sudo apt-get install openssh-client`")


def find_python(account: Account, state: Path) -> Python:
    """The first interpreter that runs gpmirror's lab as the account; if need be with a copy of the
    code beside the lab's state folder.

    Raises Failure: all of them lie where the account cannot go.
    """
    tried = tuple(_interpreters())
    for python in tried:
        if _works(python, account):
            return python
    if os.geteuid() != account.uid:
        copied = str(make_copy(state, _libraries()))
        for python in tried:
            if _works(copy := Python(program=python.program, path=copied), account):
                return copy
        drop_copy(state)
    raise Failure(
        f"the account {account.name} can run no Python that has gpmirror and psycopg; tried "
        f"{', '.join(sorted({str(python.program) for python in tried}))}",
        hint="run the lab as an ordinary user, or install gpmirror where every account can read "
        "it, for example below /opt",
    )


def _from_path() -> Iterator[Path]:
    if program := shutil.which("pg_config"):
        told = subprocess.run([program, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(told.stdout.strip())
    if program := shutil.which("initdb"):
        yield Path(program).resolve().parent


def _from_debian() -> list[Path]:
    versions = [int(found.name) for found in _DEBIAN.glob("*") if re.fullmatch(r"\d+", found.name)]
    return [
        _DEBIAN / str(found) / "bin" for found in sorted(versions, reverse=True) if found >= _OLDEST
    ]


def _interpreters() -> Iterator[Python]:
    source = str(Path(gpmirror.__file__).resolve().parent.parent)
    libraries = str(_libraries())
    yield Python(program=Path(sys.executable), path=source)
    for name in (f"python3.{sys.version_info.minor}", "python3"):
        for folder in ("/usr/bin", "/usr/local/bin"):
            yield Python(program=Path(folder) / name, path=f"{source}:{libraries}")


def _libraries() -> Path:
    import psycopg

    return Path(psycopg.__file__).resolve().parent.parent


def _works(python: Python, account: Account) -> bool:
    test = "import psycopg, gpmirror.lab.layout"
    try:
        return as_account([str(python.program), "-c", test], account, python.path).wait() == 0
    except OSError:
        return False


# --- Orders to the lab's account: a process of its own does the work and answers in JSON.


def give(
    command: str, state: Path, account: Account, python: Python, more: Mapping[str, object]
) -> list[str]:
    """Have a command carried out; its result as words. Talk of the work goes to our stderr.

    Raises Failure or Locked: what the other side says.
    """
    argv = [str(python.program), "-m", "gpmirror.lab", command]
    with _deaf():
        worker = as_account(argv, account, python.path, state)
    order = json.dumps({"state": str(state), "python_path": python.path, **more})
    try:
        told, _ = worker.communicate(order.encode())
    except KeyboardInterrupt:
        worker.terminate()
        worker.wait()
        raise
    return _result(told, worker.returncode, command)


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started meanwhile is not interrupted from the terminal before it is ready to clear
    away what it began: we are, and tell it.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(told: bytes, status: int, command: str) -> list[str]:
    try:
        result = json.loads(told)
    except ValueError:
        raise Failure(
            f"`lab {command}` ended with status {status} and no answer",
            hint="`gpmirror lab down` clears away what was begun",
        ) from None
    if "error" in result:
        kind = Locked if result.get("code") == Locked.exit_code else Failure
        raise kind(result["error"], hint=result["hint"])
    return [str(word) for word in result["done"]]


def remove_empty(state: Path) -> None:
    """Remove the lab's folder and the one around it, as far as they are empty and ours."""
    for folder in (state, state.parent):
        try:
            folder.rmdir()
        except OSError:
            return
