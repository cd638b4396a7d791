"""How fast a wave copies and when it may be done, from its own reports of the last minute."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpmirror.events import ContentProgress, Progress

_WINDOW = 60
"""Seconds of reports that a rate is taken over."""
_APART = 5
"""Seconds between two reports that are kept: large waves report thousands of contents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One content's copy: its last report, bytes a second, seconds left; None where not known."""

    report: ContentProgress
    rate: float | None
    left: float | None

    @property
    def is_synced(self) -> bool:
        """Whether both copies are in sync, the second one where the wave puts it."""
        return self.report.state == "synced" and self.report.arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
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


def copies(window: Sequence[Progress]) -> tuple[Copy, ...]:
    """Every content of the newest report with its rate over the window."""
    *earlier, now = window
    first: dict[int, tuple[float, int]] = {}
    for report in earlier:
        for found in report.contents:
            if found.done is not None and report.seconds < now.seconds:
                first.setdefault(found.content, (report.seconds, found.done))
    return tuple(_copy(found, now.seconds, first.get(found.content)) for found in now.contents)


def pace(found: Sequence[Copy]) -> Pace:
    """The pace of some copies together; the slowest decides how long it takes."""
    rates = [copy.rate for copy in found if copy.rate is not None]
    lefts = [copy.left for copy in found]
    known = [left for left in lefts if left is not None]
    return Pace(
        done=_sum(copy.report.done for copy in found),
        total=_sum(copy.report.total for copy in found),
        rate=sum(rates) if rates else None,
        left=max(known) if known and len(known) == len(lefts) else None,
    )


def _began_anew(before: Progress, now: Progress) -> bool:
    known = {found.content: found.done for found in before.contents}
    pairs = ((known.get(found.content), found.done) for found in now.contents)
    return any(old is not None and new is not None and new < old for old, new in pairs)


def _copy(now: ContentProgress, seconds: float, first: tuple[float, int] | None) -> Copy:
    rate = None
    if first is not None and now.done is not None and not _is_over(now):
        rate = (now.done - first[1]) / (seconds - first[0])
    return Copy(report=now, rate=rate, left=_left(now, rate))


def _left(now: ContentProgress, rate: float | None) -> float | None:
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
