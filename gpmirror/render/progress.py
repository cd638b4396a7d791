"""A run while it goes on: lines that stay, and the live area below them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from gpmirror.events import (
    Event,
    NativeEnded,
    NativeSaid,
    PhaseDone,
    PhaseStarted,
    Progress,
    Rehearsed,
    RunEnded,
    RunStarted,
    Stakes,
    WaveDone,
    WaveStarted,
)
from gpmirror.model.text import about_text, counted, elapsed_text, ranges, remaining_text, size_text
from gpmirror.render.bars import (
    CopyBar,
    CopyPace,
    LiveRow,
    bar_lines,
    bytes_text,
    clipped,
    content_row,
    copies,
    host_row,
    pace,
    part_of,
    with_report,
)
from gpmirror.render.text import BLANK, MARKS, Line, Span, Style, fitted, line, painted, styled
from gpmirror.render.waves import losing_text
from gpmirror.simulate.surveys import without_copy
from gpmirror.values import dataclass

# --- The live area of a run: what is going on now, in lines that fit the terminal at hand.


MOST_BARS = 12
"""Up to so many contents have a bar each; more are shown by host."""
_AROUND = 4
"""Lines of the live area besides bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveView:
    """Where a wave stands: its newest report, its copies with their pace, how it began."""

    report: Progress
    copies: tuple[CopyBar, ...]
    started: WaveStarted | None


def phase_lines(phase: str, seconds: float, *, width: int) -> list[Line]:
    """A phase that goes on: `preflight ... 12s`."""
    return [clipped(line("  ", styled(f"{phase} ...", Style.STRONG), _since(seconds)), width)]


def wave_lines(
    standing: WaveView, *, since: float, width: int, height: int, color: bool
) -> list[Line]:
    """A wave's bars, then where the wave stands; `since` seconds have passed since the report."""
    bars = bar_lines(_rows(standing.copies, height - _AROUND), width=width, color=color)
    lines = [*bars, clipped((Span("  "), *standing_line(standing, since=since)), width)]
    if told := stakes_text(standing.report.stakes):
        lines.append(clipped(line("  ", styled(told, Style.CARE)), width))
    if standing.report.trouble:
        lines.append(clipped(line("  ", styled(standing.report.trouble, Style.CARE)), width))
    return lines


def standing_line(standing: WaveView, *, since: float = 0.0) -> Line:
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


def _left(together: CopyPace, standing: WaveView, seconds: float) -> str:
    """How long the wave still takes: as measured, else as planned."""
    if together.rate:
        return f"{remaining_text(together.left)} left" if together.left else ""
    planned = standing.started.seconds if standing.started and standing.started.bytes else None
    if planned is None or not standing.report.utility_running or seconds >= planned:
        return ""
    return f"{remaining_text(planned - seconds)} left, as planned"


def _share(found: CopyPace) -> str:
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


def _rows(found: Sequence[CopyBar], most: int) -> list[LiveRow]:
    if len(found) <= min(MOST_BARS, max(most, 1)):
        return [content_row(copy) for copy in found]
    hosts: dict[str, list[CopyBar]] = {}
    for copy in found:
        hosts.setdefault(copy.report.host or "elsewhere", []).append(copy)
    if len(hosts) == 1 and "elsewhere" in hosts:
        return [host_row(counted(len(found), "content"), list(found))]
    return _unfinished_first(hosts, most)


def _unfinished_first(hosts: dict[str, list[CopyBar]], most: int) -> list[LiveRow]:
    """As many hosts as there is room for, those with work left first; the rest is counted."""
    if len(hosts) <= most:
        return [host_row(host, copies) for host, copies in hosts.items()]
    done = [all(copy.is_synced for copy in copies) for copies in hosts.values()]
    order = [host for _, host in sorted(zip(done, hosts, strict=True), key=lambda pair: pair[0])]
    shown, rest = order[: max(most - 1, 1)], order[max(most - 1, 1) :]
    others = [copy for host in rest for copy in hosts[host]]
    last = host_row(f"{counted(len(rest), 'other host')}", others)
    return [*(host_row(host, hosts[host]) for host in shown), last]


# --- Events as lines that stay: what a person reads above the live area, or in a log.


_OK = Span("ok", Style.ADD)
_PHASE_COLUMNS = 12
SPOKEN_FOR = frozenset({"confirm", "waves"})
"""Phases that need no lines of their own: a question is asked, or waves speak."""
_MOST_RANGES = 12


def said(event: Event) -> list[Line]:
    """The lines that stay of one event; none for what the live area or the ending shows."""
    match event:
        case RunStarted():
            return _run_started(event)
        case PhaseDone():
            return [] if event.phase in SPOKEN_FOR else [_phase_done(event)]
        case Rehearsed():
            return _rehearsed(event)
        case WaveStarted() | NativeSaid() | NativeEnded() | WaveDone():
            return _of_wave(event)
        case PhaseStarted() | Progress() | RunEnded():
            return []
        case _:
            assert_never(event)


def logged(event: Event) -> list[Line]:
    """The same for a log, where no live area shows what is going on."""
    if isinstance(event, PhaseStarted):
        return [] if event.phase in SPOKEN_FOR else [line(f"  .. {event.phase}")]
    return [found for found in said(event) if found]


def short_id(digest: str) -> str:
    """The first characters of a plan's id: enough to tell plans apart."""
    return digest[:12]


def _run_started(event: RunStarted) -> list[Line]:
    doing = "resuming " if event.resumed else ""
    if event.rehearsal:
        doing = "dry run, nothing is changed: "
    title = styled(f"{doing}plan {short_id(event.plan_id)} on {event.cluster}", Style.STRONG)
    amount = f"{counted(event.changes, 'change')} in {counted(event.waves, 'wave')}"
    return [line(title, f": {amount}"), line(styled(f"  run {event.run}", Style.FAINT))]


def _phase_done(event: PhaseDone) -> Line:
    took = styled(f"  {elapsed_text(event.seconds)}", Style.FAINT)
    return line("  ", _OK, f" {event.phase:<{_PHASE_COLUMNS}} {event.detail}".rstrip(), took)


def _of_wave(event: WaveStarted | NativeSaid | NativeEnded | WaveDone) -> list[Line]:
    match event:
        case WaveStarted():
            return _wave_started(event)
        case NativeSaid():
            return [_native_said(event)]
        case NativeEnded():
            return [_native_ended(event)]
        case WaveDone():
            return [_wave_done(event), *_to_come(event)]


def _wave_started(event: WaveStarted) -> list[Line]:
    count = counted(len(event.contents), "content")
    named = ranges(event.contents, most=_MOST_RANGES)
    title = styled(f"wave {event.wave} of {event.waves}  ", Style.STRONG)
    text = f": {count} ({named}) with {event.utility}"
    return [
        BLANK,
        line("  ", title, _action(event.action), text),
        line(f"     {_foreseen(event)}"),
        line(f"     {_time(event)}"),
        line(styled(f"     log {event.log}", Style.FAINT)),
    ]


def _foreseen(event: WaveStarted) -> str:
    """What the plan foresees while the wave runs: who is alone, and the worst loss."""
    until = "no synchronized mirror until the wave ends"
    if not event.worst_host_loses:
        return f"{until}; losing any one host would lose no segment"
    loss = counted(event.worst_host_loses, "segment")
    return f"{until}; {losing_text(event.worst_host, event.worst_hosts, event.hosts)} would lose {loss}"


def _time(event: WaveStarted) -> str:
    if event.catching_up:
        return "fetches only what changed: how long is unknown"
    if event.bytes is None or event.seconds is None or event.rate is None:
        return "size unknown, so how long is unknown too"
    if not event.bytes:
        return "nothing is copied"
    rate = f"{size_text(event.rate)}/s a host{', assumed' if event.rate_assumed else ''}"
    stopping = ""
    if event.stopping:
        stopping = f"; {about_text(event.stopping)} of it until the old mirrors count as down"
    return f"{size_text(event.bytes)}, {about_text(event.seconds)} ({rate}{stopping})"


def _action(word: str) -> Span:
    known = {action.value: mark.span for action, mark in MARKS.items()}
    return known.get(word, styled(word, Style.PLAIN))


def _native_said(event: NativeSaid) -> Line:
    match event.level:
        case "info":
            return line(styled(f"     | {event.text}", Style.FAINT))
        case "warning":
            return line("     | ", styled(f"warning: {event.text}", Style.CARE))
        case "error":
            return line("     | ", styled(f"error: {event.text}", Style.ALARM))


def _native_ended(event: NativeEnded) -> Line:
    after = " earlier" if event.seconds is None else f" after {elapsed_text(event.seconds)}"
    if event.status == 0:
        return line(f"     {event.utility} succeeded{after}")
    status = "with its status lost" if event.status is None else f"with status {event.status}"
    text = f"     {event.utility} ended {status}{after}; the catalog decides"
    return line(styled(text, Style.CARE))


def _wave_done(event: WaveDone) -> Line:
    text = f" wave {event.wave} of {event.waves}: every segment of it in sync"
    time = f"  {elapsed_text(event.seconds)}"
    if event.syncing is not None and event.syncing >= 1:
        time += f", {elapsed_text(round(event.syncing))} of it after the utility's end"
    return line("  ", _OK, text, styled(time, Style.FAINT))


def _to_come(event: WaveDone) -> list[Line]:
    """`about 40 min for 5 more waves at 95.0 MB/s a host, as measured`, by this wave."""
    more = event.waves - event.wave
    if not more or event.rate is None or event.bytes_left == 0:
        return []
    waves = counted(more, "more wave")
    if event.seconds_left is None:
        time = about_text(event.seconds * more)
        text = f"{time} for {waves}, should they take as long: their sizes are unknown"
    else:
        rate = f"{size_text(event.rate)}/s a host, as measured"
        text = f"{about_text(event.seconds_left)} for {waves} at {rate}"
    return [line(styled(f"     {text}", Style.FAINT))]


def _rehearsed(event: Rehearsed) -> list[Line]:
    script = [line(f"    {found}") for found in event.script.rstrip("\n").split("\n")]
    return [line(styled(f"  would run on {event.host}:", Style.STRONG)), *script]


# --- What a run looks like after each event: lines that stay, the live area, the line for a log.


_QUIET = 12.0
"""Seconds without any event that are too long to be a turn of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """The run as told so far. A value: `after` gives the next one."""

    color: bool = False
    width: int | None = None
    """Columns that lines which stay may take; None: they stay as they are."""
    phase: str | None = None
    wave: WaveStarted | None = None
    window: tuple[Progress, ...] = ()
    copies: tuple[CopyBar, ...] = ()

    def after(self, event: Event) -> "RunView":
        """The view once `event` is known."""
        match event:
            case PhaseStarted():
                phase = None if event.phase in SPOKEN_FOR else event.phase
                return self._afresh(phase=phase)
            case WaveStarted():
                return self._afresh(wave=event)
            case Progress():
                window = with_report(self.window, event)
                return replace(self, phase=None, window=window, copies=copies(window))
            case PhaseDone() | WaveDone() | RunEnded():
                return self._afresh()
            case _:
                return self

    def _afresh(self, *, phase: str | None = None, wave: WaveStarted | None = None) -> "RunView":
        return RunView(color=self.color, width=self.width, phase=phase, wave=wave)

    def stays(self, event: Event) -> str:
        """The text of an event that stays on a terminal."""
        text = painted(said(event), color=self.color)
        return text if self.width is None else fitted(text, width=self.width)

    def logs(self, event: Event) -> str:
        """The text of an event for a log."""
        return painted(logged(event), color=self.color)

    def live(self, *, since: float, width: int, height: int) -> tuple[str, ...]:
        """At most `height` lines of at most `width` columns; `since` seconds after the last event.

        Empty when nothing goes on.
        """
        lines = self._live(since=since, width=width, height=height)[:height]
        return tuple(painted([found], color=self.color).rstrip("\n") for found in lines)

    def standing(self, *, since: float = 0.0) -> str:
        """Where the wave stands, with its trouble, on one line for a log, `since` seconds after the
        last event; empty between waves.
        """
        standing = self._standing()
        quiet = f"  (no news for {elapsed_text(int(since))})" if since >= _QUIET else ""
        if standing is None:
            if self.wave is None or not quiet:
                return ""
            words = f"wave {self.wave.wave} of {self.wave.waves}: {self.wave.utility}"
            return painted([line(f"  {words}{quiet}")], color=self.color)
        told = (stakes_text(standing.report.stakes), standing.report.trouble or "")
        more = "".join(f"  ({text})" for text in told if text)
        where = standing_line(standing, since=since)
        return painted([line("  ", *where, more, quiet)], color=self.color)

    def trouble(self) -> str | None:
        """What is wrong now, in words, or None."""
        return self.window[-1].trouble if self.window else None

    def _standing(self) -> WaveView | None:
        if not self.window:
            return None
        return WaveView(report=self.window[-1], copies=self.copies, started=self.wave)

    def _live(self, *, since: float, width: int, height: int) -> list[Line]:
        if standing := self._standing():
            return wave_lines(standing, since=since, width=width, height=height, color=self.color)
        name = self.phase
        if self.wave is not None:
            name = f"wave {self.wave.wave} of {self.wave.waves}: {self.wave.utility}"
        return [] if name is None else phase_lines(name, since, width=width)
