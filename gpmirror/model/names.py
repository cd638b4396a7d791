"""Host names that differ by a number, in their natural order and folded; directories inside one another."""

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import groupby

# --- Names that differ by a number only, written as one: `sdw[01-16]`; and their natural order.


_DIGITS = re.compile(r"([0-9]+)")
_LONGEST_NUMBER = 9


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """What to sort names by so that sdw2 stands before sdw10."""
    return tuple(
        (1, int(part), part) if at % 2 and len(part) <= _LONGEST_NUMBER else (0, 0, part)
        for at, part in enumerate(_DIGITS.split(name))
    )


def one_expression(names: Sequence[str]) -> str:
    """The names in their order, `sdw[1-4]`; those that share no form stand side by side."""
    return ", ".join(text for text, _ in compress((name, None) for name in names))


def varying(one: str, other: str) -> int | None:
    """Which number of the names is the only thing that differs; None: something else differs."""
    return _only_difference(_DIGITS.split(one), _DIGITS.split(other))


def distance(name: str, other: str) -> tuple[int, int] | None:
    """Which number of the names is the only thing that differs, and how far the other's is on."""
    first, second = _DIGITS.split(name), _DIGITS.split(other)
    place = _only_difference(first, second)
    return None if place is None else (place, int(second[place]) - int(first[place]))


def without_number(name: str, place: int) -> tuple[str, ...]:
    """The name's parts but for one number."""
    parts = _DIGITS.split(name)
    return (*parts[:place], *parts[place + 1 :])


def entry_count(names: Sequence[str]) -> int:
    """How many entries and number ranges the names take in this order."""
    return sum(1 + text.count(",") for text, _ in compress((name, None) for name in names))


def compress(named: Iterable[tuple[str, Hashable]]) -> Iterator[tuple[str, list[str]]]:
    """(range, its names) for consecutive names whose second values are equal."""
    for _, alike in groupby(named, key=lambda item: item[1]):
        names = [name for name, _ in alike]
        while names:
            count = _alike(names)
            yield _written(names[:count]), names[:count]
            names = names[count:]


def _alike(names: Sequence[str]) -> int:
    """How many names from the first on differ in one and the same number."""
    first = _DIGITS.split(names[0])
    varying: int | None = None
    for count, name in enumerate(names[1:], start=1):
        place = _only_difference(first, _DIGITS.split(name))
        if place is None or (varying is not None and place != varying):
            return count
        varying = place
    return len(names)


def _only_difference(one: Sequence[str], other: Sequence[str]) -> int | None:
    if len(one) != len(other):
        return None
    places = [
        place for place, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]
    ]
    if len(places) != 1 or places[0] % 2 == 0:
        return None
    long = max(len(one[places[0]]), len(other[places[0]])) > _LONGEST_NUMBER
    return None if long else places[0]


def _written(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    parts = [_DIGITS.split(name) for name in names]
    place = next(n for n in range(1, len(parts[0]), 2) if parts[0][n] != parts[1][n])
    numbers = ",".join(_runs([part[place] for part in parts]))
    return "".join(parts[0][:place]) + f"[{numbers}]" + "".join(parts[0][place + 1 :])


def _runs(numbers: Sequence[str]) -> Iterator[str]:
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or not _follows(numbers[start], numbers[end - 1], numbers[end]):
            yield _run(numbers[start], numbers[end - 1])
            start = end


def _follows(first: str, last: str, number: str) -> bool:
    """Whether a range from `first` on says `number` after `last`, digit for digit."""
    width = len(first) if first.startswith("0") else 0
    return number == str(int(last) + 1).zfill(width)


def _run(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


# --- Whether one directory lies in another, as far as their names tell.
#
# A data directory inside another copy's is moved, and deleted, with it.


def lies_in(inner: str, outer: str) -> bool:
    """Whether `inner` is strictly below `outer`; both absolute."""
    return normal(outer) in ancestors(inner)


def ancestors(path: str) -> Iterator[str]:
    """The directories above an absolute path, the nearest first, without the root."""
    above = normal(path).rpartition("/")[0]
    while above:
        yield above
        above = above.rpartition("/")[0]


def is_tree_of_others(path: str) -> bool:
    """Whether a name cannot be that of one copy alone: the root, what stands right below it, and what
    the system keeps under `/usr`, `/var` and the like. A look through it would take hours, and to
    rename it would take more than a copy away.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not path.startswith("/") or ".." in parts or len(parts) < 2:  # noqa: PLR2004
        return True
    return len(parts) == 2 and parts[0] in _SYSTEM  # noqa: PLR2004


_SYSTEM = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "usr",
        "var",
    ]
)


def normal(path: str) -> str:
    """One slash between names, none at the end: a catalog tells paths as they were typed."""
    if path[:1] == "/" and path[-1:] != "/" and "//" not in path:  # nearly all are
        return path
    return "/" + "/".join(part for part in path.split("/") if part)
