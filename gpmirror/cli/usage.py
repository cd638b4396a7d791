"""Wrong values on the command line, in words that name the option, what it takes and the value."""

import re
from collections.abc import Mapping
from typing import Any

_CHOICE = re.compile(r"is not one of (.+?)\.?$", re.S)
_QUOTED = re.compile(r"'([^']*)'")
_NUMBERS = frozenset({"int_parsing", "int_type", "int_from_float", "int_parsing_size"})
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


def usage_message(error: Exception) -> str:
    """What is wrong with the arguments, starting in lower case; unknown cases in typer's words.

    Typer checks values with a validator whose own words tell neither the option's taste nor the
    value; that validator's findings are read where they are there.
    """
    found = _finding(error)
    if found is not None and (words := _words(_name(error), found)):
        return words
    text = str(error.format_message() if hasattr(error, "format_message") else error)
    return f"{text[:1].lower()}{text[1:]}"


def _finding(error: Exception) -> Mapping[str, Any] | None:
    """The first finding of the validator behind the error: `type`, `msg`, `input`, `ctx`."""
    findings = getattr(error.__cause__, "errors", None)
    if not callable(findings) or getattr(error, "param", None) is None:
        return None
    first: list[Mapping[str, Any]] = findings()
    return first[0] if first else None


def _words(name: str, found: Mapping[str, Any]) -> str | None:
    given = f"'{found['input']}'"
    if choices := _CHOICE.search(found["msg"]):
        return f"{name} takes {_listed(_QUOTED.findall(choices[1]))}, not {given}"
    if found["type"] in _NUMBERS:
        return f"{name} takes a whole number, not {given}"
    if found["type"] in _LIMITS:
        words, key = _LIMITS[found["type"]]
        return f"{name} takes a number of {words} {found['ctx'][key]}, not {found['input']}"
    return None


def _listed(names: list[str]) -> str:
    """`human, json or md`."""
    if len(names) < 2:  # noqa: PLR2004 - one name alone
        return "".join(names)
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _name(error: Exception) -> str:
    """The option as it is written, or the argument's name."""
    param: Any = getattr(error, "param", None)
    options = [option for option in param.opts if option.startswith("-")]
    if options:
        return str(max(options, key=len))
    return str(param.metavar or param.name).upper()
