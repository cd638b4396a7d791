"""The lines of a printed table that are no rows: rules and row counts."""

import re
from collections.abc import Sequence

_DASHES = "-─━═"
_DRAWN = " \t+|:=" + _DASHES + "│┃║┼┿╂╬╪╫├┤┝┥╠╣╞╡╟╢┌┐└┘┬┴╔╗╚╝╦╩╤╧╒╕╘╛╓╖╙╜╥╨"
_COUNT = re.compile(r"\s*\(\s*(\d{1,9})\s+[^\s()|\d][^()|\d]*\)\s*")
_FARTHEST_COUNT = 3


def is_rule(line: str) -> bool:
    """Whether a line only draws: dashes, crosses, pipes; in ASCII, markdown or Unicode."""
    return not line.strip(_DRAWN) and any(dash in line for dash in _DASHES)


def printed_count(line: str) -> int | None:
    """The number in `(9 rows)`, in any language."""
    found = _COUNT.fullmatch(line) if "(" in line else None
    return None if found is None else int(found[1])


def closing(lines: Sequence[str], index: int) -> tuple[int, int | None]:
    """Index after the closing rule and count that follow a table's rows, and the count."""
    for ahead in range(index, min(index + _FARTHEST_COUNT, len(lines))):
        count = printed_count(lines[ahead])
        if count is not None:
            return ahead + 1, count
        if lines[ahead].strip() and not is_rule(lines[ahead]):
            break
    return index, None
