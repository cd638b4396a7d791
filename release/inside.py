"""What Python starts of the single-file program: unpack what this Python needs, once, and run it.

Compiled libraries can be loaded from files alone. They are kept in a folder that nobody else may
write: whoever could, would run code of his own as the account that changes mirrors.
"""

import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

PLACE = "GPMIRROR_CACHE"
"""The variable that names where to unpack; nothing else is then tried."""

_STALE = 24 * 3600
"""Seconds after which a folder half unpacked is nobody's any more."""

Sizes = Sequence[tuple[int, str]]
"""Each unpacked file: how many bytes, and where in the folder."""


def main() -> NoReturn:
    """Find or make the unpacked folder and hand over to gpmirror."""
    tag = f"{sys.version_info[0]}{sys.version_info[1]}"
    head, *files = _carried(f"{tag}.txt")
    key, glibc, *layers = head.split()
    _see_glibc(glibc)
    told = [line.split(" ", 1) for line in files]
    sizes = [(int(size), name) for size, name in told]
    refused = []
    for place in _places():
        try:
            folder = _unpacked(place, f"{key}-cp{tag}", layers, sizes)
        except OSError as error:
            refused.append(f"{place}: {error.strerror or error}")
            continue
        sys.path[0] = folder
        from gpmirror.cli.start import run

        run()
    _refuse(
        "gpmirror must unpack its libraries, and finds no place to keep them:",
        *(f"  {one}" for one in refused),
        f"hint: name a folder of your own, on a disk with space: {PLACE}=/path",
    )


def _refuse(message: str, *more: str) -> NoReturn:
    sys.stderr.write("".join(f"{line}\n" for line in (f"error: {message}", *more)))
    sys.exit(1)


def _archive() -> str:
    """The file that this code was started from."""
    return str(Path(__file__).parent)


def _carried(name: str) -> list[str]:
    import zipimport

    archive = zipimport.zipimporter(_archive())
    return archive.get_data(f"{_archive()}{os.sep}{name}").decode().splitlines()


def _see_glibc(least: str) -> None:
    """The libraries inside ask for a glibc; without it the first of them fails in riddles."""
    try:
        has = os.confstr("CS_GNU_LIBC_VERSION")
    except (ValueError, OSError):
        has = None
    numbers = [int(part) for part in (has or "0").split()[-1].split(".")[:2]]
    if has is None or numbers < [int(part) for part in least.split(".")]:
        _refuse(
            f"gpmirror needs glibc {least} or newer, and this system has {has or 'another libc'}",
            "hint: run it on RHEL 7 or later, Debian 8 or later, or their like",
        )


def _places() -> Iterator[Path]:
    """Where to keep what is unpacked, the best first."""
    if named := os.environ.get(PLACE):
        yield Path(named).absolute()
        return
    cache, home = Path(os.environ.get("XDG_CACHE_HOME", "")), Path(os.environ.get("HOME", ""))
    if cache.is_absolute():
        yield cache / "gpmirror"
    elif home.is_absolute() and home.is_dir():
        yield home / ".cache" / "gpmirror"
    for shared in dict.fromkeys((os.environ.get("TMPDIR", ""), "/var/tmp", "/tmp")):  # noqa: S108 its owner and mode are looked at
        if Path(shared).is_absolute():
            yield Path(shared) / f"gpmirror-{os.geteuid()}"


def _unpacked(place: Path, name: str, layers: Sequence[str], sizes: Sizes) -> str:
    """The folder of that name in the place, unpacked if it is missing or not whole.

    Raises OSError: the place cannot be used, and why.
    """
    before = os.umask(0o077)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.environ.get(PLACE):
            _see_way(place.parent.resolve())
        place.mkdir(mode=0o700, exist_ok=True)
        _see_own(place)
        folder = place / name
        if not _is_whole(folder, sizes):
            _unpack(place, folder, layers, sizes)
        return str(folder)
    finally:
        os.umask(before)


def _see_own(place: Path) -> None:
    """Nobody else may write here, or may have; Raises OSError."""
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(0, "is no folder")
    if found.st_uid != os.geteuid():
        raise OSError(0, f"belongs to the account with the number {found.st_uid}")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise OSError(0, f"has mode {mode:04o}: others may go there; only 0700 is used")
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        raise OSError(0, "is on a disk that runs no programs (mounted noexec)")


def _see_way(folder: Path) -> None:
    """Nobody else may exchange a folder on the way: each belongs to root or to this account, and
    others write there only where they can move nothing of ours, as in /tmp. Raises OSError.
    """
    for one in (folder, *folder.parents):
        found = one.stat()
        free_for_all = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if found.st_uid not in {0, os.geteuid()} or free_for_all:
            raise OSError(0, f"others may exchange it, because they may write in {one}")


def _is_whole(folder: Path, sizes: Sizes) -> bool:
    """Whether all is there: what clears temporary folders takes files one by one."""
    start = f"{folder}/"
    try:
        return all(os.lstat(start + name).st_size == size for size, name in sizes)
    except OSError:
        return False


def _unpack(place: Path, folder: Path, layers: Sequence[str], sizes: Sizes) -> None:
    """Unpack beside it and give it its name at last, so that no start ever sees a part of it."""
    import shutil
    import tempfile
    import zipfile

    needed, disk = sum(size for size, _ in sizes), os.statvfs(place)
    if disk.f_bavail * disk.f_frsize < needed:
        free = disk.f_bavail * disk.f_frsize
        raise OSError(0, f"has {free >> 20} MiB free, and {(needed >> 20) + 1} MiB are needed")
    for old in place.glob(".part-*"):
        if time.time() - old.lstat().st_mtime > _STALE:
            shutil.rmtree(old, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=place))
    try:
        with zipfile.ZipFile(_archive()) as carried:
            for layer in layers:
                with carried.open(layer) as stored, zipfile.ZipFile(stored) as archive:
                    archive.extractall(part / "new")
        if os.path.lexists(folder) and not _is_whole(folder, sizes):
            folder.rename(part / "old")
        (part / "new").rename(folder)
    except OSError:
        if not _is_whole(folder, sizes):  # another start may have been first
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    main()
