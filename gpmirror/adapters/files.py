"""Read input files and write results: clear errors, bounded size, all or nothing."""

import os
import re
import stat
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from shlex import quote

from gpmirror.errors import Failure, Unreadable

# --- Read input files and write results: clear errors, bounded size, all or nothing.


MAX_INPUT_BYTES = 64 * 1024 * 1024
_MAX_NEIGHBOURS = 2000
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})")


def read_input(path: str) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    Raises Unreadable: not there, a directory, no permission, more than 64 MB.
    """
    if path == "-":
        return _read_stdin()
    if "\0" in path:
        raise Unreadable("cannot read a path with a NUL character", hint="check the file name")
    try:
        with Path(path).open("rb") as file:
            return _bounded(file.read(MAX_INPUT_BYTES + 1), path)
    except FileNotFoundError as error:
        raise _missing(path) from error
    except IsADirectoryError as error:
        raise Unreadable(f"cannot read {path}: it is a directory", hint="name a file") from error
    except OSError as error:
        raise Unreadable(
            f"cannot read {path}: {error.strerror}", hint="check its owner and mode (`ls -l`)"
        ) from error


def written_at(path: str) -> str | None:
    """When a file was written last, as its file system has it, in UTC; None for what is no file."""
    with suppress(OSError, ValueError, OverflowError):
        if path != "-" and not is_stream(path):
            when = datetime.fromtimestamp(Path(path).stat().st_mtime, tz=UTC)
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def write_output(path: str, text: str, *, force: bool) -> None:
    """Write a text file: the whole text appears under its name, or nothing does.

    A file that already holds this text is left alone; another text is replaced only with `force`.
    What is no file (`is_stream`) gets the text as it comes.
    An existing file keeps its mode, a new one gets what the umask allows.
    Raises Failure: it exists, is a directory, its parent is missing or not writable, disk full.
    """
    data = text.encode("utf-8", "surrogateescape")
    try:
        if is_stream(path):
            _pour(path, data)
            return
        _write(Path(path), data, force=force)
    except (OSError, ValueError) as error:
        raise Failure(f"cannot write {path}: {_reason(error)}", hint=_mend(path, error)) from error


def is_stream(path: str) -> bool:
    """Whether a path names no file that could be replaced, but where bytes go at once: an open
    descriptor (`/dev/stdout`, a shell's `>(...)`), a pipe, a device.
    """
    with suppress(OSError, ValueError):
        return _descriptor(path) is not None or not stat.S_ISREG(_mode_of(path))
    return False


def is_stdout(path: str) -> bool:
    """Whether what is written to this path comes out where results are printed."""
    return _descriptor(path) == 1


def _descriptor(path: str) -> int | None:
    """The open descriptor of this process that a path stands for."""
    if path in _STREAMS:
        return _STREAMS[path]
    found = _DESCRIPTOR.fullmatch(path)
    return None if found is None else int(found[1])


def _mode_of(path: str) -> int:
    mode = Path(path).stat().st_mode
    # a folder is no stream: who writes is told that it is one
    return stat.S_IFREG if stat.S_ISDIR(mode) else mode


def _read_stdin() -> bytes:
    # stdin is None when the caller closed it
    stdin = getattr(sys, "stdin", None)
    if stdin is None:
        raise Unreadable("cannot read standard input: it is closed", hint="name a file")
    try:
        return _bounded(stdin.buffer.read(MAX_INPUT_BYTES + 1), "standard input")
    except OSError as error:
        raise Unreadable(
            f"cannot read standard input: {error.strerror}", hint="name a file"
        ) from error


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) <= MAX_INPUT_BYTES:
        return data
    raise Unreadable(
        f"cannot read {name}: it is larger than {MAX_INPUT_BYTES >> 20} MB",
        hint="name a spec, a catalog, a snapshot or a plan file",
    )


def _nearby(path: str) -> str:
    """The next action for a missing file: a like-named neighbour, or how to make one."""
    wanted = Path(path)
    names: list[str] = []
    with suppress(OSError):
        neighbours = islice(os.scandir(wanted.parent), _MAX_NEIGHBOURS)
        names = [entry.name for entry in neighbours if entry.is_file()]
    if near := get_close_matches(wanted.name, sorted(names), n=1, cutoff=0.7):
        return f"did you mean {wanted.with_name(near[0])}?"
    if wanted == _SPEC:
        return "`gpmirror init` writes a starter spec, `gpmirror import` one from a saved catalog"
    return "check the path"


def _missing(path: str) -> Unreadable:
    """There is no such file; where it is the spec that nobody had to name, with where it was sought."""
    message = f"cannot read {path}: no such file"
    if Path(path) != _SPEC:
        return Unreadable(message, hint=_nearby(path))
    if above := _nearest_above():
        return Unreadable(message, hint=f"did you mean {above}?")
    return Unreadable(f"{message} {where_sought()}", hint=_nearby(path))


def _pour(path: str, data: bytes) -> None:
    """Into what is open already, where a new file under its name would never be seen by its reader."""
    descriptor = _descriptor(path)
    into: str | int = path if descriptor is None else os.dup(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    with suppress(BrokenPipeError), open(into, "wb") as file:  # noqa: PTH123 - a descriptor is no path
        file.write(data)


def _write(path: Path, data: bytes, *, force: bool) -> None:
    target = path.resolve()
    if target.is_dir():
        raise IsADirectoryError
    mode = None
    if target.exists():
        if target.read_bytes() == data:
            return
        if not force:
            raise FileExistsError
        mode = stat.S_IMODE(target.stat().st_mode)
    _replace(target, data, mode)


def _replace(target: Path, data: bytes, mode: int | None) -> None:
    """Stage beside the target, sync, rename: a crash leaves the old file or the new one."""
    staged = target.with_name(f".gpmirror-{os.getpid()}.tmp")
    staged.unlink(missing_ok=True)  # left by a process that was killed and had our number
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            staged.chmod(mode)
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise


def _reason(error: OSError | ValueError) -> str:
    match error:
        case FileExistsError():
            return "the file exists and holds something else"
        case IsADirectoryError():
            return "it is a directory"
        case FileNotFoundError():
            return "its folder does not exist"
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error)


def _mend(path: str, error: OSError | ValueError) -> str:
    match error:
        case FileExistsError():
            return "look at it first; `--force` replaces it"
        case FileNotFoundError():
            return f"create the folder: `mkdir -p {quote(str(Path(path).parent))}`"
        case _:
            return "name another file or fix its folder (`ls -ld`)"


# --- The spec that nobody named: of this folder, else the nearest above it in its git repository.


_SPEC = Path("gpmirror.yaml")


def spec_above() -> str | None:
    """The nearest gpmirror.yaml above this folder, up to the root of its git repository; None: there is
    none. It says what is started and who gets a password, so it must be ours or root's.

    Raises Unreadable: it is somebody else's, or others may write it or its folder.
    """
    found = _nearest_above()
    if found is None:
        return None
    why = _why_not_trusted(found)
    if why is not None:
        raise Unreadable(
            f"found {found} and do not use it: {why}",
            hint="if you trust it, name it as SPEC or in GPMIRROR_SPEC",
        )
    return str(found)


def where_sought() -> str:
    """Where a spec that nobody named was looked for, as the end of a sentence."""
    folders = _folders_up()
    if not folders:
        return "in this folder, and no git repository around it"
    above = "" if len(folders) == 1 else f" or above it up to {folders[-1]}"
    return f"in this folder{above}, the root of its git repository"


def _nearest_above() -> Path | None:
    files = (folder / _SPEC for folder in _folders_up()[1:])
    return next((file for file in files if os.path.lexists(file)), None)


def _folders_up() -> list[Path]:
    """This folder and those above it up to the root of its git repository; none outside of one. The way
    ends at the home folder and where another file system begins: what lies beyond is others' matter.
    """
    found: list[Path] = []
    with suppress(OSError, RuntimeError):
        home, here = Path.home(), Path()
        device, below = here.stat().st_dev, None
        while here.stat().st_dev == device and not (below and here.samefile(below)):
            found.append(here)
            if os.path.lexists(here / ".git"):
                return found
            if home.exists() and here.samefile(home):
                return []
            below, here = here, here / ".."
    return []


def _why_not_trusted(file: Path) -> str | None:
    from gpmirror.adapters.runs import why_not_ours

    try:
        if not file.is_file():
            return "it is no file"
        if why := why_not_ours(file, root_too=True):
            return f"it {why}"
        # who may rename in its folder may put another file in its place
        if why := why_not_ours(file.parent, root_too=True):
            return f"its folder {why}"
    except OSError as error:
        return f"it cannot be looked at ({error.strerror})"
    return None


# --- A folder of native files that holds exactly one plan's files.


_OURS = re.compile(r"wave-\d{3,}-gp[a-z]+\.conf|commands\.txt", re.ASCII)


def write_native_folder(folder: str, files: Mapping[str, str]) -> list[str]:
    """Write the files; create the folder if its parent exists. Native files of another plan, by
    their names, are removed and returned: left there, they could be run by mistake.

    Raises Failure: the folder or a file cannot be written, or a name is not a plain file name.
    """
    target = Path(folder)
    for name in files:
        if not _OURS.fullmatch(name):
            hint = "make the plan again with `gpmirror plan -o`"
            raise Failure(f"{name!r} is not the name of a native file", hint=hint)
    try:
        target.mkdir(exist_ok=True)
        stale = [found for found in sorted(target.iterdir()) if _is_stale(found.name, files)]
        for found in stale:
            found.unlink()
    except OSError as error:
        raise Failure(
            f"cannot write into {folder}: {error.strerror}", hint="name a folder you may write to"
        ) from error
    for name, text in files.items():
        write_output(str(target / name), text, force=True)
    return [str(found) for found in stale]


def _is_stale(name: str, files: Mapping[str, str]) -> bool:
    return bool(_OURS.fullmatch(name)) and name not in files


def make_folder(folder: str) -> None:
    """Make a folder with its parents, if it is not there. Raises Failure."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"cannot make the folder {folder}: {error.strerror}", hint="name one you may write to"
        ) from error


def remove_files(folder: str, names: Iterable[str]) -> None:
    """Remove files of these names, as far as they are there. Raises Failure."""
    for name in names:
        try:
            (Path(folder) / name).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise Failure(
                f"cannot remove {Path(folder) / name}: {error.strerror}",
                hint="it belongs to an earlier plan; remove it",
            ) from error
