"""`gpmirror validate`: is a spec sound, and what does it say in full."""

from typing import TYPE_CHECKING, Annotated, Literal, assert_never

import typer

from gpmirror.cli.console import Console, report
from gpmirror.cli.many import show_table
from gpmirror.cli.wiring import default_spec, read_spec
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import ExitCode, InvalidInput, Unreadable, Usage

if TYPE_CHECKING:
    from gpmirror.spec.model import Spec

Output = Literal["human", "expand", "json", "github", "sarif"]


def command(
    ctx: typer.Context,
    specs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SPEC",
            help="Specs, - for stdin; left out: GPMIRROR_SPEC, else gpmirror.yaml here or above.",
        ),
    ] = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="Print the spec with ranges and defaults written out.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Print the findings as GitHub annotations.")
    ] = False,
    sarif: Annotated[
        bool, typer.Option("--sarif", help="Print the findings as SARIF 2.1.0.")
    ] = False,
) -> ExitCode:
    """Check specs and report every problem in one run."""
    console: Console = ctx.obj
    output = _chosen_output(expand=expand, json=json, github=github, sarif=sarif)
    sound: list[tuple[str, Spec]] = []
    problems: list[Diagnostic] = []
    unreadable: list[Unreadable] = []
    files = specs or [default_spec(console)]
    read = [(file, _load(file)) for file in files]
    for file, found in read:
        match found:
            case InvalidInput():
                problems += found.diagnostics
            case Unreadable():
                unreadable.append(found)
            case _:
                sound.append((file, found))
    if output == "human" and len(files) > 1:
        _show_table(read, console)
        console.remarks(_remarks(sound))
        console.problems(problems)
    else:
        _print(output, sound, problems, console)
    for error in unreadable:
        report(error, console)
    return ExitCode.INVALID if problems or unreadable else ExitCode.OK


def _show_table(
    read: "list[tuple[str, Spec | InvalidInput | Unreadable]]", console: Console
) -> None:
    from gpmirror.layouts import Trouble
    from gpmirror.render.compare import Row, Table

    def row(file: str, found: "Spec | InvalidInput | Unreadable") -> Row:
        if isinstance(found, InvalidInput | Unreadable):
            words = Trouble.of(found).message
            return Row(spec=file, exit_code=found.exit_code, words=words)
        return Row(spec=file, exit_code=ExitCode.OK, words=f"ok ({_gist(found)})")

    show_table(Table(heads=("result",), rows=tuple(row(*one) for one in read)), console)


def _chosen_output(*, expand: bool, json: bool, github: bool, sarif: bool) -> Output:
    asked: dict[Output, bool] = {"expand": expand, "json": json, "github": github, "sarif": sarif}
    chosen = [output for output, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        names = " and ".join(f"--{output}" for output in chosen)
        raise Usage(f"{names} do not go together", hint="ask for one of them")
    return chosen[0] if chosen else "human"


def _load(file: str) -> "Spec | InvalidInput | Unreadable":
    try:
        return read_spec(file)
    except (InvalidInput, Unreadable) as error:
        return error


def _print(
    output: Output,
    sound: "list[tuple[str, Spec]]",
    problems: list[Diagnostic],
    console: Console,
) -> None:
    match output:
        case "human":
            console.page("".join(f"{file}: ok ({_gist(spec)})\n" for file, spec in sound))
            console.remarks(_remarks(sound))
            console.problems(problems)
        case "expand":
            from gpmirror.spec.writing import expanded_text

            console.data("---\n".join(expanded_text(spec) for _, spec in sound))
            console.problems(problems)
        case "json" | "github" | "sarif":
            console.data(_machine_text(output, [*problems, *_remarks(sound)]))
        case _:
            assert_never(output)


def _remarks(sound: "list[tuple[str, Spec]]") -> list[Diagnostic]:
    """What is no fault of a spec, but must be known."""
    from gpmirror.placement.racks import rack_remarks

    return [found for _, spec in sound for found in rack_remarks(spec)]


def _machine_text(output: Literal["json", "github", "sarif"], problems: list[Diagnostic]) -> str:
    from gpmirror.render.diagnostics import diagnostics_github, diagnostics_json, diagnostics_sarif
    from gpmirror.spec.codes import CODES

    match output:
        case "json":
            return diagnostics_json(problems)
        case "github":
            return diagnostics_github(problems)
        case "sarif":
            from gpmirror.placement.codes import CODES as PLACEMENT_CODES

            return diagnostics_sarif(problems, {**CODES, **PLACEMENT_CODES})
        case _:
            assert_never(output)


def _gist(spec: "Spec") -> str:
    """The spec in a few words: `4 hosts, group, offset 1000`."""
    from gpmirror.spec.model import Offset, Strategy

    hosts = f"{len(spec.hosts)} host{'s' if len(spec.hosts) != 1 else ''}"
    strategy = spec.strategy.value
    if spec.strategy is Strategy.BLOCK:
        strategy = f"block of {spec.block_size}"
    match spec.ports:
        case Offset(offset):
            ports = f"offset {offset}"
        case bases:
            ports = f"mirror base {bases.mirror_base}"
    return f"{hosts}, {strategy}, {ports}"
