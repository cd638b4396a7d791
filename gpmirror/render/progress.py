"""A run while it goes on: lines that stay, and the live area below them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from gpmirror.events import (
    ContentProgress,
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
from gpmirror.plan.timing import Waits
from gpmirror.render.text import (
    BLANK,
    MARKS,
    Line,
    Span,
    Style,
    columns_of,
    fitted,
    line,
    painted,
    styled,
)
from gpmirror.render.waves import losing_text, waited_for
from gpmirror.simulate.surveys import without_copy
from gpmirror.values import dataclass

# --- How fast a wave copies and when it may be done, from its own reports of the last minute.


_WINDOW = 60
"""Seconds of reports that a rate is taken over."""
_APART = 5
"""Seconds between two reports that are kept: large waves report thousands of contents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyBar:
    """One content's copy: its last report, bytes a second, seconds left; None where not known."""

    report: ContentProgress
    rate: float | None
    left: float | None

    @property
    def is_synced(self) -> bool:
        """Whether both copies are in sync, the second one where the wave puts it."""
        return self.report.state == "synced" and self.report.arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPace:
    """Some copies together: bytes copied and to copy, bytes a second, seconds until the last one
    is done; None where not known of one of them.
    """

    done: int | None
    total: int | None
    rate: float | None
    left: float | None


def with_report(window: tuple[Progress, ...], report: Progress) -> tuple[Progress, ...]:
    """The reports of the last minute, thinned, the newest last; those of another wave or from
    before a copy began anew are dropped.
    """
    if not window or window[-1].wave != report.wave or _began_anew(window[-1], report):
        return (report,)
    recent = [old for old in window[:-1] if old.seconds >= report.seconds - _WINDOW]
    last = window[-1]
    if not recent or last.seconds >= recent[-1].seconds + _APART:
        recent.append(last)
    return (*recent, report)


def copies(window: Sequence[Progress]) -> tuple[CopyBar, ...]:
    """Every content of the newest report with its rate over the window."""
    *earlier, now = window
    first: dict[int, tuple[float, int]] = {}
    for report in earlier:
        for found in report.contents:
            if found.done is not None and report.seconds < now.seconds:
                first.setdefault(found.content, (report.seconds, found.done))
    return tuple(_copy(found, now.seconds, first.get(found.content)) for found in now.contents)


def pace(found: Sequence[CopyBar]) -> CopyPace:
    """The pace of some copies together; the slowest decides how long it takes."""
    rates = [copy.rate for copy in found if copy.rate is not None]
    lefts = [copy.left for copy in found]
    known = [left for left in lefts if left is not None]
    return CopyPace(
        done=_sum(copy.report.done for copy in found),
        total=_sum(copy.report.total for copy in found),
        rate=sum(rates) if rates else None,
        left=max(known) if known and len(known) == len(lefts) else None,
    )


def _began_anew(before: Progress, now: Progress) -> bool:
    known = {found.content: found.done for found in before.contents}
    pairs = ((known.get(found.content), found.done) for found in now.contents)
    return any(old is not None and new is not None and new < old for old, new in pairs)


def _copy(now: ContentProgress, seconds: float, first: tuple[float, int] | None) -> CopyBar:
    rate = None
    if first is not None and now.done is not None and not _is_over(now):
        rate = (now.done - first[1]) / (seconds - first[0])
    return CopyBar(report=now, rate=rate, left=_seconds_left(now, rate))


def _seconds_left(now: ContentProgress, rate: float | None) -> float | None:
    if _is_over(now):
        return 0.0
    if now.done is None or now.total is None:
        return None
    if now.done >= now.total:
        return 0.0
    return (now.total - now.done) / rate if rate else None


def _is_over(now: ContentProgress) -> bool:
    """Whether nothing is copied any more."""
    return now.arrived and now.state in {"synced", "syncing"}


def _sum(amounts: Iterable[int | None]) -> int | None:
    given = list(amounts)
    known = [amount for amount in given if amount is not None]
    return sum(known) if known and len(known) == len(given) else None


# --- One line a content or a host: a bar, how much is copied, how long it may take.


_LABEL_MOST = 24
_BAR_LEAST, _BAR_MOST = 8, 30
_WORDS_ROOM = 34
_AROUND_BAR = 14
"""Columns of the gaps, the brackets and the percentage."""
_FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRow:
    """A line of the live area: who, the part that is done (0 to 1, None: not known), words."""

    label: str
    part: float | None
    words: str
    style: Style = Style.PLAIN


def content_row(copy: CopyBar) -> LiveRow:
    """One content with the host that its copy goes to."""
    found = copy.report
    where = "" if found.host is None else f" on {found.host}"
    label = f"content {found.content}{where}"
    if copy.is_synced:
        return LiveRow(label=label, part=1.0, words="in sync", style=Style.ADD)
    style = Style.ALARM if found.state == "none" else Style.PLAIN
    return LiveRow(label=label, part=part_of(pace([copy])), words=_copy_words(copy), style=style)


def host_row(host: str, found: list[CopyBar]) -> LiveRow:
    """All copies that go to one host."""
    synced = sum(copy.is_synced for copy in found)
    if synced == len(found):
        words = f"{counted(synced, 'content')} in sync"
        return LiveRow(label=host, part=1.0, words=words, style=Style.ADD)
    together = pace(found)
    part = part_of(together)
    words = "  ".join(
        word for word in (f"{synced} of {len(found)} in sync", bytes_text(together)) if word
    )
    if part is None and synced:
        part = synced / len(found)
    return LiveRow(label=host, part=part, words=words)


def part_of(found: CopyPace) -> float | None:
    """The share of bytes that is copied; never all of it: only the catalog says that."""
    if found.done is None or not found.total:
        return None
    return min(found.done / found.total, 0.99)


def bytes_text(found: CopyPace) -> str:
    """`24.4 of 40.0 GB`, or what is known of it."""
    if found.total is None:
        return "" if found.done is None else f"{size_text(found.done)} copied"
    if found.done is None:
        return f"{size_text(found.total)} to copy"
    done, total = size_text(min(found.done, found.total)), size_text(found.total)
    if done.split()[-1] == total.split()[-1]:
        done = done.split()[0]
    return f"{done} of {total}"


def bar_lines(rows: list[LiveRow], *, width: int, color: bool) -> list[Line]:
    """Aligned lines of at most `width` terminal columns; narrow ones go without bars."""
    if not rows:
        return []
    label = min(max(columns_of(line(row.label)) for row in rows), _LABEL_MOST)
    room = width - label - _AROUND_BAR - _WORDS_ROOM
    size = 0 if room < _BAR_LEAST else min(room, _BAR_MOST)
    return [clipped(_bar_line(row, label, size, color=color), width) for row in rows]


def clipped(found: Line, width: int) -> Line:
    """The line cut to `width` terminal columns, the cut shown as `~`."""
    if columns_of(found) <= width:
        return found
    kept: list[Span] = []
    room = width - 1
    for span in found:
        text = _fitting(span.text, room)
        kept.append(Span(text, span.style))
        room -= columns_of((Span(text),))
        if text != span.text:
            break
    return (*kept, Span("~"))


def _copy_words(copy: CopyBar) -> str:
    if not copy.report.arrived and copy.report.state in {"synced", "syncing"}:
        return "the old mirror still runs" if copy.report.host else "roles still switched"
    if copy.report.state == "syncing":
        return "catching up"
    if copy.report.state == "none":
        return "no live copy"
    amount = bytes_text(pace([copy]))
    if copy.report.done is None:
        return f"one live copy, {amount}" if amount else "one live copy"
    left = "" if not copy.left else f"{remaining_text(copy.left)} left"
    return "  ".join(word for word in (amount, left) if word)


def _bar_line(row: LiveRow, label: int, size: int, *, color: bool) -> Line:
    name = clipped(line(row.label), label)
    gap = " " * (label - columns_of(name) + 2)
    percent = " " * 4 if row.part is None else f"{int(row.part * _FULL):>3}%"
    bar = _bar(row.part or 0.0, size, color=color) if size else ()
    lead = (Span("  "), *name, Span(gap), *bar)
    return (*lead, Span(f"{'  ' if size else ''}{percent}  "), styled(row.words, row.style))


def _bar(part: float, size: int, *, color: bool) -> Line:
    """Blanks on coloured ground where there is colour: no glyph whose width is in doubt."""
    full = int(part * size)
    if color:
        bars = (Span(" " * full, Style.BAR), Span(" " * (size - full), Style.TRACK))
        return tuple(span for span in bars if span.text)
    return (Span(f"[{'#' * full}{'.' * (size - full)}]"),)


def _fitting(text: str, room: int) -> str:
    if text.isascii():
        return text[: max(room, 0)]
    while text and columns_of((Span(text),)) > room:
        text = text[:-1]
    return text


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
    waits = Waits(stopping=event.stopping, settling=event.settling)
    waiting = (
        f"; {about_text(waits.seconds)} of it until the {waited_for(waits)}"
        if waits.seconds
        else ""
    )
    return f"{size_text(event.bytes)}, {about_text(event.seconds)} ({rate}{waiting})"


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
