"""Options that several commands take alike."""

from typing import Annotated

import typer

from gpmirror.cli import completion

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
        autocompletion=completion.allowances,
        help="Allow a hazard, guard:NAME, unchecked:NAME, low-space or dead-lock; repeatable.",
    ),
]

Unprotect = Annotated[
    list[str] | None,
    typer.Option(
        "--unprotect",
        metavar="X",
        autocompletion=completion.protections,
        help="Lift a protection; repeatable.",
    ),
]
