"""Pictures for the README and the pages, as SVG: a plan and strategies as they are drawn, and a terminal
with `plan`, the question of `apply`, and its progress.

The program writes them itself, with colours: the plan of an example, and a run of it whose events
are fixed. The same program, the same bytes.
"""

import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from html import escape
from pathlib import Path

from gpmirror.cli.main import main
from gpmirror.events import (
    ContentProgress,
    Event,
    NativeEnded,
    PhaseDone,
    Progress,
    RunStarted,
    Stakes,
    WaveDone,
    WaveStarted,
)
from gpmirror.plan.planfile import plan_id, read_plan
from gpmirror.render.progress import RunView
from gpmirror.render.run import preview, question

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "block-of-4"
COLUMNS = 110

_GB = 10**9
_CELL, _LINE, _SIZE = 8.4, 19, 14
_EDGE, _BAR = 18, 38
_FONT = (
    "ui-monospace, 'SFMono-Regular', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', "
    "'Liberation Mono', monospace"
)
_SHELL = "\x1b[32m$\x1b[0m "
_WORDS = re.compile(r"\S+(?: \S+)*")
"""What stands together; wider gaps are left to the cells, because not every viewer keeps them."""
_CODES = re.compile(r"\x1b\[(\d*)m")
_FILLS = {"42": "#3fb950", "100": "#30363d"}
_STYLE = f"""\
text {{ font: {_SIZE}px {_FONT}; fill: #d1d7e0 }}
.title {{ fill: #9198a1; font-size: 13px; }}
.s1 {{ fill: #ffffff; font-weight: 700; }}
.s2 {{ fill: #9198a1; }}
.s31 {{ fill: #ff7b72; font-weight: 700; }}
.s32 {{ fill: #56d364; }}
.s33 {{ fill: #e3b341; }}
.s36 {{ fill: #76e3ea; }}"""


def plan_screen() -> str:
    """`gpmirror plan` over the example."""
    with _example():
        return _svg("gpmirror plan", f"{_SHELL}gpmirror plan --catalog catalog.txt\n{_planned()}")


def layout_picture() -> str:
    """The picture of the example's plan."""
    with _example():
        return _planned("--format", "svg")


def whatif_picture() -> str:
    """What other strategies would mean for it."""
    with _example():
        return _printed("whatif", "--catalog", "catalog.txt", "--format", "svg")


def groups_picture() -> str:
    """Which hosts of it may be down together."""
    with _example():
        return _printed("maintenance", "--catalog", "catalog.txt", "--format", "svg")


def question_screen() -> str:
    """What `gpmirror apply` shows before it asks, and the question, answered."""
    with _example() as folder:
        _planned("-o", "plan.json")
        plan = read_plan((folder / "plan.json").read_bytes(), "plan.json")
    shown = preview(plan, server="gpadmin@mdw:5432", width=COLUMNS, color=True)
    return _svg(
        "gpmirror apply", f"{_SHELL}gpmirror apply plan.json\n{shown}\n{question(plan)} yes\n"
    )


def progress_screen() -> str:
    """The run of that plan in the middle of its last wave."""
    with _example() as folder:
        _planned("-o", "plan.json")
        plan = read_plan((folder / "plan.json").read_bytes(), "plan.json")
    view, text = RunView(color=True, width=COLUMNS), ""
    for event in _run(plan_id(plan), plan.cluster):
        view = view.after(event)
        text += view.stays(event)
    return _svg("gpmirror apply", text + "\n".join(view.live(since=2.0, width=COLUMNS, height=24)))


def _run(plan: str, cluster: str) -> Iterator[Event]:
    """A run as it is told, up to the middle of its second wave."""
    run = "20260301T213004Z-5e1f9c"
    yield RunStarted(
        run=run, plan_id=plan, cluster=cluster, changes=3, waves=2, rehearsal=False, resumed=False
    )
    yield PhaseDone(phase="lock", detail="acquired, held until this run ends", seconds=0.1)
    yield PhaseDone(phase="observe", detail="49 rows, no competing work", seconds=1.4)
    yield PhaseDone(phase="preflight", detail="118 checks on 7 hosts", seconds=2.2)
    yield PhaseDone(phase="host-actions", detail="1 parent directory on 1 host", seconds=0.3)
    first, second = (_wave(1, (1, 11), run), _wave(2, (3,), run))
    yield first
    yield NativeEnded(wave=1, utility="gprecoverseg", status=0, seconds=1631.0)
    yield WaveDone(
        wave=1,
        waves=2,
        seconds=1644.0,
        bytes=168 * _GB,
        bytes_left=84 * _GB,
        rate=103_000_000,
        seconds_left=815,
        syncing=13.0,
    )
    yield second
    for seconds, done in ((300.0, 24 * _GB), (310.0, 25 * _GB)):
        yield Progress(
            wave=2,
            waves=2,
            seconds=seconds,
            utility_running=True,
            contents=(
                ContentProgress(
                    content=3, state="single", done=done, total=84 * _GB, host="sdw3", arrived=True
                ),
            ),
            stakes=Stakes(single=(3,), worst_host="sdw2", worst_host_loses=1),
        )


def _wave(number: int, contents: tuple[int, ...], run: str) -> WaveStarted:
    return WaveStarted(
        wave=number,
        waves=2,
        action="move",
        contents=contents,
        utility="gprecoverseg",
        log=f"mdw:~/.gpmirror/runs/{run}/wave-00{number}-gprecoverseg.log",
        worst_host="sdw4" if number == 1 else "sdw2",
        worst_host_loses=1,
        worst_hosts=("sdw4" if number == 1 else "sdw2",),
        hosts=4,
        bytes=84 * _GB * len(contents),
        seconds=1740 if number == 1 else 875,
        rate=100_000_000 if number == 1 else 103_000_000,
        rate_assumed=number == 1,
        stopping=60,
    )


@contextmanager
def _example() -> Iterator[Path]:
    """Work in a copy of the example."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / EXAMPLE.name
        shutil.copytree(EXAMPLE, folder)
        with chdir(folder):
            yield folder


def _planned(*more: str) -> str:
    """What `gpmirror plan` prints on a terminal with colours."""
    return _printed("plan", "--catalog", "catalog.txt", *more)


def _printed(*arguments: str) -> str:
    """What a command prints on a terminal with colours."""
    shown = {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "NO_COLOR": ""}
    before = {name: os.environ.get(name) for name in shown}
    output = io.StringIO()
    try:
        os.environ.update(shown)
        with redirect_stdout(output), redirect_stderr(io.StringIO()):
            main([*arguments])
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return output.getvalue()


def _svg(title: str, text: str) -> str:
    """A terminal window with this text. Each run of characters is as wide as its cells, whatever
    font there is.
    """
    lines = text.rstrip("\n").split("\n")
    width = round(2 * _EDGE + COLUMNS * _CELL)
    height = _BAR + len(lines) * _LINE + _EDGE
    body = [part for at, found in enumerate(lines) for part in _row(found, at)]
    dots = [
        f'<circle cx="{20 + 20 * at}" cy="19" r="6" fill="{fill}"/>'
        for at, fill in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    ]
    size = f'width="{width}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width} {height}" role="img">',
            f"<title>{escape(title)} in a terminal</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect {size} rx="10" fill="#0d1117"/>',
            *dots,
            f'<text class="title" x="{width / 2:g}" y="23" text-anchor="middle">{escape(title)}</text>',
            *body,
            "</svg>\n",
        ]
    )


def _row(found: str, at: int) -> Iterator[str]:
    """The pieces of a line, each in its style and its cells."""
    column, style = 0, ""
    top = _BAR + at * _LINE
    for number, piece in enumerate(_CODES.split(found)):
        if number % 2:
            style = "" if piece == "0" else piece
            continue
        if fill := _FILLS.get(style):
            box = f'x="{_x(column)}" y="{top + 3}" width="{len(piece) * _CELL:g}"'
            yield f'<rect {box} height="{_LINE - 5}" fill="{fill}"/>'
        else:
            for words in _WORDS.finditer(piece):
                yield _text(words.group(), column + words.start(), top, style)
        column += len(piece)


def _text(words: str, column: int, top: int, style: str) -> str:
    kind = f' class="s{style}"' if style else ""
    wide = f'textLength="{len(words) * _CELL:.5g}" lengthAdjust="spacingAndGlyphs"'
    return f'<text{kind} x="{_x(column)}" y="{top + 15}" {wide}>{escape(words)}</text>'


def _x(column: int) -> str:
    return f"{_EDGE + column * _CELL:.6g}"


SCREENS = {
    "docs/images/layout.svg": layout_picture,
    "docs/images/whatif.svg": whatif_picture,
    "docs/images/plan.svg": plan_screen,
    "docs/images/maintenance.svg": groups_picture,
    "docs/images/apply.svg": question_screen,
    "docs/images/progress.svg": progress_screen,
}
"""File below the repository -> its text."""
