"""Port rules, directory templates and roots that the observed mirrors may have been placed by."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gpmirror.infer.facts import Facts, PortRule
from gpmirror.model.segment import MAX_PORT, Segment
from gpmirror.placement.hosts import DirectoryTemplate
from gpmirror.spec.model import Bases, Offset

# --- Port rules that the observed mirrors may have been numbered by.


USUAL_OFFSET = 1000
"""What the native utilities add to the primaries' ports when they are not told otherwise."""


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
        if 1 <= base <= MAX_PORT:
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
    return base if 1 <= base <= MAX_PORT else None


def _commonest(numbers: Iterable[int]) -> int:
    counted = Counter(numbers)
    return min(counted, key=lambda number: (-counted[number], number))


# --- Directory roots of each host, in the turn in which its mirrors use them.


Turn = tuple[int, str]
"""A mirror's index on its host, which decides its root, and the root it has."""

_LONGEST_CYCLE = 64


def roots_by_host(turns: Mapping[str, Sequence[Turn]]) -> dict[str, tuple[str, ...]]:
    """Roots for every host that has any. Hosts whose mirrors fit a commoner list share that."""
    cycles = {host: _cycle(found) for host, found in turns.items()}
    counted = Counter(cycles.values())
    own = {
        host: cycle if _is_meant(cycle, len(turns[host]), counted[cycle]) else ()
        for host, cycle in cycles.items()
    }
    if len(turns) == 1:
        own = cycles
    common = _by_frequency(cycle for cycle in own.values() if cycle)
    chosen: dict[str, tuple[str, ...]] = {}
    for host, found in turns.items():
        fitting = (cycle for cycle in common if _follows(found, cycle))
        chosen[host] = next(fitting, ()) or own[host] or _any_list(found, common)
    return chosen


def _is_meant(cycle: Sequence[str], mirrors: int, hosts: int) -> bool:
    """Whether an order of roots is no accident: each root once, gone through twice, or used by
    several hosts.
    """
    return len(set(cycle)) == len(cycle) or mirrors >= 2 * len(cycle) or hosts > 1


def _by_frequency(cycles: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The commonest first; of equals the one with more roots, which says more."""
    counted = Counter(cycles)
    return sorted(counted, key=lambda cycle: (-counted[cycle], -len(cycle), cycle))[:8]


def _follows(turns: Iterable[Turn], cycle: Sequence[str]) -> bool:
    return all(index >= 0 and cycle[index % len(cycle)] == root for index, root in turns)


def _cycle(turns: Sequence[Turn]) -> tuple[str, ...]:
    """The shortest list of roots that the mirrors use in turn; empty where there is none."""
    for length in range(1, min(len(turns), _LONGEST_CYCLE) + 1):
        found = {index % length: root for index, root in turns}
        cycle = tuple(found.get(place, "") for place in range(length))
        if all(cycle) and _follows(turns, cycle):
            return cycle
    return ()


def _any_list(turns: Sequence[Turn], common: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Without an order to go by: the roots as they appear, or a common list that has them all."""
    roots = tuple(dict.fromkeys(root for _, root in turns))
    return next((cycle for cycle in common if set(roots) <= set(cycle)), roots)


# --- The directory template that most mirrors follow, and the root that it leaves of a path.


DEFAULT = "{root}/{prefix}{content}"


def template_of(places: Iterable[tuple[str, int]], prefix: str) -> DirectoryTemplate:
    """The template that fits most (path, content); of equals the default, then the shortest."""
    counted = Counter(
        text for path, content in places for text in set(_texts(path, content, prefix))
    )
    best = min(counted, key=lambda text: (-counted[text], *_rank(text)), default=DEFAULT)
    return DirectoryTemplate(best, prefix)


def root_of(template: DirectoryTemplate, path: str, content: int, host: str) -> str | None:
    """The root under which the template gives `path`; None where none does."""
    tail = template.path("", content, host)
    root = path.removesuffix(tail)
    return root if root and root != path else None


def _rank(text: str) -> tuple[bool, int, str]:
    return (text != DEFAULT, len(text), text)


def _texts(path: str, content: int, prefix: str) -> Iterator[str]:
    """Templates that give this path; the root keeps at least one directory."""
    head, _, base = path.rpartition("/")
    above, _, middle = head.rpartition("/")
    if head and base == f"{prefix}{content}":
        yield DEFAULT
    if head and (stem := _stem(base, content)) is not None:
        yield f"{{root}}/{stem}{{content}}"
    if above and (stem := _stem(middle, content)) is not None:
        yield f"{{root}}/{stem}{{content}}/{base}"


def _stem(name: str, content: int) -> str | None:
    """What stands before the content id at the end of a name."""
    number = str(content)
    return name[: -len(number)] if name.endswith(number) else None
