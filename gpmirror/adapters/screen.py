"""Lines at the bottom of a terminal that are redrawn in place, below text that stays."""

import os
import re
from collections.abc import Callable, Sequence
from typing import TextIO

from gpmirror.adapters.eventlog import abandon

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CLEAR_BELOW = "\x1b[J"
_CLEAR_REST = "\x1b[K"
_GRAPHIC = re.compile(r"\x1b\[[0-9;]*m")
_SIZE_UNKNOWN = (80, 24)


class Screen:
    """A stream to a terminal with a live area at the end of what was written.

    The cursor is hidden only within one write: a process that is killed leaves it visible. A
    terminal that went away ends the output, never the run.
    """

    def __init__(
        self, stream: TextIO | None, *, size: Callable[[], tuple[int, int]] | None = None
    ) -> None:
        self._stream = stream
        self._ask_size = size or self._terminal_size
        self._drawn: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, asked anew: a window may be resized at any time."""
        columns, lines = self._ask_size()
        return max(columns, 1), max(lines, 1)

    def draw(self, lines: Sequence[str], *, above: str = "") -> None:
        """Replace the live area by `lines`, narrower than the terminal; `above` is text that stays
        and goes before it, ended by a newline or empty.
        """
        if not (lines or above or self._drawn):
            return
        body = "".join(f"{found}{_CLEAR_REST}\n" for found in lines)
        self._write(f"{_HIDE}{self._back()}{above}{body}{_CLEAR_BELOW}{_SHOW}")
        self._drawn = tuple(len(_GRAPHIC.sub("", found)) for found in lines)

    def _back(self) -> str:
        """To the start of the live area; a window made narrower has wrapped its lines."""
        columns, height = self.size
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        up = min(rows, height - 1)
        return f"\r\x1b[{up}A{_CLEAR_BELOW}" if up else "\r"

    def _terminal_size(self) -> tuple[int, int]:
        if self._stream is None:
            return _SIZE_UNKNOWN
        try:
            found = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _SIZE_UNKNOWN
        return found.columns or _SIZE_UNKNOWN[0], found.lines or _SIZE_UNKNOWN[1]

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            abandon(self._stream)
            self._stream = None
