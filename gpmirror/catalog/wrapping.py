"""Tables that a terminal broke over lines at its width: joins what belongs together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gpmirror.catalog.header import PIPES, Header, header_of
from gpmirror.catalog.marks import is_rule, printed_count

_MOST_HEADER_PARTS = 12
_MOST_PARTS = 40
"""A terminal of 20 columns breaks the widest known header and row into fewer parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfolded:
    """A table with every row on one line again; each with the number of its first input line.
    `end` is the index of the first input line after the table.
    """

    header: Header
    rows: list[tuple[str, int]]
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fold:
    """Where the table was broken: indent of its block, width of a full line after the indent."""

    indent: int
    width: int
    separator: str
    pipes: int

    def piece(self, line: str) -> str:
        """A line without the indent of the block."""
        return line[self.indent :] if not line[: self.indent].strip() else line.lstrip()

    def goes_on(self, text: str, last: str, following: str) -> bool:
        """Whether a row whose separators are complete continues in the next line."""
        piece = self.piece(following).strip()
        if not piece or " " in piece or self.separator in piece or _ends(following):
            return False
        if text.endswith(self.separator) or not text[text.rfind(self.separator) + 1 :].strip():
            return piece.isdigit() or len(last) >= self.width - 1
        return len(last) >= self.width


def unfold(lines: Sequence[str], index: int) -> Unfolded | None:
    """The broken table whose header starts at `lines[index]`; None if it is not broken."""
    rule = _first_rule(lines, index) if any(pipe in lines[index] for pipe in PIPES) else None
    if rule is None:
        return None
    after = rule
    while after < len(lines) and is_rule(lines[after]):
        after += 1
    if rule == index + 1 and after == rule + 1:
        return None
    indent = len(lines[rule]) - len(lines[rule].lstrip())
    header = header_of("".join(line[indent:] for line in lines[index:rule]))
    drawn = "".join(line.strip() for line in lines[rule:after])
    if header is None or not _fits(header, drawn):
        return None
    fold = _Fold(
        indent=indent,
        width=len(lines[rule].rstrip()) - indent,
        separator=header.separator,
        pipes=len(header.names) - 1 + 2 * header.outer,
    )
    rows, end = _rows(lines, after, fold)
    return Unfolded(header=header, rows=rows, end=end)


def _first_rule(lines: Sequence[str], index: int) -> int | None:
    for at in range(index + 1, min(index + _MOST_HEADER_PARTS, len(lines))):
        if is_rule(lines[at]):
            return at
        if _ends(lines[at]) and not _is_blank_rest(lines, at):
            return None
    return None


def _is_blank_rest(lines: Sequence[str], at: int) -> bool:
    """Whether a blank line is the padding of a header whose rule follows."""
    return not lines[at].strip() and at + 1 < len(lines) and is_rule(lines[at + 1])


def _fits(header: Header, drawn: str) -> bool:
    """Whether the rule has as many crosses as the header has columns; without crosses it may."""
    crosses = sum(drawn.count(cross) for cross in "+┼╪╬╫")
    return crosses in (0, len(header.names) - 1, len(header.names) + 1)


def _rows(lines: Sequence[str], index: int, fold: _Fold) -> tuple[list[tuple[str, int]], int]:
    rows: list[tuple[str, int]] = []
    while index < len(lines) and fold.separator in lines[index] and not _ends(lines[index]):
        parts = list(_parts(lines, index, fold))
        rows.append(("".join(parts), index + 1))
        index += len(parts)
        while index + 1 < len(lines) and _is_gap(lines, index, fold):
            index += 1
    return rows, index


def _parts(lines: Sequence[str], index: int, fold: _Fold) -> Iterator[str]:
    """The pieces of the row that starts at `lines[index]`."""
    text = last = fold.piece(lines[index])
    yield last
    for following in lines[index + 1 : index + _MOST_PARTS]:
        incomplete = text.count(fold.separator) < fold.pipes and not _ends(following)
        if not incomplete and not fold.goes_on(text, last, following):
            return
        last = fold.piece(following)
        text += last
        yield last


def _ends(line: str) -> bool:
    return not line.strip() or is_rule(line) or printed_count(line) is not None


def _is_gap(lines: Sequence[str], index: int, fold: _Fold) -> bool:
    """Whether a blank line is the blank rest of a row, with another row below it."""
    return not lines[index].strip() and fold.separator in lines[index + 1]
