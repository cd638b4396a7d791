"""The reference page of the command line, read from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from gpmirror.cli.commands import COMMANDS
from gpmirror.cli.lazy import load_command

INTRODUCTION = (
    "SPEC is `gpmirror.yaml` in the current directory where it is left out; `-` is stdin.",
    "Results go to stdout, remarks and findings to stderr.",
    "[Exit codes](exit-codes.md) are the same for all commands.",
    "",
    "With every command, before or after its name:",
    "",
    "| option | meaning |",
    "| --- | --- |",
    "| `--no-color` | No colours; the variable `NO_COLOR` does the same. |",
    "| `--quiet` | Results and errors only. |",
    "| `--debug` | Show tracebacks. |",
    "| `--help` | Show the command's help. |",
    "",
    "`gpmirror --version` prints the version.",
    "Off a terminal the text is 100 columns wide; the variable `COLUMNS` sets another width.",
)


def cli_page() -> list[str]:
    """The lines below the heading."""
    lines = [*INTRODUCTION]
    for name, entry in COMMANDS.items():
        lines += _section(f"gpmirror {name}", load_command(name, entry), level=2)
    return lines


def _section(title: str, command: Any, *, level: int) -> Iterator[str]:  # noqa: ANN401 - typer names no type
    yield from ("", f"{'#' * level} {title}", "", *_help(command), "")
    if children := getattr(command, "commands", None):
        for name, child in children.items():
            yield from _section(f"{title} {name}", child, level=level + 1)
        return
    context = command.context_class(command, info_name=title)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("```", f"{title} {usage}", "```", "")
    yield from _parameters(command, context)


def _help(command: Any) -> list[str]:  # noqa: ANN401 - as above
    text = (command.help or "").split("\f")[0].strip()
    return text.splitlines()


def _parameters(command: Any, context: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    rows = [
        row
        for parameter in command.params
        if parameter.name != "help" and (row := _row(parameter, context)) is not None
    ]
    if rows:
        yield from ("| argument or option | meaning |", "| --- | --- |")
    yield from rows


def _row(parameter: Any, context: Any) -> str | None:  # noqa: ANN401 - as above
    record = parameter.get_help_record(context)
    if record is None:
        return None
    name, text = (part.replace("|", "\\|") for part in record)
    return f"| `{name.strip()}` | {text.strip()} |"
