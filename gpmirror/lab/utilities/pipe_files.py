"""Files of 6 and later: `content|address|port|directory`, and groups `address|port|directory`,
where the release reads it with a hostname before the address, or a kind of recovery before that.
"""

from gpmirror.lab.releases import Release
from gpmirror.lab.utilities.console import Broken, Refused, full_path, significant
from gpmirror.native.lines import AddLine, Location, MoveLine

_ADD_PARTS, _GROUP_PARTS, _GROUPS = 4, 3, 2
_KINDS = frozenset("IDFidf")


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


def read_recover(name: str, text: str, release: Release) -> list[MoveLine]:
    """The lines of a `gprecoverseg -i` file. Raises what the release says at the first bad line."""
    read = _later_line if release.host_fields else _recover_line
    return [read(name, number, line, release) for number, line in significant(text)]


def _later_line(name: str, number: int, line: str, release: Release) -> MoveLine:
    groups = line.split()
    where = f"line {number} of file {name}"
    if len(groups) not in (1, _GROUPS):
        raise Refused(f"{where}: expected 1 or 2 groups but found {len(groups)}")
    parts = groups[0].split("|")
    most = 5 if release.kind_prefix else 4
    if not _GROUP_PARTS <= len(parts) <= most:
        known = "3, 4 or 5" if release.kind_prefix else "3 or 4"
        said = f"expected {known} parts on failed segment group, obtained {len(parts)}"
        raise Refused(f"{where}: {said}")
    if len(parts) == most and release.kind_prefix and parts[0] not in _KINDS:
        said = "please provide any of I,D,F,i,d,f as recovery_type"
        raise Broken(f"Invalid recovery type provided, {said}")
    kind = release.kind_prefix and len(parts) > _GROUP_PARTS and parts[0] in _KINDS
    old = _named_location(number, parts[1:] if kind else parts)
    if len(groups) == 1:
        return MoveLine(old=old)
    more = groups[1].split("|")
    if len(more) not in (_GROUP_PARTS, 4) or len(more) != len(parts):
        said = "expected equal parts, either 3 or 4 on both segment group, obtained"
        raise Refused(f"{where}: {said} {len(parts)} on group1 and {len(more)} on group2")
    return MoveLine(old=old, new=_named_location(number, more))


def _named_location(number: int, parts: list[str]) -> Location:
    """A place, with the hostname if one is given. In a second group the first of four fields is the
    hostname, I, D and F too (Greengage 6.27.1, recorded).
    """
    found = _location(number, (parts[-3], parts[-2], parts[-1]))
    head = parts[:-3]
    return Location(
        hostname=head[0] if head else None,
        address=found.address,
        port=found.port,
        directory=full_path(found.directory, number),
    )


def _recover_line(name: str, number: int, line: str, _release: Release) -> MoveLine:
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
