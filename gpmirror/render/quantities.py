"""Names, bytes and times in words."""

from gpmirror.cluster.counting import counted

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
_ROUNDS_TO_NEXT = 999.95
"""From here on a figure with one decimal would show as 1000.0."""


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
