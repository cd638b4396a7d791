"""Which machines a catalog tells of: rows joined by hostname, and by addresses that are hostnames."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.segment import Segment
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.spec import words
from gpmirror.spec.model import Host

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Hosts without roots, by first appearance among primaries by content, then mirrors. `shared`
    are addresses that several machines use, which therefore name none.
    """

    hosts: tuple[Host, ...]
    shared: tuple[str, ...]


def find_machines(rows: Sequence[Segment]) -> Machines:
    """The machines of all segment rows; `rows` may hold the coordinator's, which only join.

    Raises InvalidInput (GPM-P401) for a hostname that no spec can carry.
    """
    leader = _joined(rows)
    segments = [row for row in rows if row.content >= 0]
    members: dict[str, list[Segment]] = {}
    for row in sorted(segments, key=lambda row: (not row.is_preferred_primary, row.content)):
        members.setdefault(leader[row.hostname], []).append(row)
    shared = _shared(rows, leader)
    taken = {row.hostname for row in segments}
    hosts = tuple(_host(found, shared, taken) for found in members.values())
    return Machines(hosts=hosts, shared=tuple(sorted(shared)))


def _joined(rows: Iterable[Segment]) -> Mapping[str, str]:
    """Hostname -> the first hostname of its machine."""
    leader = {row.hostname: row.hostname for row in rows}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for row in rows:
        if row.address in leader:
            one, other = sorted((find(row.hostname), find(row.address)))
            leader[other] = one
    return {name: find(name) for name in leader}


def _shared(rows: Iterable[Segment], leader: Mapping[str, str]) -> frozenset[str]:
    owners: dict[str, set[str]] = {}
    for row in rows:
        if row.address not in leader:
            owners.setdefault(row.address, set()).add(leader[row.hostname])
    return frozenset(address for address, found in owners.items() if len(found) > 1)


def _host(rows: Sequence[Segment], shared: frozenset[str], taken: set[str]) -> Host:
    counted = Counter((row.hostname, row.is_preferred_primary) for row in rows)
    names = sorted({row.hostname for row in rows})
    main = min(names, key=lambda name: (-counted[name, True], -counted[name, False], name))
    name = _usable(main, taken)
    seen = {row.address for row in rows if not words.address_problem(row.address)}
    aliases = {alias for alias in (*names,) if alias != name}
    addresses = tuple(sorted((seen | aliases) - shared, key=natural)) or (name,)
    return Host(name=name, addresses=addresses, roots=(), place=Place(file=""))


def _usable(name: str, taken: set[str]) -> str:
    """The hostname, or a spelling of it that may be a host's name."""
    if words.host_name_problem(name) is None:
        return name
    problem = words.address_problem(name)
    spelt = _NOT_IN_A_NAME.sub("-", name).strip(".-")
    if problem is not None or not spelt or spelt in taken:
        raise InvalidInput(
            [
                Diagnostic(
                    code="GPM-P401",
                    message=f"hostname {name!r} cannot stand in a spec",
                    hint="correct the catalog text, or write the spec by hand (`gpmirror init`)",
                )
            ]
        )
    taken.add(spelt)
    return spelt
