"""`gpmirror fmt`: one indentation, quotes only where needed, every comment kept."""

import io
import re

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import (
    DoubleQuotedScalarString,
    PlainScalarString,
    SingleQuotedScalarString,
)

from gpmirror.errors import InvalidInput
from gpmirror.spec.reader import read
from gpmirror.spec.source import decode
from gpmirror.spec.writing import scalar_text

_MOST_PASSES = 4
_UNFOLDED = 1_000_000
_COMMENT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:^|(?<=\s))(#.*)")
_GIVES_UP = (YAMLError, ValueError, TypeError, AttributeError, LookupError, AssertionError)
"""What the round trip raises on YAML that is legal, and that it does not master."""


def format_text(text: str, file: str) -> str:
    """`text` in the one style; formatting the result again changes nothing.

    Order, meaning and comments stay. Where the round trip would lose any of them, only line ends
    are tidied. Raises `InvalidInput` for text that is not readable YAML.
    """
    source = decode(text.encode("utf-8", "surrogatepass"), file)
    document = read(source)
    if document.found:
        raise InvalidInput(document.found)
    tidy = _line_ends(source.text)
    formatted = _settled(tidy)
    if formatted is None or not _same(formatted, tidy, document.data, file):
        return tidy
    return formatted


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"


def _settled(text: str) -> str | None:
    """The text that formatting leaves alone, or None where there is none."""
    for _ in range(_MOST_PASSES):
        try:
            formatted = _line_ends(_round_trip(text))
        except _GIVES_UP:
            return None
        if formatted == text:
            return formatted
        text = formatted
    return None


def _round_trip(text: str) -> str:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _UNFOLDED
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    _requote(document)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _requote(value: object) -> None:
    """Change quoted scalars in place: plain where that is safe, else double quotes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            value[key] = _requoted(inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            value[index] = _requoted(inner)


def _requoted(value: object) -> object:
    _requote(value)
    if not isinstance(value, SingleQuotedScalarString | DoubleQuotedScalarString):
        return value
    if value.yaml_anchor() is not None or "\n" in value:
        return value
    is_plain = scalar_text(str(value)) == value
    return PlainScalarString(value) if is_plain else DoubleQuotedScalarString(value)


def _same(formatted: str, text: str, data: object, file: str) -> bool:
    try:
        document = read(decode(formatted.encode(), file))
    except InvalidInput:
        return False
    return document.data == data and _comments(formatted) == _comments(text)


def _comments(text: str) -> list[str]:
    matches = (match for line in text.splitlines() for match in _COMMENT.finditer(line))
    return sorted(match[1].strip() for match in matches if match[1])
