"""The waves for a terminal: native runs, what is exposed meanwhile, and how few waves can be."""

from collections.abc import Sequence

from gpmirror.cluster.counting import counted, ranges
from gpmirror.events.durations import about_text
from gpmirror.plan.model import Action, NativeRun, Plan, Step, Wave, WaveExposure
from gpmirror.plan.pace import stopping_left, stopping_seconds
from gpmirror.render.copying import copy_time
from gpmirror.render.marks import MARKS
from gpmirror.render.native import command_text
from gpmirror.render.prose import heading, paragraph
from gpmirror.render.quantities import first_few, size_text
from gpmirror.render.slots import slot_text
from gpmirror.render.spans import BLANK, Line, Span, Style, columns_of, line
from gpmirror.simulate.phrases import without_copy

FULL_LIST = 12
"""Up to so many waves are all shown."""
FIRST = 5
"""So many of a longer list are shown; the rest is counted."""
STOP_OVERS = 4
"""So many temporary slots of a wave are shown; the rest is counted."""


def waves_section(plan: Plan, *, width: int) -> list[Line]:
    """Every wave, or the first few and how many more; nothing for a plan without waves."""
    if not plan.waves:
        return []
    shown = plan.waves if len(plan.waves) <= FULL_LIST else plan.waves[:FIRST]
    exposures = {found.wave: found for found in plan.exposure.waves}
    lines = heading(counted(len(plan.waves), "wave").capitalize())
    for wave in shown:
        lines += _wave(plan, wave, exposures.get(wave.number), width=width)
    if len(plan.waves) > len(shown):
        rest = counted(len(plan.waves) - len(shown), "wave")
        lines += paragraph(f"... {rest} not listed here; {_HOW}", width=width, hang=2)
    return [*lines, BLANK, *_totals(plan, width=width)]


_HOW = "`gpmirror show PLAN --format native` prints every file, `--format json` everything"


def fewest_waves(plan: Plan) -> str:
    """How the number of waves of copies compares with what the limits allow; empty without any."""
    planned = sum(wave.action in {Action.MOVE, Action.RECOVER} for wave in plan.waves)
    if not planned:
        return ""
    bound, depth = plan.exposure.bound, plan.exposure.depth
    return f"most waves needed: {bound} (König bound) + depth {depth}, planned {planned}"


def exposed_text(found: WaveExposure, dead: Sequence[int] | None, stopping: int = 0) -> str:
    """Which contents have one live copy in a wave and for how long, what the worst host would cost;
    `dead` have none, before, in and after it. `stopping` seconds pass before anything is copied.
    """
    single = ranges(found.single) if found.single else "none"
    others = f" (and {found.already_single} not in this wave)" if found.already_single else ""
    none = f"{without_copy(dead)}; " if dead else ""
    return f"one live copy: {single}{others}; {none}{_worst(found)}; {_copied(found, stopping)}"


def _copied(found: WaveExposure, stopping: int) -> str:
    if found.catching_up:
        return "fetches only what changed, for how long is unknown"
    if found.bytes is None or found.seconds is None:
        return "size unknown"
    if not found.bytes:
        return "nothing is copied"
    return f"{size_text(found.bytes)}, {about_text(found.seconds + stopping)}"


def at_once_text(plan: Plan) -> str:
    """The most contents with one live copy at once, and what the worst host would cost then."""
    single = counted(plan.exposure.most_single, "content")
    cost = counted(plan.exposure.most_lost_with_one_host, "content")
    dead = plan.exposure.none
    none = f", and {without_copy(dead)}" if dead else ""
    return (
        f"at once {single} at most with one live copy{none}; "
        f"losing the worst host then would cost {cost}"
    )


def _worst(found: WaveExposure) -> str:
    cost = f"would cost at most {counted(found.worst_host_loses, 'content')}"
    where = "" if found.worst_host is None else f" (e.g. {found.worst_host})"
    return f"losing any one host {cost}{where}"


def _wave(plan: Plan, wave: Wave, found: WaveExposure | None, *, width: int) -> list[Line]:
    lines: list[Line] = [BLANK, *_title(wave, width=width)]
    for action in _host_actions(wave):
        lines += paragraph(action, width=width, indent=4, hang=2)
    for run in wave.native:
        lines += _native(run, width=width)
    for text in _stop_overs(wave):
        lines += paragraph(text, width=width, indent=4, hang=2)
    if found is not None:
        text = exposed_text(found, plan.exposure.none, stopping_seconds(wave))
        lines += paragraph(text, width=width, indent=4, hang=2)
    return lines


def _title(wave: Wave, *, width: int) -> list[Line]:
    """Number, action and contents; contents that do not fit beside follow below."""
    title = (Span(f"  wave {wave.number}  ", Style.STRONG), MARKS[wave.action].span)
    count, named = counted(len(wave.contents), "content"), ranges(wave.contents)
    full = (*title, *line(f": {count} ({named})"))
    if columns_of(full) <= width:
        return [full]
    below = paragraph(f"content {named}", width=width, indent=4, hang=2)
    return [(*title, *line(f": {count}")), *below]


def _native(run: NativeRun, *, width: int) -> list[Line]:
    lines = paragraph(f"$ {command_text(run)}", width=width, indent=4, hang=4, style=Style.STRONG)
    if run.file_name is not None and run.file_text is not None:
        size = counted(len(run.file_text.splitlines()), "line")
        lines += paragraph(f"file {run.file_name}: {size}", width=width, indent=4, hang=2)
    return lines


def _host_actions(wave: Wave) -> list[str]:
    if not wave.host_actions:
        return []
    hosts = sorted({found.host for found in wave.host_actions})
    return [f"first {counted(len(wave.host_actions), 'host action')} on {first_few(hosts)}"]


def _stop_overs(wave: Wave) -> list[str]:
    texts = [_temporary(step) for step in wave.steps if step.temporary]
    if len(texts) <= STOP_OVERS:
        return texts
    rest = counted(len(texts) - STOP_OVERS, "temporary slot")
    return [*texts[:STOP_OVERS], f"... {rest} not listed here; {_HOW}"]


def _temporary(step: Step) -> str:
    place = "" if step.to is None else f" {slot_text(step.to)}"
    return f"content {step.content} stops over at temporary slot{place} (breaks a cycle of slots)"


def _totals(plan: Plan, *, width: int) -> list[Line]:
    found = plan.exposure
    sentences = (
        at_once_text(plan),
        copy_time(found, stopping_left(plan)),
        fewest_waves(plan),
        _COMMITS if any(wave.action is Action.MOVE for wave in plan.waves) else "",
    )
    lines: list[Line] = []
    for sentence in filter(None, sentences):
        lines += paragraph(sentence, width=width, hang=2)
    return lines


_COMMITS = (
    "a move stops the old mirror first: commits to its content wait until the server notices "
    "(about a minute)"
)
