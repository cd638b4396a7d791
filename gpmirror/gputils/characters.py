"""Characters by name: what a file cannot carry, and which ASCII character was meant."""

import unicodedata

from gpmirror.gputils.lines import Grammar

_TWINS = {
    "\u2236": ":",
    "\ua789": ":",
    "\u05c3": ":",
    "\u00a6": "|",
    "\u2223": "|",
    "\u2502": "|",
    "\u01c0": "|",
    "\u2010": "-",
    "\u2011": "-",
    "\u2012": "-",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u2044": "/",
    "\u2215": "/",
    "\u3002": ".",
    "\u00a0": " ",
    "\u3000": " ",
}
"""Look-alikes that compatibility normalisation does not map to ASCII, or maps unhelpfully."""

_SHELL = frozenset("\\$`;&<>()*?![]{}~^")
_TROUBLES = {
    "|": "separates the fields of the file in 6 and later",
    ":": "separates the fields of the file in 4.3 and 5",
    "#": "starts a comment only at the start of a line, and elsewhere joins the value",
    '"': "is kept as it stands: the file has no quoting",
    "'": "is kept as it stands: the file has no quoting",
}
_SHOWN = 80


def named(character: str) -> str:
    """`U+FF1A FULLWIDTH COLON`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X} {name}".rstrip()


def ascii_twin(character: str) -> str | None:
    """The ASCII character that a non-ASCII one was probably meant to be."""
    if character in _TWINS:
        return _TWINS[character]
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1 and plain.isascii():
        return plain
    digit = unicodedata.decimal(character, None)
    return None if digit is None else str(digit)


def shown(value: str) -> str:
    """The value between backticks: control characters escaped, cut to a readable length."""
    text = value if len(value) <= _SHOWN else value[: _SHOWN - 3] + "..."
    return "`" + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text) + "`"


def trouble_with(character: str, grammar: Grammar) -> str:
    """Why no field of a native file may hold the character: a clause after `which`."""
    if not character.isascii():
        return "is not ASCII; the utilities are only known to handle ASCII names and paths"
    if character.isspace():
        return "ends a group of fields"
    if not character.isprintable():
        return "is a control character"
    if character == grammar.value:
        return f"separates the fields of the file in {grammar.releases}"
    return _other_trouble(character)


def _other_trouble(character: str) -> str:
    if character in _TROUBLES:
        return _TROUBLES[character]
    if character in _SHELL:
        return "the utilities pass to a shell unquoted"
    return "does not belong there"


def lines_of(text: str) -> list[str]:
    """The lines of a host's answer or of a log, parted by line feeds alone: `str.splitlines` also
    parts at form feeds, U+0085, U+2028 and others, which names of files and words of logs may hold.
    """
    return text.removesuffix("\n").split("\n") if text else []
