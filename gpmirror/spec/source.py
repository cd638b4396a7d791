"""A spec as text, and the places of its keys and values in it."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import TypeAlias

from gpmirror.diagnostics import Diagnostic, Place, Source
from gpmirror.errors import InvalidInput
from gpmirror.spec.model import Path
from gpmirror.values import dataclass

# --- A spec as text: decoded once, cut into lines, able to turn a position into a `Place`.


MAX_BYTES = 4_000_000
"""A spec for 8,000 pinned contents has about 1 MB."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_MOST_CHARACTERS_SHOWN = 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecText(Source):
    """A spec's lines, and the text as it was before it was cut, without byte order mark."""

    text: str

    def place_at(self, offset: int) -> Place:
        """The place of the character at `offset` of the text."""
        before = self.text[:offset]
        ends = list(_LINE_END.finditer(before))
        start = ends[-1].end() if ends else 0
        return self.place(len(ends) + 1, offset - start + 1)


def decode(data: bytes, file: str) -> SpecText:
    """The text of `data`. Raises `InvalidInput` for what no YAML reader should be given."""
    if len(data) > MAX_BYTES:
        raise InvalidInput([_too_large(len(data), file)])
    try:
        text = data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise InvalidInput([_not_utf8(data, error.start, file)]) from error
    source = SpecText(file=file, text=text, lines=tuple(_LINE_END.split(text)))
    found = [_forbidden(source, match) for match in _first_forbidden(text)]
    if found:
        raise InvalidInput(found)
    return source


def _first_forbidden(text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for match in _FORBIDDEN.finditer(text):
        found.append(match)
        if len(found) == _MOST_CHARACTERS_SHOWN:
            break
    return found


def _too_large(size: int, file: str) -> Diagnostic:
    return Diagnostic(
        code="GPM-V003",
        message=f"the file has {size:,} bytes; a spec may have {MAX_BYTES:,}",
        place=Place(file=file),
        hint="write host ranges such as `sdw[1-400]` instead of one entry per host or content",
    )


def _not_utf8(data: bytes, offset: int, file: str) -> Diagnostic:
    before = data[:offset].decode("utf-8", "replace")
    lines = _LINE_END.split(before)
    whole = _LINE_END.split(data[offset : offset + 200].decode("utf-8", "replace"))[0]
    place = Place(file=file, line=len(lines), column=len(lines[-1]) + 1, text=lines[-1] + whole)
    return Diagnostic(
        code="GPM-V001",
        message=f"byte 0x{data[offset]:02X} at offset {offset} is not UTF-8",
        place=place,
        hint=_encoding_hint(data),
    )


def _encoding_hint(data: bytes) -> str:
    if data.startswith(_UTF16_MARKS):
        return "the file is UTF-16; save it as UTF-8"
    return "save the file as UTF-8; `iconv -f GB18030 -t UTF-8` converts Chinese encodings"


def _forbidden(source: SpecText, match: re.Match[str]) -> Diagnostic:
    return Diagnostic(
        code="GPM-V002",
        message=f"control character U+{ord(match.group()):04X} in the text",
        place=source.place_at(match.start()),
        hint="delete the character; `cat -A` makes such characters visible",
    )


# --- Where in the text each key and each value of the document stands.


Span: TypeAlias = tuple[int, int, int, int]
"""First line, first column, last line, column after the last: counted from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places(Mapping[Path, Place]):
    """Path -> place of the value; that of its key where the value is a list or a mapping.

    Places are made when asked for: a long spec has many, and few of them are ever shown.
    """

    source: SpecText
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


# --- `did you mean`: the nearest allowed word, if one is near.


_MOST_CANDIDATES = 2_000


def nearest(word: str, allowed: Collection[str]) -> str | None:
    """The allowed word closest to `word`, or None where none is close. Long lists of candidates
    are cut to those with the same first letter: comparing is slow.
    """
    candidates = allowed
    if len(candidates) > _MOST_CANDIDATES:
        candidates = [one for one in candidates if one[:1] == word[:1]][:_MOST_CANDIDATES]
    found = get_close_matches(word[:100], candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, allowed: Collection[str], otherwise: str) -> str:
    """A hint that names the nearest allowed word, else `otherwise`."""
    found = nearest(word, allowed)
    return otherwise if found is None else f"did you mean `{found}`?"


def listed(words: Collection[str]) -> str:
    """Words as a list in a sentence: `a`, `b` or `c`."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:  # noqa: PLR2004 - one word needs no `or`
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
