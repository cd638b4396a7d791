"""The waves of a plan for a terminal, and the files and command lines the native utilities get."""

import shlex
from collections.abc import Collection, Iterable, Sequence

from gpmirror.model.names import natural, one_expression
from gpmirror.model.text import about_text, counted, ranges, remaining_text, size_text
from gpmirror.plan.model import Action, Exposure, NativeRun, Plan, Wave, WaveExposure
from gpmirror.plan.timing import NO_WAITS, Waits, waits_of
from gpmirror.render.folding import Fold, stop_overs
from gpmirror.render.text import MARKS, Line, Span, Style, folded, heading, line, paragraph, styled
from gpmirror.simulate.surveys import without_copy
from gpmirror.values import dataclass

# --- How much is copied and how long that takes, in words; the rate is always said.


def waited_for(waits: Waits) -> str:
    """What the fault prober has to see, in words."""
    return "old mirrors count as down" + (" and new ones as in sync" if waits.settling else "")


def copy_time(found: Exposure, waits: Waits = NO_WAITS) -> str:
    """What the whole plan copies and for how long; empty where it copies nothing."""
    whole = "size unknown, so the copy time is unknown too" if found.bytes is None else ""
    if found.bytes and found.seconds is not None:
        seconds = waits.seconds
        more = f" and {about_text(seconds)} until {waited_for(waits)}" if seconds else ""
        whole = (
            f"{size_text(found.bytes)} to copy (an estimate: databases without WAL), "
            f"{about_text(found.seconds + seconds)} assuming that a host sends and receives "
            f"{size_text(found.rate)}/s{more}; measured from the first wave on"
        )
    caught_up = ""
    if found.catching_up:
        ways = "recovery" if found.catching_up == 1 else "recoveries"
        caught_up = f"{found.catching_up:,} incremental {ways}, size unknown"
    return "; ".join(part for part in (whole, caught_up) if part)


def wave_copies(found: WaveExposure) -> str:
    """`1.0 TB`, `nothing`, `unknown`, `what changed`: what a wave copies, in a column."""
    if found.catching_up:
        return "what changed"
    if found.bytes is None:
        return "unknown"
    return size_text(found.bytes) if found.bytes else "nothing"


def wave_time(found: WaveExposure, waiting: int = 0) -> str:
    """`2 h 47 min`, `unknown`, nothing where nothing is copied: how long a wave takes, about, with
    the seconds that it waits.
    """
    if found.catching_up or found.seconds is None:
        return "unknown"
    return remaining_text(found.seconds + waiting) if found.bytes else ""


# --- A plan as the native utilities get it: the exact files, and the command lines around them.


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
    return {**files, COMMANDS_FILE: _commands_file(plan)}


def command_text(run: NativeRun) -> str:
    """The command line, quoted for a shell."""
    return shlex.join(run.argv)


def _runs(plan: Plan) -> list[tuple[int, NativeRun]]:
    return [(wave.number, run) for wave in plan.waves for run in wave.native]


def _section(number: int, run: NativeRun) -> str:
    if run.file_name is None or run.file_text is None:
        return f"# wave {number}\n# {command_text(run)}\n"
    return f"# wave {number} {run.file_name}\n{run.file_text}"


def _commands_file(plan: Plan) -> str:
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


# --- The waves for a terminal: what runs, what is exposed meanwhile, and how few waves can be.


SINGLY = 12
"""Up to so many waves have a line each; of more, waves that do the same share one."""

_MOST_RANGES = 6
_HEAD = ("wave", "action", "contents", "to copy", "time", "unmirrored", "host loss costs")
_NUMBERS = frozenset({0, 5})


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLine:
    """One wave, or waves in a row that do the same."""

    waves: tuple[Wave, ...]
    exposures: tuple[WaveExposure, ...]

    @property
    def numbers(self) -> str:
        """`3`, `3-9`."""
        first, last = self.waves[0].number, self.waves[-1].number
        return str(first) if first == last else f"{first}-{last}"


def waves_section(plan: Plan, *, width: int, verbose: bool = False) -> list[Line]:
    """Every wave; nothing for a plan without waves."""
    if not plan.waves:
        return []
    found = wave_lines(plan, verbose=verbose)
    rows = [
        tuple(line(styled(word, Style.FAINT)) for word in _HEAD),
        *(_row(one, plan) for one in found),
    ]
    if all(one.bytes is None for one in plan.exposure.waves):
        rows = [(*row[:3], (), (), *row[5:]) for row in rows]
    table = folded(rows, width=width - 2, lead=2, numbers=_NUMBERS)
    lines = [*heading(waves_title(plan)), *((Span("  "), *one) for one in table)]
    for one in found:
        lines += _steps(one, plan, width=width, verbose=verbose)
    lines += _stops(plan, width=width, verbose=verbose)
    if verbose and (told := derivation(plan)):
        lines += paragraph(told, width=width, hang=2)
    return lines


def wave_lines(plan: Plan, *, verbose: bool = False) -> list[WaveLine]:
    """Waves one by one; many of them, where their commands differ by a number only, together."""
    exposures = {found.wave: found for found in plan.exposure.waves}
    alone = verbose or len(plan.waves) <= SINGLY
    together: list[list[Wave]] = []
    for wave in plan.waves:
        if alone or not together or not _alike(together[-1], wave):
            together.append([])
        together[-1].append(wave)
    return [
        WaveLine(
            waves=tuple(found),
            exposures=tuple(exposures[w.number] for w in found if w.number in exposures),
        )
        for found in together
    ]


def waves_title(plan: Plan) -> str:
    """`Waves: 2 (minimum under apply.waves)`."""
    planned, least = _of_copies(plan), plan.exposure.bound
    if not planned:
        return f"Waves: {len(plan.waves):,}{_indivisible(plan)}"
    why = "minimum under apply.waves"
    if planned > least:
        why = f"{least:,} is the minimum under apply.waves; the others free places first"
    return f"Waves: {len(plan.waves):,} ({why})"


_ONE_RUN = {
    Action.ADD: "gpaddmirrors adds all mirrors in one run",
    Action.REBALANCE: "gprecoverseg -r returns all roles in one run",
}
"""What no limit divides."""


def _indivisible(plan: Plan) -> str:
    """Why one wave does all of it."""
    told = _ONE_RUN.get(plan.waves[0].action) if len(plan.waves) == 1 else None
    return "" if told is None else f" ({told})"


def derivation(plan: Plan) -> str:
    """How the number of waves of copies compares with what the limits allow; empty without any."""
    planned = _of_copies(plan)
    if not planned:
        told = _indivisible(plan).strip(" ()")
        return f"{told}: no limit of apply.waves divides it" if told else ""
    bound, depth = plan.exposure.bound, plan.exposure.depth
    return (
        f"waves of copies: {planned}; the limits alone allow {bound} (König bound), and the longest "
        f"chain of places that must be free first has {depth}"
    )


def exposed_text(found: WaveExposure, plan: Plan, waiting: int = 0) -> str:
    """Which contents have one live copy in a wave and for how long, what the worst host would cost.
    `waiting` seconds pass beside the copying.
    """
    dead = plan.exposure.none
    single = ranges(found.single) if found.single else "none"
    others = f" (and {found.already_single} not in this wave)" if found.already_single else ""
    none = f"{without_copy(dead)}; " if dead else ""
    return (
        f"without a synchronized mirror: {single}{others}; {none}{_worst(found, host_count(plan))}; "
        f"{_copied(found, waiting)}"
    )


def exposure_texts(plan: Plan) -> list[str]:
    """What is at stake while the plan runs, and for how long."""
    if not plan.waves:
        return []
    texts = (
        at_once_text(plan),
        copy_time(plan.exposure, waits_of(plan, plan.waves)),
        _COMMITS if any(wave.action is Action.MOVE for wave in plan.waves) else "",
    )
    return [text for text in texts if text]


def at_once_text(plan: Plan) -> str:
    """The most contents with one live copy at once, and what the worst host would cost then."""
    found = plan.exposure
    single = counted(found.most_single, "segment")
    none = f" ({without_copy(found.none)})" if found.none else ""
    return f"Peak exposure: {single} without a synchronized mirror{none}; {_worst_of(plan)}"


def _worst_of(plan: Plan) -> str:
    cost = plan.exposure.most_lost_with_one_host
    if not cost:
        return "losing any one host would lose none of them."
    wave = next(one for one in plan.exposure.waves if one.worst_host_loses == cost)
    return f"{_losing(wave, host_count(plan))} would lose {cost:,} of them."


def _losing(wave: WaveExposure, hosts: int) -> str:
    return losing_text(wave.worst_host, wave.worst_hosts, hosts)


def host_count(plan: Plan) -> int:
    """Hosts of the spec and of the catalog."""
    return len(plan.layout.during.hosts)


def losing_text(worst: str | None, alike: Collection[str], hosts: int) -> str:
    """`losing the worst host (sdw3)`; of several that cost as much none is the worst: `losing any one
    of sdw[1-3]`, and where that is all of the cluster's `hosts` in number `losing any one host`.
    """
    if len(alike) > 1:
        named = one_expression(sorted(alike, key=natural))
        return f"losing any one {'host' if len(alike) == hosts else f'of {named}'}"
    if hosts == 1 and worst is not None:
        return f"losing {worst}, the only host,"
    return "losing the worst host" + ("" if worst is None else f" ({worst})")


def _of_copies(plan: Plan) -> int:
    return sum(wave.action in {Action.MOVE, Action.RECOVER} for wave in plan.waves)


def _alike(together: list[Wave], wave: Wave) -> bool:
    """Whether the wave runs what those before it run, but for a number."""
    first = together[0]
    if first.action is not wave.action or len(first.native) != len(wave.native):
        return False
    return all(
        "," not in one_expression([command_text(run), command_text(other)])
        for run, other in zip(together[-1].native, wave.native, strict=True)
    )


def _row(found: WaveLine, plan: Plan) -> tuple[Line, ...]:
    lead = (line(found.numbers), (MARKS[found.waves[0].action].span,), line(_contents(found)))
    if not found.exposures or len(found.exposures) < len(found.waves):
        return (*lead, (), (), (), ())
    cost = max(one.worst_host_loses for one in found.exposures)
    # as in the peak above: with those that had one copy before
    single = max(len(one.single) + one.already_single for one in found.exposures)
    up_to = "up to " if len(found.waves) > 1 else ""
    return (
        *lead,
        line(_copies(found)),
        line(_time(found, plan)),
        line(f"{up_to}{single:,}"),
        line(f"up to {cost:,}" if cost else "none"),
    )


def _contents(found: WaveLine) -> str:
    contents = [content for wave in found.waves for content in wave.contents]
    if len(found.waves) > 1:
        most = max(len(wave.contents) for wave in found.waves)
        return f"{len(contents):,}, up to {most:,} each"
    return f"{len(contents):,} ({ranges(contents, most=_MOST_RANGES)})"


def _copies(found: WaveLine) -> str:
    if len(found.exposures) == 1:
        return wave_copies(found.exposures[0])
    if any(one.catching_up for one in found.exposures):
        return "what changed"
    sizes = [one.bytes for one in found.exposures]
    known = [size for size in sizes if size is not None]
    return size_text(sum(known)) if len(known) == len(sizes) else "unknown"


def _time(found: WaveLine, plan: Plan) -> str:
    waiting = waits_of(plan, found.waves).seconds
    if len(found.exposures) == 1:
        return wave_time(found.exposures[0], waiting)
    each = [one.seconds for one in found.exposures]
    known = [seconds for seconds in each if seconds is not None]
    if len(known) < len(each) or any(one.catching_up for one in found.exposures):
        return "unknown"
    return about_text(sum(known) + waiting)


def _steps(found: WaveLine, plan: Plan, *, width: int, verbose: bool) -> list[Line]:
    """What is done: directories made, the command lines as they stand in the plan."""
    texts = [
        f"first {one}" if not verbose else one for one in made_texts(found.waves, verbose=verbose)
    ]
    for runs in zip(*(wave.native for wave in found.waves), strict=False):
        texts += _commands(runs)
    lines: list[Line] = []
    for at, text in enumerate(texts):
        number = found.numbers if at == 0 else ""
        lines += paragraph(f"{number:>4}  {text}", width=width, hang=8, indent=2)
    if verbose and len(found.exposures) == 1:
        told = exposed_text(found.exposures[0], plan, waits_of(plan, found.waves).seconds)
        lines += paragraph(told, width=width, indent=8, hang=2)
    return lines


def made_texts(waves: Iterable[Wave], *, verbose: bool = False) -> list[str]:
    """The directories that are made before the utility starts; `verbose`: each."""
    made = [one for wave in waves for one in wave.host_actions]
    if not made:
        return []
    if verbose:
        return [f"{one.action} {one.host}:{one.path} mode {one.mode}" for one in made]
    paths: dict[str, set[str]] = {}
    named = all(one.host in one.path for one in made) and len({one.host for one in made}) > 1
    for one in made:
        path = one.path.replace(one.host, "{host}") if named else one.path
        paths.setdefault(one.host, set()).add(path)
    hosts: dict[tuple[str, ...], list[str]] = {}
    for host in sorted(paths, key=natural):
        hosts.setdefault(tuple(sorted(paths[host], key=natural)), []).append(host)
    told = (f"{one_expression(made)} on {one_expression(on)}" for made, on in hosts.items())
    return [f"make {'; '.join(told)}"]


def _commands(runs: Sequence[NativeRun]) -> list[str]:
    """`$ gpaddmirrors -a -i FILE`; of several waves with the number that differs as a range."""
    return [f"$ {one_expression([command_text(run) for run in runs])}"]


def _stops(plan: Plan, *, width: int, verbose: bool) -> list[Line]:
    found = stop_overs(plan, verbose=verbose)
    if not found:
        return []
    lines = paragraph("temporary places, which break a cycle of places:", width=width)
    for number, fold in found:
        lines += paragraph(_stop(number, fold), width=width, indent=4, hang=2)
    return lines


def _stop(number: int, fold: Fold) -> str:
    cells = (fold.hosts, fold.named, fold.ports, fold.replication, fold.address, fold.storage)
    return f"wave {number}: {'  '.join(cell for cell in cells if cell)}"


def _worst(found: WaveExposure, hosts: int) -> str:
    if not found.worst_host_loses:
        return "losing any one host would lose none"
    return f"{_losing(found, hosts)} would lose {found.worst_host_loses:,}"


def _copied(found: WaveExposure, waiting: int) -> str:
    if found.catching_up:
        return "incremental, size unknown"
    if found.bytes is None or found.seconds is None:
        return "size unknown"
    if not found.bytes:
        return "nothing is copied"
    return f"{size_text(found.bytes)}, {about_text(found.seconds + waiting)}"


_COMMITS = (
    "A move stops the old mirror first: commits to its segment wait until the server notices "
    "(about a minute)."
)
