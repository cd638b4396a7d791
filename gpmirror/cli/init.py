"""`gpmirror init`: a starter spec."""

import os
from typing import Annotated

import typer

from gpmirror.cli.console import Console


def command(
    ctx: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The file to write.  [default: gpmirror.yaml]"),
    ] = None,
    *,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="The same as FILE.")
    ] = None,
) -> None:
    """Write a starter spec with comments."""
    from gpmirror.adapters.files import is_stdout, is_stream, write_output
    from gpmirror.adapters.server_address import named_by
    from gpmirror.errors import Failure, Usage
    from gpmirror.spec.writing import starter_text

    console: Console = ctx.obj
    if file is not None and output is not None:
        raise Usage(f"two files to write: {file} and -o {output}", hint="name one of them")
    file = file or output or "gpmirror.yaml"
    if os.path.lexists(file) and not is_stream(file):
        raise Failure(
            f"cannot write {file}: it exists, and init never overwrites",
            hint=f"check it with `gpmirror validate {file}`, or name another file",
        )
    write_output(file, starter_text(coordinator=named_by(os.environ)), force=False)
    tell = console.talk if is_stdout(file) else console.data
    tell(f"Wrote {file}. Next: edit it, then `gpmirror validate {file}`.")
