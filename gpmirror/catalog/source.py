"""The text being read: its lines, and places in it for messages."""

from dataclasses import dataclass

from gpmirror.catalog import codes
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput

MAX_BYTES = 64 * 1024 * 1024
"""Largest input read: a catalog of 16,000 rows has less than 5 MB."""

MAX_LINES = 400_000
"""Most lines read: 32,767 dbids, all that two bytes hold, in expanded display."""

_LONGEST_EXCERPT = 400
_PACKED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Name and lines of the input. Line numbers count from 1."""

    name: str
    lines: list[str]

    def place(self, line: int, column: int = 0, width: int = 1) -> Place:
        """The place of `line`, with its text unless that is too long to show."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        shown = text if len(text) <= _LONGEST_EXCERPT else ""
        return Place(file=self.name, line=line, column=column, width=width, text=shown)


def decoded(data: bytes, name: str) -> str:
    """The input as text with bare newlines.

    Raises:
        InvalidInput: it is empty, too large, packed, binary, or in an unknown encoding.
    """
    refusal = _refusal(data)
    if refusal is not None:
        raise unreadable(name, *refusal)
    try:
        text = data.decode("utf-16" if data[:2] in _BYTE_ORDER_MARKS else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"line {line} is not UTF-8 text: byte 0x{data[error.start]:02X}"
        hint = "convert the file, for example with `iconv -f GBK -t UTF-8`"
        raise unreadable(name, message, hint, line) from None
    if "\0" in text:
        raise unreadable(name, _BINARY, _SAVE_TEXT)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    count = text.count("\n") + 1
    if count > MAX_LINES:
        message = f"the file has {count:,} lines, the limit is {MAX_LINES:,}"
        raise unreadable(name, message, "keep only the catalog tables")
    return text


_BINARY = "the file is binary: it holds NUL bytes"
_SAVE_TEXT = "save what psql prints for `SELECT * FROM gp_segment_configuration`"


def _refusal(data: bytes) -> tuple[str, str] | None:
    """Message and hint for what cannot be text at all."""
    if not data.strip():
        return "the file is empty", _SAVE_TEXT
    if len(data) > MAX_BYTES:
        message = f"the file has {len(data):,} bytes, the limit is {MAX_BYTES:,}"
        return message, "keep only the catalog tables"
    packing = next((said for magic, said in _PACKED.items() if data.startswith(magic)), None)
    if packing is not None:
        return f"the file is packed with {packing}", "unpack it first"
    if b"\0" in data and data[:2] not in _BYTE_ORDER_MARKS:
        return _BINARY, _SAVE_TEXT
    return None


def unreadable(name: str, message: str, hint: str, line: int = 0) -> InvalidInput:
    """The error for input that is no text."""
    place = Place(file=name, line=line)
    return InvalidInput(
        [Diagnostic(code=codes.UNREADABLE, message=message, place=place, hint=hint)]
    )
