"""Characters that look like the ones YAML or a host name needs, and are others."""

import re

from gpmirror.diagnostics import Diagnostic
from gpmirror.spec.source import Source

_NAMES = {
    "\u00a0": ("no-break space", "a space"),
    "\u00ad": ("soft hyphen", "nothing"),
    "\u200b": ("zero-width space", "nothing"),
    "\u200c": ("zero-width non-joiner", "nothing"),
    "\u200d": ("zero-width joiner", "nothing"),
    "\u200e": ("left-to-right mark", "nothing"),
    "\u200f": ("right-to-left mark", "nothing"),
    "\u202a": ("left-to-right embedding", "nothing"),
    "\u202b": ("right-to-left embedding", "nothing"),
    "\u202d": ("left-to-right override", "nothing"),
    "\u202e": ("right-to-left override", "nothing"),
    "\u2060": ("word joiner", "nothing"),
    "\ufeff": ("zero-width no-break space", "nothing"),
    "\u2007": ("figure space", "a space"),
    "\u202f": ("narrow no-break space", "a space"),
    "\u3000": ("ideographic space", "a space"),
    "\u2010": ("hyphen", "`-`"),
    "\u2011": ("non-breaking hyphen", "`-`"),
    "\u2013": ("en dash", "`-`"),
    "\u2014": ("em dash", "`-`"),
    "\u2212": ("minus sign", "`-`"),
    "\u2018": ("left single quotation mark", "`'`"),
    "\u2019": ("right single quotation mark", "`'`"),
    "\u201c": ("left double quotation mark", '`"`'),
    "\u201d": ("right double quotation mark", '`"`'),
    "\u2026": ("horizontal ellipsis", "`...`"),
    "\u2044": ("fraction slash", "`/`"),
    "\u2215": ("division slash", "`/`"),
    "\u3001": ("ideographic comma", "`,`"),
    "\u3002": ("ideographic full stop", "`.`"),
    "\u3010": ("left black lenticular bracket", "`[`"),
    "\u3011": ("right black lenticular bracket", "`]`"),
}
_FULL_WIDTH_FIRST, _FULL_WIDTH_LAST, _FULL_WIDTH_SHIFT = 0xFF01, 0xFF5E, 0xFEE0
_LOOK_ALIKE = re.compile(
    "[" + "".join(_NAMES) + f"{chr(_FULL_WIDTH_FIRST)}-{chr(_FULL_WIDTH_LAST)}" + "]"
)
_FREE_TEXT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'|(?:^|(?<=\s))#.*")
_MOST_SHOWN = 20
_LONGEST_LINE = 2_000
"""Longer lines are no one's typing, and matching quotes in them takes too long."""


def find(text: str) -> re.Match[str] | None:
    """The first look-alike in `text`."""
    return None if text.isascii() else _LOOK_ALIKE.search(text)


def in_structure(source: Source) -> list[Diagnostic]:
    """Look-alikes outside quotes and comments of a text that is not YAML, line by line."""
    found: list[Diagnostic] = []
    for number, line in enumerate(source.lines, start=1):
        if line.isascii() or len(line) > _LONGEST_LINE:
            continue
        bare = unquoted(line)
        found += [
            diagnose(source, number, match.start() + 1, match.group())
            for match in _LOOK_ALIKE.finditer(bare)
        ]
        if len(found) >= _MOST_SHOWN:
            break
    return found[:_MOST_SHOWN]


def unquoted(line: str) -> str:
    """`line` with quoted text and comments blanked out, every other character in its column."""
    return _FREE_TEXT.sub(lambda match: " " * len(match.group()), line)


def diagnose(source: Source, line: int, column: int, character: str) -> Diagnostic:
    """The finding for one look-alike at a known spot, counted from 1."""
    name, instead = _described(character)
    shown = f"`{character}` " if character.isprintable() and not character.isspace() else ""
    action = "delete it" if instead == "nothing" else f"write {instead} instead"
    return Diagnostic(
        code="GPM-V006",
        message=f"look-alike character {shown}U+{ord(character):04X} ({name})",
        place=source.place(line, column),
        hint=f"{action}; copied text often brings such characters along",
    )


def _described(character: str) -> tuple[str, str]:
    if character in _NAMES:
        return _NAMES[character]
    plain = chr(ord(character) - _FULL_WIDTH_SHIFT)
    return f"full-width `{plain}`", f"`{plain}`"
