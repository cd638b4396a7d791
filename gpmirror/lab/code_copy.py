"""A copy of the lab's own code for an account that may not read where it is installed.

What root installs often lies below /root, which no other account may enter.
"""

import os
import shutil
from pathlib import Path

import gpmirror
from gpmirror.errors import Failure

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
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NEEDLESS, copy_function=_renew, dirs_exist_ok=True)
    elif source.exists():
        _renew(str(source), str(target))


def _renew(source: str, target: str) -> None:
    """Copy what is not there as it is. Never writes into a file: running processes have libraries
    of the copy mapped, and would crash.
    """
    now, then = Path(source).stat(), Path(target).stat() if Path(target).exists() else None
    if then and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns):
        return
    shutil.copy2(source, f"{target}.part")
    Path(f"{target}.part").replace(target)
