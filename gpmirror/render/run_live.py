"""The live area of a run: what is going on now, in lines that fit the terminal at hand."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.cluster.counting import counted, elapsed_text, ranges, remaining_text
from gpmirror.events import Progress, Stakes, WaveStarted
from gpmirror.render.quantities import size_text
from gpmirror.render.run_bars import (
    Row,
    bar_lines,
    bytes_text,
    clipped,
    content_row,
    host_row,
    part_of,
)
from gpmirror.render.run_pace import Copy, Pace, pace
from gpmirror.render.spans import Line, Span, Style, line, styled
from gpmirror.simulate.phrases import without_copy

MOST_BARS = 12
"""Up to so many contents have a bar each; more are shown by host."""
_AROUND = 4
"""Lines of the live area besides bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a wave stands: its newest report, its copies with their pace, how it began."""

    report: Progress
    copies: tuple[Copy, ...]
    started: WaveStarted | None


def phase_lines(phase: str, seconds: float, *, width: int) -> list[Line]:
    """A phase that goes on: `preflight ... 12s`."""
    return [clipped(line("  ", styled(f"{phase} ...", Style.STRONG), _since(seconds)), width)]


def wave_lines(
    standing: Standing, *, since: float, width: int, height: int, color: bool
) -> list[Line]:
    """A wave's bars, then where the wave stands; `since` seconds have passed since the report."""
    bars = bar_lines(_rows(standing.copies, height - _AROUND), width=width, color=color)
    lines = [*bars, clipped((Span("  "), *standing_line(standing, since=since)), width)]
    if told := stakes_text(standing.report.stakes):
        lines.append(clipped(line("  ", styled(told, Style.CARE)), width))
    if standing.report.trouble:
        lines.append(clipped(line("  ", styled(standing.report.trouble, Style.CARE)), width))
    return lines


def standing_line(standing: Standing, *, since: float = 0.0) -> Line:
    """`wave 1 of 3  2 of 4 in sync  61% of 1.1 TB  5 min left  84.0 MB/s in all  ...`."""
    report, found = standing.report, standing.copies
    together = pace(found)
    words = (
        f"{sum(copy.is_synced for copy in found)} of {len(found)} in sync",
        elapsed_text(int(report.seconds + since)),
        _share(together),
        _left(together, standing, report.seconds + since),
        f"{size_text(int(together.rate))}/s in all" if together.rate else "",
        _utility(report.utility_running, standing.started),
    )
    wave = styled(f"wave {report.wave} of {report.waves}", Style.STRONG)
    return line(wave, *(f"  {word}" for word in words if word))


def stakes_text(found: Stakes | None) -> str:
    """`losing sdw1 now would cost 2 contents; one live copy: 3 contents (0, 3, 5)`."""
    if found is None:
        return ""
    parts = []
    if found.worst_host is not None:
        loss = counted(found.worst_host_loses, "content")
        parts.append(f"losing {found.worst_host} now would cost {loss}")
    if found.none:
        parts.append(without_copy(found.none))
    if found.single:
        contents = f"{counted(len(found.single), 'content')} ({ranges(found.single, most=6)})"
        parts.append(f"one live copy: {contents}")
    return "; ".join(parts)


def _since(seconds: float) -> str:
    return f"  {elapsed_text(int(seconds))}" if seconds >= 1 else ""


def _left(together: Pace, standing: Standing, seconds: float) -> str:
    """How long the wave still takes: as measured, else as planned."""
    if together.rate:
        return f"{remaining_text(together.left)} left" if together.left else ""
    planned = standing.started.seconds if standing.started and standing.started.bytes else None
    if planned is None or not standing.report.utility_running or seconds >= planned:
        return ""
    return f"{remaining_text(planned - seconds)} left, as planned"


def _share(found: Pace) -> str:
    part = part_of(found)
    if part is None or found.total is None:
        return bytes_text(found)
    return f"{int(part * 100)}% of {size_text(found.total)}"


def _utility(running: bool | None, started: WaveStarted | None) -> str:  # noqa: FBT001 - a state
    name = "utility" if started is None else started.utility
    match running:
        case None:
            return f"{name}: not known"
        case True:
            return f"{name} running"
        case False:
            return f"{name} ended"


def _rows(found: Sequence[Copy], most: int) -> list[Row]:
    if len(found) <= min(MOST_BARS, max(most, 1)):
        return [content_row(copy) for copy in found]
    hosts: dict[str, list[Copy]] = {}
    for copy in found:
        hosts.setdefault(copy.report.host or "elsewhere", []).append(copy)
    if len(hosts) == 1 and "elsewhere" in hosts:
        return [host_row(counted(len(found), "content"), list(found))]
    return _unfinished_first(hosts, most)


def _unfinished_first(hosts: dict[str, list[Copy]], most: int) -> list[Row]:
    """As many hosts as there is room for, those with work left first; the rest is counted."""
    if len(hosts) <= most:
        return [host_row(host, copies) for host, copies in hosts.items()]
    done = [all(copy.is_synced for copy in copies) for copies in hosts.values()]
    order = [host for _, host in sorted(zip(done, hosts, strict=True), key=lambda pair: pair[0])]
    shown, rest = order[: max(most - 1, 1)], order[max(most - 1, 1) :]
    others = [copy for host in rest for copy in hosts[host]]
    last = host_row(f"{counted(len(rest), 'other host')}", others)
    return [*(host_row(host, hosts[host]) for host in shown), last]
