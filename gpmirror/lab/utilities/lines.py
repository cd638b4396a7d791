"""The reader every native input file goes through: strip, skip blanks and whole-line comments."""

import os.path
from collections.abc import Iterator

from gpmirror.lab.utilities.failures import Broken


def significant(text: str) -> Iterator[tuple[int, str]]:
    """(line number from 1, stripped line) of what counts. A comment after something else is part
    of that line, as it is natively.
    """
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if line and not line.startswith("#"):
            yield number, line


def full_path(path: str, source: object) -> str:
    """The normalised path. Raises Broken when it is relative."""
    if not path.startswith("/"):
        message = "Path entered in config file is invalid; it must be a full path."
        raise Broken(f"{message}  Path: '{path}' from: {source}")
    return os.path.normpath(path)
