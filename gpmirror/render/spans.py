"""Styled text for a terminal: spans, their width on screen, and plain ANSI at the very end."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import east_asian_width


class Style(StrEnum):
    """What a span means; the value is its ANSI graphic rendition."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    ALARM = "31"
    ADD = "32"
    CARE = "33"
    ROLE = "36"
    BAR = "42"
    TRACK = "100"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style. The text holds no control characters."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]
"""One line on screen, or one cell of a table."""

BLANK: Line = ()


def line(*parts: str | Span) -> Line:
    """A line of plain and styled parts; control characters in plain parts are escaped."""
    return tuple(part if isinstance(part, Span) else Span(visible(part)) for part in parts if part)


def styled(text: str, style: Style) -> Span:
    """A span whose control characters are escaped."""
    return Span(visible(text), style)


def visible(text: str) -> str:
    r"""The text with everything that could steer a terminal or hide itself written as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def columns_of(cell: Line) -> int:
    """How many terminal columns a line takes; wide East Asian characters take two."""
    return sum(_columns(span.text) for span in cell)


def painted(lines: Iterable[Line], *, color: bool) -> str:
    """Lines as text, each ended by a newline; without `color` no escape sequence at all."""
    paint = _ansi if color else _plain
    return "".join(f"{paint(found)}\n" for found in lines)


def _plain(found: Line) -> str:
    return "".join(span.text for span in found).rstrip()


def _ansi(found: Line) -> str:
    return "".join(
        f"\x1b[{span.style.value}m{span.text}\x1b[0m" if span.style else span.text for span in found
    ).rstrip(" ")


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()
