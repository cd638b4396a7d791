"""The programs a practice cluster needs: PostgreSQL's, OpenSSH's, and a Python for the account."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gpmirror
from gpmirror.errors import Failure
from gpmirror.lab.account import Account
from gpmirror.lab.code_copy import drop_copy, make_copy
from gpmirror.lab.launch import as_account

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
