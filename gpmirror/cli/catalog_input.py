"""Which catalog a command reads: a saved one, or the live one where none is named."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gpmirror.cli.connection import reached
from gpmirror.errors import GpmirrorError, Usage

if TYPE_CHECKING:
    from gpmirror.cluster.observed import Observed
    from gpmirror.spec.model import Spec

DEFAULT_SPEC = "gpmirror.yaml"


def check_catalog_flags(
    catalog: str | None, spec: str, *, table: int | None = None, via_ssh: bool = False
) -> None:
    """Raises Usage: stdin is wanted twice, or a flag belongs to the other kind of catalog."""
    if catalog == "-" and spec == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    if catalog is None and table is not None:
        raise Usage("--table picks a table of a saved catalog", hint="add `--catalog FILE`")
    if catalog is not None and via_ssh:
        raise Usage(
            f"--via-ssh reads the live catalog, and --catalog names {catalog}",
            hint="leave one of them out",
        )


def observed_for(
    catalog: str | None, spec: "Spec | None", *, table: int | None = None, via_ssh: bool = False
) -> "Observed":
    """The observed cluster: of the file `catalog`, else of the coordinator that `spec` names.

    Raises what reading raises.
    """
    if catalog is None:
        from gpmirror.cli.wiring import live_catalog
        from gpmirror.workflow.observing import observe

        with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
            return observe(server)
    from gpmirror.adapters.files import read_input
    from gpmirror.catalog import read_catalog

    dialect = None if spec is None else spec.dialect
    return read_catalog(read_input(catalog), catalog, dialect=dialect, table=table)


def spec_if_any(name: str | None) -> "Spec | None":
    """The named spec, else gpmirror.yaml if it is there, else None: PG* variables must do."""
    if name is None and not Path(DEFAULT_SPEC).exists():
        return None
    from gpmirror.adapters.files import read_input
    from gpmirror.spec import load

    file = name or DEFAULT_SPEC
    return reached(load(read_input(file), file))


def own_spec() -> "Spec | None":
    """The spec of this folder, if there is one that can be read."""
    with suppress(GpmirrorError):
        return spec_if_any(None)
    return None
