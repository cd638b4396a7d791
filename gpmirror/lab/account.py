"""Who runs the practice cluster, where its state lies, and how its programs are started."""

import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpmirror.errors import Failure
from gpmirror.values import dataclass

# --- Who runs the practice cluster, and where its state lies.
#
# PostgreSQL refuses to run as root, so root's lab runs as an unprivileged account. That account
# needs a shell and a home that can be entered: the lab's SSH servers log in as it.


ROOT = 0
_CANDIDATES = ("gpmirror-lab", "nobody", "postgres", "gpadmin")
_NO_SHELLS = {"nologin", "false", "sync"}
_LONGEST_STATE = 64  # a socket's path must stay below 100: /hosts/sdw64/sock/.s.PGSQL.26015
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this operating system."""

    name: str
    uid: int
    gid: int


def lab_account(environment: Mapping[str, str]) -> Account:
    """The caller itself; for root the user behind sudo, else the first account that will do.

    Raises Failure: root, and no account to drop to.
    """
    if os.geteuid() != ROOT:
        return _account(pwd.getpwuid(os.geteuid()))
    for entry in _entries(environment):
        if entry.pw_uid != ROOT and _can_log_in(entry):
            return _account(entry)
    raise Failure(
        "root cannot run the practice cluster (PostgreSQL refuses root), and none of the accounts "
        f"{', '.join(_CANDIDATES)} has a shell and a home",
        hint="run it as an ordinary user, or `useradd --create-home gpmirror-lab` first",
    )


def state_folder(account: Account, environment: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/gpmirror/lab`, or `/var/tmp/gpmirror-lab-UID` where that is no use: closed
    to the account, too long for a socket's path, or spelt with what configuration files dislike.
    """
    home = environment.get("HOME")
    base = environment.get("XDG_STATE_HOME") or (f"{home}/.local/state" if home else "")
    wanted = Path(base) / "gpmirror" / "lab"
    if wanted.is_absolute() and _fits(str(wanted)) and _reaches(account, wanted):
        return wanted
    return Path(f"/var/tmp/gpmirror-lab-{account.uid}")  # noqa: S108 checked before use: claim()


def claim(state: Path, account: Account) -> None:
    """Make the state folder, closed to others. Raises Failure: it is not the account's own."""
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == ROOT and state.lstat().st_uid == ROOT and not any(state.iterdir()):
            os.chown(state, account.uid, account.gid, follow_symlinks=False)
        found = state.lstat()
    except OSError as error:
        raise Failure(
            f"cannot make the practice cluster's folder {state}: {error.strerror}",
            hint="name another place in XDG_STATE_HOME",
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise Failure(
            f"{state} is not a folder of the account {account.name}",
            hint="move it away, or name another place in XDG_STATE_HOME",
        )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _entries(environment: Mapping[str, str]) -> list[pwd.struct_passwd]:
    asked = environment.get("SUDO_UID", "")
    by_uid = [_found(pwd.getpwuid, int(asked))] if asked.isdecimal() else []
    by_name = [_found(pwd.getpwnam, name) for name in _CANDIDATES]
    return [entry for entry in (*by_uid, *by_name) if entry is not None]


def _found(look_up: Callable[[Any], pwd.struct_passwd], key: object) -> pwd.struct_passwd | None:
    try:
        return look_up(key)
    except (KeyError, OverflowError):
        return None


def _can_log_in(entry: pwd.struct_passwd) -> bool:
    shell = Path(entry.pw_shell or "/bin/sh")
    return (
        shell.name not in _NO_SHELLS
        and os.access(shell, os.X_OK)
        and _reaches(_account(entry), Path(entry.pw_dir))
        and Path(entry.pw_dir).is_dir()
    )


def _fits(path: str) -> bool:
    return len(path) <= _LONGEST_STATE and _SAFE.issuperset(path)


def _reaches(account: Account, path: Path) -> bool:
    """Whether the account may enter every folder on the way that exists already."""
    return all(_enters(account, folder) for folder in path.parents if folder.exists())


def _enters(account: Account, folder: Path) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


# --- Start programs as the lab's account, in an environment of their own that marks them as ours.


PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def as_account(
    argv: Sequence[str], account: Account, python_path: str, state: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a program as the account, in `/`. With a state folder it reads and answers through
    pipes and talks on our stderr, without one it is silent. Raises OSError: it cannot be started.
    """
    drops = os.geteuid() != account.uid
    stream = subprocess.PIPE if state else subprocess.DEVNULL
    return subprocess.Popen(
        argv,
        cwd="/",
        env=environment(python_path, state),
        stdin=stream,
        stdout=stream,
        stderr=None if state else subprocess.DEVNULL,
        user=account.uid if drops else None,
        group=account.gid if drops else None,
        extra_groups=[] if drops else None,
    )


def environment(python_path: str, state: Path | None) -> dict[str, str]:
    """What a process of the lab sees: nothing of the caller's. The state folder marks it as ours."""
    marks = {"GPM_LAB_STATE": str(state)} if state else {}
    return marks | {
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": python_path,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
