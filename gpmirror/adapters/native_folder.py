"""A folder of native files that holds exactly one plan's files."""

import re
from collections.abc import Mapping
from pathlib import Path

from gpmirror.adapters.files import write_output
from gpmirror.errors import Failure

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
