"""`gpmirror apply`: carry out a plan, or plan from a spec and carry that out."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.completion import Allow, Events, Unprotect, ViaSsh, Yes
from gpmirror.cli.console import Console
from gpmirror.cli.plan import request_from
from gpmirror.cli.renderings import tell_newcomers
from gpmirror.cli.wiring import (
    DEFAULT_SPEC,
    SPEC_VARIABLE,
    accept_connection,
    can_be_asked,
    default_spec,
    own_spec,
    reached,
)
from gpmirror.errors import Detached, ExitCode, Partial, Unverified, Usage

if TYPE_CHECKING:
    from gpmirror.cli.live_run import Live, Manner
    from gpmirror.plan.model import Plan
    from gpmirror.plan.request import Request
    from gpmirror.run.context import Wishes
    from gpmirror.spec.model import Site


def command(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="PLAN|SPEC",
            envvar=SPEC_VARIABLE,
            help="A plan file or a spec; left out: gpmirror.yaml here or above.",
        ),
    ] = None,
    *,
    yes: Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would run where; change nothing.")
    ] = False,
    require_signature: Annotated[
        str | None,
        typer.Option(
            "--require-signature",
            metavar="SIGNERS",
            help="Apply only a plan file that one of these allowed signers signed.",
        ),
    ] = None,
    stop_after_wave: Annotated[
        int | None,
        typer.Option("--stop-after-wave", metavar="N", min=1, help="Stop after this wave."),
    ] = None,
    json: Events = False,
    via_ssh: ViaSsh = False,
    content: Annotated[
        list[str] | None,
        typer.Option(
            "--content",
            metavar="3,7-9",
            autocompletion=completion.contents,
            help="With a spec: only these contents.",
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="H",
            autocompletion=completion.hosts,
            help="With a spec: only to or from this host.",
        ),
    ] = None,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="With a spec: return switched roles too.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="With a spec: recover by full copies.")
    ] = False,
    differential: Annotated[
        bool,
        typer.Option(
            "--differential", help="With a spec: recover by copying only files that differ."
        ),
    ] = False,
    allow: Allow = None,
    unprotect: Unprotect = None,
) -> ExitCode:
    """Carry out a plan in waves and prove from the catalog that every mirror is in sync."""
    from gpmirror.cli.live_run import Manner, open_live, run_plan
    from gpmirror.preflight.checks import check_unchecked

    console: Console = ctx.obj
    above = None
    if target is None:
        target = default_spec(console)
        above = target if target != DEFAULT_SPEC else None
    request = request_from(
        content, host, allow, unprotect, rebalance=rebalance, full=full, differential=differential
    )
    check_unchecked(request.allow)
    spec, plan = read_target(target, request, signers=require_signature)
    if plan is not None:
        accept_connection(
            plan.settings, target, request.allow, console, own=own_spec(console), assume_yes=yes
        )
    manner = Manner(console=console, json=json, assume_yes=yes, spec_above=above)
    with open_live(spec, via_ssh=via_ssh) as live:
        if plan is None:
            plan = _planned(spec, live, request)
        _check_stop(stop_after_wave, plan)
        wishes = _wishes(plan, request, stop_after_wave, rehearsal=dry_run)
        _show(plan, manner, server=live.not_of(plan), asks=not yes and not dry_run)
        if not plan.waves and not plan.summary.blocked:
            return _nothing(manner)
        try:
            outcome = run_plan(plan, live, wishes, manner)
        except (Partial, Unverified, Detached) as error:
            if json:
                raise
            return error.exit_code  # its last words are said
    return outcome.code


def read_target(
    target: str, request: "Request", *, signers: str | None = None
) -> "tuple[Site, Plan | None]":
    """A plan file with what it tells of its spec, or a spec alone. Raises Usage: a plan file cannot
    be selected from, and a spec has no signature; Unsafe (4): none of `signers` signed the plan;
    Stale (5): it is for review only, which no cluster needs to be asked about.
    """
    from gpmirror.adapters.files import read_input
    from gpmirror.inputs import InputKind, check_kind, kind_of
    from gpmirror.plan.hazards import check_allow, check_unprotect
    from gpmirror.spec import load

    data = read_input(target)
    check_kind(data, target, InputKind.SPEC, also={InputKind.PLAN})
    if kind_of(data) is InputKind.SPEC or data.lstrip()[:1] != b"{":
        if signers is not None:
            raise Usage(
                f"--require-signature is for plan files, and {target} is a spec",
                hint="`gpmirror plan -o PLAN --sign KEY` makes a signed plan",
            )
        return reached(load(data, target)), None
    if signers is not None:
        from gpmirror.adapters.signatures import check_signature

        check_signature(target, data, signers)
    from gpmirror.plan.classify import protections_of
    from gpmirror.plan.planfile import read_plan
    from gpmirror.plan.remaining import site_of
    from gpmirror.run.gates import check_complete

    if request.selection or request.rebalance or request.full or request.differential:
        raise Usage(
            f"{target} is a plan file: what it does is decided already",
            hint="give --content, --host, --rebalance, --full and --differential to "
            "`gpmirror plan`",
        )
    check_allow(request.allow)
    plan = read_plan(data, target)
    check_complete(plan)
    check_unprotect(request.unprotect, [one.name for one in protections_of(plan.settings.protect)])
    return reached(site_of(plan)), plan


def _planned(site: "Site", live: "Live", request: "Request") -> "Plan":
    from gpmirror.run.look import plan_live
    from gpmirror.spec.model import Spec

    assert isinstance(site, Spec)  # noqa: S101 - without a plan the target is a spec
    return plan_live(site, live.observed, request, live.hosts, live.server)


def _nothing(manner: "Manner") -> ExitCode:
    """No changes need no lock and leave no journal; a reader of events still hears of the end."""
    if manner.json:
        from gpmirror.cli.live_run import json_reporter
        from gpmirror.events import RunEnded

        with json_reporter(manner.console, manner.numbers) as reporter:
            ended = RunEnded(run="", exit_code=0, summary="No changes.", next_actions=(), seconds=0)
            reporter.tell(ended)
    return ExitCode.OK


def _check_stop(wave: int | None, plan: "Plan") -> None:
    if wave is not None and plan.waves and wave > len(plan.waves):
        from gpmirror.model.text import counted

        raise Usage(
            f"--stop-after-wave {wave}: the plan has {counted(len(plan.waves), 'wave')}",
            hint="leave it out to go on to the end",
        )


def _wishes(
    plan: "Plan", request: "Request", stop_after_wave: int | None, *, rehearsal: bool
) -> "Wishes":
    from gpmirror.adapters.runs import list_runs, runs_folder
    from gpmirror.plan.planfile import plan_id
    from gpmirror.run.context import Wishes
    from gpmirror.run.record import finished_run

    unprotected = [f"protected:{name}" for name in request.unprotect]
    return Wishes(
        allow=(*request.allow, *unprotected),
        stop_after_wave=stop_after_wave,
        applied_by=finished_run(plan_id(plan), list_runs(runs_folder(os.environ))),
        rehearsal=rehearsal,
    )


def _show(plan: "Plan", manner: "Manner", *, server: str | None, asks: bool) -> None:
    """What a question is about stands where the question stands, whatever is quiet or redirected."""
    from gpmirror.render.run import preview

    console = manner.console
    if not manner.json:
        console.page(preview(plan, server=server, width=console.width, color=console.color))
        asks = asks and not console.shows_data
    asks = asks and can_be_asked()
    if asks or manner.json:
        say = console.alarm if asks else console.talk
        say(preview(plan, server=server, width=console.width, color=console.talk_color))
    tell_newcomers(plan, console)
