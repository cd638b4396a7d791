"""A plan as the native utilities get it: the exact files, and the command lines around them."""

import shlex

from gpmirror.plan.model import NativeRun, Plan

COMMANDS_FILE = "commands.txt"
"""The file beside the native files that lists every command line."""


def plan_native(plan: Plan) -> str:
    """One file: its bytes alone. Several runs: each file after a line `# wave N FILE`; a run
    without a file is a line `# wave N` and its command as a comment. No changes: empty.
    """
    runs = _runs(plan)
    if len(runs) == 1 and runs[0][1].file_text is not None:
        return runs[0][1].file_text
    return "".join(_section(number, run) for number, run in runs)


def native_files(plan: Plan) -> dict[str, str]:
    """File name -> text of every native file, and `commands.txt`; empty without changes."""
    runs = _runs(plan)
    if not runs:
        return {}
    files = {
        run.file_name: run.file_text
        for _, run in runs
        if run.file_name is not None and run.file_text is not None
    }
    return {**files, COMMANDS_FILE: _commands(plan)}


def command_text(run: NativeRun) -> str:
    """The command line, quoted for a shell."""
    return shlex.join(run.argv)


def _runs(plan: Plan) -> list[tuple[int, NativeRun]]:
    return [(wave.number, run) for wave in plan.waves for run in wave.native]


def _section(number: int, run: NativeRun) -> str:
    if run.file_name is None or run.file_text is None:
        return f"# wave {number}\n# {command_text(run)}\n"
    return f"# wave {number} {run.file_name}\n{run.file_text}"


def _commands(plan: Plan) -> str:
    """Every wave's command lines; the comments say what is done first and how waves follow."""
    lines = ["# one wave after the other; wait until all contents are in sync before the next"]
    for wave in plan.waves:
        contents = ",".join(str(content) for content in wave.contents)
        lines.append(f"# wave {wave.number}: {wave.action.value} content {contents}")
        lines += [
            f"# first, on {found.host}: {found.action} {shlex.quote(found.path)} mode {found.mode}"
            for found in wave.host_actions
        ]
        lines += [command_text(run) for run in wave.native]
    return "\n".join(lines) + "\n"
