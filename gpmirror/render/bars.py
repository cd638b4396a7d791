"""One line a content or a host: a bar, how fast it copies, when it may be done."""

from collections.abc import Iterable, Sequence

from gpmirror.events import ContentProgress, Progress
from gpmirror.model.text import counted, remaining_text, size_text
from gpmirror.render.text import Line, Span, Style, columns_of, line, styled
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
    return CopyBar(report=now, rate=rate, left=_left(now, rate))


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
