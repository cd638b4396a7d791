"""Cell text into values, with the reason when it cannot be one."""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from gpmirror.catalog import codes
from gpmirror.catalog.tables import NULLS
from gpmirror.model.dialect import Dialect
from gpmirror.model.segment import COORDINATOR_CONTENT, MAX_PORT, Mode, Role, Status

_MAX_ID = 2_147_483_647
_MOST_DIGITS = 18
_SHOWN = 60

Parser = Callable[[str], object]
T = TypeVar("T")


class BadCell(ValueError):
    """A cell that cannot be what its column says; `message` continues `dbid 5: port ...`."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


def port(cell: str) -> int:
    """A TCP port, 1 to 65535."""
    value = _integer(cell)
    if not 1 <= value <= MAX_PORT:
        raise BadCell(codes.OUT_OF_RANGE, f"{value} is outside 1..{MAX_PORT}")
    return value


def optional_port(cell: str) -> int | None:
    """A TCP port or NULL."""
    return None if cell in NULLS else port(cell)


def dbid(cell: str) -> int:
    """A dbid, 1 or more."""
    value = _integer(cell)
    if not 1 <= value <= _MAX_ID:
        raise BadCell(codes.OUT_OF_RANGE, f"{value} is outside 1..{_MAX_ID}")
    return value


def content(cell: str) -> int:
    """A content id, -1 or more."""
    value = _integer(cell)
    if not COORDINATOR_CONTENT <= value <= _MAX_ID:
        raise BadCell(codes.OUT_OF_RANGE, f"{value} is outside -1..{_MAX_ID}")
    return value


def host(cell: str) -> str:
    """A host name or address. It goes to ssh, whose configuration may pass it to a shell, and into
    commands that people copy.
    """
    found = name(cell)
    odd = next((char for char in found if not _HOST_CHARACTER.fullmatch(char)), None)
    if odd is None:
        return found
    raise BadCell(codes.BAD_NAME, f"{shown(cell)} holds {shown(odd)}, which no host name does")


_HOST_CHARACTER = re.compile(r"[^\x00-\x20\x7f!\"#$&'()*,;<=>?@\[\\\]^`{|}~\s]")
"""Anything but blanks and what a shell takes for its own."""


def name(cell: str) -> str:
    """A host name, an address or the name of a filespace."""
    if cell in NULLS:
        raise BadCell(codes.BAD_NAME, "is empty")
    if cell.startswith("-"):
        message = f"{shown(cell)} starts with -, which programs take for an option"
        raise BadCell(codes.BAD_NAME, message)
    return _printable(cell, codes.BAD_NAME)


def directory(cell: str) -> str:
    """An absolute path."""
    if cell in NULLS:
        raise BadCell(codes.BAD_DIRECTORY, "is empty")
    if not cell.startswith("/"):
        message = f"{shown(cell)} is not an absolute path"
        raise BadCell(codes.BAD_DIRECTORY, message, "directories start with /")
    if not cell.strip("/."):
        raise BadCell(codes.BAD_DIRECTORY, f"{shown(cell)} is the file system's root")
    if ".." in cell.split("/"):
        raise BadCell(codes.BAD_DIRECTORY, f"{shown(cell)} has a step `..`")
    return _printable(cell, codes.BAD_DIRECTORY)


def optional_directory(cell: str) -> str | None:
    """An absolute path or NULL."""
    return None if cell in NULLS else directory(cell)


def role(cell: str) -> Role:
    """P or m."""
    return _letter(cell, _ROLES)


def status(cell: str) -> Status:
    """U or d."""
    return _letter(cell, _STATUSES)


def old_mode(cell: str) -> Mode:
    """s, r or c: releases before 6."""
    return _letter(cell, _OLD_MODES)


def new_mode(cell: str) -> Mode:
    """S or n: from release 6 on."""
    return _letter(cell, _NEW_MODES)


def mode_parser(dialect: Dialect) -> Callable[[str], Mode]:
    """The parser of the mode column for a family."""
    return old_mode if dialect.file_replication else new_mode


def shown(cell: str) -> str:
    """A cell as messages show it: quoted, escaped, not endless."""
    text = cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "..."
    quoted = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f'"{quoted}"'


_ROLES = {found.value: found for found in Role}
_STATUSES = {found.value: found for found in Status}
_OLD_MODES = {m.value: m for m in (Mode.SYNCED, Mode.RESYNCING, Mode.CHANGE_TRACKING)}
_NEW_MODES = {m.value: m for m in (Mode.SYNCED, Mode.NOT_IN_SYNC)}


def _letter(cell: str, letters: Mapping[str, T]) -> T:
    found = letters.get(cell)
    if found is None:
        wanted = " or ".join(letters)
        raise BadCell(codes.BAD_LETTER, f"{shown(cell)} is not {wanted}")
    return found


def _integer(cell: str) -> int:
    """ASCII digits only: int() would take full-width digits and underscores too."""
    if cell.isascii() and cell.removeprefix("-").isdigit():
        if len(cell) <= _MOST_DIGITS:
            return int(cell)
        raise BadCell(codes.OUT_OF_RANGE, f"{shown(cell)} is too large")
    if cell in NULLS:
        raise BadCell(codes.NOT_A_NUMBER, "is empty")
    foreign = next((char for char in cell if not char.isascii()), None)
    hint = None
    message = f"{shown(cell)} is not a number"
    if foreign is not None:
        message += f": U+{ord(foreign):04X} is no ASCII digit"
        hint = "type it again with ASCII digits"
    raise BadCell(codes.NOT_A_NUMBER, message, hint)


def _printable(cell: str, code: str) -> str:
    if cell.isprintable() and "|" not in cell:
        return cell
    culprit = next(char for char in cell if char == "|" or not char.isprintable())
    named = "`|`" if culprit == "|" else f"the unprintable character U+{ord(culprit):04X}"
    raise BadCell(code, f"{shown(cell)} holds {named}")
