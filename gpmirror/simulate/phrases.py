"""The fixed wordings that survey lines and policy verdicts share; scripts look for them."""

from collections.abc import Sequence

from gpmirror.cluster.counting import counted, ranges
from gpmirror.simulate.loss import Load

_CONTENTS_SHOWN = 8


def contents_lost(contents: Sequence[int]) -> str:
    """`3 contents lost (0, 4, 9)`; the first few ids only. The plural is part of the format."""
    count = len(contents)
    if not count:
        return "0 contents lost"
    shown = ", ".join(str(content) for content in contents[:_CONTENTS_SHOWN])
    more = count - _CONTENTS_SHOWN
    return f"{count} contents lost ({shown}{f', +{more} more' if more > 0 else ''})"


def without_copy(contents: Sequence[int]) -> str:
    """`no live copy: 2 contents (3, 7)`; never an empty list."""
    shown = ranges(contents, most=_CONTENTS_SHOWN)
    return f"no live copy: {counted(len(contents), 'content')} ({shown})"


def load(found: Load) -> str:
    """`data02 4 -> 8 primaries (x2.0)`."""
    taken = f"{found.host} {found.before} -> {found.after} primaries"
    return f"{taken} ({times(found.before, found.factor)})"


def times(before: int, value: float) -> str:
    """`x2.0`; where a host had no primaries its load is compared with the other hosts' mean."""
    return f"x{factor(value)}" if before else f"x{factor(value)} of the average host's"


def factor(value: float) -> str:
    """At most two decimals, at least one: `2.0`, `1.25`, `1.33`."""
    text = f"{value:.2f}"
    return text.removesuffix("0")
