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


def worst_pair(copies: Copies) -> tuple[str, str] | None:
    """The pair whose loss loses the most contents, the first by name; None if no pair does.

    Either the two share contents, or they are the two that lose most alone.
    """
    ranked = sorted(copies.hosts, key=lambda host: (-len(copies.alone[host]), host))
    candidates = copies.linked_pairs()
    if len(ranked) > 1:
        candidates.add((min(ranked[:2]), max(ranked[:2])))
    worst = min(candidates, key=lambda pair: (-_lost_count(copies, pair), pair), default=None)
    return worst if worst is not None and _lost_count(copies, worst) else None


def _fatal_alone(copies: Copies) -> set[str]:
    return {host for host, contents in copies.alone.items() if contents}


def _lost_count(copies: Copies, pair: tuple[str, str]) -> int:
    one, other = pair
    gains, alone = copies.gains, copies.alone
    shared = gains[one].get(other, 0) + gains[other].get(one, 0)
    return shared + len(alone[one]) + len(alone[other])
