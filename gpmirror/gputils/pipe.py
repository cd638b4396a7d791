"""Files of 6 and later: `content|address|port|directory`, and groups of three or four fields."""

from collections.abc import Iterator, Sequence

from gpmirror.cluster.dialect import Dialect, has
from gpmirror.diagnostics import Diagnostic
from gpmirror.gputils.characters import lines_of
from gpmirror.gputils.clashes import add_clashes, move_clashes
from gpmirror.gputils.fields import (
    Field,
    address_flaw,
    content_flaw,
    new_directory_flaw,
    old_directory_flaw,
    port_flaw,
)
from gpmirror.gputils.lines import AddLine, Grammar, Location, MoveEngine, MoveLine
from gpmirror.gputils.values import (
    gpmovemirrors_problem,
    old_generation_problems,
    raise_if_any,
    refuse_empty,
    value_problems,
)

_ADDRESS = Field("address", "address", address_flaw)
HOST_FIELD = Field("hostname", "hostname", address_flaw)
_PORT = Field("port", "port", port_flaw)
NEW_FIELDS = (_ADDRESS, _PORT, Field("directory", "dataDirectory", new_directory_flaw))
OLD_FIELDS = (_ADDRESS, _PORT, Field("old directory", "dataDirectory", old_directory_flaw))
ADD_FIELDS = (Field("content", "contentId", content_flaw), *NEW_FIELDS)

_WITH_HOSTNAME = 4
"""Fields of a group that begins with a hostname."""

_Groups = tuple[tuple[str, ...], ...]

RECOVERY_KINDS = frozenset("IDFidf")
"""What stands for a kind of recovery before the address (Greengage 6.27.1; 6.27 and 7.1 by source):
no host of such a name can stand there."""


def add_file(lines: Sequence[AddLine]) -> str:
    """The text for `gpaddmirrors -i`. Raises InvalidInput for what it cannot carry."""
    refuse_empty(lines)
    raise_if_any([found for line in lines for found in _add_problems(line)] + add_clashes(lines))
    return "".join("|".join(_add_values(line)) + "\n" for line in lines)


def move_file(
    lines: Sequence[MoveLine], dialect: Dialect, server_version: str | None, engine: MoveEngine
) -> str:
    """The text for `gprecoverseg -i` or `gpmovemirrors -i`; groups have a hostname only where the
    server is known to read it. Raises InvalidInput for what it cannot carry.
    """
    refuse_empty(lines)
    with_hosts = engine == "gprecoverseg" and reads_hostnames(dialect, server_version)
    groups = [_groups(line, with_hosts=with_hosts) for line in lines]
    pairs = zip(lines, groups, strict=True)
    found = [found for line, group in pairs for found in _move_problems(line, group, engine)]
    raise_if_any(found + move_clashes(lines))
    return "".join(" ".join(map("|".join, line_groups)) + "\n" for line_groups in groups)


def reads_hostnames(dialect: Dialect, server_version: str | None) -> bool:
    """Whether gprecoverseg takes `host|address|port|directory`."""
    return has(dialect.hostnames, server_version)


def hostnames_in(text: str) -> list[tuple[str, str, int]]:
    """Hostname, address and port of the new places of a gprecoverseg file whose lines tell a
    hostname beside another address.
    """
    found = []
    for line in lines_of(text):
        *_, last = [[], *(group.split("|") for group in line.split()[1:2])]
        if len(last) == _WITH_HOSTNAME and last[0] != last[1] and last[2].isdecimal():
            found.append((last[0], last[1], int(last[2])))
    return found


def _add_values(line: AddLine) -> tuple[str, ...]:
    return (str(line.content), line.address, str(line.port), line.directory)


def _add_problems(line: AddLine) -> Iterator[Diagnostic]:
    yield from value_problems(line.subject, ADD_FIELDS, _add_values(line), Grammar.PIPE)
    yield from old_generation_problems(
        line.subject,
        line.replication_port,
        line.primary_replication_port,
        filespaces=line.filespaces,
    )


def _move_problems(line: MoveLine, groups: _Groups, engine: MoveEngine) -> Iterator[Diagnostic]:
    for group, fields in zip(groups, (OLD_FIELDS, NEW_FIELDS), strict=False):
        named = (HOST_FIELD, *fields) if len(group) > len(fields) else fields
        yield from value_problems(line.subject, named, group, Grammar.PIPE)
    if line.new is not None:
        new = line.new
        yield from old_generation_problems(
            line.subject, new.replication_port, filespaces=new.filespaces
        )
    elif engine == "gpmovemirrors":
        yield gpmovemirrors_problem(line.subject)


def _groups(line: MoveLine, *, with_hosts: bool) -> _Groups:
    # In place the catalog's hostname stays; three fields are what every release reads.
    if line.new is None:
        return (_group(line.old),)
    both = (line.old, line.new)
    # Where the new hostname is the address, three fields say the same, and no resolver is asked.
    if with_hosts and _hostname(line.new) != line.new.address:
        return tuple((_hostname(where), *_group(where)) for where in both)
    return tuple(_group(where) for where in both)


def _hostname(where: Location) -> str:
    # Without a hostname field the utility takes the address for the hostname.
    return where.address if where.hostname is None else where.hostname


def _group(where: Location) -> tuple[str, ...]:
    return (where.address, str(where.port), where.directory)
