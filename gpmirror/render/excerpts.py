"""The excerpt below a finding: its source line with a caret under the right character."""

import unicodedata

from gpmirror.diagnostics import Place

MAX_COLUMNS = 120
_BEFORE_CARET = 60
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


def excerpt(place: Place) -> tuple[str, str]:
    """The shown part of the source line, and the line with the carets below it."""
    start = max(place.column - 1, 0)
    first, last = _window(place.text, start)
    end = min(max(start + place.width, start + 1), max(last, start + 1))
    head = visible(place.text[first:start])
    marked = visible(place.text[start:end])
    tail = visible(place.text[end:last])
    before = _CUT if first else ""
    after = _CUT if last < len(place.text) else ""
    blanks = " " * display_width(before + head)
    carets = "^" * max(1, display_width(marked))
    return f"{before}{head}{marked}{tail}{after}", f"{blanks}{carets}"


def _window(text: str, start: int) -> tuple[int, int]:
    """First and last offset to show, so that the line fits and `start` is in it."""
    if display_width(text[: MAX_COLUMNS + 1]) <= MAX_COLUMNS and len(text) <= MAX_COLUMNS:
        return 0, len(text)
    room = MAX_COLUMNS - 2 * len(_CUT)
    first = max(0, start - _BEFORE_CARET)
    while first < start and display_width(text[first:start]) > _BEFORE_CARET:
        first += 1
    last = first
    used = 0
    while last < len(text) and used + _columns(text[last]) <= room:
        used += _columns(text[last])
        last += 1
    return first, last
