"""`gpmirror plan`: what would change, in which waves, at what risk."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from gpmirror.cli import completion
from gpmirror.cli.console import Console
from gpmirror.cli.many import (
    OFFLINE_HELP,
    folders_of,
    is_offline,
    refuse_for_many,
    show_table,
    snapshot_of,
    try_each,
)
from gpmirror.cli.renderings import (
    VERBOSE_HELP,
    Outputs,
    PlanFormat,
    check_outputs,
    chosen_format,
    clear_folder,
    show_plan,
    tell_newcomers,
    write_files,
    write_folder,
    write_outputs,
)
from gpmirror.cli.wiring import (
    CATALOG_VARIABLE,
    chosen_catalog,
    default_spec,
    is_from_environment,
    live_catalog,
    observed_for,
    plan_over,
    reached,
    read_spec,
)
from gpmirror.errors import ExitCode, Usage
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.layouts import Planned, Tried
    from gpmirror.model.observed import Observed
    from gpmirror.plan.model import Plan
    from gpmirror.plan.request import Request
    from gpmirror.spec.model import Spec


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="The spec, - for stdin; left out: GPMIRROR_SPEC, else gpmirror.yaml here or above. "
            "Several: one table, and the worst exit code.",
        ),
    ] = None,
    *,
    offline: Annotated[bool, typer.Option("--offline", help=OFFLINE_HELP)] = False,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
            metavar="FILE",
            envvar=CATALOG_VARIABLE,
            help="A snapshot or psql's output, - for stdin; left out: the live catalog.",
        ),
    ] = None,
    via_ssh: Annotated[
        bool, typer.Option("--via-ssh", help="Reach the live catalog through SSH.")
    ] = False,
    table: Annotated[
        int | None,
        typer.Option("--table", metavar="N", min=1, help="Which of several tables in the catalog."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="PLAN", help="Write the plan file.")
    ] = None,
    sign: Annotated[
        str | None,
        typer.Option("--sign", metavar="KEY", help="Sign the plan file with an SSH key."),
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 if anything differs.")
    ] = False,
    form: Annotated[PlanFormat, typer.Option("--format", help="What to print.")] = PlanFormat.HUMAN,
    as_json: Annotated[bool, typer.Option("--json", help="As `--format json`.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help=VERBOSE_HELP)] = False,
    out_json: Annotated[
        str | None, typer.Option("--out-json", metavar="FILE", help="Write the plan file, as -o.")
    ] = None,
    out_md: Annotated[
        str | None, typer.Option("--out-md", metavar="FILE", help="Write Markdown for review.")
    ] = None,
    out_html: Annotated[
        str | None,
        typer.Option("--out-html", metavar="FILE", help="Write one page with the picture."),
    ] = None,
    out_svg: Annotated[
        str | None,
        typer.Option("--out-svg", metavar="FILE", help="Write the picture: hosts, mirrors, moves."),
    ] = None,
    out_native: Annotated[
        str | None,
        typer.Option("--out-native", metavar="DIR", help="Write the native files and commands."),
    ] = None,
    out_dir: Annotated[
        str | None,
        typer.Option(
            "--out-dir",
            metavar="DIR",
            help="Write a folder for each spec: plan.json, .md, .html, .svg, .txt, native files; and "
            "about all of them summary.json, summary.md (a comment), annotations.txt and "
            "code-quality.json.",
        ),
    ] = None,
    content: Annotated[
        list[str] | None,
        typer.Option(
            "--content",
            metavar="3,7-9",
            autocompletion=completion.contents,
            help="Only these contents; repeatable.",
        ),
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            metavar="H",
            autocompletion=completion.hosts,
            help="Only to or from this host; repeatable.",
        ),
    ] = None,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="Return switched roles too.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Recover by full copies, not incrementally.")
    ] = False,
    differential: Annotated[
        bool,
        typer.Option(
            "--differential",
            help="Recover by copying only files that differ, where the release can.",
        ),
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="X",
            autocompletion=completion.allowances,
            help="Allow a hazard or guard:NAME; repeatable.",
        ),
    ] = None,
    unprotect: Annotated[
        list[str] | None,
        typer.Option(
            "--unprotect",
            metavar="X",
            autocompletion=completion.protections,
            help="Lift a protection, content:0 or host:H; repeatable.",
        ),
    ] = None,
) -> ExitCode:
    """Show what would change, in which waves and at what risk."""
    console: Console = ctx.obj
    form = chosen_format(form, as_json=as_json)
    files = specs or [default_spec(console)]
    offline = is_offline(ctx, asked=offline, catalog=catalog, via_ssh=via_ssh)
    outputs = Outputs(
        plan=out, json=out_json, md=out_md, native=out_native, html=out_html, svg=out_svg
    )
    if offline:
        catalog = None
    request = request_from(
        content, host, allow, unprotect, rebalance=rebalance, full=full, differential=differential
    )
    if len(files) > 1 or out_dir is not None:
        alone = {
            "--catalog" if not is_from_environment(ctx, "catalog") else CATALOG_VARIABLE: catalog,
            "--table": table,
            **outputs.files,
            "--out-native": out_native,
            "--sign": sign,
            "--content": content,
            "--host": host,
            "--unprotect": unprotect,
            "--verbose": verbose,
        }
        refuse_for_many(files, alone)
        _check_several(form, out_dir, outputs, sign)
        folders = None if out_dir is None else folders_of(files, out_dir)
        several = _Several(
            console=console,
            form=form,
            folders=folders,
            into=out_dir,
            detailed=detailed_exitcode,
        )
        return several.plan(
            files,
            lambda file, say: planned_somewhere(
                file,
                chosen_catalog(ctx, catalog, file, table=table, via_ssh=via_ssh),
                request,
                table=table,
                via_ssh=via_ssh,
                offline=offline,
                say=say,
            ),
        )
    (spec,) = files
    catalog = chosen_catalog(ctx, catalog, spec, table=table, via_ssh=via_ssh)
    check_outputs(outputs, [spec] if catalog is None else [spec, catalog], form)
    if sign is not None:
        _check_signable(out)
    is_page = form is PlanFormat.HUMAN and not outputs.to_stdout
    found = planned_somewhere(
        spec,
        catalog,
        request,
        table=table,
        via_ssh=via_ssh,
        offline=offline,
        say=console.page if offline and is_page else console.talk,
    )
    plan = found.plan
    write_outputs(plan, outputs, console)
    if sign is not None and out is not None:
        from gpmirror.adapters.signatures import sign as sign_file
        from gpmirror.plan.planfile import plan_text

        data = plan_text(plan).encode("utf-8", "surrogateescape")
        console.talk(f"written: {sign_file(out, data, sign)}")
    show_plan(plan, form, console, outputs=outputs, verbose=verbose)
    tell_newcomers(plan, console)
    return _code(plan, detailed=detailed_exitcode)


def _code(plan: "Plan", *, detailed: bool) -> ExitCode:
    return ExitCode.DIFFERENCES if detailed and plan.summary.differs else ExitCode.OK


def _check_several(
    form: PlanFormat, out_dir: str | None, outputs: Outputs, sign: str | None
) -> None:
    """Raises Usage: a form that no table has, or files of one plan beside a folder for each."""
    if form not in {PlanFormat.HUMAN, PlanFormat.JSON, PlanFormat.MD}:
        raise Usage(
            f"--format {form.value} prints one plan, and here is a table of specs",
            hint="`--out-dir DIR` writes every form of each plan",
        )
    named = [
        *outputs.files,
        *(["--out-native"] if outputs.native else []),
        *(["--sign"] if sign else []),
    ]
    if out_dir is not None and named:
        raise Usage(
            f"{named[0]} writes files of one plan, and --out-dir a folder for each",
            hint="leave one of them out",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Several:
    """A table of plans, and a folder for each where that is asked for."""

    console: Console
    form: PlanFormat
    folders: dict[str, str] | None
    into: str | None
    detailed: bool

    def plan(
        self, files: list[str], plan_of: "Callable[[str, Callable[[str], None]], Planned]"
    ) -> ExitCode:
        """Plan all; the worst exit code."""
        from gpmirror.layouts import worst
        from gpmirror.render.compare import plans_json, plans_table, table_markdown

        def say(text: str) -> None:
            self.console.talk(text)

        def work(file: str) -> "Planned":
            found = plan_of(file, lambda text: say(f"{file}: {text}"))
            if self.folders is not None:
                write_folder(found.plan, self.folders[file], self.console)
            return found

        rows = try_each(
            files, work, self.console, lambda one: _code(one.plan, detailed=self.detailed)
        )
        table = plans_table(rows)
        summary = plans_json(rows, self.folders)
        if self.folders is not None and self.into is not None:
            for row in rows:
                if row.found is None:
                    clear_folder(self.folders[row.spec])
            self._write_review(rows, summary)
        match self.form:
            case PlanFormat.JSON:
                self.console.data(summary)
            case PlanFormat.MD:
                self.console.data(table_markdown(table))
            case _:
                show_table(table, self.console)
        return worst(rows)

    def _write_review(self, rows: "list[Tried[Planned]]", summary: str) -> None:
        """What is said of all specs: for programs, as a comment, as remarks beside lines."""
        from gpmirror.render.compare import review_markdown
        from gpmirror.render.diagnostics import diagnostics_github, diagnostics_gitlab

        if self.into is None or self.folders is None:
            return
        troubles = [row.trouble for row in rows if row.trouble is not None]
        findings = [found for one in troubles for found in one.findings]
        write_files(
            self.into,
            {
                "summary.json": summary,
                "summary.md": review_markdown(rows, self.folders),
                "annotations.txt": diagnostics_github(findings) + "\n" * bool(findings),
                "code-quality.json": diagnostics_gitlab(findings),
            },
        )


def _check_signable(out: str | None) -> None:
    """Raises Usage: there is no plan file, or none that a signature could stand beside."""
    from gpmirror.adapters.files import is_stream

    if out is None:
        raise Usage("--sign signs the plan file", hint="add `-o PLAN`")
    if is_stream(out):
        raise Usage(
            f"--sign writes the signature beside the plan, and {out} is no file",
            hint="name a file: `-o PLAN`",
        )


def planned(
    spec: str,
    catalog: str | None,
    request: "Request",
    *,
    say: Callable[[str], None],
    table: int | None = None,
    via_ssh: bool = False,
) -> "Plan":
    """The plan of a spec over a saved or the live catalog; of a live one `say` is told how old its word
    may be. Raises what reading and planning raise.
    """
    from gpmirror.plan.build import make_plan

    wanted = reached(read_spec(spec))
    if catalog is None:
        plan, seen = planned_live(wanted, request, via_ssh=via_ssh)
        if seen.knowledge is not None:
            say(f"catalog: {seen.knowledge}")
        return plan
    return make_plan(wanted, observed_for(catalog, wanted, table=table), request)


def planned_somewhere(
    spec: str,
    catalog: str | None,
    request: "Request",
    *,
    say: Callable[[str], None],
    table: int | None = None,
    via_ssh: bool = False,
    offline: bool = False,
) -> "Planned":
    """As `planned`, or over the snapshot beside the spec: `say` is then told its date first."""
    from gpmirror.layouts import Planned, snapshot_text

    if not offline:
        plan = planned(spec, catalog, request, say=say, table=table, via_ssh=via_ssh)
        return Planned(plan=plan, snapshot=catalog)
    from gpmirror.plan.build import make_plan

    wanted = reached(read_spec(spec))
    file = snapshot_of(spec, wanted)
    observed = observed_for(file, wanted)
    say(snapshot_text(file, observed.taken))
    return Planned(plan=make_plan(wanted, observed, request), snapshot=file)


def planned_live(spec: "Spec", request: "Request", *, via_ssh: bool) -> "tuple[Plan, Observed]":
    """The plan over the live catalog, and that catalog. Raises what reading and planning raise."""
    from gpmirror.plan.build import make_plan

    with live_catalog(spec, via_ssh=via_ssh, environment=os.environ) as server:
        return plan_over(server, spec, lambda seen: make_plan(spec, seen, request))


def request_from(
    content: list[str] | None,
    host: list[str] | None,
    allow: list[str] | None,
    unprotect: list[str] | None,
    *,
    rebalance: bool,
    full: bool,
    differential: bool,
) -> "Request":
    """The request that the flags spell. Raises InvalidInput: contents that cannot be read; Usage:
    two methods of recovery.
    """
    from gpmirror.plan.request import Request, parse_contents

    if full and differential:
        raise Usage("--full and --differential are two ways to recover", hint="give one of them")
    return Request(
        contents=parse_contents(",".join(content)) if content else None,
        hosts=frozenset(host) if host else None,
        full=full,
        differential=differential,
        rebalance=rebalance,
        allow=tuple(allow or ()),
        unprotect=tuple(unprotect or ()),
    )
