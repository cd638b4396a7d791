"""Where in the text each key and each value of the document stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gpmirror.diagnostics import Place
from gpmirror.spec.model import Path
from gpmirror.spec.source import Source

Span: TypeAlias = tuple[int, int, int, int]
"""First line, first column, last line, column after the last: counted from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places(Mapping[Path, Place]):
    """Path -> place of the value; that of its key where the value is a list or a mapping.

    Places are made when asked for: a long spec has many, and few of them are ever shown.
    """

    source: Source
    key_spans: dict[Path, Span] = field(default_factory=dict)
    value_spans: dict[Path, Span] = field(default_factory=dict)

    def __getitem__(self, path: Path) -> Place:
        return self._place(self.value_spans[path])

    def __iter__(self) -> Iterator[Path]:
        return iter(self.value_spans)

    def __len__(self) -> int:
        return len(self.value_spans)

    def value(self, path: Path) -> Place:
        """The place of the value at `path`, else of its nearest known parent, else the file."""
        for length in range(len(path), 0, -1):
            span = self.value_spans.get(path[:length])
            if span is not None:
                return self._place(span)
        return Place(file=self.source.file)

    def key(self, path: Path) -> Place:
        """The place of the key at `path`; where there is none, of the value."""
        span = self.key_spans.get(path)
        return self.value(path) if span is None else self._place(span)

    def _place(self, span: Span) -> Place:
        line, column, last_line, last_column = span
        text_end = len(self.source.lines[line]) if line < len(self.source.lines) else column
        end = last_column if last_line == line else text_end
        return self.source.place(line + 1, column + 1, max(1, end - column))
