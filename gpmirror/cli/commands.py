"""The one table of commands; a command's module is imported when it is invoked, not before."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any, Protocol

import typer
from typer.core import TyperCommand, TyperGroup

from gpmirror.cli.console import GLOBAL_OPTIONS
from gpmirror.errors import Usage
from gpmirror.values import dataclass

# --- The one table of commands: the order is the order of `--help`, the text its one line each.
#
# A command is a file `cli/<module>.py` with a function (or, for a command with sub-commands, a
# `typer.Typer`) called `command`. Nothing is imported before it is invoked, so that `--help` and
# shell loops stay fast; a test compares the texts here with the functions' docstrings.


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a command lives and what `gpmirror --help` says about it."""

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "init": Entry(
        module="gpmirror.cli.init",
        summary="Write a starter spec with comments.",
    ),
    "validate": Entry(
        module="gpmirror.cli.validate",
        summary="Check specs and report every problem in one run.",
    ),
    "fmt": Entry(
        module="gpmirror.cli.fmt",
        summary="Format specs in canonical style; comments are kept.",
    ),
    "schema": Entry(
        module="gpmirror.cli.schema",
        summary="Print a JSON Schema of the files gpmirror reads and writes.",
    ),
    "import": Entry(
        module="gpmirror.cli.import_",
        summary="Write the smallest spec that describes a cluster as it is, tried out with a plan.",
    ),
    "snapshot": Entry(
        module="gpmirror.cli.snapshot",
        summary="Save the live catalog as a snapshot for `--catalog`.",
    ),
    "plan": Entry(
        module="gpmirror.cli.plan",
        summary="Show what would change, in which waves and at what risk.",
    ),
    "show": Entry(
        module="gpmirror.cli.show",
        summary="Print a plan file in any form; needs neither spec nor cluster.",
    ),
    "verify": Entry(
        module="gpmirror.cli.verify",
        summary="Prove every claim of a plan file with separate code; exit 3 if one is false.",
    ),
    "diff": Entry(
        module="gpmirror.cli.diff",
        summary="Compare two plans or two saved catalogs; exit 2 if they differ.",
    ),
    "explain": Entry(
        module="gpmirror.cli.explain",
        summary="Say why a mirror is where it is, what a host holds, or what a name means.",
    ),
    "simulate": Entry(
        module="gpmirror.cli.simulate",
        summary="Say what the loss of hosts or racks would lose, and who carries the load.",
    ),
    "whatif": Entry(
        module="gpmirror.cli.whatif",
        summary="Compare strategies, and hosts that come or go: what each would cost and survive.",
    ),
    "ok-to-stop": Entry(
        module="gpmirror.cli.ok_to_stop",
        summary="Say whether hosts may be stopped now without losing a segment; exit 4 if not.",
    ),
    "maintenance": Entry(
        module="gpmirror.cli.maintenance",
        summary="Say which hosts may be down together: the fewest groups that lose no segment.",
    ),
    "preflight": Entry(
        module="gpmirror.cli.preflight",
        summary="Check every host that a plan touches; exit 9 if one is not ready, 4 if apply would "
        "refuse.",
    ),
    "apply": Entry(
        module="gpmirror.cli.apply",
        summary="Carry out a plan in waves and prove from the catalog that every mirror is in sync.",
    ),
    "resume": Entry(
        module="gpmirror.cli.resume",
        summary="Take up a run that was cut off: follow what still runs, then do what is left.",
    ),
    "revert": Entry(
        module="gpmirror.cli.revert",
        summary="Plan the way back from a run: every mirror that it moved returns to its old place.",
    ),
    "prune": Entry(
        module="gpmirror.cli.prune",
        summary="Delete what moved mirrors and cut-off copies left, after proof that it is unused.",
    ),
    "runs": Entry(
        module="gpmirror.cli.runs",
        summary="List the runs of this machine, newest first, or show one.",
    ),
    "status": Entry(
        module="gpmirror.cli.status",
        summary="Say whether all copies are in sync; exit 2 if not.",
    ),
    "drift": Entry(
        module="gpmirror.cli.drift",
        summary="Compare live clusters with the repository's specs and snapshots; exit 2 if they differ.",
    ),
    "comment": Entry(
        module="gpmirror.cli.comment",
        summary="Comment on a pull or merge request what `plan --out-dir` found, in one comment kept up "
        "to date.",
    ),
    "completion": Entry(
        module="gpmirror.cli.completion",
        summary="Print the script that completes commands, options and names in your shell.",
    ),
    "lab": Entry(
        module="gpmirror.cli.lab",
        summary="Build and use a practice cluster on this machine; it is not Greenplum.",
    ),
}


# --- A command group that imports a command's module when the command is invoked, not before.


_EVERYWHERE = (
    "--no-color, --quiet, --debug, --log-file and --ignore-spec-connection work with every command."
)


class _Formatter(Protocol):
    """The part of the help formatter that is used here."""

    def section(self, name: str) -> AbstractContextManager[None]: ...

    def write_dl(self, rows: list[tuple[str, str]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Word:
    """A word that a shell is offered, as typer's own classes for shells read it."""

    value: str
    help: str
    type: str = "plain"


class WholeCommand(TyperCommand):
    """A command that knows the options which work everywhere."""

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - as above
        """As of any command, and the options that are taken out before typer sees them."""
        known = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            return known
        everywhere = (Word(one, "") for one in GLOBAL_OPTIONS if one.startswith(incomplete))
        return [*known, *everywhere]


class ListingGroup(TyperGroup):
    """A group that, called without anything, lists its commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own is private
        """As of any group; without arguments, the help on stdout and exit code 0."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: object, formatter: _Formatter) -> None:
        """The list of commands, the first line of each whole: typer cuts it."""
        del ctx
        rows = [(name, (one.help or "").split("\n")[0]) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class LazyGroup(ListingGroup):
    """The commands of `COMMANDS`; help is written from the table alone."""

    def list_commands(self, ctx: object) -> list[str]:
        """Every command, in the order of the table."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command, its module imported now. Raises Usage: no such command."""
        if entry := COMMANDS.get(cmd_name):
            return load_command(cmd_name, entry)
        if getattr(ctx, "resilient_parsing", False):
            return None  # a shell asks about a line that is not whole
        raise Usage(f"no such command: {cmd_name}", hint=_nearest_command(cmd_name))

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - as above
        """The commands, from the table; options as of any group."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            Word(name, entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: object, formatter: _Formatter) -> None:
        """The list of commands for `--help`, without importing one of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


def load_command(name: str, entry: Entry) -> TyperCommand | TyperGroup:
    """Import a command's module and build what typer runs."""
    body = import_module(entry.module).command
    if isinstance(body, typer.Typer):
        return _told_plainly(typer.main.get_group(body))  # type: ignore[no-any-return]
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=WholeCommand, epilog=_EVERYWHERE)(body)
    return _told_plainly(typer.main.get_command(app))  # type: ignore[no-any-return]


def _told_plainly(command: Any) -> Any:  # noqa: ANN401 - typer names no type
    """The command, whose help tells no types of Python behind arguments (`<list[str]>`) and limits in
    words (`1 to 64` for `1<=x<=64`).
    """
    for one in getattr(command, "commands", {}).values():
        _told_plainly(one)
    for one in command.params:
        if one.param_type_name == "argument" and not one.type_descriptor.is_choice:
            one.display_type_rich = lambda ctx: ""  # noqa: ARG005 - typer's signature
        limits = one._get_number_range_help_str()  # noqa: SLF001 - typer has no public one
        one._get_number_range_help_str = partial(_limits, limits)  # noqa: SLF001
        one.process_value = partial(_process, one, one.process_value)
    return command


def _process(parameter: Any, by_typer: Callable[[Any, Any], Any], ctx: Any, value: Any) -> Any:  # noqa: ANN401 - as above
    """As typer's, but for what was left out: None is None. To see that, typer builds an adapter of
    pydantic for each parameter, half a millisecond apiece.
    """
    if value is None and not parameter.required and parameter.callback is None:
        return () if parameter.multiple or parameter.nargs == -1 else None
    return by_typer(ctx, value)


def _limits(typers: str | None) -> str:
    """Of `1<=x<=64` `1 to 64`; nothing of `x>=1`, which goes without saying."""
    low, between, high = (typers or "").partition("<=x<=")
    return f"{low} to {high}" if between else ""


def _nearest_command(name: str) -> str:
    near = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean `gpmirror {near[0]}`?" if near else "`gpmirror --help` lists the commands"
