"""Events as lines that stay: what a person reads above the live area, or in a log."""

from typing import assert_never

from gpmirror.cluster.counting import about_text, counted, elapsed_text, ranges
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
    WaveDone,
    WaveStarted,
)
from gpmirror.render.marks import MARKS
from gpmirror.render.quantities import size_text
from gpmirror.render.spans import BLANK, Line, Span, Style, line, styled

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
    host = "" if event.worst_host is None else f" ({event.worst_host})"
    return f"{until}; losing the worst host{host} would lose {loss}"


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
