"""Host ranges: `sdw[01-16,20]`, `rack[1-2]-sdw[1-8]`."""

import re
from itertools import product

MAX_HOSTS = 10_000
_MOST_GROUPS = 8
_PIECE = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_ITEM = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_EXAMPLE = "ranges look like sdw[1-4], sdw[01-16,20] or rack[1-2]-sdw[1-8]"


class RangeError(ValueError):
    """A range that names no hosts; the message says why, `hint` what to write."""

    def __init__(self, message: str, hint: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.hint = hint


class TooManyHosts(RangeError):
    """A range that names more hosts than a spec may have."""


def host_names(text: str) -> list[str]:
    """The names that `text` stands for, leftmost range slowest. Raises `RangeError`."""
    if "[" not in text and "]" not in text:
        return [text]
    pieces = [_alternatives(match) for match in _pieces(text)]
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > MAX_HOSTS:
        raise TooManyHosts(f"names {count:,} hosts; a spec may have {MAX_HOSTS:,}")
    return ["".join(parts) for parts in product(*pieces)]


def _pieces(text: str) -> list[re.Match[str]]:
    matches: list[re.Match[str]] = []
    end = 0
    while end < len(text):
        match = _PIECE.match(text, end)
        if match is None:
            raise RangeError(f"has an unmatched bracket at character {end + 1}")
        matches.append(match)
        end = match.end()
    if sum(match[1] is not None for match in matches) > _MOST_GROUPS:
        raise RangeError(f"has more than {_MOST_GROUPS} ranges")
    return matches


def _alternatives(match: re.Match[str]) -> list[str]:
    if match[1] is None:
        return [match[2]]
    if not match[1].strip():
        raise RangeError("has an empty range `[]`")
    numbers: list[str] = []
    for item in match[1].split(","):
        numbers += _numbers(item.strip())
        if len(numbers) > MAX_HOSTS:
            raise TooManyHosts(f"names more than {MAX_HOSTS:,} hosts")
    return numbers


def _numbers(item: str) -> list[str]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise RangeError(f"has `{item[:40]}` in a range, which is neither a number nor first-last")
    first, last = match[1], match[2] or match[1]
    if int(first) > int(last):
        raise RangeError(f"has the reversed range `{item}`", f"write [{last}-{first}]")
    count = int(last) - int(first) + 1
    if count > MAX_HOSTS:
        raise TooManyHosts(f"names {count:,} hosts; a spec may have {MAX_HOSTS:,}")
    width = len(first) if first.startswith("0") else 0
    return [str(number).zfill(width) for number in range(int(first), int(last) + 1)]
