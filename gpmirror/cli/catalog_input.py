"""Which spec and catalog a command reads: named, from the environment, or the live catalog."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gpmirror.cli.connection import reached
from gpmirror.errors import GpmirrorError, Usage

if TYPE_CHECKING:
    from gpmirror.cluster.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.spec.model import Spec

DEFAULT_SPEC = "gpmirror.yaml"
SPEC_VARIABLE = "GPMIRROR_SPEC"
"""The spec where none is named."""

CATALOG_VARIABLE = "GPMIRROR_CATALOG"
"""The catalog where none is named; of the commands that can only read."""


def default_spec() -> str:
    """The spec where none is named: the environment's, else the one of this folder."""
    return os.environ.get(SPEC_VARIABLE) or DEFAULT_SPEC


def read_spec(file: str) -> "Spec":
    """The spec in a file, - for stdin. Raises Unreadable: also a file of another kind, with the
    command that takes it; InvalidInput.
    """
    from gpmirror.spec import load

    return load(spec_bytes(file), file)


def spec_bytes(file: str) -> bytes:
    """What a spec file holds. Raises Unreadable: also a file of another kind."""
    from gpmirror.adapters.files import read_input
    from gpmirror.workflow.kinds import Kind, check_kind

    data = read_input(file)
    check_kind(data, file, Kind.SPEC)
    return data


def catalog_bytes(file: str) -> bytes:
    """What a saved catalog holds. Raises Unreadable: also a plan file; whatever else is no catalog
    is named by the reader, with the line that shows it.
    """
    from gpmirror.adapters.files import read_input
    from gpmirror.workflow.kinds import Kind, check_kind

    data = read_input(file)
    check_kind(data, file, Kind.CATALOG, also=set(Kind) - {Kind.PLAN, Kind.JOURNAL})
    return data


def read_plan_file(file: str) -> "Plan":
    """The plan in a file, - for stdin. Raises Unreadable: also a file of another kind;
    InvalidInput: it is none that may be believed.
    """
    from gpmirror.adapters.files import read_input
    from gpmirror.plan.planfile import read_plan
    from gpmirror.workflow.kinds import Kind, check_kind

    data = read_input(file)
    check_kind(data, file, Kind.PLAN)
    return read_plan(data, file)


def chosen_catalog(
    ctx: typer.Context,
    catalog: str | None,
    spec: str,
    *,
    table: int | None = None,
    via_ssh: bool = False,
) -> str | None:
    """The saved catalog to read, None: the live one. One that the environment names is told, so
    that nobody takes it for the live one, and gives way to `--via-ssh`.

    Raises Usage: stdin is wanted twice, or a flag belongs to the other kind of catalog.
    """
    if catalog is not None and is_from_environment(ctx, "catalog"):
        if via_ssh:
            catalog = None
        else:
            ctx.obj.talk(f"catalog: {catalog}, as {CATALOG_VARIABLE} says")
    if catalog == "-" and spec == "-":
        raise Usage("spec and catalog cannot both come from stdin", hint="name a file for one")
    if catalog is None and table is not None:
        raise Usage("--table picks a table of a saved catalog", hint="add `--catalog FILE`")
    if catalog is not None and via_ssh:
        raise Usage(
            f"--via-ssh reads the live catalog, and --catalog names {catalog}",
            hint="leave one of them out",
        )
    return catalog


def is_from_environment(ctx: typer.Context, name: str) -> bool:
    """Whether the value of a parameter was taken from its variable."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "ENVIRONMENT"


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
    from gpmirror.catalog import read_catalog

    dialect = None if spec is None else spec.dialect
    return read_catalog(catalog_bytes(catalog), catalog, dialect=dialect, table=table)


def spec_if_any(name: str | None) -> "Spec | None":
    """The named spec, else the environment's, else gpmirror.yaml if it is there, else None: PG*
    variables must do.
    """
    file = name or default_spec()
    if file == DEFAULT_SPEC and name is None and not Path(file).exists():
        return None
    return reached(read_spec(file))


def own_spec() -> "Spec | None":
    """The spec of this folder or of the environment, if there is one that can be read."""
    with suppress(GpmirrorError):
        return spec_if_any(None)
    return None
