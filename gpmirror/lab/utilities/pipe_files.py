"""Files of 6: `content|address|port|directory`, and groups `address|port|directory`."""

from gpmirror.gputils.lines import AddLine, Location, MoveLine
from gpmirror.lab.utilities.failures import Refused
from gpmirror.lab.utilities.lines import full_path, significant

_ADD_PARTS, _GROUP_PARTS, _GROUPS = 4, 3, 2


def read_add(name: str, text: str) -> list[AddLine]:
    """The lines of a `gpaddmirrors -i` file. Raises what 6.24.3 says at the first bad line."""
    return [_add_line(name, number, line) for number, line in significant(text)]


def _add_line(name: str, number: int, line: str) -> AddLine:
    parts = line.split("|")
    if len(parts) != _ADD_PARTS:
        message = f"line {number} of file {name}: expected 4 parts, obtained {len(parts)}"
        raise Refused(message)
    content, address, port, directory = parts
    place = _location(number, (address, port, directory))
    return AddLine(
        content=_number(content, -1, f"Invalid content ID on line {number}"),
        address=place.address,
        port=place.port,
        directory=full_path(directory, number),
    )


def read_recover(name: str, text: str) -> list[MoveLine]:
    """The lines of a `gprecoverseg -i` file. Raises what 6.24.3 says at the first bad line."""
    return [_recover_line(name, number, line) for number, line in significant(text)]


def _recover_line(name: str, number: int, line: str) -> MoveLine:
    groups = line.split()
    where = f"line {number} of file {name}"
    if len(groups) > _GROUPS:
        raise Refused(f"{where}: expected 1 or 2 groups but found {len(groups)}")
    old = _location(number, _parts(where, "failed", groups[0]))
    if len(groups) == 1:
        return MoveLine(old=old)
    new = _location(number, _parts(where, "new", groups[1]))
    directory = full_path(new.directory, number)
    return MoveLine(old=old, new=Location(address=new.address, port=new.port, directory=directory))


def _parts(where: str, which: str, group: str) -> tuple[str, str, str]:
    parts = group.split("|")
    if len(parts) != _GROUP_PARTS:
        message = f"{where}: expected 3 parts on {which} segment group, obtained {len(parts)}"
        raise Refused(message)
    return parts[0], parts[1], parts[2]


def _location(number: int, parts: tuple[str, str, str]) -> Location:
    address, port, directory = parts
    if not address:
        raise Refused(f"Invalid address on line {number}")
    found = _number(port, 0, f"Invalid port on line {number}")
    if not directory:
        raise Refused(f"Invalid directory on line {number}")
    return Location(address=address, port=found, directory=directory)


def _number(text: str, least: int, message: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise Refused(message) from None
    if found < least:
        raise Refused(message)
    return found


def write_add(lines: list[AddLine]) -> str:
    """The text of `gpaddmirrors -o`."""
    return "".join(f"{x.content}|{x.address}|{x.port}|{x.directory}\n" for x in lines)


def write_recover(lines: list[MoveLine]) -> str:
    """The text of `gprecoverseg -o`, and of a backout file."""
    return "".join(" ".join(map(_group, _places(line))) + "\n" for line in lines)


def _places(line: MoveLine) -> list[Location]:
    return [line.old] if line.new is None else [line.old, line.new]


def _group(place: Location) -> str:
    return f"{place.address}|{place.port}|{place.directory}"
