"""The reference page of the command line, read from the commands themselves."""

from collections.abc import Iterator
from typing import Any

from gpmirror.cli.commands import COMMANDS
from gpmirror.cli.lazy import load_command

INTRODUCTION = (
    "SPEC is `gpmirror.yaml` in the current directory where it is left out; `-` is stdin.",
    "`gpmirror` alone lists the commands, `-h` after any of them its options.",
    "Results go to stdout, remarks and findings to stderr.",
    "[Exit codes](exit-codes.md) are the same for all commands.",
    "",
    "With every command, before or after its name:",
    "",
    "| option | meaning |",
    "| --- | --- |",
    "| `--no-color` | No colours. |",
    "| `--quiet` | Results and errors only. |",
    "| `--debug` | Show tracebacks. |",
    "| `-h`, `--help` | Show the command's help. |",
    "",
    "`gpmirror -V` or `--version` prints the version.",
    "",
    "| variable | meaning |",
    "| --- | --- |",
    "| `GPMIRROR_SPEC` | The spec where none is named, instead of `gpmirror.yaml`. |",
    (
        "| `GPMIRROR_CATALOG` | The saved catalog of `plan`, `simulate`, `import` and `explain` where no "
        "`--catalog` is given; the command says so. `--via-ssh` looks at the live one all the same, an "
        "empty value too. Commands that change something, and `status`, never read it. |"
    ),
    "| `GPMIRROR_IGNORE_SPEC_CONNECTION` | `1`: as `--ignore-spec-connection`. |",
    "| `NO_COLOR` | No colours. |",
    "| `FORCE_COLOR`, `CLICOLOR_FORCE` | Colours in pipes and files too; `NO_COLOR` wins. |",
    "| `COLUMNS` | The width of text; off a terminal it is 100 otherwise. |",
    "| `XDG_STATE_HOME` | Where journals of runs are kept, in `gpmirror/runs`; `~/.local/state` otherwise. |",
    "| `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE` | The coordinator where the spec does not name it. |",
    "",
    (
        "`gpmirror completion bash` (or `zsh`, `fish`) prints what makes TAB complete commands, "
        "options, hazards, codes, checks, and the hosts and contents of the spec and catalog in this folder."
    ),
    "An output may be a descriptor: `-o /dev/stdout`, `-o >(...)`.",
    "Where the plan file goes to stdout the plan for people goes to stderr.",
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
