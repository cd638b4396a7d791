"""How Greenplum is told: the native utilities' files and command lines, written and read.

What only reading needs is loaded when it is first asked for: planning writes and never reads.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import Dialect, MoveEngine
from gpmirror.native import colon, pipe
from gpmirror.native.lines import (
    AddFile,
    AddLine,
    ExpandFile,
    ExpandLine,
    Grammar,
    Location,
    MoveFile,
    MoveLine,
)

if TYPE_CHECKING:
    from gpmirror.native.initsystem import ArrayRow, InitSystem, read_initsystem
    from gpmirror.native.reader import NativeFile, read_native

__all__ = [
    "AddFile",
    "AddLine",
    "ArrayRow",
    "ExpandFile",
    "ExpandLine",
    "Grammar",
    "InitSystem",
    "Location",
    "MoveFile",
    "MoveLine",
    "NativeFile",
    "read_initsystem",
    "read_native",
    "write_add",
    "write_move",
]


_READING = {
    "ArrayRow": "gpmirror.native.initsystem",
    "InitSystem": "gpmirror.native.initsystem",
    "read_initsystem": "gpmirror.native.initsystem",
    "NativeFile": "gpmirror.native.reader",
    "read_native": "gpmirror.native.reader",
}


def __getattr__(name: str) -> object:
    """What reading needs, on first use."""
    if name not in _READING:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found: object = getattr(import_module(_READING[name]), name)
    globals()[name] = found
    return found


def write_add(dialect: Dialect, lines: Sequence[AddLine], filespaces: Sequence[str] = ()) -> str:
    """The text of a `gpaddmirrors -i` file, in the order of the lines. `filespaces` are the
    cluster's beyond pg_system (4.3, 5). Raises InvalidInput, before anything is written, for what
    the file cannot carry and for contents, ports or directories used twice.
    """
    if dialect.file_replication:
        return colon.add_file(lines, filespaces)
    _refuse_filespaces(dialect, filespaces)
    return pipe.add_file(lines)


def write_move(
    dialect: Dialect,
    lines: Sequence[MoveLine],
    filespaces: Sequence[str] = (),
    *,
    server_version: str | None = None,
    engine: MoveEngine | None = None,
) -> str:
    """The text of a `gprecoverseg -i` or `gpmovemirrors -i` file. `server_version` is a number
    such as "6.25.1" or what version() says; unknown means the form that every release reads.
    `engine` is the utility it is for: without it gprecoverseg, whose files may hold hostnames and
    recoveries in place. Raises InvalidInput as `write_add`.
    """
    if dialect.file_replication:
        return colon.move_file(lines, filespaces, engine or "gprecoverseg")
    _refuse_filespaces(dialect, filespaces)
    return pipe.move_file(lines, dialect, server_version, engine or "gprecoverseg")


def _refuse_filespaces(dialect: Dialect, filespaces: Sequence[str]) -> None:
    if filespaces:
        message = f"{dialect.title} has no filespaces; given: {', '.join(filespaces)}"
        hint = "leave them out, or name a 4.3 or 5 dialect"
        raise InvalidInput([Diagnostic(code="GPM-N029", message=message, hint=hint)])
