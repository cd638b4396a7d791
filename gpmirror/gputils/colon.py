"""Files of 4.3 and 5: a `filespaceOrder=` header, then lines of fields separated by `:`."""

from collections.abc import Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.gputils.clashes import add_clashes, move_clashes
from gpmirror.gputils.fields import (
    Field,
    address_flaw,
    content_flaw,
    new_directory_flaw,
    old_directory_flaw,
    port_flaw,
    replication_port_flaw,
)
from gpmirror.gputils.lines import AddLine, Grammar, Location, MoveEngine, MoveLine
from gpmirror.gputils.values import (
    filespace_problems,
    gpmovemirrors_problem,
    header_problems,
    paths,
    port_text,
    raise_if_any,
    refuse_empty,
    value_problems,
)

HEADER = "filespaceOrder="

_ADDRESS = Field("address", "address", address_flaw)
_PORT = Field("port", "port", port_flaw)
_REPLICATION = Field("replication port", "replicationPort", replication_port_flaw)
_PRIMARY = Field(
    "primary's replication port", "primarySegmentReplicationPort", replication_port_flaw
)
_DIRECTORY = Field("directory", "dataDirectory", new_directory_flaw)

OLD_FIELDS = (_ADDRESS, _PORT, Field("old directory", "dataDirectory", old_directory_flaw))
NEW_FIELDS = (_ADDRESS, _PORT, _REPLICATION, _DIRECTORY)
ADD_FIELDS = (
    Field("content", "contentId", content_flaw),
    _ADDRESS,
    _PORT,
    _REPLICATION,
    _PRIMARY,
    _DIRECTORY,
)


def filespace_fields(names: Sequence[str]) -> tuple[Field, ...]:
    """The fields that a header adds to each line, in its order."""
    return tuple(Field(f"directory of filespace {n}", n, new_directory_flaw) for n in names)


def add_file(lines: Sequence[AddLine], filespaces: Sequence[str]) -> str:
    """The text for `gpaddmirrors -i`; lines are labelled by their number from 0. Raises
    InvalidInput for what it cannot carry.
    """
    refuse_empty(lines)
    names = sorted(filespaces)
    fields = ADD_FIELDS + filespace_fields(names)
    values = [_add_values(line, names) for line in lines]
    found = list(header_problems(names, Grammar.COLON))
    for line, row in zip(lines, values, strict=True):
        found += _line_problems(line.subject, fields, row)
        found += filespace_problems(line.subject, line.filespaces, names)
    raise_if_any(found + add_clashes(lines))
    return _text(names, (f"mirror{i}={_joined(row, 1)}" for i, row in enumerate(values)))


def move_file(lines: Sequence[MoveLine], filespaces: Sequence[str], engine: MoveEngine) -> str:
    """The text for `gprecoverseg -i` or `gpmovemirrors -i`. Raises InvalidInput for what it cannot
    carry.
    """
    refuse_empty(lines)
    names = sorted(filespaces)
    found = list(header_problems(names, Grammar.COLON))
    for line in lines:
        found += _move_problems(line, names, engine)
    raise_if_any(found + move_clashes(lines))
    return _text(names, (_move_text(line, names) for line in lines))


def _move_problems(
    line: MoveLine, names: Sequence[str], engine: MoveEngine
) -> Iterator[Diagnostic]:
    yield from _line_problems(line.subject, OLD_FIELDS, _old_values(line.old))
    if line.new is not None:
        fields = NEW_FIELDS + filespace_fields(names)
        yield from _line_problems(line.subject, fields, _new_values(line.new, names))
        yield from filespace_problems(line.subject, line.new.filespaces, names)
    elif engine == "gpmovemirrors":
        yield gpmovemirrors_problem(line.subject)


def _line_problems(
    subject: str, fields: Sequence[Field], values: Sequence[str]
) -> Iterator[Diagnostic]:
    return value_problems(subject, fields, values, Grammar.COLON)


def _add_values(line: AddLine, names: Sequence[str]) -> tuple[str, ...]:
    where = Location(
        address=line.address,
        port=line.port,
        directory=line.directory,
        replication_port=line.replication_port,
        filespaces=line.filespaces,
    )
    address, port, replication_port, *directories = _new_values(where, names)
    primary = port_text(line.primary_replication_port)
    return (str(line.content), address, port, replication_port, primary, *directories)


def _old_values(old: Location) -> tuple[str, ...]:
    return (old.address, str(old.port), old.directory)


def _new_values(new: Location, names: Sequence[str]) -> tuple[str, ...]:
    replication_port = port_text(new.replication_port)
    return (new.address, str(new.port), replication_port, new.directory, *paths(new, names))


def _move_text(line: MoveLine, names: Sequence[str]) -> str:
    old = _joined(_old_values(line.old), 0)
    return old if line.new is None else f"{old} {_joined(_new_values(line.new, names), 0)}"


def _joined(values: Sequence[str], address: int) -> str:
    fields = list(values)
    if ":" in fields[address]:
        fields[address] = f"[{fields[address]}]"
    return ":".join(fields)


def _text(names: Sequence[str], lines: Iterator[str]) -> str:
    return f"{HEADER}{':'.join(names)}\n" + "".join(f"{line}\n" for line in lines)
