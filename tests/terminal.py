"""A small terminal: takes what a program writes and says what a person would see."""

import io
import re

_SEQUENCE = re.compile(r"\x1b\[(\??)(\d*(?:;\d+)*)([A-Za-z])")


class Terminal(io.StringIO):
    """Understands line ends, cursor up, erasing, colours (dropped) and the cursor's visibility;
    wraps at `columns`, scrolls at `height`. Anything else fails the test.
    """

    def __init__(self, columns: int = 80, height: int = 24) -> None:
        super().__init__()
        self.columns, self.height = columns, height
        self.rows: list[str] = [""]
        self.row, self.column = 0, 0
        self.cursor_is_visible = True
        self.writes = 0

    @property
    def size(self) -> tuple[int, int]:
        return self.columns, self.height

    @property
    def screen(self) -> list[str]:
        """Every row from the first, also those scrolled away; trailing blanks are dropped."""
        rows = [row.rstrip() for row in self.rows]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def write(self, text: str) -> int:
        self.writes += 1
        at = 0
        while at < len(text):
            if found := _SEQUENCE.match(text, at):
                self._obey(*found.groups())
                at = found.end()
            else:
                self._put(text[at])
                at += 1
        return len(text)

    def resize(self, columns: int, height: int) -> None:
        """A narrower window wraps what is on screen anew, as real ones do."""
        assert columns <= self.columns
        rows: list[str] = []
        for row in self.rows:
            rows += [row[at : at + columns] for at in range(0, max(len(row), 1), columns)]
        self.rows, self.columns, self.height = rows, columns, height
        self.row, self.column = len(rows) - 1, len(rows[-1])

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self._down()
        else:
            assert character.isprintable(), repr(character)
            if self.column >= self.columns:
                self._down()
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[: self.column] + character + row[self.column + 1 :]
            self.column += 1

    def _down(self) -> None:
        self.row, self.column = self.row + 1, 0
        if self.row == len(self.rows):
            self.rows.append("")

    def _obey(self, private: str, number: str, letter: str) -> None:
        if private:
            assert number == "25", number
            self.cursor_is_visible = letter == "h"
        elif letter == "A":
            top = max(len(self.rows) - self.height, 0)
            self.row = max(self.row - int(number or 1), top)
        elif letter == "J":
            self.rows[self.row] = self.rows[self.row][: self.column]
            del self.rows[self.row + 1 :]
        elif letter == "K":
            assert self.column < self.columns, "a full line would lose its last character"
            self.rows[self.row] = self.rows[self.row][: self.column]
        else:
            assert letter == "m", letter
