"""Runs on this machine: one folder each in the state directory, on disk when a call is back."""

import errno
import grp
import json
import os
import pwd
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Protocol

from gpmirror.adapters.operator import utc_now
from gpmirror.errors import Failure
from gpmirror.plan.model import RUN_NAME
from gpmirror.run.record import JOURNAL, PLAN, RunRecord, read_standing, whole_lines
from gpmirror.values import dataclass

# --- Files and folders that are on disk when the call is back: content, and the name they go by.


def write_new(path: Path, data: bytes) -> None:
    """A file of its owner's alone that was not there before. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _keep_names(path.parent)


def append(path: Path, data: bytes) -> None:
    """All of it, or OSError: a disk that is nearly full takes a part without a word. No empty file
    stays behind.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        if is_new and os.fstat(descriptor).st_size == 0:
            with suppress(OSError):
                path.unlink()
        raise
    finally:
        os.close(descriptor)
    if is_new:
        _keep_names(path.parent)


def new_folder(path: Path) -> None:
    """A folder of its owner's alone. Raises OSError, FileExistsError among them."""
    path.mkdir(mode=0o700)
    _keep_names(path.parent)


def make_private(folder: Path) -> None:
    """The folder and the missing ones above it, closed to others whatever the umask: who can write
    the parent can put another folder in its place. Raises OSError.
    """
    for path in (*reversed(folder.parents), folder):
        with suppress(FileExistsError):
            new_folder(path)


def why_not_ours(path: Path, *, root_too: bool = False) -> str | None:
    """Why what stands at a path may be somebody else's work; None: it is the effective user's, and
    nobody else may write it. Raises OSError.

    `root_too`: for what people keep themselves. Root's is as good, a group of its owner alone is
    nobody else (the umask 002 of many systems gives it the right to write), and in a folder such as
    /tmp nobody can touch another's files.
    """
    owners = {os.geteuid(), 0} if root_too else {os.geteuid()}
    for found in (path.lstat(), path.stat()):
        if found.st_uid not in owners:
            ours = _account(os.geteuid())
            or_root = " or root" if root_too and os.geteuid() else ""
            return f"belongs to {_account(found.st_uid)}, not to {ours}{or_root}"
    found = path.stat()
    shared = stat.S_IWOTH if root_too and _is_private(found) else stat.S_IWGRP | stat.S_IWOTH
    if root_too and stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
        shared = 0
    if found.st_mode & shared:
        mode = stat.S_IMODE(found.st_mode)
        return f"is not to be believed: others may write it (mode {mode:04o})"
    return None


def _is_private(found: os.stat_result) -> bool:
    """Whether the group of a file is its owner's own: of the same name, and with nobody else in it."""
    try:
        owner, group = pwd.getpwuid(found.st_uid), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    is_own = (group.gr_name, group.gr_gid) == (owner.pw_name, owner.pw_gid)
    return is_own and not {*group.gr_mem} - {owner.pw_name}


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _keep_names(folder: Path) -> None:
    """A file whose name is lost in a crash is lost with all that was synced into it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Runs on this machine: one folder each in the state directory, closed to everybody else.


_OTHERWISE = "reached-otherwise"
"""A file in the folder of a run whose cluster was not reached as its plan says: another machine began
it, or the operator let the environment alone decide.
"""

_SHOWN = 4

_AGREED = "confirmed"
"""The folder beside that of the runs which holds what the operator of this machine said yes to. A run's
own folder can be copied here from anywhere: what lies in it proves no yes.
"""


def runs_folder(environment: Mapping[str, str]) -> Path:
    """`$XDG_STATE_HOME/gpmirror/runs`; an unset, empty or relative base means `~/.local/state`."""
    base = environment.get("XDG_STATE_HOME", "")
    root = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return root / "gpmirror" / "runs"


def new_run_name() -> str:
    """A name that sorts by time and is never given twice: `20261121T070539Z-1f3a9c`."""
    now = datetime.now(UTC)
    # two digits for the part of the second, four by chance
    part = now.microsecond * 0x100 // 1_000_000
    return f"{now:%Y%m%dT%H%M%SZ}-{part:02x}{secrets.token_hex(2)}"


def create_run(folder: Path, name: str, plan_text: str) -> Path:
    """Make a run's folder with its plan. Raises Failure: the state directory cannot be written."""
    path = folder / name
    try:
        make_private(folder)
        _check_ours(folder.parent, folder)
        new_folder(path)
        write_new(path / PLAN, plan_text.encode())
    except OSError as error:
        raise Failure(
            f"the journal of this run cannot be kept in {path}: {error.strerror}",
            hint="set XDG_STATE_HOME to a folder of yours with space",
        ) from error
    return path


def read_run(folder: Path, name: str) -> tuple[RunRecord, bytes]:
    """Where a run stands, and its plan file. Raises Failure: there is no such run."""
    check_name(folder, name)
    path = folder / name
    if not path.is_dir():
        raise _unknown(folder, name)
    try:
        _check_ours(folder.parent, folder, path, path / JOURNAL, path / PLAN)
        text = (path / JOURNAL).read_text(encoding="utf-8", errors="replace")
        standing = read_standing(text, str(path / JOURNAL))
        if standing.run != name:
            raise Failure(
                f"{path / JOURNAL} is the journal of run {standing.run[:80]!r}, not of {name}",
                hint="journals are not moved between runs: put the run's own one back",
            )
        return standing, (path / PLAN).read_bytes()
    except OSError as error:
        raise _unread(name, error) from error


def _check_ours(*paths: Path) -> None:
    """What others may have written says nothing: a journal and a plan decide what is run and what
    is deleted. Raises Failure with the command that fixes it; OSError.
    """
    for path in paths:
        why = why_not_ours(path)
        if why is not None:
            word = (
                f"chmod go-w {quote(str(path))}"
                if "write" in why
                else f"chown {os.geteuid()} {quote(str(path))}"
            )
            raise Failure(
                f"{path} {why}",
                hint=f"look at what is in it; if it is your own work, `{word}`; else set "
                "XDG_STATE_HOME to a folder of yours",
            )


def read_journal(folder: Path, name: str) -> str:
    """The journal as it was sent to the coordinator's host. Raises Failure."""
    try:
        return whole_lines((folder / name / JOURNAL).read_bytes().decode("utf-8", "replace"))
    except OSError as error:
        raise _unread(name, error) from error


def _unread(name: str, error: OSError) -> Failure:
    return Failure(
        f"run {name} cannot be read: {error.filename}: {error.strerror}",
        hint="check its owner and mode (`ls -l`)",
    )


def keep_run(folder: Path, name: str, journal: str, plan: str) -> None:
    """Keep a copy of a run that was recorded elsewhere. Raises Failure as `create_run` does."""
    path = create_run(folder, name, plan)
    reach_otherwise(path)
    write_new(path / JOURNAL, journal.encode("utf-8", "surrogateescape"))


def reach_otherwise(run: Path) -> None:
    """Remember that nobody here agreed to how the run's plan reaches the cluster. Raises Failure."""
    try:
        write_new(run / _OTHERWISE, b"")
    except OSError as error:
        raise _unwritten(run / _OTHERWISE, error) from error


def is_reached_otherwise(folder: Path, name: str) -> bool:
    """Whether how its plan reaches the cluster is somebody else's word."""
    return (folder / name / _OTHERWISE).exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What the operator of this machine said yes to before a run changed anything: its plan, what the
    command line allowed, and whether the cluster was reached as the plan says.
    """

    plan_id: str
    allow: tuple[str, ...]
    as_planned: bool


def keep_agreed(folder: Path, name: str, agreed: Agreed) -> None:
    """Remember the yes to a run. Raises Failure: the state directory cannot be written."""
    path = folder.parent / _AGREED / f"{name}.json"
    facts = {
        "run": name,
        "plan_id": agreed.plan_id,
        "allow": sorted(agreed.allow),
        "as_planned": agreed.as_planned,
    }
    try:
        make_private(path.parent)
        _check_ours(path.parent)
        write_new(path, f"{json.dumps(facts)}\n".encode())
    except OSError as error:
        raise _unwritten(path, error) from error


def read_agreed(folder: Path, name: str, plan_id: str) -> Agreed | None:
    """The yes to a run with this plan; None: nobody said it on this machine, or an earlier version
    did not write it down. Raises Failure: others may have written it.
    """
    path = folder.parent / _AGREED / f"{name}.json"
    try:
        _check_ours(path.parent, path)
        facts = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):  # a crash before the first change leaves part of it
        return None
    except OSError as error:
        raise _unread(name, error) from error
    match facts:
        case {
            "run": run,
            "plan_id": plan,
            "allow": list(allow),
            "as_planned": bool(as_planned),
        } if (run, plan) == (name, plan_id):
            names = tuple(str(one) for one in allow)
            return Agreed(plan_id=plan_id, allow=names, as_planned=as_planned)
        case _:
            return None


def add_records(folder: Path, name: str, lines: str) -> None:
    """Add what another machine wrote of a run to its journal here. Raises Failure."""
    path = folder / name / JOURNAL
    try:
        cut_off = _count(path)[1]
        append(path, f"{chr(10) if cut_off else ''}{lines}".encode("utf-8", "replace"))
    except OSError as error:
        raise _unwritten(path, error, changed=True) from error


def whole_name(folder: Path, given: str) -> str:
    """The run of this machine whose name begins so, if there is one; else what was given. Raises
    Failure: several begin so.
    """
    try:
        names = sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True)
    except OSError:  # what reads the run says why
        return given
    found = [name for name in names if name.startswith(given)] if given else []
    if given in found or not found:
        return given
    if len(found) > 1:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Failure(
            f"{len(found)} runs begin with {given}: {', '.join(found[:_SHOWN])}{more}",
            hint="write more of the name",
        )
    return found[0]


def check_name(folder: Path, name: str) -> None:
    """Raises Failure for what cannot be the name of a run."""
    if RUN_NAME.fullmatch(name) is None:
        raise _unknown(folder, name)


def _unknown(folder: Path, name: str) -> Failure:
    hint = "`gpmirror runs` lists the runs of this machine"
    return Failure(f"no run {name[:80]!r} in {folder}", hint=hint)


def list_runs(folder: Path) -> list[RunRecord]:
    """All runs, newest first; folders without a journal are left out.

    Raises Failure: the folder cannot be read, or others may write it.
    """
    try:
        names = sorted((path.name for path in folder.iterdir() if path.is_dir()), reverse=True)
        _check_ours(folder.parent, folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Failure(
            f"the runs in {folder} cannot be listed: {error.strerror}",
            hint="check its owner and mode (`ls -ld`), or set XDG_STATE_HOME to a folder of yours",
        ) from error
    found = []
    for name in names:
        with suppress(Failure):
            found.append(read_run(folder, name)[0])
    return found


class RunJournal:
    """`boundary.Journal`: a file that is on disk after every record, and its copy far away.

    `far` gets text for the journal in the run directory on the coordinator's host and says whether
    it got there: the whole of it the first time, then what is new; what could not be sent goes
    with the next record. Without `far` there is no copy.
    """

    def __init__(self, folder: Path, far: "FarJournal | None") -> None:
        self._path = folder / JOURNAL
        self._far = far
        self._sending = False
        self._sent = 0
        self._begun = False
        self._seq, self._cut_off = _count(self._path)

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record. Raises Failure: disk full and the like."""
        if not self._begun:  # by now there may be records of another machine
            self._seq, self._cut_off = _count(self._path)
            self._begun = True
        self._seq += 1
        # ASCII alone: a line that holds anything else was not written whole
        data = f"{json.dumps({'seq': self._seq, 'time': utc_now(), **record})}\n".encode()
        try:
            # a line that a crash or a full disk cut off must not swallow this one
            whole, self._cut_off = (b"\n" + data if self._cut_off else data), True
            append(self._path, whole)
            self._cut_off = False
        except OSError as error:
            raise _unwritten(self._path, error, changed=self._sending) from error
        if self._sending and self._far is not None:
            self._send(self._far)

    def also_far(self) -> None:
        """Copy to the coordinator's host from now on."""
        self._sending = True

    def _send(self, far: "FarJournal") -> None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return  # the record is on disk; the copy is for other machines
        text = whole_lines(data[self._sent :].decode("utf-8", "replace"))
        send = far.append if self._sent else far.replace
        if send(text):
            self._sent = len(data)


class FarJournal(Protocol):
    """The copy of a journal on another machine; False: it could not be reached."""

    def replace(self, text: str) -> bool:
        """Put the whole journal there."""
        ...

    def append(self, text: str) -> bool:
        """Add to it."""
        ...


def _unwritten(path: Path, error: OSError, *, changed: bool = False) -> Failure:
    """`changed`: the run has begun to change the cluster, so there is something to resume."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            hint = f"free space or inodes where {path.parent} lies"
        case errno.EROFS:
            hint = f"the file system of {path.parent} is read-only: see why (`dmesg`), remount it"
        case errno.ENOENT | errno.ENOTDIR | errno.ESTALE:
            hint = f"{path.parent} is gone: see what removed it, and whether its file system is mounted"
        case _:
            hint = f"check owner and mode of {path.parent} (`ls -ld`)"
    after = ", then `gpmirror resume`" if changed else ", then start again: nothing was changed"
    return Failure(f"the journal {path} cannot be written: {error.strerror}", hint=f"{hint}{after}")


def _count(path: Path) -> tuple[int, bool]:
    """Lines there are, and whether the last one was cut off. Raises Failure."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return 0, False
    except OSError as error:
        raise Failure(
            f"the journal {path} cannot be read: {error.strerror}",
            hint="check its owner and mode (`ls -l`)",
        ) from error
    cut = bool(text) and not text.endswith(b"\n")
    return text.count(b"\n") + cut, cut
