"""The utilities' command lines, as argument vectors: nothing ever passes through a shell.

`-a` is given where a utility takes it; the data directory is left to the sourced environment.
"""

from dataclasses import dataclass
from typing import assert_never

from gpmirror.cluster.dialect import Dialect
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.gputils.lines import MoveEngine

MAX_HOSTS = 64
MAX_PER_HOST = 128
"""What 6 and later accept for -B and -b; 4.3 and 5 know -B alone, up to 64 segments at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallelism:
    """How much a utility does at once: hosts (1..64) and segments of one host (1..128)."""

    hosts: int = 16
    per_host: int = 64
    verbose: bool = False


def at_once(dialect: Dialect, native: Parallelism) -> int:
    """What `-B` says: how many hosts a utility serves at once, before 6 how many segments."""
    if dialect.file_replication:
        return min(native.hosts * native.per_host, MAX_HOSTS)
    return native.hosts


def add_argv(dialect: Dialect, file_name: str, native: Parallelism) -> tuple[str, ...]:
    """`gpaddmirrors -a -i FILE ...`. Raises InvalidInput for a parallelism out of range."""
    return ("gpaddmirrors", "-a", "-i", file_name, *_options(dialect, native))


def move_argv(
    dialect: Dialect, engine: MoveEngine, file_name: str, native: Parallelism
) -> tuple[str, ...]:
    """The engine's command line for a file of moves; gpmovemirrors knows no `-a`. Raises
    InvalidInput for a parallelism out of range.
    """
    match engine:
        case "gprecoverseg":
            return ("gprecoverseg", "-a", "-i", file_name, *_options(dialect, native))
        case "gpmovemirrors":
            return ("gpmovemirrors", "-i", file_name, *_options(dialect, native))
        case _:
            assert_never(engine)


def recover_argv(
    dialect: Dialect, file_name: str, *, full: bool, native: Parallelism
) -> tuple[str, ...]:
    """`gprecoverseg -a -i FILE ...`, with `-F` where the copies are made anew. Raises InvalidInput
    for a parallelism out of range.
    """
    force = ("-F",) if full else ()
    return ("gprecoverseg", "-a", *force, "-i", file_name, *_options(dialect, native))


def rebalance_argv(dialect: Dialect, native: Parallelism) -> tuple[str, ...]:
    """`gprecoverseg -a -r ...`: every switched pair at once, there is no choosing. Raises
    InvalidInput for a parallelism out of range.
    """
    return ("gprecoverseg", "-a", "-r", *_options(dialect, native))


def answer_of(dialect: Dialect, utility: str) -> str:
    """What a utility is given on standard input. Before 6 gpaddmirrors asks whether to go on wherever
    hosts are uneven or addresses irregular, even with -a and -i (5.8.1, source: the calculator that
    asks is built to read the file); the plan was approved by then.
    """
    return "y\n" if dialect.file_replication and utility == "gpaddmirrors" else ""


def _options(dialect: Dialect, native: Parallelism) -> tuple[str, ...]:
    _check("hosts", native.hosts, MAX_HOSTS)
    _check("per_host", native.per_host, MAX_PER_HOST)
    verbose = ("-v",) if native.verbose else ()
    batch = ("-B", str(at_once(dialect, native)))
    if dialect.file_replication:
        return (*batch, *verbose)
    return (*batch, "-b", str(native.per_host), *verbose)


def _check(name: str, value: int, limit: int) -> None:
    if not 1 <= value <= limit:
        message = f"parallelism: {name} {value} is not within 1..{limit}"
        hint = "the utility refuses the option, gpmovemirrors even with exit status 0"
        raise InvalidInput([Diagnostic(code="GPM-N035", message=message, hint=hint)])
