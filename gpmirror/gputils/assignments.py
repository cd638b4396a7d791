"""The assignments of a shell fragment, read without running anything.

Only what gpinitsystem's files need is understood: `NAME=value`, `NAME=(a b)`, `declare -a`,
`export`, quotes, comments and line continuations. Whatever a shell would expand or run is refused
by name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, groupby
from typing import NamedTuple

from gpmirror.diagnostics import Place
from gpmirror.gputils.characters import named
from gpmirror.gputils.source import Findings

_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\\\r?\n)|(?P<newline>\n)|(?P<comment>#[^\n]*)"
    r"|(?P<single>'[^'\n]*')|(?P<double>\"[^\"$`\\\n]*\")|(?P<open>\()|(?P<close>\))"
    r"|(?P<plain>[^\s\"'\\$`;&|<>(){}*?\[\]!#\x00-\x1f\x7f]+)|(?P<other>.)",
    re.DOTALL,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?==)")
_PIECES = frozenset({"plain", "single", "double"})
_KEYWORDS = frozenset({"declare", "typeset", "export", "readonly", "-a", "-x"})
_CONSTRUCTS = {
    "$(": "a command substitution",
    "${": "a variable",
    "$": "a variable",
    "`": "a command substitution",
    ";": "a second command",
    "&": "a background command or a list of commands",
    "|": "a pipe",
    "<": "a redirection or process substitution",
    ">": "a redirection or process substitution",
    "*": "a file name pattern",
    "?": "a file name pattern",
    "[": "a file name pattern",
    "]": "a file name pattern",
    "{": "a brace expansion",
    "}": "a brace expansion",
    "!": "a history expansion or negation",
    "\\": "an escape",
    '"': "a quote without its end, or with an expansion inside",
    "'": "a quote without its end",
}


class _Token(NamedTuple):
    kind: str
    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Word:
    """A word after quote removal, and where it starts."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`name` set to one value, or to the values of an array."""

    name: str
    values: tuple[Word, ...]
    is_array: bool
    place: Place


def read_assignments(text: str, file: str, findings: Findings) -> list[Assignment]:
    """Every assignment in order; statements that are none are reported."""
    found: list[Assignment] = []
    statement: list[_Token] = []
    depth = 0
    for token in _tokens(text, file, findings):
        if findings.full:
            return found
        depth += (token.kind == "open") - (token.kind == "close")
        if token.kind == "newline" and depth <= 0:
            found += _statement(statement, findings)
            statement, depth = [], 0
        else:
            statement.append(token)
    return found + _statement(statement, findings)


def _tokens(text: str, file: str, findings: Findings) -> Iterator[_Token]:
    lines = text.split("\n")
    number, start = 1, 0
    after_blank = True
    for found in _TOKEN.finditer(text):
        kind, value = found.lastgroup or "other", found.group()
        raw = lines[number - 1].rstrip("\r")
        place = Place(
            file=file, line=number, column=found.start() - start + 1, width=len(value), text=raw
        )
        if kind == "other" or (kind == "comment" and not after_blank):
            _report_construct(text[found.start() : found.start() + 2], place, findings)
            kind = "other"
        if kind != "comment":
            yield _Token(kind, value, place)
        after_blank = kind in {"blank", "newline", "open", "close"}
        if value.endswith("\n"):
            number, start = number + 1, found.end()


def _report_construct(text: str, place: Place, findings: Findings) -> None:
    construct = _CONSTRUCTS.get(text) or _CONSTRUCTS.get(text[0])
    if construct is None:
        message = f"{named(text[0])} has no place in a value"
        findings.report("GPM-N026", message, place, "take it out, or put the value in quotes")
        return
    shown = text if text in _CONSTRUCTS else text[0]
    message = f"`{shown}` is {construct}; nothing of this file is ever run or expanded"
    findings.report("GPM-N040", message, place, "write the value itself")


def _statement(tokens: list[_Token], findings: Findings) -> list[Assignment]:
    words = list(dropwhile(lambda word: word.text in _KEYWORDS, _words(tokens)))
    if not words or any(token.kind == "other" for token in tokens):
        return []
    first = words[0]
    name = _NAME.match(first.text)
    is_array = any(token.kind == "open" for token in tokens)
    if name is None or (len(words) > 1 and not is_array) or not _closed(tokens):
        message = f"`{first.text[:40]}` is not an assignment such as `NAME=value` or `NAME=(a b)`"
        findings.report("GPM-N041", message, first.place, "one assignment a line, quotes in pairs")
        return []
    value = Word(first.text[name.end() + 1 :], first.place)
    values = tuple(words[1:]) if is_array else (value,)
    return [Assignment(name=name.group(), values=values, is_array=is_array, place=first.place)]


def _closed(tokens: list[_Token]) -> bool:
    """Whether parentheses, if any, are one pair round all that follows `NAME=`."""
    kinds = [token.kind for token in tokens]
    if "open" not in kinds and "close" not in kinds:
        return True
    once = kinds.count("open") == 1 and kinds.count("close") == 1
    opened = kinds.index("open") if once else 0
    return (
        once
        and opened > 0
        and tokens[opened - 1].text.endswith("=")
        and all(kind == "blank" for kind in kinds[kinds.index("close") + 1 :])
    )


def _words(tokens: list[_Token]) -> Iterator[Word]:
    """Adjacent pieces joined, quotes taken off."""
    for is_word, pieces in groupby(tokens, key=lambda token: token.kind in _PIECES):
        if is_word:
            found = list(pieces)
            yield Word("".join(map(_unquoted, found)), found[0].place)


def _unquoted(token: _Token) -> str:
    return token.text if token.kind == "plain" else token.text[1:-1]
