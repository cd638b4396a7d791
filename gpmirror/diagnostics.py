"""What is wrong, where, and what to do: the one shape every finding has.

A diagnostic is a value. Codes are stable: `GPM-Vnnn` spec, `GPM-Cnnn` catalog, `GPM-Nnnn` native
files, `GPM-Pnnn` placement and plan. Each package lists its codes with their explanations in its
own `codes.py`; `gpmirror explain CODE` reads those tables.
"""

from collections.abc import Sequence
from enum import StrEnum

from gpmirror.values import dataclass


class Severity(StrEnum):
    """How much a finding weighs: errors refuse the input, warnings and notes are shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def base_name(path: str) -> str:
    """The last part of a path: what a plan may name, so that it is the same from any folder."""
    return path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A spot in an input file. Lines and columns count from 1, columns in characters.

    `width` is the number of characters to underline; `text` is the whole source line, for the
    excerpt. A file without a known line has line 0.
    """

    file: str
    line: int = 0
    column: int = 0
    width: int = 1
    text: str = ""

    def __str__(self) -> str:
        """`file:line:column`, as far as known."""
        if not self.line:
            return self.file
        if not self.column:
            return f"{self.file}:{self.line}"
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def line_text(self) -> str:
        """`file:line` with the file's base name: what a plan tells, so that it names no directories."""
        name = base_name(self.file)
        return f"{name}:{self.line}" if self.line else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An input by the name that messages give it, and its lines without line ends: turns a position
    into a `Place`. Lines of more than `longest` characters are not shown.
    """

    file: str
    lines: Sequence[str]
    longest: int | None = None

    def place(self, line: int, column: int = 0, width: int = 1) -> Place:
        """The place of `width` characters at `line` and `column`, as far as the line reaches."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        fitting = max(1, min(width, len(text) - column + 1))
        shown = text if self.longest is None or len(text) <= self.longest else ""
        return Place(file=self.file, line=line, column=column, width=fitting, text=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A second spot that belongs to the same finding, with the words to print beside it."""

    place: Place
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding: stable code, message naming subject, value and limit, place, next action."""

    code: str
    message: str
    severity: Severity = Severity.ERROR
    place: Place | None = None
    hint: str | None = None
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInfo:
    """The page behind a code: what it means, why it matters, how to fix it."""

    title: str
    why: str
    fix: str
