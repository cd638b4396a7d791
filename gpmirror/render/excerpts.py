"""The excerpt below a finding: its source line with a caret under the right character."""

import unicodedata

from gpmirror.diagnostics import Place

MAX_COLUMNS = 120
_BEFORE_CARET = 60
_LEAST = 20
_CUT = "..."


def visible(text: str) -> str:
    """`text` on one line, without anything that could steer a terminal or reorder text."""
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    if character == " " or character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def display_width(text: str) -> int:
    """Terminal columns of visible `text`: East Asian wide characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def excerpt(place: Place, *, most: int = MAX_COLUMNS) -> tuple[str, str]:
    """The shown part of the source line, of at most `most` columns, and the line with the carets
    below it.
    """
    start = max(place.column - 1, 0)
    first, last = _window(place.text, start, max(most, _LEAST))
    end = min(max(start + place.width, start + 1), max(last, start + 1))
    head = visible(place.text[first:start])
    marked = visible(place.text[start:end])
    tail = visible(place.text[end:last])
    before = _CUT if first else ""
    after = _CUT if last < len(place.text) else ""
    blanks = " " * display_width(before + head)
    carets = "^" * min(max(1, display_width(marked)), max(most, _LEAST))
    return f"{before}{head}{marked}{tail}{after}", f"{blanks}{carets}"


def _window(text: str, start: int, most: int) -> tuple[int, int]:
    """First and last offset to show, so that the line fits and `start` is in it."""
    if len(text) <= most and display_width(text) <= most:
        return 0, len(text)
    room = most - 2 * len(_CUT)
    lead = min(_BEFORE_CARET, room // 2)
    first = max(0, start - lead)
    while first < start and display_width(text[first:start]) > lead:
        first += 1
    last = first
    used = 0
    while last < len(text) and used + _columns(text[last]) <= room:
        used += _columns(text[last])
        last += 1
    return first, last
