"""`gpmirror schema`: the JSON Schemas of gpmirror's files."""

import json
from enum import StrEnum
from typing import Annotated, Any, assert_never

import typer

from gpmirror.cli.console import Console


class SchemaName(StrEnum):
    """The files that have a schema."""

    SPEC = "spec"
    PLAN = "plan"
    SNAPSHOT = "snapshot"
    EVENTS = "events"


def command(
    ctx: typer.Context,
    name: Annotated[
        SchemaName, typer.Argument(metavar="NAME", help="Which file.")
    ] = SchemaName.SPEC,
) -> None:
    """Print a JSON Schema of the files gpmirror reads and writes."""
    console: Console = ctx.obj
    console.data(json.dumps(_schema(name), indent=2, ensure_ascii=False))


def _schema(name: SchemaName) -> dict[str, Any]:
    match name:
        case SchemaName.SPEC:
            from gpmirror.spec.document import spec_schema

            return spec_schema()
        case SchemaName.PLAN:
            from gpmirror.plan.planfile import plan_schema

            return plan_schema()
        case SchemaName.SNAPSHOT:
            from gpmirror.catalog import snapshot_schema

            return snapshot_schema()
        case SchemaName.EVENTS:
            from gpmirror.events import events_schema

            return events_schema()
        case _:
            assert_never(name)
