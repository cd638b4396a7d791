"""Which pairs of hosts (or racks) lose a content together, found without walking all pairs."""

from gpmirror.simulate.copies import Copies


def fatal_pair_count(copies: Copies) -> int:
    """How many pairs lose at least one content; every pair with a fatal host in it does."""
    alone = _fatal_alone(copies)
    fatal, sound = len(alone), len(copies.hosts) - len(alone)
    within = sum(1 for one, other in copies.linked_pairs() if not {one, other} & alone)
    return fatal * (fatal - 1) // 2 + fatal * sound + within


def fatal_pairs(copies: Copies) -> tuple[tuple[str, str], ...]:
    """Every such pair, sorted, each in name order."""
    found = copies.linked_pairs()
    for host in _fatal_alone(copies):
        found.update((min(host, other), max(host, other)) for other in copies.hosts)
        found.discard((host, host))
    return tuple(sorted(found))


def worst_alone(copies: Copies) -> str | None:
    """The host whose loss loses the most contents, the first in ring order; None if none does."""
    worst = max(copies.hosts, key=lambda host: len(copies.alone[host]), default=None)
    return worst if worst is not None and copies.alone[worst] else None


def _fatal_alone(copies: Copies) -> set[str]:
    return {host for host, contents in copies.alone.items() if contents}
