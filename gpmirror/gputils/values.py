"""Judging a value before it is written: what the file cannot carry is refused by name."""

from collections.abc import Iterator, Sequence

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.gputils.characters import shown
from gpmirror.gputils.fields import Field, filespace_flaw, flaws
from gpmirror.gputils.lines import Filespaces, Grammar, Location

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
