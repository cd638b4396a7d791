"""What a run looks like after each event: lines that stay, the live area, the line for a log."""

from dataclasses import dataclass, replace

from gpmirror.cluster.counting import elapsed_text
from gpmirror.events import (
    Event,
    PhaseDone,
    PhaseStarted,
    Progress,
    RunEnded,
    WaveDone,
    WaveStarted,
)
from gpmirror.render.events_text import SPOKEN_FOR, logged, said
from gpmirror.render.fitting import fitted
from gpmirror.render.run_live import Standing, phase_lines, stakes_text, standing_line, wave_lines
from gpmirror.render.run_pace import Copy, copies, with_report
from gpmirror.render.spans import Line, line, painted

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
    copies: tuple[Copy, ...] = ()

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

    def _standing(self) -> Standing | None:
        if not self.window:
            return None
        return Standing(report=self.window[-1], copies=self.copies, started=self.wave)

    def _live(self, *, since: float, width: int, height: int) -> list[Line]:
        if standing := self._standing():
            return wave_lines(standing, since=since, width=width, height=height, color=self.color)
        name = self.phase
        if self.wave is not None:
            name = f"wave {self.wave.wave} of {self.wave.waves}: {self.wave.utility}"
        return [] if name is None else phase_lines(name, since, width=width)
