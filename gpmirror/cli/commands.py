"""The one table of commands: the order is the order of `--help`, the text its one line each.

A command is a file `cli/<module>.py` with a function (or, for a command with sub-commands, a
`typer.Typer`) called `command`. Nothing is imported before it is invoked, so that `--help` and
shell loops stay fast; a test compares the texts here with the functions' docstrings.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a command lives and what `gpmirror --help` says about it."""

    module: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "init": Entry(
        module="gpmirror.cli.init",
        summary="Write a starter spec with comments.",
    ),
    "validate": Entry(
        module="gpmirror.cli.validate",
        summary="Check specs and report every problem in one run.",
    ),
    "fmt": Entry(
        module="gpmirror.cli.fmt",
        summary="Format specs in canonical style; comments are kept.",
    ),
    "schema": Entry(
        module="gpmirror.cli.schema",
        summary="Print a JSON Schema of the files gpmirror reads and writes.",
    ),
    "import": Entry(
        module="gpmirror.cli.import_",
        summary="Write the smallest spec of a cluster as it is, proved by its own plan.",
    ),
    "snapshot": Entry(
        module="gpmirror.cli.snapshot",
        summary="Save the live catalog as a snapshot for `--catalog`.",
    ),
    "plan": Entry(
        module="gpmirror.cli.plan",
        summary="Show what would change, in which waves and at what risk.",
    ),
    "show": Entry(
        module="gpmirror.cli.show",
        summary="Print a plan file in any form; needs neither spec nor cluster.",
    ),
    "diff": Entry(
        module="gpmirror.cli.diff",
        summary="Compare two plans or two saved catalogs; exit 2 if they differ.",
    ),
    "explain": Entry(
        module="gpmirror.cli.explain",
        summary="Say why a mirror is where it is, what a host holds, or what a name means.",
    ),
    "simulate": Entry(
        module="gpmirror.cli.simulate",
        summary="Say what the loss of hosts or racks would lose, and who carries the load.",
    ),
    "preflight": Entry(
        module="gpmirror.cli.preflight",
        summary="Check every host that a plan touches; exit 9 if one is not ready, 4 if apply would "
        "refuse.",
    ),
    "apply": Entry(
        module="gpmirror.cli.apply",
        summary="Carry out a plan in waves and prove from the catalog that every mirror is in sync.",
    ),
    "resume": Entry(
        module="gpmirror.cli.resume",
        summary="Take up a run that was cut off: follow what still runs, then do what is left.",
    ),
    "revert": Entry(
        module="gpmirror.cli.revert",
        summary="Plan the way back from a run: every mirror that it moved returns to its old place.",
    ),
    "prune": Entry(
        module="gpmirror.cli.prune",
        summary="Delete what moved mirrors and cut-off copies left, after proof that it is unused.",
    ),
    "runs": Entry(
        module="gpmirror.cli.runs",
        summary="List the runs of this machine, newest first, or show one.",
    ),
    "status": Entry(
        module="gpmirror.cli.status",
        summary="Say whether all copies are in sync; exit 2 if not.",
    ),
    "completion": Entry(
        module="gpmirror.cli.completion",
        summary="Print the script that completes commands, options and names in your shell.",
    ),
    "lab": Entry(
        module="gpmirror.cli.lab",
        summary="Build and use a practice cluster on this machine; it is not Greenplum.",
    ),
}
