"""What each field of a native file may hold: the one rule that reading and writing share."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.segment import MAX_PORT
from gpmirror.native.lines import Filespaces, Grammar, Location
from gpmirror.values import dataclass

# --- Characters by name: what a file cannot carry, and which ASCII character was meant.


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


# --- What each field of a native file may hold: the one rule that reading and writing share.


MAX_CONTENT = 32_767
"""The catalog column is a smallint."""

_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_NOT_DIGIT = re.compile(r"[^0-9]")
_NOT_ADDRESS = re.compile(r"[^A-Za-z0-9._-]")
_NOT_FILESPACE = re.compile(r"[^A-Za-z0-9_.$-]")
_NOT_PATH = {
    Grammar.COLON: re.compile(r"[^A-Za-z0-9_./,+@%=-]"),
    Grammar.PIPE: re.compile(r"[^A-Za-z0-9_./,+@%=:-]"),
}
_NOT_NORMAL = re.compile(r"//|/\.\.?(?:/|$)|/$")
_HEX_GROUP = re.compile(r"[0-9A-Fa-f]{1,4}")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV6_GROUPS = 8
_MOST_DIGITS = 9
"""More digits are out of every range, and int() is slow on very long texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What is wrong with a value. `reason` continues a sentence that names field and value;
    `offset` counts characters from the value's start.
    """

    code: str
    reason: str
    offset: int = 0
    width: int = 1
    hint: str | None = None


Judge = Callable[[str, Grammar], Flaw | None]


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its name in messages, the utility's own name for it, and the rule for its text."""

    name: str
    native: str
    judge: Judge


def flaws(
    fields: Iterable[Field], values: Iterable[str], grammar: Grammar
) -> Iterator[tuple[int, Field, str, Flaw]]:
    """(index, field, value, flaw) for every value that its field does not admit."""
    for index, (field, value) in enumerate(zip(fields, values, strict=True)):
        flaw = field.judge(value, grammar)
        if flaw is not None:
            yield index, field, value, flaw


def content_flaw(text: str, _grammar: Grammar) -> Flaw | None:
    """A content id, 0..32767; -1 is the coordinator, which has no mirror of this kind."""
    return _number_flaw(text, 0, MAX_CONTENT, "GPM-N020")


def dbid_flaw(text: str, _grammar: Grammar) -> Flaw | None:
    """A dbid, 1..32767."""
    return _number_flaw(text, 1, MAX_CONTENT, "GPM-N020")


def port_flaw(text: str, _grammar: Grammar) -> Flaw | None:
    """A TCP port, 1..65535, in ASCII digits."""
    return _number_flaw(text, 1, MAX_PORT, "GPM-N021")


def replication_port_flaw(text: str, grammar: Grammar) -> Flaw | None:
    """A TCP port that 4.3 and 5 cannot do without."""
    if not text:
        hint = "give mirror and primary a replication port each; 4.3 and 5 replicate through them"
        return Flaw(code="GPM-N028", reason="is missing", hint=hint)
    return port_flaw(text, grammar)


def role_flaw(text: str, _grammar: Grammar) -> Flaw | None:
    """A preferred role, `p` or `m`."""
    if text in {"p", "m"}:
        return None
    return Flaw(code="GPM-N027", reason="is neither `p` nor `m`", width=max(len(text), 1))


def address_flaw(text: str, grammar: Grammar) -> Flaw | None:
    """A host name, an IPv4 or a bare IPv6 address."""
    if not text or text[0] == "-":
        reason = "begins with `-` and would be taken as an option" if text else "is empty"
        return Flaw(code="GPM-N023", reason=reason)
    if ":" in text and is_ipv6(text):
        return None
    if text[0] == "[" and grammar is Grammar.PIPE:
        reason = "is in brackets, which become part of the address in 6 and later"
        hint = "write the IPv6 address bare; `|` separates fields here"
        return Flaw(code="GPM-N034", reason=reason, width=len(text), hint=hint)
    return _character_flaw(_NOT_ADDRESS, text, grammar)


def filespace_flaw(text: str, grammar: Grammar) -> Flaw | None:
    """A filespace's name as the header lists it."""
    if not text:
        return Flaw(code="GPM-N016", reason="is empty", hint="take the spare `:` out")
    if text == "pg_system":
        reason = 'must not be listed: the utility stops with "out of values (reading pg_system)"'
        hint = "take it out; its directory is the line's own directory field"
        return Flaw(code="GPM-N016", reason=reason, width=len(text), hint=hint)
    return _character_flaw(_NOT_FILESPACE, text, grammar)


def old_directory_flaw(text: str, grammar: Grammar) -> Flaw | None:
    """An absolute path that is compared with the catalog letter by letter, so it may be unusual."""
    if not text:
        return Flaw(code="GPM-N024", reason="is empty")
    if text[0] != "/":
        hint = "write the full path from `/`"
        return Flaw(code="GPM-N024", reason="is not absolute", width=len(text), hint=hint)
    return _character_flaw(_NOT_PATH[grammar], text, grammar)


def new_directory_flaw(text: str, grammar: Grammar) -> Flaw | None:
    """An absolute path that the utility stores as it stands."""
    if text == "/":
        return Flaw(code="GPM-N024", reason="is the root directory, which no segment can own")
    flaw = old_directory_flaw(text, grammar)
    unusual = _NOT_NORMAL.search(text)
    if flaw is not None or unusual is None:
        return flaw
    return Flaw(
        code="GPM-N025",
        reason=f"is not in its shortest form at `{unusual.group()}`; the catalog would hold another path",
        offset=unusual.start(),
        width=len(unusual.group()),
        hint="write the path without `//`, `.`, `..` and without a trailing `/`",
    )


def is_ipv6(text: str) -> bool:
    """Whether the text is an IPv6 address, without brackets or zone."""
    head, doubled, tail = text.partition("::")
    before = head.split(":") if head else []
    after = tail.split(":") if tail else []
    groups = [*before, *after]
    size = len(groups)
    if groups and _IPV4.fullmatch(groups[-1]):
        groups, size = groups[:-1], size + 1
    fits = size < _IPV6_GROUPS if doubled else size == _IPV6_GROUPS
    return fits and all(_HEX_GROUP.fullmatch(group) for group in groups)


def _number_flaw(text: str, low: int, high: int, code: str) -> Flaw | None:
    if not text:
        return Flaw(code=code, reason="is empty")
    if _INTEGER.fullmatch(text):
        if len(text) <= _MOST_DIGITS and low <= int(text) <= high:
            return None
        return Flaw(code="GPM-N022", reason=f"is not within {low}..{high}", width=len(text))
    found = _NOT_DIGIT.search(text)
    offset = found.start() if found else 0
    return Flaw(
        code=code,
        reason=f"holds {named(text[offset])} where a digit belongs",
        offset=offset,
        hint="write the letter O as the digit 0" if text[offset] in "oO" else None,
    )


def _character_flaw(wrong: re.Pattern[str], text: str, grammar: Grammar) -> Flaw | None:
    found = wrong.search(text)
    if found is None:
        return None
    trouble = trouble_with(found.group(), grammar)
    reason = f"holds {named(found.group())}, which {trouble}"
    return Flaw(code="GPM-N026", reason=reason, offset=found.start())


# --- Judging a value before it is written: what the file cannot carry is refused by name.


FILESPACE = Field("filespace", "filespaceOrder", filespace_flaw)


def value_problems(
    subject: str, fields: Sequence[Field], values: Sequence[str], grammar: Grammar
) -> Iterator[Diagnostic]:
    """One finding for each value that its field does not admit."""
    for _, field, value, flaw in flaws(fields, values, grammar):
        shown_value = f" {shown(value)}" if value else ""
        message = f"{subject}: {field.name}{shown_value} {flaw.reason}"
        yield Diagnostic(code=flaw.code, message=message, hint=flaw.hint)


def header_problems(names: Sequence[str], grammar: Grammar) -> Iterator[Diagnostic]:
    """What is wrong with the filespace names of a header."""
    for name in names:
        yield from value_problems("filespaceOrder", (FILESPACE,), (name,), grammar)
    for name in sorted({name for name in names if names.count(name) > 1}):
        message = f"filespaceOrder: filespace {shown(name)} is listed twice"
        yield Diagnostic(code="GPM-N016", message=message, hint="name each filespace once")


def filespace_problems(
    subject: str, filespaces: Filespaces, names: Sequence[str]
) -> Iterator[Diagnostic]:
    """What is wrong when a line's filespaces are not exactly those of the header."""
    given = [name for name, _ in filespaces]
    if sorted(given) == sorted(names):
        return
    listed = ", ".join(sorted(given)) or "none"
    wanted = ", ".join(sorted(names)) or "none"
    message = (
        f"{subject}: has directories for filespaces {listed}; the file's header lists {wanted}"
    )
    hint = "give one directory for each filespace of the cluster"
    yield Diagnostic(code="GPM-N017", message=message, hint=hint)


def old_generation_problems(
    subject: str, *ports: int | None, filespaces: Filespaces
) -> Iterator[Diagnostic]:
    """What a line of 6 and later cannot say."""
    hint = "leave it out, or name a 4.3 or 5 dialect"
    for port in ports:
        if port is not None:
            message = f"{subject}: replication port `{port}` has no field in files of 6 and later"
            yield Diagnostic(code="GPM-N029", message=message, hint=hint)
    for name, _ in filespaces:
        message = f"{subject}: filespace {shown(name)} has no field in files of 6 and later"
        yield Diagnostic(code="GPM-N029", message=message, hint=hint)


def gpmovemirrors_problem(subject: str) -> Diagnostic:
    """A recovery in place, which gpmovemirrors has no line for."""
    message = f"{subject}: gpmovemirrors has no line for a recovery in place"
    return Diagnostic(code="GPM-N011", message=message, hint="recover it with gprecoverseg")


def port_text(port: int | None) -> str:
    """The port as the file has it; empty where it is not known."""
    return "" if port is None else str(port)


def paths(location: Location, names: Sequence[str]) -> tuple[str, ...]:
    """The directories of the filespaces in the order of the header."""
    found = dict(location.filespaces)
    return tuple(found.get(name, "") for name in names)


def refuse_empty(lines: Sequence[object]) -> None:
    """Raises InvalidInput when there is no line: the utilities do not expect an empty file."""
    if not lines:
        message = "a native file needs at least one line; there is none to write"
        raise InvalidInput([Diagnostic(code="GPM-N008", message=message, hint="nothing is to do")])


def raise_if_any(found: Sequence[Diagnostic]) -> None:
    """Raises InvalidInput with the findings, if there are any."""
    if found:
        raise InvalidInput(found)
