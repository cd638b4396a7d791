"""Why there is no layout: the fewest lines of the spec that conflict, in words.

A line can let go of what it demands: an entry of `hosts` may stand for more hosts like its own and
for a weight above 0, a pin for any other host, `strategy` for group (the one that demands least),
`block_size` for one block, `allow_same_host: false` for true. Lines conflict where there is no place
although all others let go. What the catalog says and what the spec leaves out always holds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import combinations
from typing import Literal, assert_never

from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.model.names import one_expression
from gpmirror.model.text import counted, named, ranges
from gpmirror.placement.model import Target, Unplaced
from gpmirror.placement.strategies import (
    Placement,
    Primaries,
    Ring,
    check_blocks,
    make_ring,
    on_ring,
)
from gpmirror.spec.model import Host, Spec, Strategy
from gpmirror.values import dataclass

RingKind = Literal["pin", "block_size", "strategy", "allow_same_host"]
Kind = RingKind | Literal["protect", "load", "survive", "hosts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line of the spec demands. `first` and `end` are the hosts of an entry in the ring,
    `name` is a protection's; `label` is what is said beside the line.
    """

    kind: Kind
    place: Place = field(compare=False)
    label: str = field(compare=False)
    content: int = -1
    name: str = ""
    first: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A content without a place, and why; `content` None: a block of the ring."""

    content: int | None
    why: Unplaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A spec, and its primaries by the host that they are placed with. `balances` says whether strategy
    balanced, which looks at the catalog too, would place all.
    """

    spec: Spec
    primaries: Primaries
    balances: Callable[[], bool] = field(default=lambda: False, compare=False)

    def troubles(self, spec: Spec) -> list[Trouble]:
        """All that is in the way under another spec for the same primaries."""
        ring = make_ring(spec, self.primaries)
        placed = (
            (row.content, found)
            for home, rows in self.primaries.items()
            for row, found in zip(rows, on_ring(ring, home, rows), strict=True)
        )
        return troubles(ring, placed)

    def has_place(self, trouble: Trouble, spec: Spec) -> bool:
        """Whether another spec does away with the trouble."""
        ring, home = make_ring(spec, self.primaries), trouble.why.host
        if trouble.content is None:
            return not check_blocks(ring)
        rows = self.primaries[home]
        position = next(at for at, row in enumerate(rows) if row.content == trouble.content)
        return isinstance(on_ring(ring, home, rows)[position], Target)


def troubles(ring: Ring, placed: Iterable[tuple[int, Placement]]) -> list[Trouble]:
    """What is in the way, each once: of blocks, and of contents."""
    found = [Trouble(content=None, why=why) for why in check_blocks(ring)]
    lonely = {one.why for one in found}
    found += [
        Trouble(content=content, why=why)
        for content, why in placed
        if isinstance(why, Unplaced) and why not in lonely
    ]
    return found


def told(question: Question, troubles: Iterable[Trouble]) -> list[Diagnostic]:
    """What is in the way, each with the smallest set of lines that conflict."""
    return [_diagnostic(question, group) for group in alike(question, troubles)]


def alike(question: Question, troubles: Iterable[Trouble]) -> list[list[Trouble]]:
    """What holds for several hosts alike together: it is said once, with the lines of the first."""
    pinned = {pin.content for pin in question.spec.pins}
    groups: dict[tuple[Unplaced, int | None], list[Trouble]] = {}
    for one in troubles:
        own = one.content if one.content in pinned else None
        groups.setdefault((replace(one.why, host=""), own), []).append(one)
    return list(groups.values())


# --- The smallest set of lines that conflict.


MOST_EXACT = 12
"""From so many lines that may or may not belong to the set on, one that is smallest by leaving out is
taken: no line of it can be left out, but another set may be smaller.
"""


def smallest(lines: Sequence[Line], conflicts: Callable[[frozenset[Line]], bool]) -> list[Line]:
    """The smallest of the sets of lines that conflict, of several the first in the order of lines.
    `conflicts` says whether these do, whatever all others demand; all together must.
    """
    everything = frozenset(lines)
    needed = frozenset(one for one in lines if not conflicts(everything - {one}))
    found = needed
    if not conflicts(needed):
        others = [one for one in lines if one not in needed]
        found = needed | frozenset(
            _by_size(others, lambda some: conflicts(needed | some))
            if len(others) <= MOST_EXACT
            else _by_leaving_out(others, lambda some: conflicts(needed | some))
        )
    return [one for one in lines if one in found]


def _by_size(
    lines: Sequence[Line], conflicts: Callable[[frozenset[Line]], bool]
) -> frozenset[Line]:
    for size in range(1, len(lines)):
        for some in combinations(lines, size):
            if conflicts(frozenset(some)):
                return frozenset(some)
    return frozenset(lines)


def _by_leaving_out(
    lines: Sequence[Line], conflicts: Callable[[frozenset[Line]], bool]
) -> frozenset[Line]:
    found = frozenset(lines)
    for one in reversed(lines):
        if conflicts(found - {one}):
            found -= {one}
    return found


# --- The lines of a spec, and the specs that there are where some of them let go.


def lines_of(spec: Spec, content: int | None) -> list[Line]:
    """Every line that may be in the way of a content, those first that are most to the point."""
    lines = [
        Line(
            kind="pin",
            place=pin.place,
            label=f"pins content {pin.content}" + (f" to {pin.host}" if pin.host else ""),
            content=pin.content,
        )
        for pin in spec.pins
        if pin.content == content
    ]
    if spec.block_size is not None:
        place = spec.place_of("mirrors", "block_size")
        lines.append(Line(kind="block_size", place=place, label=f"block_size {spec.block_size}"))
    strategy = f"strategy {spec.strategy.value}"
    lines.append(Line(kind="strategy", place=spec.place_of("mirrors", "strategy"), label=strategy))
    return [*lines, *same_host_line(spec), *entries_of(spec)]


def same_host_line(spec: Spec) -> Iterator[Line]:
    """The line that says what holds without it too: no mirror beside its primary."""
    denied = spec.places.get(("mirrors", "allow_same_host"))
    if denied is not None and not spec.allow_same_host:
        yield Line(kind="allow_same_host", place=denied, label="no mirror beside its primary")


def entries_of(spec: Spec) -> Iterator[Line]:
    """The entries of `hosts`: consecutive hosts of one place."""
    first = entry = 0
    hosts = spec.hosts
    for end in range(1, len(hosts) + 1):
        if end < len(hosts) and hosts[end].place == hosts[first].place:
            continue
        host, count = hosts[first], counted(end - first, "host")
        path = ("hosts", entry, "weight")
        has_weight = host.weight == 0 and path in spec.places
        yield Line(
            kind="hosts",
            place=spec.place_of(*path) if has_weight else host.place,
            label=f"{count} of weight 0" if host.weight == 0 else f"lists {count} only",
            first=first,
            end=end,
        )
        first, entry = end, entry + 1


def _conflicts(question: Question, trouble: Trouble, lines: Iterable[Line]) -> bool:
    """Whether the trouble stays where these lines let go."""
    gone = list(lines)
    count = len(question.primaries[trouble.why.host]) if trouble.content is not None else 1
    frees_pin = any(one.kind == "pin" for one in gone)
    for spec in without(question.spec, gone, count):
        if question.has_place(trouble, spec):
            return False
        if frees_pin and any(one.name != trouble.why.host and one.roots for one in spec.hosts):
            return False
    return True


def without(spec: Spec, lines: Iterable[Line], more: int) -> Iterator[Spec]:
    """The specs that matter where these lines let go, pins but for themselves; there is a place if
    one of them has it. `more` hosts are enough for every strategy but block.
    """
    entries: list[Line] = []
    for line in lines:
        match line.kind:
            case "hosts":
                entries.append(line)
            case "protect" | "load" | "survive":
                pass  # they move no mirror on the ring: a guard, a hazard or the policy tells of them
            case kind:
                spec = _let_go(spec, kind)
    hosts = list(spec.hosts)
    for entry in entries:
        span = slice(entry.first, entry.end)
        hosts[span] = [replace(host, weight=max(host.weight, 1)) for host in hosts[span]]
    if spec.strategy is not Strategy.BLOCK or spec.block_size is None:
        counts: Sequence[int] = (more,)
        entries = entries[:1]  # enough hosts are enough wherever they stand
    else:
        counts = range(spec.block_size + 1)  # hosts before a block shift it, by less than its size
    if not entries:
        yield spec
    for entry in entries:
        for count in counts:
            yield replace(spec, hosts=tuple(_with_more(hosts, entry, count)))


def _let_go(spec: Spec, kind: RingKind) -> Spec:
    match kind:
        case "pin":
            return spec
        case "block_size":
            return replace(spec, block_size=None)  # all hosts are one block
        case "strategy":
            return replace(spec, strategy=Strategy.GROUP, block_size=None)
        case "allow_same_host":
            return replace(spec, allow_same_host=True)
        case _ as never:
            assert_never(never)


def _with_more(hosts: Sequence[Host], entry: Line, count: int) -> list[Host]:
    last = hosts[entry.end - 1]
    added = [replace(last, name=f"{last.name}+{number}") for number in range(1, count + 1)]
    return [*hosts[: entry.end], *added, *hosts[entry.end :]]


# --- The same in words.


_MOST_SIZES = 12
_SIZES_TRIED = 64


def _diagnostic(question: Question, group: Sequence[Trouble]) -> Diagnostic:
    spec, first = question.spec, group[0]
    lines = lines_of(spec, first.content)
    everything = frozenset(lines)
    found = smallest(lines, lambda some: _conflicts(question, first, everything - some))
    return described(
        Diagnostic(
            code=first.why.code,
            message=_message(spec, group),
            place=Place(file=spec.file),
            hint=", or ".join(_ways(question, group)),
        ),
        found,
    )


def described(found: Diagnostic, lines: Sequence[Line]) -> Diagnostic:
    """The finding with the lines that conflict, the first as its place."""
    place = lines[0].place if lines else found.place
    seen, related = {place}, []
    for line in sorted(lines, key=lambda one: (one.place.line, one.place.column)):
        if line.place not in seen:
            seen.add(line.place)
            related.append(Related(place=line.place, label=line.label))
    numbers = {one.line for one in seen if one is not None and one.line}
    where = f": line{'s' * (len(numbers) > 1)} {ranges(numbers)}" if numbers else ""
    return replace(found, message=found.message + where, place=place, related=tuple(related))


def _message(spec: Spec, group: Sequence[Trouble]) -> str:
    why = group[0].why
    homes = list(dict.fromkeys(one.why.host for one in group))
    contents = [one.content for one in group if one.content is not None]
    hosts, mirrors = one_expression(homes), counted(len(contents), "mirror")
    match why.code:
        case "GPM-P101":
            has, each = ("has", "") if len(homes) == 1 else ("have", " each")
            return (
                f"spread mirroring needs more hosts than primaries per host; {hosts} {has} "
                f"{counted(why.count, 'primary', 'primaries')}{each} and "
                f"{counted(why.room, 'other host')} may hold mirrors"
            )
        case "GPM-P102":
            where = f"the block of {one_expression(why.block)}" if why.block else "`hosts`"
            return (
                f"no host for {mirrors} of {hosts} ({named(contents)}); {spec.strategy.value} "
                f"mirroring needs another host of weight above 0, and {where} has none"
            )
        case "GPM-P103":
            return (
                f"block_size {spec.block_size} cuts {counted(len(spec.hosts), 'host')} so that {hosts} "
                "is alone in the last block; a block needs at least 2 hosts"
            )
        case "GPM-P104":
            return (
                f"the pin of content {contents[0]} puts its mirror on {hosts}, the host of its own "
                "primary; losing that host would lose both copies"
            )
        case "GPM-P106":
            has = "has" if len(contents) == 1 else "have"
            return (
                f"strategy pinned places by pins alone, and {named(contents)} of {hosts} {has} no pin "
                "with a host"
            )


# --- What to do: only what gives a place.


def _ways(question: Question, group: Sequence[Trouble]) -> list[str]:
    why, another = group[0].why, "add a host of weight above 0"
    match why.code:
        case "GPM-P101":
            missing = counted(why.count - why.room, "more host")
            return [f"list at least {missing} of weight above 0", *_strategies(question)]
        case "GPM-P102" if why.block:
            sizes, strategies = _sizes(question), _strategies(question)
            return [*_mates(group), *sizes, *_beside(question, group), *strategies]
        case "GPM-P102":
            more = f"add {counted(why.count, 'host')} of weight above 0" if why.count else another
            return [more, *_beside(question, group)]
        case "GPM-P103":
            return [*_sizes(question), another, *_strategies(question)]
        case "GPM-P104":
            others = [one for one in question.spec.hosts if one.name != why.host and one.roots]
            way = "pin it to another host" if others else "add a host and pin it there"
            return [way, *_beside(question, group)]
        case "GPM-P106":
            return ["add a pin with `host` for each", *_strategies(question)]
        case _ as never:
            assert_never(never)


def _beside(question: Question, group: Sequence[Trouble]) -> list[str]:
    spec = replace(question.spec, allow_same_host=True)
    does = all(question.has_place(one, spec) for one in group)
    way = "accept mirrors beside their primaries with `allow_same_host: true` under `mirrors`"
    return [way] if does else []


def _mates(group: Sequence[Trouble]) -> list[str]:
    """Hosts of the block that could take mirrors if they were let."""
    homes = {one.why.host for one in group}
    others = [name for name in group[0].why.block if len(homes) > 1 or name not in homes]
    if len(homes) > 1:
        return [f"give two of {', '.join(others)} a weight above 0"]
    one = others[0] if len(others) == 1 else f"one of {', '.join(others)}"
    return [f"give {one} a weight above 0"]


def _sizes(question: Question) -> list[str]:
    total = len(question.spec.hosts)
    sizes = [
        str(size)
        for size in range(2, min(total, _SIZES_TRIED) + 1)
        if _does(question, replace(question.spec, block_size=size))
    ]
    if not sizes:
        return []
    return [f"choose a block_size that fits {total} hosts: {', '.join(sizes[:_MOST_SIZES])}"]


def _strategies(question: Question) -> list[str]:
    spec, whole = question.spec, len(question.spec.hosts)
    sizes = {Strategy.GROUP: None, Strategy.SPREAD: None, Strategy.BLOCK: whole}
    found = [
        f"use strategy {one.value}" + (f" with block_size {size}" if size is not None else "")
        for one, size in sizes.items()
        if one is not spec.strategy
        and _does(question, replace(spec, strategy=one, block_size=size))
    ]
    return [*found, "use strategy balanced"] if question.balances() else found


def _does(question: Question, spec: Spec) -> bool:
    """Whether another strategy or block size places all, but for pins that are wrong by themselves."""
    return all(one.why.code == "GPM-P104" for one in question.troubles(spec))
