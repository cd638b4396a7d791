"""`gpmirror preflight`: may the plan start; every host check, nothing changed."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli.completion import Allow, ViaSsh
from gpmirror.cli.console import Console
from gpmirror.cli.wiring import SPEC_VARIABLE, accept_connection, default_spec, own_spec
from gpmirror.errors import ExitCode, Stale

if TYPE_CHECKING:
    from gpmirror.boundary import Hosts
    from gpmirror.model.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.plan.request import Request
    from gpmirror.preflight.model import Preflight
    from gpmirror.spec.model import Site

_SHOWN = 8


def command(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC|PLAN",
            envvar=SPEC_VARIABLE,
            help="A spec, or a plan file; left out: gpmirror.yaml here or above.",
        ),
    ] = None,
    *,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="Look at every copy on every host too: server, directory, port, dbid."
        ),
    ] = False,
    via_ssh: ViaSsh = False,
    allow: Allow = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> ExitCode:
    """Check every host that a plan touches; exit 9 if one is not ready, 4 if apply would refuse."""
    from gpmirror.cli.apply import read_target
    from gpmirror.cli.live_run import open_live
    from gpmirror.plan.request import Request
    from gpmirror.preflight.checks import check_unchecked
    from gpmirror.render.json import applied_already_json, preflight_json
    from gpmirror.render.status import preflight_text
    from gpmirror.run.context import with_sizes
    from gpmirror.run.gates import check_cluster, is_applied, native_environment
    from gpmirror.run.preflight import preflight_everywhere, run_preflight, with_other_work
    from gpmirror.run.rehearsal import with_dry_run
    from gpmirror.run.wave import DetachedNatives

    console: Console = ctx.obj
    target = default_spec(console) if target is None else target
    request = Request(allow=tuple(allow or ()))
    check_unchecked(request.allow)
    spec, plan = read_target(target, request)
    if plan is not None:
        accept_connection(
            plan.settings, target, request.allow, console, own=own_spec(console), assume_yes=False
        )
        plan = replace(plan, allowed=tuple(sorted({*plan.allowed, *request.allow})))
    with open_live(spec, via_ssh=via_ssh) as live:
        if plan is not None:
            check_cluster(plan, live.observed)
        if plan is not None and not every and is_applied(plan, live.observed):
            nothing = "already applied, 0 changes: nothing to check"
            console.data(applied_already_json(plan) if as_json else nothing)
            return ExitCode.OK
        observed = with_sizes(live.observed, live.server)
        plan = _plan(spec, plan, observed, live.hosts, request)
        if every:
            found = preflight_everywhere(plan, observed, live.hosts, spec.hosts)
        else:
            found = run_preflight(plan, observed, live.hosts)
        found = with_other_work(found, plan, observed, live.server)
        natives = DetachedNatives(
            hosts=live.hosts,
            coordinator=live.coordinator,
            run="",
            environment=native_environment(observed),
        )
        found = with_dry_run(found, plan, observed, natives)
    code = _code(plan, found)
    if as_json:
        console.data(preflight_json(plan, found, code=code))
    else:
        console.page(preflight_text(plan, found, width=console.width, color=console.color))
    return code


def _code(plan: "Plan", found: "Preflight") -> ExitCode:
    from gpmirror.run.gates import unallowed

    if found.blocking(plan.allowed):
        return ExitCode.PREFLIGHT
    return ExitCode.UNSAFE if unallowed(plan, found) else ExitCode.OK


def _plan(
    site: "Site", plan: "Plan | None", observed: "Observed", hosts: "Hosts", request: "Request"
) -> "Plan":
    """The plan to check: from the spec now, or the file's, which must still match the catalog.

    Raises Stale (5): it does not.
    """
    from gpmirror.plan.remaining import stale_rows
    from gpmirror.run.look import plan_inspected
    from gpmirror.spec.model import Spec

    if plan is None:
        assert isinstance(site, Spec)  # noqa: S101 - without a plan the target is a spec
        return plan_inspected(site, observed, request, hosts)
    if rows := stale_rows(plan, observed):
        shown = "\n".join(f"  {row}" for row in rows[:_SHOWN])
        raise Stale(
            f"the plan does not match the catalog any more:\n{shown}",
            hint="plan again, then check the hosts",
        )
    return plan
