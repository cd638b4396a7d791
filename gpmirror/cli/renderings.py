"""The forms a plan is printed and written in, and the files a run writes beside stdout."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from gpmirror.cli.console import WIDTH_OFF_TERMINAL, Console
from gpmirror.errors import Usage
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from gpmirror.plan.model import Plan


_ALONE = ("it becomes a mirror-only host", "they become mirror-only hosts")
_NOTHING = ("it gets no mirrors either", "they get no mirrors either")
VERBOSE_HELP = "Unfold: a line for each content, host and wave."


class PlanFormat(StrEnum):
    """What `--format` takes."""

    HUMAN = "human"
    JSON = "json"
    MD = "md"
    NATIVE = "native"
    HTML = "html"
    SVG = "svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The files asked for; `plan` and `json` hold the same bytes."""

    plan: str | None = None
    json: str | None = None
    md: str | None = None
    native: str | None = None
    html: str | None = None
    svg: str | None = None

    @property
    def files(self) -> Mapping[str, str]:
        """Flag -> file name, for what becomes a single file."""
        named = {
            "-o": self.plan,
            "--out-json": self.json,
            "--out-md": self.md,
            "--out-html": self.html,
            "--out-svg": self.svg,
        }
        return {flag: name for flag, name in named.items() if name is not None}

    @property
    def to_stdout(self) -> bool:
        """Whether one of them is stdout by another name."""
        from gpmirror.adapters.files import is_stdout

        return any(map(is_stdout, self.files.values()))


def chosen_format(form: PlanFormat, *, as_json: bool) -> PlanFormat:
    """What to print. Raises Usage: `--json` beside another format."""
    if as_json and form not in {PlanFormat.HUMAN, PlanFormat.JSON}:
        raise Usage(f"--json and --format {form.value} are two formats", hint="give one of them")
    return PlanFormat.JSON if as_json else form


def rendered(plan: "Plan", form: PlanFormat, console: Console, *, verbose: bool = False) -> str:
    """The plan in the form asked for; human text at the console's width and colour, `verbose` with
    a line for each content.
    """
    match form:
        case PlanFormat.HUMAN:
            from gpmirror.render.plan import plan_human

            return plan_human(plan, width=console.width, color=console.color, verbose=verbose)
        case PlanFormat.JSON:
            from gpmirror.plan.planfile import plan_text

            return plan_text(plan)
        case PlanFormat.MD:
            from gpmirror.render.markdown import plan_markdown

            return plan_markdown(plan)
        case PlanFormat.NATIVE:
            from gpmirror.render.waves import plan_native

            return plan_native(plan)
        case PlanFormat.HTML | PlanFormat.SVG:
            return _pictured(plan, form)
        case _:
            assert_never(form)


def _pictured(plan: "Plan", form: PlanFormat) -> str:
    from gpmirror.render.html import plan_html
    from gpmirror.render.svg import plan_svg

    return plan_html(plan) if form is PlanFormat.HTML else plan_svg(plan)


def show_plan(
    plan: "Plan",
    form: PlanFormat,
    console: Console,
    *,
    outputs: Outputs | None = None,
    verbose: bool = False,
) -> None:
    """Print the plan; text for people is fitted to a terminal, everything else is left alone.

    Where one of the files is stdout itself, people read on stderr: who gets that file, as in
    `-o /dev/stdout | jq`, gets nothing else.
    """
    if outputs is not None and outputs.to_stdout:
        from gpmirror.render.plan import plan_human

        talk = plan_human(plan, width=console.width, color=console.talk_color, verbose=verbose)
        console.talk(talk)
        return
    text = rendered(plan, form, console, verbose=verbose)
    if form is PlanFormat.HUMAN:
        console.page(text)
    else:
        console.data(text)


def tell_newcomers(plan: "Plan", console: Console) -> None:
    """Say which hosts the catalog does not know: a mistyped name would be one of them."""
    from gpmirror.model.text import hosts_named
    from gpmirror.plan.exposure import newcomers

    for names, become in zip(newcomers(plan), (_ALONE, _NOTHING), strict=True):
        if names:
            hold, they = ("holds", 0) if len(names) == 1 else ("hold", 1)
            console.talk(f"note: {hosts_named(names)} {hold} no segment yet: {become[they]}")


def check_outputs(outputs: Outputs, inputs: list[str], form: PlanFormat) -> None:
    """Raises Usage: an output that is also an input or another output, `-` for a file, or two
    texts on stdout.
    """
    if outputs.to_stdout and form is not PlanFormat.HUMAN:
        flag, name = next(iter(outputs.files.items()))
        raise Usage(
            f"{flag} {name} would mix with what --format {form.value} prints",
            hint="leave one of them out",
        )
    taken = {Path(name).resolve(): name for name in inputs if name != "-"}
    for flag, name in outputs.files.items():
        if name == "-":
            raise Usage(f"{flag} - would mix with what is printed", hint="use --format instead")
        clash = taken.get(Path(name).resolve())
        if clash is not None:
            raise Usage(f"{flag} {name} would overwrite {clash}", hint="name another file")
        taken[Path(name).resolve()] = f"{flag} {name}"


def write_outputs(plan: "Plan", outputs: Outputs, console: Console) -> None:
    """Write every file asked for and say so. Raises Failure: a file cannot be written."""
    from gpmirror.adapters.files import write_output

    forms = {
        "--out-md": PlanFormat.MD,
        "--out-html": PlanFormat.HTML,
        "--out-svg": PlanFormat.SVG,
    }
    for flag, name in outputs.files.items():
        text = rendered(plan, forms.get(flag, PlanFormat.JSON), console)
        write_output(name, text, force=True)
        console.talk(f"written: {name}")
    if outputs.native is not None:
        _write_native(plan, outputs.native, console)


def _write_native(plan: "Plan", folder: str, console: Console) -> None:
    from gpmirror.adapters.files import write_native_folder
    from gpmirror.render.waves import native_files

    files = native_files(plan)
    for stale in write_native_folder(folder, files):
        console.talk(f"removed, left by another plan: {stale}")
    for name in files:
        console.talk(f"written: {Path(folder) / name}")
    if not files:
        console.talk(f"no native files: {folder} holds none, the plan changes nothing")


# --- A folder for each of several specs, and what is said of all.


_FOLDER_FORMS = {
    "plan.json": PlanFormat.JSON,
    "plan.md": PlanFormat.MD,
    "plan.html": PlanFormat.HTML,
    "plan.svg": PlanFormat.SVG,
    "plan.txt": PlanFormat.HUMAN,
}
_NATIVE_FOLDER = "native"


def write_folder(plan: "Plan", folder: str, console: Console) -> None:
    """Every form of a plan under its usual name. Raises Failure: a file cannot be written."""
    from gpmirror.adapters.files import make_folder, write_native_folder, write_output
    from gpmirror.render.waves import native_files

    make_folder(folder)
    plainly = replace(console, color=False, width=WIDTH_OFF_TERMINAL)
    for name, form in _FOLDER_FORMS.items():
        write_output(str(Path(folder) / name), rendered(plan, form, plainly), force=True)
    write_native_folder(str(Path(folder) / _NATIVE_FOLDER), native_files(plan))


def clear_folder(folder: str) -> None:
    """Take away what an earlier plan left there: this time there is none. Raises Failure."""
    from gpmirror.adapters.files import remove_files, write_native_folder

    native = Path(folder) / _NATIVE_FOLDER
    if native.is_dir():
        write_native_folder(str(native), {})
    remove_files(folder, _FOLDER_FORMS)


def write_files(folder: str, texts: Mapping[str, str]) -> None:
    """Write texts under their names into a folder. Raises Failure."""
    from gpmirror.adapters.files import make_folder, write_output

    make_folder(folder)
    for name, text in texts.items():
        write_output(str(Path(folder) / name), text, force=True)
