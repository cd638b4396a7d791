"""A command group that imports a command's module when the command is invoked, not before."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Protocol

import typer
from typer.core import TyperCommand, TyperGroup

from gpmirror.cli.commands import COMMANDS, Entry
from gpmirror.cli.console import GLOBAL_OPTIONS
from gpmirror.errors import Usage

_EVERYWHERE = "--no-color, --quiet, --debug and --ignore-spec-connection work with every command."


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
        return typer.main.get_group(body)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=WholeCommand, epilog=_EVERYWHERE)(body)
    return typer.main.get_command(app)  # type: ignore[return-value]


def _nearest_command(name: str) -> str:
    near = get_close_matches(name, COMMANDS, n=1)
    return f"did you mean `gpmirror {near[0]}`?" if near else "`gpmirror --help` lists the commands"
