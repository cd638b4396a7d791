"""A spec as text: decoded once, cut into lines, able to turn a position into a `Place`."""

import re
from dataclasses import dataclass

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput

MAX_BYTES = 4_000_000
"""A spec for 8,000 pinned contents has about 1 MB."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_MOST_CHARACTERS_SHOWN = 20
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text of a file, without byte order mark, and its lines without line ends."""

    file: str
    text: str
    lines: tuple[str, ...]

    def place(self, line: int, column: int, width: int = 1) -> Place:
        """The place of `width` characters at `line` and `column`, all counted from 1."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        fitting = max(1, min(width, len(text) - column + 1))
        return Place(file=self.file, line=line, column=column, width=fitting, text=text)

    def place_at(self, offset: int) -> Place:
        """The place of the character at `offset` of the text."""
        before = self.text[:offset]
        ends = list(_LINE_END.finditer(before))
        start = ends[-1].end() if ends else 0
        return self.place(len(ends) + 1, offset - start + 1)


def decode(data: bytes, file: str) -> Source:
    """The text of `data`. Raises `InvalidInput` for what no YAML reader should be given."""
    if len(data) > MAX_BYTES:
        raise InvalidInput([_too_large(len(data), file)])
    try:
        text = data.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        raise InvalidInput([_not_utf8(data, error.start, file)]) from error
    source = Source(file=file, text=text, lines=tuple(_LINE_END.split(text)))
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


def _forbidden(source: Source, match: re.Match[str]) -> Diagnostic:
    return Diagnostic(
        code="GPM-V002",
        message=f"control character U+{ord(match.group()):04X} in the text",
        place=source.place_at(match.start()),
        hint="delete the character; `cat -A` makes such characters visible",
    )
