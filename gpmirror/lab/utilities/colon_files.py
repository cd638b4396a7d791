"""Files of 5: a `filespaceOrder=` header, then lines of fields separated by `:`."""

from gpmirror.lab.utilities.console import Broken, Refused, full_path, significant
from gpmirror.native.lines import AddLine, Filespaces, Location, MoveLine
from gpmirror.values import dataclass

_HEADER = "filespaceOrder="
_GROUPS = 2
_OLD = ("address", "port", "dataDirectory")
_NEW = ("address", "port", "replicationPort", "dataDirectory")
_ADD = (
    "contentId",
    "address",
    "port",
    "replicationPort",
    "primarySegmentReplicationPort",
    "dataDirectory",
)


@dataclass(frozen=True, slots=True)
class _Where:
    file: str
    number: int
    line: str

    def refuse(self, message: str) -> Refused:
        return Refused(f"{self.file}:{self.number}: LINE >>{self.line}\n{message}")


def read_add(name: str, text: str) -> tuple[list[str], list[AddLine]]:
    """The filespaces of the header and the lines of a `gpaddmirrors -i` file. Raises what 5.8.1
    says at the first bad line.
    """
    filespaces, rest = _header(name, text)
    return filespaces, [_add_line(where, filespaces) for where in rest]


def read_recover(name: str, text: str) -> tuple[list[str], list[MoveLine]]:
    """The same for a `gprecoverseg -i` or `gpmovemirrors -i` file."""
    filespaces, rest = _header(name, text)
    return filespaces, [_recover_line(where, filespaces) for where in rest]


def _header(name: str, text: str) -> tuple[list[str], list[_Where]]:
    rows = [_Where(name, number, line) for number, line in significant(text)]
    if not rows:
        return [], []
    first, *rest = rows
    if not first.line.startswith(_HEADER):
        raise first.refuse(f"does not start with {_HEADER}")
    return [found for found in first.line[len(_HEADER) :].split(":") if found], rest


def _add_line(where: _Where, filespaces: list[str]) -> AddLine:
    label, equals, rest = where.line.partition("=")
    if not label.startswith("mirror"):
        raise where.refuse("does not start with mirror")
    if not equals:
        raise where.refuse(f"does not contain = (reading content id) >>{label[6:]}")
    got = _fields(where, rest, (*_ADD, *filespaces))
    return AddLine(
        content=_number(got["contentId"]),
        address=got["address"],
        port=_number(got["port"]),
        replication_port=_number(got["replicationPort"]),
        primary_replication_port=_number(got["primarySegmentReplicationPort"]),
        directory=full_path(got["dataDirectory"], where.line),
        filespaces=_paths(where, got, filespaces),
    )


def _recover_line(where: _Where, filespaces: list[str]) -> MoveLine:
    groups = where.line.split()
    if len(groups) > _GROUPS:
        message = f"only one or two groups of fields delimited by a space, not {len(groups)}"
        raise where.refuse(message)
    got = _fields(where, groups[0], _OLD)
    old = Location(
        address=got["address"], port=_number(got["port"]), directory=got["dataDirectory"]
    )
    if len(groups) == 1:
        return MoveLine(old=old)
    got = _fields(where, groups[1], (*_NEW, *filespaces))
    try:
        port, replication_port = int(got["port"]), int(got["replicationPort"])
    except ValueError:
        said = "Config file format error, invalid number value in line"
        raise Broken(f"{said}: {where.line}") from None
    new = Location(
        address=got["address"],
        port=port,
        replication_port=replication_port,
        directory=full_path(got["dataDirectory"], where.line),
        filespaces=_paths(where, got, filespaces),
    )
    return MoveLine(old=old, new=new)


def _fields(where: _Where, text: str, names: tuple[str, ...]) -> dict[str, str]:
    """What is too much is ignored, as it is natively."""
    values = _split(where, text)
    for name in names[len(values) :]:
        raise where.refuse(f"out of values (reading {name})")
    return dict(zip(names, values, strict=False))


def _split(where: _Where, text: str) -> list[str]:
    """The values; an address in brackets may hold colons."""
    head, opened, rest = text.partition("[")
    if not opened or (head and not head.endswith(":")):
        return text.split(":")
    inside, closed, tail = rest.partition("]")
    if not closed:
        raise where.refuse(f"does not contain ending ] (reading address) >>{rest}")
    if tail and not tail.startswith(":"):
        message = f"characters not allowed after ending ] (reading address) >>{tail}"
        raise where.refuse(message)
    return [*head.split(":")[:-1], inside, *tail.split(":")[1:]]


def _paths(where: _Where, got: dict[str, str], filespaces: list[str]) -> Filespaces:
    return tuple(sorted((name, full_path(got[name], where.line)) for name in filespaces))


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Broken(str(error)) from None


def write_add(filespaces: list[str], lines: list[AddLine]) -> str:
    """The text of `gpaddmirrors -o`: rows are labelled by their number from 0."""
    rows = "".join(f"mirror{i}={_add_row(filespaces, x)}\n" for i, x in enumerate(lines))
    return f"{_HEADER}{':'.join(filespaces)}\n{rows}"


def _add_row(filespaces: list[str], line: AddLine) -> str:
    paths = dict(line.filespaces)
    ports = (line.port, line.replication_port, line.primary_replication_port)
    values = (line.content, _bracketed(line.address), *ports, line.directory)
    return ":".join(map(str, (*values, *(paths[name] for name in filespaces))))


def write_recover(filespaces: list[str], lines: list[MoveLine]) -> str:
    """The text of `gprecoverseg -o`, and of a backout file."""
    rows = "".join(_recover_row(filespaces, line) + "\n" for line in lines)
    return f"{_HEADER}{':'.join(filespaces)}\n{rows}"


def _recover_row(filespaces: list[str], line: MoveLine) -> str:
    old = f"{_bracketed(line.old.address)}:{line.old.port}:{line.old.directory}"
    if line.new is None:
        return old
    new, paths = line.new, dict(line.new.filespaces)
    values = (_bracketed(new.address), new.port, new.replication_port, new.directory)
    return f"{old} {':'.join(map(str, (*values, *(paths[name] for name in filespaces))))}"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
