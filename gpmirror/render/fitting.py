"""Finished text fitted to a terminal: long lines go on below, indented, broken where it helps."""

import re

from gpmirror.render.spans import Span, columns_of

_PIECE = re.compile(r"\x1b\[[0-9;]*m| +|[^ \x1b]+")
_PART = re.compile(r"[^/,:|=]*[/,:|=]+|[^/,:|=]+")
_HANG = 2
_LEAST = 20


def fitted(text: str, *, width: int) -> str:
    """The text with every line of at most `width` columns, ANSI colours aside.

    A line breaks at a blank, behind a semicolon if one stands in its second half; a word that is
    longer than a line breaks behind `/`, `,`, `:`, `|` or `=`. For terminals only: a file or a
    pipe gets lines as they are.
    """
    return "\n".join(_fitted_line(found, max(width, _LEAST)) for found in text.split("\n"))


def _fitted_line(found: str, width: int) -> str:
    if len(found) <= width and found.isascii():
        return found
    pieces = _PIECE.findall(found)
    if sum(map(_columns, pieces)) <= width:
        return found
    blanks = len(found) - len(found.lstrip(" "))
    indent = " " * min(blanks + _HANG, width // 2)
    return f"\n{indent}".join(_lines(pieces, width, width - len(indent)))


def _lines(pieces: list[str], first: int, rest: int) -> list[str]:
    """The pieces dealt out over lines: the first has room for `first` columns, others for `rest`."""
    lines: list[str] = []
    left = _divided(pieces, rest)
    while left:
        room = rest if lines else first
        count = _count_that_fits(left, room)
        lines.append("".join(left[:count]).rstrip(" "))
        left = left[count:]
        while left and left[0].startswith(" "):
            left = left[1:]
    return lines


def _divided(pieces: list[str], room: int) -> list[str]:
    """Pieces of at most `room` columns: longer words in parts, the parts at worst in characters."""
    divided: list[str] = []
    for piece in pieces:
        if _columns(piece) <= room:
            divided.append(piece)
            continue
        for part in _PART.findall(piece) or [piece]:
            divided += [part] if _columns(part) <= room else list(part)
    return divided


def _count_that_fits(pieces: list[str], room: int) -> int:
    used, count, after_semicolon = 0, 0, 0
    for number, piece in enumerate(pieces, start=1):
        used += _columns(piece)
        if used > room and piece.strip(" "):
            # a break behind a semicolon reads best, unless it leaves half a line empty
            return after_semicolon or max(count, 1)
        count = number
        if piece.endswith(";") and used > room // 2:
            after_semicolon = number
    return count


def _columns(piece: str) -> int:
    return 0 if piece.startswith("\x1b") else columns_of((Span(piece),))
