"""Port rules that the observed mirrors may have been numbered by."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from gpmirror.cluster.segment import Segment
from gpmirror.infer.model import Facts, PortRule
from gpmirror.spec.model import Bases, Offset

_MAX_PORT = 65_535


def port_rules(facts: Facts) -> list[PortRule]:
    """Rules worth trying: by offset, then by bases; of each the commonest and the lowest."""
    found: list[PortRule] = [Offset(offset) for offset in _offsets(facts) if offset]
    found += _bases(facts)
    return list(dict.fromkeys(found)) or [Offset(1000)]


def floor(facts: Facts, rule: PortRule, host: str) -> int:
    """The lowest port that a mirror on this host may keep under the rule."""
    match rule:
        case Offset(offset):
            return facts.base(host) + offset
        case Bases(mirror_base=base):
            return base


def _offsets(facts: Facts) -> Iterator[int]:
    distances = [rows[0].port - facts.base(host) for host, rows in facts.mirrors.items()]
    if distances:
        yield _commonest(distances)
        yield min(distances)


def _bases(facts: Facts) -> Iterator[Bases]:
    mirrors = [row for rows in facts.mirrors.values() for row in rows]
    primary_port = {row.content: row.port for rows in facts.primaries.values() for row in rows}
    shifts = [row.port - primary_port[row.content] for row in mirrors]
    replication = _replication(facts)
    if not shifts or (replication is None and facts.observed.dialect.has_replication_ports):
        return
    primary_base, mirror_base = replication or (None, None)
    for base in (facts.lowest + _commonest(shifts), min(row.port for row in mirrors)):
        if 1 <= base <= _MAX_PORT:
            yield Bases(
                mirror_base=base,
                replication_base=primary_base,
                mirror_replication_base=mirror_base,
            )


def _replication(facts: Facts) -> tuple[int, int] | None:
    """Bases of the primaries' and the mirrors' replication ports (4.3, 5), None where unknown."""
    if not facts.observed.dialect.has_replication_ports:
        return None
    primary = _base(facts.primaries.values(), facts.position)
    mirror = _base(facts.mirrors.values(), facts.position)
    return None if primary is None or mirror is None else (primary, mirror)


def _base(lists: Iterable[Iterable[Segment]], position: Mapping[int, int]) -> int | None:
    found = [
        row.replication_port - position[row.content]
        for rows in lists
        for row in rows
        if row.replication_port is not None
    ]
    base = _commonest(found) if found else 0
    return base if 1 <= base <= _MAX_PORT else None


def _commonest(numbers: Iterable[int]) -> int:
    counted = Counter(numbers)
    return min(counted, key=lambda number: (-counted[number], number))
