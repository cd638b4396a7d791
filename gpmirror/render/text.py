"""Styled text and tables that fit a terminal, and the words and marks every screen shares."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from unicodedata import east_asian_width

from gpmirror.model.certificate import Levels
from gpmirror.model.names import compress, natural
from gpmirror.model.segment import Segment, Slot
from gpmirror.model.text import counted, size_text
from gpmirror.plan.model import Action, Change, Method, Plan, Summary
from gpmirror.simulate.surveys import factor_told
from gpmirror.values import dataclass

# --- Styled text for a terminal: spans, their width on screen, and plain ANSI at the very end.


class Style(StrEnum):
    """What a span means; the value is its ANSI graphic rendition."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    ALARM = "31"
    ADD = "32"
    CARE = "33"
    ROLE = "36"
    BAR = "42"
    TRACK = "100"


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style. The text holds no control characters."""

    text: str
    style: Style = Style.PLAIN


Line = tuple[Span, ...]
"""One line on screen, or one cell of a table."""

BLANK: Line = ()


def line(*parts: str | Span) -> Line:
    """A line of plain and styled parts; control characters in plain parts are escaped."""
    return tuple(part if isinstance(part, Span) else Span(visible(part)) for part in parts if part)


def styled(text: str, style: Style) -> Span:
    """A span whose control characters are escaped."""
    return Span(visible(text), style)


def visible(text: str) -> str:
    r"""The text with everything that could steer a terminal or hide itself written as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def columns_of(cell: Line) -> int:
    """How many terminal columns a line takes; wide East Asian characters take two."""
    return sum(_columns(span.text) for span in cell)


def painted(lines: Iterable[Line], *, color: bool) -> str:
    """Lines as text, each ended by a newline; without `color` no escape sequence at all."""
    paint = _ansi if color else _plain
    return "".join(f"{paint(found)}\n" for found in lines)


def _plain(found: Line) -> str:
    return "".join(span.text for span in found).rstrip()


def _ansi(found: Line) -> str:
    return "".join(
        f"\x1b[{span.style.value}m{span.text}\x1b[0m" if span.style else span.text for span in found
    ).rstrip(" ")


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


# --- Finished text fitted to a terminal: long lines go on below, indented, broken where it helps.


_PIECE = re.compile(r"\x1b\[[0-9;]*m| +|[^ \x1b]+")
_PART = re.compile(r"[^/,:|=]*[/,:|=]+|[^/,:|=]+")
_HANG = 2
_LEAST = 20


def fitted(text: str, *, width: int) -> str:
    """The text with every line of at most `width` columns, ANSI colours aside.

    A line breaks at a blank, behind a semicolon if one stands in its second half; a word that is
    longer than a line breaks behind `/`, `,`, `:`, `|` or `=`. For terminals only: a file or a
    pipe gets lines as they are.
    """
    return "\n".join(_fitted_line(found, max(width, _LEAST)) for found in text.split("\n"))


def _fitted_line(found: str, width: int) -> str:
    if len(found) <= width and found.isascii():
        return found
    pieces = _PIECE.findall(found)
    if sum(map(_columns_of, pieces)) <= width:
        return found
    blanks = len(found) - len(found.lstrip(" "))
    indent = " " * min(blanks + _HANG, width // 2)
    return f"\n{indent}".join(_lines(pieces, width, width - len(indent)))


def _lines(pieces: list[str], first: int, rest: int) -> list[str]:
    """The pieces dealt out over lines: the first has room for `first` columns, others for `rest`."""
    lines: list[str] = []
    left = _divided(pieces, rest)
    while left:
        room = rest if lines else first
        count = _count_that_fits(left, room)
        lines.append("".join(left[:count]).rstrip(" "))
        left = left[count:]
        while left and left[0].startswith(" "):
            left = left[1:]
    return lines


def _divided(pieces: list[str], room: int) -> list[str]:
    """Pieces of at most `room` columns: longer words in parts, the parts at worst in characters."""
    divided: list[str] = []
    for piece in pieces:
        if _columns_of(piece) <= room:
            divided.append(piece)
            continue
        for part in _PART.findall(piece) or [piece]:
            divided += [part] if _columns_of(part) <= room else list(part)
    return divided


def _count_that_fits(pieces: list[str], room: int) -> int:
    used, count, after_semicolon = 0, 0, 0
    for number, piece in enumerate(pieces, start=1):
        used += _columns_of(piece)
        if used > room and piece.strip(" "):
            # a break behind a semicolon reads best, unless it leaves half a line empty
            return after_semicolon or max(count, 1)
        count = number
        if piece.endswith(";") and used > room // 2:
            after_semicolon = number
    return count


def _columns_of(piece: str) -> int:
    return 0 if piece.startswith("\x1b") else columns_of((Span(piece),))


# --- Sentences wrapped to the width at hand; words, and so paths, are never broken.


def paragraph(
    text: str, *, width: int, indent: int = 2, hang: int = 0, style: Style = Style.PLAIN
) -> list[Line]:
    """The text in lines of at most `width` columns, where its words allow; continuation lines
    are indented by `hang` more.
    """
    wrapped = textwrap.wrap(
        visible(text),
        width=max(width, indent + hang + 20),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [(Span(found, style),) for found in wrapped]


def heading(text: str) -> list[Line]:
    """A blank line and a title."""
    return [(), (Span(visible(text), Style.STRONG),)]


# --- Tables that fold: columns that do not fit beside each other continue on the next line.


GAP = 2
"""Blanks between two columns."""


def needed(rows: Sequence[Sequence[Line]]) -> int:
    """The terminal columns that the rows take when nothing folds."""
    widths = (max(map(columns_of, cells)) for cells in zip(*rows, strict=True))
    return sum(width + GAP for width in widths if width) - GAP


def folded(
    rows: Sequence[Sequence[Line]], *, width: int, lead: int, numbers: frozenset[int] = frozenset()
) -> list[Line]:
    """Rows of equally many cells as aligned lines of at most `width` terminal columns.

    The first `lead` columns always share the first line. The others follow while all rows fit,
    then go on below, indented to the end of the lead. A cell wider than a whole line is never cut:
    it overflows. Columns in `numbers` are right-aligned; columns without any text are left out. The first row is
    the head: of it only the first line is kept.
    """
    if not rows:
        return []
    widths = [max(columns_of(row[at]) for row in rows) for at in range(len(rows[0]))]
    kept = [at for at, columns in enumerate(widths) if columns]
    indent = _indent(kept, widths, width=width, lead=lead)
    bands = _bands(kept, widths, width=width, lead=lead, indent=indent)
    lines = [_band_line(rows[0], bands[0], widths, numbers)]
    for row in rows[1:]:
        first, *rest = (_band_line(row, band, widths, numbers) for band in bands)
        lines += [first, *((Span(" " * indent), *cells) for cells in rest if cells)]
    return lines


def _indent(kept: list[int], widths: list[int], *, width: int, lead: int) -> int:
    """To the end of the lead, or only of the first column where that makes room."""
    leads = [widths[at] + GAP for at in kept if at < lead]
    widest = max((widths[at] for at in kept if at >= lead), default=0)
    return sum(leads) if sum(leads) + widest <= width else sum(leads[:1])


def _bands(
    kept: list[int], widths: list[int], *, width: int, lead: int, indent: int
) -> list[list[int]]:
    bands: list[list[int]] = [[]]
    used = 0
    for at in kept:
        if at >= lead and bands[-1] and used + widths[at] > width:
            bands.append([])
            used = indent
        bands[-1].append(at)
        used += widths[at] + GAP
    return bands


def _band_line(
    row: Sequence[Line], band: list[int], widths: list[int], numbers: frozenset[int]
) -> Line:
    spans: list[Span] = []
    owed = 0
    for at in band:
        blank = widths[at] - columns_of(row[at])
        before = owed + (blank if at in numbers else 0)
        if row[at]:
            if before:
                spans.append(Span(" " * before))
            spans.extend(row[at])
            owed = GAP + (0 if at in numbers else blank)
        else:
            owed += widths[at] + GAP
    return tuple(spans)


# --- The mark, word and colour of every action, in the order plans are read.


@dataclass(frozen=True, slots=True)
class Mark:
    """How an action is shown; `sign` and word are readable without colour."""

    action: Action
    sign: str
    style: Style

    @property
    def span(self) -> Span:
        """Sign and word: `+ add`."""
        return Span(f"{self.sign} {self.action.value}", self.style)


MARKS: Mapping[Action, Mark] = {
    found.action: found
    for found in (
        Mark(Action.ADD, "+", Style.ADD),
        Mark(Action.RECOVER, "!", Style.ALARM),
        Mark(Action.MOVE, "~", Style.CARE),
        Mark(Action.REBALANCE, "<>", Style.ROLE),
        Mark(Action.BLOCKED, "x", Style.ALARM),
    )
}


# --- A slot in words, and how a copy is brought back.


UNKNOWN_DIRECTORY = "directory unknown"


def slot_text(slot: Slot) -> str:
    """`sdw3:7007 /data1/mirror/gpseg7`, with the address and the replication port if special."""
    return f"{place_text(slot)} {storage_text(slot)}"


def row_text(row: Segment) -> str:
    """A catalog row in one sentence: place, roles, status and mode."""
    directory = "directory unknown" if row.directory is None else row.directory
    address = "" if row.address == row.hostname else f" at {row.address}"
    roles = f"role {row.role}, prefers {row.preferred_role}"
    place = f"{row.hostname}:{row.port}{address} {directory}"
    return f"{place} ({roles}, status {row.status}, mode {row.mode}, dbid {row.dbid})"


def place_text(slot: Slot) -> str:
    """Host and ports: `sdw3:7007`, `sdw3:7007 at sdw3-2`, `sdw3:7007 replication 8007`."""
    address = "" if slot.address == slot.host else f" at {slot.address}"
    replication = "" if slot.replication_port is None else f" replication {slot.replication_port}"
    return f"{slot.host}:{slot.port}{address}{replication}"


def storage_text(slot: Slot) -> str:
    """The directory and those of further filespaces."""
    own = UNKNOWN_DIRECTORY if slot.directory is None else slot.directory
    return " ".join((own, *(f"{name}={path}" for name, path in slot.filespaces)))


def method_text(change: Change) -> str:
    """How a copy is brought back, with the remark: `incremental (directory not inspected)`."""
    word = "" if change.method is None else change.method.value
    if change.note is None:
        return word
    return f"{word} ({change.note})" if isinstance(change.method, Method) else change.note


# --- The one line a plan comes down to; its wording is fixed.


NO_CHANGES = "No changes. The catalog matches the spec."
NO_CHANGES_SEEN = "No changes. The catalog matches the spec; directories were not compared."


def summary_line(plan: Plan) -> str:
    """What the plan does in one line; `No changes.` only where nothing differs or is blocked, and
    only of a whole plan: what a selection leaves out may differ. A catalog that does not show
    directories cannot match in them, and the line says so.
    """
    if plan.summary.differs or plan.selection is not None:
        return _counts(plan.summary)
    return NO_CHANGES_SEEN if plan.review_only else NO_CHANGES


def proof_text(plan: Plan) -> str | None:
    """What the certificate of strategy balanced proves, in one line; None: the plan has none."""
    certificate = plan.certificate
    if certificate is None:
        return None
    levels, fixed = certificate.levels, len(certificate.fixed)
    loads = {"host": levels.host_load, "rack": levels.rack_load}
    told = [
        f"x{factor_told(load[0] / load[1])} after losing any {what}"
        for what, load in loads.items()
        if load is not None
    ]
    worst = f"worst load {', '.join(told)}, proven lowest" if told else ""
    if worst and any(change.action is Action.ADD for change in plan.changes):
        nearest = "nearest to the shares" if levels.outside else "with fair shares"
        return f"{worst} of the layouts {nearest}"  # nothing moves, which needs no proof
    given = f"; {counted(fixed, 'mirror')} pinned or protected" if fixed else ""
    moves = counted(levels.moves, "move")
    if levels.bytes is None:
        text = f"{moves}, proven fewest (lower bound {levels.moves:,}{given})"
    else:
        size = size_text(levels.bytes)
        text = f"{size} to move in {moves}, proven fewest bytes (lower bound {size}{given})"
    beside = sum(_stays_on_host(change) for change in plan.changes)
    if beside:
        text += f", and {counted(beside, 'move')} on the same host"
    if why := _why_moves(plan, levels):
        text += f"{';' if beside else ':'} {why}"
    if plan.selection is not None:
        text = f"the whole layout: {text}"
    so_few = "so few moves" if levels.bytes is None else "so few bytes to move"
    return f"{text}; {worst} of the layouts with {so_few}" if worst else text


_MOST_REASONS = 3


def _why_moves(plan: Plan, levels: Levels) -> str:
    """Which hosts hold more, or less, than their share now, where that alone takes all the moves; else
    which other rules take part. Empty: there are too many kinds of hosts to tell.
    """
    if levels.bytes is not None or levels.outside or not levels.moves:
        return ""
    held = {one.host: one.mirrors for one in plan.layout.before.hosts}
    total, weights = len(plan.desired.contents), sum(one.weight for one in plan.desired.hosts) or 1
    more: dict[tuple[int, str], list[str]] = {}
    less: dict[tuple[int, str], list[str]] = {}
    for host in plan.desired.hosts:
        least = total * host.weight // weights
        most = -(-total * host.weight // weights)
        share = f"{least}" if least == most else f"{least} or {most}"
        now = held.get(host.name, 0)
        if now > most:
            more.setdefault((now - most, share), []).append(host.name)
        elif now < least:
            less.setdefault((least - now, share), []).append(host.name)
    for groups, word in ((more, "more"), (less, "fewer")):
        if sum(off * len(hosts) for (off, _), hosts in groups.items()) == levels.moves:
            told = [_off_share(hosts, off, word, share) for (off, share), hosts in groups.items()]
            return ", ".join(told) if len(told) <= _MOST_REASONS else ""
    return " and ".join(_other_rules(plan))


def _other_rules(plan: Plan) -> Iterator[str]:
    """What asks for moves beside shares: racks by the moves themselves, loads by the prices of the proof."""
    racks = {one.name: one.rack for one in plan.desired.hosts}
    if len({rack for rack in racks.values() if rack is not None}) > 1:
        homes = {one.content: racks.get(one.primary.host) for one in plan.desired.contents}
        leaving = sum(
            change.action is Action.MOVE
            and change.from_ is not None
            and change.to is not None
            and homes[change.content] is not None
            and racks.get(change.from_.host) == homes[change.content] != racks[change.to.host]
            for change in plan.changes
        )
        if leaving:
            yield f"{counted(leaving, 'mirror')} {_leaves(leaving)} primary"
    policy, proof = plan.settings.policy, plan.certificate
    if (
        policy is not None
        and policy.max_load_factor is not None
        and proof
        and proof.bounds[0].pairs
    ):
        where = visible(policy.load_source)
        yield f"the bound counts max_load_factor {policy.max_load_factor:g} ({where})"


def _leaves(count: int) -> str:
    return "leaves the rack of its" if count == 1 else "leave the rack of their"


def _off_share(hosts: list[str], off: int, word: str, share: str) -> str:
    """`sdw1 and sdw4 each hold 1 mirror more than their share of 3`."""
    mirrors = counted(off, "mirror")
    if len(hosts) == 1:
        if share == "0":
            return f"{hosts[0]} holds {mirrors} and is to hold none (`weight: 0`)"
        return f"{hosts[0]} holds {mirrors} {word} than its share of {share}"
    named = compress((name, None) for name in sorted(hosts, key=natural))
    *first, last = [text for text, _ in named]
    who = f"{', '.join(first)} and {last}" if first else last
    if share == "0":
        return f"{who} each hold {mirrors} and are to hold none (`weight: 0`)"
    return f"{who} each hold {mirrors} {word} than their share of {share}"


def _stays_on_host(change: Change) -> bool:
    """A move to another port or directory of the same host, which the proof does not speak of."""
    if change.action is not Action.MOVE or change.from_ is None or change.to is None:
        return False
    return change.from_.host == change.to.host


def _counts(found: Summary) -> str:
    return (
        f"Plan: {found.add} to add, {found.move} to move, {found.recover} to recover, "
        f"{found.rebalance} to rebalance; {found.unchanged} unchanged, {found.blocked} blocked, "
        f"{found.switched} switched."
    )
