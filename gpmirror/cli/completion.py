"""`gpmirror completion`, what shells offer after a TAB, and options that commands share."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.console import COMPLETE_VARIABLE, Console
from gpmirror.cli.wiring import CATALOG_VARIABLE, DEFAULT_SPEC, default_spec
from gpmirror.errors import GpmirrorError, Usage

if TYPE_CHECKING:
    from gpmirror.model.observed import Observed
    from gpmirror.spec.model import Host, Spec


# --- `gpmirror completion`, and what shells offer after a TAB: names that the spec, the catalog, the
# journals and the tables of this program know. Typer asks these functions, and nothing else does: they
# import what they need when they are asked, never fail, and offer plain words only, because shells
# evaluate them.


_PLAIN = re.compile(r"[A-Za-z0-9._:,-]{1,200}")
_SNAPSHOT = "snapshot.json"


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


# Typer's own function for bash takes `host:sdw1` for three words, as bash does; this one asks with
# the words of the line as it is, and gives bash back what follows the last colon.
_BASH = """\
# gpmirror completion for bash: source it, or put it into /etc/bash_completion.d/gpmirror
_gpmirror_completion() {
    local line word prefix reply words count
    line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    word=${line##*[[:space:]]}
    count=${#words[@]}
    [[ -z $word ]] || count=$((count - 1))
    [[ $word == -*=* ]] && word=${word#*=}
    prefix=
    [[ $COMP_WORDBREAKS == *:* && $word == *:* ]] && prefix=${word%"${word##*:}"}
    COMPREPLY=()
    while IFS= read -r reply; do
        [[ -z $reply ]] || COMPREPLY+=("${reply#"$prefix"}")
    done < <(COMP_WORDS="$line" COMP_CWORD=$count _GPMIRROR_COMPLETE=complete_bash "$1" 2>/dev/null)
}
complete -o default -F _gpmirror_completion gpmirror
"""


def command(
    ctx: typer.Context,
    shell: Annotated[
        Shell | None,
        typer.Argument(metavar="SHELL", help="For which shell; left out: the one in SHELL."),
    ] = None,
) -> None:
    """Print the script that completes commands, options and names in your shell.

    bash: `eval "$(gpmirror completion bash)"` in ~/.bashrc. zsh: the same with zsh in ~/.zshrc,
    after compinit. fish: `gpmirror completion fish > ~/.config/fish/completions/gpmirror.fish`.
    """
    console: Console = ctx.obj
    if shell is None:
        name = Path(os.environ.get("SHELL", "")).name
        if name not in set(Shell):
            raise Usage("which shell is not known", hint="name it: `gpmirror completion bash`")
        shell = Shell(name)
    console.data(script(shell))


def script(shell: Shell) -> str:
    """What a shell reads to complete gpmirror's words."""
    if shell is Shell.BASH:
        return _BASH
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    return str(
        get_completion_script(
            prog_name="gpmirror", complete_var=COMPLETE_VARIABLE, shell=shell.value
        )
    )


def prepare() -> None:
    """Make typer ready to answer a shell that asks for words."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()


# --- what stands in the spec and the catalog ------------------------------------------------------


def hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the spec that the command is for, or of the catalog where there is no spec."""
    found = [host.name for host in _hosts(ctx)]
    return _offered(found or _catalog_hosts(ctx), incomplete)


def contents(ctx: typer.Context, incomplete: str) -> list[str]:
    """Contents after what is listed already: `3,7` becomes `3,7`, `3,70` and so on."""
    listed, comma, last = incomplete.rpartition(",")
    found = (str(content) for content in sorted(_contents(ctx)))
    return [f"{listed}{comma}{one}" for one in _offered(found, last)]


def losses(ctx: typer.Context, incomplete: str) -> list[str]:
    """`host:NAME` and `rack:NAME`."""
    found = _hosts(ctx)
    racks = dict.fromkeys(host.rack for host in found if host.rack is not None)
    return _offered([*(f"host:{h.name}" for h in found), *(f"rack:{r}" for r in racks)], incomplete)


def strategies(incomplete: str) -> list[tuple[str, str]]:
    """Every strategy, with what it does."""
    from gpmirror.spec.model import MEANINGS

    return [(one.value, told) for one, told in MEANINGS.items() if one.value.startswith(incomplete)]


def protections(ctx: typer.Context, incomplete: str) -> list[str]:
    """What the spec protects."""
    spec = _spec(ctx)
    return _offered((one.name for one in spec.protect) if spec else (), incomplete)


# --- what tables of this program hold -------------------------------------------------------------


def allowances(incomplete: str) -> list[tuple[str, str]]:
    """What --allow takes, each with a line."""
    from gpmirror.plan.hazards import ALLOWABLE, GUARDS
    from gpmirror.preflight.checks import CHECKS

    found = [(name, info.title) for name, info in ALLOWABLE.items()]
    found += [(f"guard:{name}", info.title) for name, info in GUARDS.items()]
    found += [
        (f"unchecked:{name}", "go on although this check could not be made") for name in CHECKS
    ]
    return [pair for pair in found if pair[0].startswith(incomplete)]


def topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """What `explain` explains: after `content` and `host` theirs, else every name."""
    before = ctx.params.get("topic") or [""]
    if before[0] in {"content", "host"}:
        return (contents if before[0] == "content" else hosts)(ctx, incomplete)
    from gpmirror.render.explain import GLOSSARY, all_topics

    return _offered([*all_topics(), *GLOSSARY, "content", "host"], incomplete)


# --- what this machine knows ----------------------------------------------------------------------


def stop_allowances(incomplete: str) -> list[str]:
    """What --allow takes where hosts are to be stopped."""
    from gpmirror.run.status import COORDINATOR

    return _offered([COORDINATOR], incomplete)


def runs(incomplete: str) -> list[str]:
    """Names of this machine's runs, newest first."""
    from gpmirror.adapters.runs import runs_folder

    with suppress(OSError):
        found = sorted((one.name for one in runs_folder(os.environ).iterdir()), reverse=True)
        return _offered(found, incomplete)
    return []


def lab_hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Hosts of the practice cluster; for `slow` also its two other words."""
    from gpmirror.lab.account import lab_account, state_folder
    from gpmirror.lab.layout import read_lab

    words = ["all", "off"] if ctx.info_name == "slow" else []
    with suppress(GpmirrorError, OSError, ValueError):
        lab = read_lab(state_folder(lab_account(os.environ), os.environ))
        words = [*(host.name for host in lab.everywhere), *words]
    return _offered(words, incomplete)


def _hosts(ctx: typer.Context) -> "Iterable[Host]":
    spec = _spec(ctx)
    return () if spec is None else spec.hosts


def _contents(ctx: typer.Context) -> set[int]:
    """Of the catalog that is named, or of the snapshot beside the spec; else those that the spec
    names.
    """
    if (found := _catalog(ctx)) is not None:
        return {row.content for row in found.segments if row.content >= 0}
    spec = _spec(ctx)
    return set() if spec is None else set(_named_by(spec))


def _catalog_hosts(ctx: typer.Context) -> list[str]:
    found = _catalog(ctx)
    rows = () if found is None else found.segments
    return list(dict.fromkeys(row.hostname for row in rows if row.content >= 0))


def _catalog(ctx: typer.Context) -> "Observed | None":
    """The catalog that is named, or the snapshot beside the spec, if it can be read."""
    spec = _spec(ctx)
    beside = str(Path(_spec_file(ctx)).with_name(_SNAPSHOT))
    named = ctx.params.get("catalog") or os.environ.get(CATALOG_VARIABLE)
    for file in filter(None, (named, beside)):
        with suppress(GpmirrorError, OSError, ValueError):
            from gpmirror.catalog import read_catalog

            dialect = None if spec is None else spec.dialect
            return read_catalog(Path(file).read_bytes(), file, dialect=dialect)
    return None


def _named_by(spec: "Spec") -> Iterator[int]:
    yield from (pin.content for pin in spec.pins)
    yield from (one.content for one in spec.protect if one.content is not None)


def _spec(ctx: typer.Context) -> "Spec | None":
    """The spec that the command is for, if it can be read: a shell asks before a line is whole."""
    from gpmirror.spec import load

    file = _spec_file(ctx)
    with suppress(GpmirrorError, OSError, ValueError):
        return load(Path(file).read_bytes(), file)
    return None


def _spec_file(ctx: typer.Context) -> str:
    """The first of the parameters that may name a spec, else the one that is read where none is named."""
    several = ctx.params.get("specs") or [None]
    given = (several[0], *(ctx.params.get(name) for name in ("spec", "target", "subject")))
    for one in given:
        if isinstance(one, str) and one != "-":
            return one
    with suppress(GpmirrorError):
        return default_spec()
    return DEFAULT_SPEC


def _offered(words: Iterable[str], incomplete: str) -> list[str]:
    """Those that go on from what was typed, without any that a shell could take for more."""
    return [one for one in words if one.startswith(incomplete) and _PLAIN.fullmatch(one)]


# --- Options that several commands take alike.


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Events = Annotated[bool, typer.Option("--json", help="Write events as JSON lines on stdout.")]

ViaSsh = Annotated[
    bool, typer.Option("--via-ssh", help="Reach the coordinator's database through SSH.")
]

Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="X",
        autocompletion=allowances,
        help="Allow a hazard, guard:NAME, unchecked:NAME, low-space or dead-lock; repeatable.",
    ),
]

Unprotect = Annotated[
    list[str] | None,
    typer.Option(
        "--unprotect",
        metavar="X",
        autocompletion=protections,
        help="Lift a protection; repeatable.",
    ),
]
