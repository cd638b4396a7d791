"""Many specs in one command: each is tried, one that fails stops no other; and snapshots beside them."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, TypeVar

import typer

from gpmirror.cli.console import Console, report
from gpmirror.cli.wiring import is_from_environment
from gpmirror.errors import ExitCode, Unreadable, Usage

if TYPE_CHECKING:
    from gpmirror.layouts import Tried
    from gpmirror.render.compare import Table
    from gpmirror.spec.model import Spec

Found = TypeVar("Found")


def refuse_for_many(specs: Sequence[str], given: Mapping[str, object]) -> None:
    """Raises Usage: an option that is about one cluster stands with several specs."""
    asked = [flag for flag, value in given.items() if value not in (None, False, [], ())]
    if len(specs) > 1 and asked:
        raise Usage(
            f"{asked[0]} is about one spec, and {len(specs)} are named",
            hint=f"leave {asked[0]} out, or name one spec",
        )


def try_each(
    specs: Sequence[str],
    work: Callable[[str], Found],
    console: Console,
    code_of: Callable[[Found], ExitCode],
) -> "list[Tried[Found]]":
    """What `work` makes of each spec, in the order given. Findings are told on stderr as they come,
    below the spec's name; an interrupt ends all.
    """
    from gpmirror.layouts import Tried, Trouble

    rows: list[Tried[Found]] = []
    for spec in specs:
        try:
            found = work(spec)
            rows.append(Tried(spec=spec, exit_code=code_of(found), found=found))
        except Exception as error:  # noqa: BLE001 the next spec is tried all the same
            console.alarm(f"{spec}:")
            code = report(error, console)
            rows.append(Tried(spec=spec, exit_code=code, trouble=Trouble.of(error)))
    return rows


def show_table(table: "Table", console: Console) -> None:
    """The table on stdout, fitted to a terminal."""
    from gpmirror.render.compare import table_human

    console.page(table_human(table, width=console.width, color=console.color))


# --- A saved catalog beside the spec: read with `--offline`, or to see what drifted.


OFFLINE_VARIABLE = "GPMIRROR_OFFLINE"
"""Set to anything but 0 or nothing: as --offline."""

OFFLINE_HELP = (
    "Read the snapshot beside the spec (snapshot.json, or what the spec's `snapshot` names), not the "
    "live catalog.  [env var: GPMIRROR_OFFLINE]"
)

SNAPSHOT = "snapshot.json"
"""The saved catalog beside a spec that names none."""


def is_offline(ctx: typer.Context, *, asked: bool, catalog: str | None, via_ssh: bool) -> bool:
    """Whether the snapshot beside the spec is to be read; a catalog or a way to the live one that the
    command line names goes before the environment. Raises Usage: both on the command line.
    """
    if asked and is_from_environment(ctx, "catalog"):
        catalog = None
    other = "--catalog" if catalog is not None else "--via-ssh" if via_ssh else None
    if asked and other is not None:
        raise Usage(
            f"--offline reads the snapshot beside the spec, and {other} another catalog",
            hint="leave one of them out",
        )
    return asked or (other is None and os.environ.get(OFFLINE_VARIABLE, "") not in {"", "0"})


def snapshot_of(file: str, spec: "Spec") -> str:
    """The path of the snapshot that belongs to a spec. Raises Unreadable: it is not there, or a link
    leads out of the spec's folder, where a spec under review has nothing to read.
    """
    if file == "-":
        raise Usage(
            "--offline looks beside the spec, and the spec comes from stdin",
            hint="name a file for it, or add `--catalog FILE`",
        )
    folder = Path(file).parent
    found = folder / (spec.snapshot or SNAPSHOT)
    if not found.exists():
        raise Unreadable(
            f"cannot read {found}: no such file",
            hint=f"save one where the cluster is reached: `gpmirror snapshot {file} -o {found}`",
        )
    if not found.resolve().is_relative_to(folder.resolve()):
        raise Unreadable(
            f"cannot read {found}: it is a link that leads out of the spec's folder",
            hint="keep the snapshot itself in the folder",
        )
    return str(found)


# --- A folder of files for each spec.


def folders_of(specs: Sequence[str], into: str) -> dict[str, str]:
    """Spec -> folder for its own files below `into`, named after the spec's path; `gpmirror.yaml` is
    told by its folder, and what keeps a file out of what a job keeps is written as %3A. Raises Usage:
    two specs want one.
    """
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for spec in specs:
        folder = str(PurePath(into, _label(spec)))
        if folder in taken:
            raise Usage(
                f"{taken[folder]} and {spec} would both write into {folder}",
                hint="name each spec once, or give one of them another file name",
            )
        taken[folder] = spec
        found[spec] = folder
    return found


def _label(spec: str) -> str:
    if spec == "-":
        return "stdin"
    here = Path.cwd().resolve()
    whole = Path(os.path.abspath(spec))  # noqa: PTH100 - a link keeps its own name
    path = whole.relative_to(here) if whole.is_relative_to(here) else whole.relative_to("/")
    parts = [part for part in path.parts if part not in {"", "/"}]
    if path.name == "gpmirror.yaml":
        parts = parts[:-1] or ["gpmirror"]
    else:
        parts[-1] = path.stem
    return str(PurePath(*map(_portable, parts)))


# what no file may be called on every system; who stores the files of a job takes none of them
_NOT_PORTABLE = re.compile(r'[%":<>|*?\\\x00-\x1f\x7f]')


def _portable(name: str) -> str:
    return _NOT_PORTABLE.sub(lambda found: f"%{ord(found[0]):02X}", name)
