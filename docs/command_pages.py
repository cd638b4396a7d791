"""The reference page of the command line, read from the commands themselves."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gpmirror.cli.commands import COMMANDS, load_command
from gpmirror.errors import ExitCode

ENVIRONMENT = (
    ("`GPMIRROR_SPEC`", "The spec where none is named; then `gpmirror.yaml` is not looked for."),
    (
        "`GPMIRROR_CATALOG`",
        (
            "The saved catalog of `plan`, `simulate`, `whatif`, `maintenance`, `import` and `explain` "
            "where no `--catalog` is given; the command says so. `--via-ssh` looks at the live one all the "
            "same, an empty value too. Commands that change something, `status` and `ok-to-stop` "
            "never read it."
        ),
    ),
    (
        "`GPMIRROR_OFFLINE`",
        (
            "`1`: `plan`, `simulate`, `whatif` and `maintenance` read the snapshot beside the spec, as `--offline`; `--catalog` and `--via-ssh` "
            "go before it. Commands that change something, and `status`, never read it."
        ),
    ),
    ("`GPMIRROR_IGNORE_SPEC_CONNECTION`", "`1`: as `--ignore-spec-connection`."),
    ("`GPMIRROR_LOG_FILE`", "The log file where no `--log-file` is given."),
    (
        "`GPMIRROR_PYTHON`, `GPMIRROR_CACHE`",
        "The single-file program alone: the Python to start with, and where to unpack.",
    ),
    ("`NO_COLOR`", "No colours."),
    (
        "`FORCE_COLOR`, `CLICOLOR_FORCE`",
        "Colours in pipes and files too; `NO_COLOR` wins.",
    ),
    ("`COLUMNS`", "The width of text; off a terminal it is 100 otherwise."),
    (
        "`XDG_STATE_HOME`",
        "Where journals of runs are kept, in `gpmirror/runs`; `~/.local/state` otherwise.",
    ),
    (
        "`PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`",
        "The coordinator where the spec does not name it.",
    ),
)
GLOBAL = (
    ("`--no-color`", "No colours."),
    ("`--quiet`", "Results and errors only."),
    ("`--debug`", "Show tracebacks."),
    (
        "`--log-file FILE`",
        (
            "Append what is said and done to FILE, as JSON lines with `time`, `level` (info, "
            "warning, error) and `kind`; its mode is 0600, secrets are left out."
        ),
    ),
    ("`-h`, `--help`", "Show the command's help."),
)
INTRODUCTION = (
    (
        "SPEC left out is what `GPMIRROR_SPEC` names, else `gpmirror.yaml` in the current folder, else "
        "the nearest above it up to the root of the git repository; `-` is stdin."
    ),
    (
        "A spec found above is told (`using ../../gpmirror.yaml`), and the question of `apply` names it. "
        "It must belong to you or root, and nobody else may write it or its folder."
    ),
    (
        "The search stops at the folder that holds `.git`, at your home folder and at the border of the "
        "file system; outside a git repository nothing above is searched."
    ),
    "`gpmirror` alone lists the commands, `-h` after any of them its options.",
    "Results go to stdout, remarks and findings to stderr.",
    "[Exit codes](exit-codes.md) are the same for all commands.",
    "",
    "With every command, before or after its name:",
    "",
    "| option | meaning |",
    "| --- | --- |",
    *(f"| {name} | {text} |" for name, text in GLOBAL),
    "",
    (
        "`gpmirror -V` or `--version` prints the version, with `--json` also Python, the libraries "
        "and the dialects."
    ),
    "",
    "| variable | meaning |",
    "| --- | --- |",
    *(f"| {name} | {text} |" for name, text in ENVIRONMENT),
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


def man_page() -> str:
    """gpmirror(1), for `man`."""
    lines = [
        "." + chr(92) + '" Written by `make docs`; do not edit.',
        '.TH GPMIRROR 1 "" "gpmirror" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        "gpmirror " + chr(92) + "- plan and apply for Greenplum segment mirrors",
        ".SH SYNOPSIS",
        ".B gpmirror",
        _roff("COMMAND [OPTIONS] [ARGUMENTS]"),
        ".br",
        ".B gpmirror",
        _roff("COMMAND -h"),
        ".SH DESCRIPTION",
        _roff(_DESCRIPTION),
        ".PP",
        _roff(_CHANGING),
        ".SH OPTIONS OF EVERY COMMAND",
        *_entries(GLOBAL),
        ".SH COMMANDS",
    ]
    for name, entry in COMMANDS.items():
        lines += _man_section(f"gpmirror {name}", load_command(name, entry))
    codes = ((f"`{code.value}` {code.name.lower()}", code.meaning) for code in ExitCode)
    lines += [
        ".SH EXIT STATUS",
        *_entries(codes),
        ".PP",
        _roff("3 to 9 and 64 guarantee that nothing was changed."),
        ".SH ENVIRONMENT",
        *_entries(ENVIRONMENT),
        ".SH FILES",
        *_entries(_FILES),
        ".SH EXAMPLES",
        *_entries(_EXAMPLES),
    ]
    return "\n".join(lines) + "\n"


_DESCRIPTION = (
    "A YAML file, the spec, says which hosts there are, how ports are counted, where mirrors live and "
    "how they are spread. gpmirror checks it, compares it with the catalog, shows what would change "
    "with the exact lines for gpaddmirrors and gprecoverseg, and carries that out in waves until the "
    "catalog proves every mirror in sync."
)
_CHANGING = "Only `apply`, `resume`, `prune` and `lab` change anything."
_FILES = (
    ("`gpmirror.yaml`", "The spec, in the current directory."),
    ("`~/.local/state/gpmirror/runs`", "The journals of runs; see `XDG_STATE_HOME`."),
    ("`~/.gpmirror/runs`", "On the coordinator's host: files and logs of the native utilities."),
)
_EXAMPLES = (
    ("`gpmirror import -o gpmirror.yaml`", "Write the spec of a cluster as it is."),
    ("`gpmirror plan -o plan.json`", "Show what would change, and keep it for review."),
    ("`gpmirror apply plan.json`", "Carry out what was reviewed."),
    ("`gpmirror status --wait 2h`", "Wait until every mirror is in sync."),
)


def _man_section(title: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    if children := getattr(command, "commands", None):
        yield from (f".SS {_roff(title)}", *map(_roff, filter(None, _help(command))))
        for name, child in children.items():
            yield from _man_section(f"{title} {name}", child)
        return
    context = command.context_class(command, info_name=title)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_roff(f'{title} {usage}'.rstrip())}"
    for text in _help(command):
        yield _roff(text) if text else ".PP"
    records = (
        record
        for parameter in command.params
        if parameter.name != "help" and (record := parameter.get_help_record(context))
    )
    yield from _entries((f"`{name.strip()}`", text.strip()) for name, text in records)


def _entries(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in rows:
        yield from (".TP", _roff(name), _roff(text))


def _roff(text: str) -> str:
    """Text in which nothing is an order to roff; `code` is bold. Hyphens can be copied."""
    back = chr(92)
    plain = text.replace(back, f"{back}e").replace("-", f"{back}-").replace("~", f"{back}(ti")
    plain = plain.replace("^", f"{back}(ha").replace("'", f"{back}(aq")
    bold = re.sub(r"`([^`]*)`", lambda found: f"{back}fB{found[1]}{back}fR", plain)
    return f"{back}&{bold}" if bold.startswith((".", "'")) else bold
