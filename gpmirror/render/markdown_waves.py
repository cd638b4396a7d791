"""The waves of a plan as folded parts of a Markdown comment, native files included."""

from gpmirror.cluster.counting import counted, ranges
from gpmirror.plan.model import NativeRun, Plan, Wave, WaveExposure
from gpmirror.plan.pace import stopping_seconds
from gpmirror.render.human_waves import exposed_text, made_texts
from gpmirror.render.markdown_text import code, escaped, fenced, folded_away
from gpmirror.render.native import command_text


def wave_blocks(plan: Plan) -> list[list[str]]:
    """One folded part a wave: exposure, command lines, host actions and files."""
    exposures = {found.wave: found for found in plan.exposure.waves}
    return [_block(plan, wave, exposures.get(wave.number)) for wave in plan.waves]


def _block(plan: Plan, wave: Wave, exposure: WaveExposure | None) -> list[str]:
    contents = f"{counted(len(wave.contents), 'content')} ({ranges(wave.contents)})"
    lines = []
    if exposure is not None:
        told = exposed_text(exposure, plan.exposure.none, stopping_seconds(wave))
        lines = [escaped(told), ""]
    for text in made_texts([wave]):
        lines += [f"First {escaped(text)}.", ""]
    for run in wave.native:
        lines += _run(run)
    return folded_away(f"wave {wave.number}: {wave.action.value} {contents}", lines)


def _run(run: NativeRun) -> list[str]:
    lines = [*fenced(command_text(run)), ""]
    if run.file_name is None or run.file_text is None:
        return lines
    return [*lines, f"{code(run.file_name)}:", "", *fenced(run.file_text), ""]
