"""Contents, bytes and times in words."""

from collections.abc import Iterable, Sequence

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
_ROUNDS_TO_NEXT = 999.95
"""From here on a figure with one decimal would show as 1000.0."""


def ranges(contents: Iterable[int], *, most: int = 24) -> str:
    """`0-2, 5` for 0, 1, 2, 5; after `most` ranges the rest is counted: `, and 7 more`."""
    runs = _runs(sorted(contents))
    shown = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs[:most])
    rest = sum(b - a + 1 for a, b in runs[most:])
    return f"{shown}, and {rest} more" if rest else shown


def counted(number: int, thing: str) -> str:
    """`1 content`, `2 contents`, `1,024 contents`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def first_few(names: Sequence[str], *, most: int = 6) -> str:
    """`sdw1, sdw2`; after `most` names the rest is counted: `, and 7 more`."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f", and {rest} more" if rest > 0 else "")


def size_text(size: int | None) -> str:
    """Bytes in decimal units, `1.1 TB`; `size unknown` for None."""
    if size is None:
        return "size unknown"
    amount, power = float(size), 0
    while amount >= _ROUNDS_TO_NEXT and power < len(_UNITS):
        amount, power = amount / 1000, power + 1
    return f"{amount:.1f} {_UNITS[power - 1]}" if power else counted(size, "byte")


def yes(answer: bool | None) -> str:  # noqa: FBT001 - the answer is the value to be worded
    """`yes`, `no`, or `unknown` for None."""
    if answer is None:
        return "unknown"
    return "yes" if answer else "no"


def _runs(contents: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for content in contents:
        if runs and content == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], content)
        else:
            runs.append((content, content))
    return runs
