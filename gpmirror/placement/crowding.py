"""Why strategy balanced finds no place: which hosts have too few, and the fewest lines that conflict.

A line lets go as `conflict.py` says it; beside those a protection lets its mirrors go to any host, a
`survive` of racks and `max_load_factor` do not count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from math import ceil
from typing import assert_never

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.model.names import natural, one_expression
from gpmirror.model.text import counted, named
from gpmirror.placement.conflict import Line, described, entries_of, same_host_line, smallest
from gpmirror.placement.flow import Batch
from gpmirror.placement.question import BalanceQuestion, Crowded, batches, crowded, may_go
from gpmirror.spec.model import Host, Spec
from gpmirror.values import dataclass

CODE = "GPM-P107"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One primary host whose mirrors have no place: `takers` are the hosts that may have `contents`,
    which have `places` in all, for `mirrors` of that host.
    """

    spec: Spec
    question: BalanceQuestion
    primary: int
    contents: tuple[int, ...]
    takers: tuple[int, ...]
    places: int
    mirrors: int

    def figures(self) -> tuple[object, ...]:
        """What is said of it; cases that share it are told once."""
        racks = self.question.racks
        where = {racks[host] for host in self.takers} if self.question.keeps_racks else self.takers
        others = len(self.question.names) - 1
        alike = "others" if len(self.takers) == others else frozenset(where)
        fixed = self.contents if set(self.contents) & set(self.question.fixed) else ()
        return (self.places, self.mirrors, alike, fixed)


def crowding(
    spec: Spec, question: BalanceQuestion, troubles: Iterable[Crowded]
) -> list[Diagnostic]:
    """What has no place, each with the smallest set of lines that conflict. What holds for several
    hosts alike is said once, with the lines of the first. `spec` has no protections that are lifted.
    """
    number = {name: at for at, name in enumerate(question.names)}
    groups: dict[tuple[object, ...], list[_Case]] = {}
    by_host: dict[int, list[Batch]] = {}
    for batch in batches(question):
        by_host.setdefault(batch.primary, []).append(batch)
    for primary in dict.fromkeys(number[one.primary] for one in troubles):
        case = _case(spec, question, primary, by_host[primary])
        groups.setdefault(case.figures(), []).append(case)
    return [_diagnostic(group) for group in groups.values()]


def _case(spec: Spec, question: BalanceQuestion, primary: int, groups: Sequence[Batch]) -> _Case:
    first = next(crowded(question, groups))
    batch = next(one for one in groups if one.pieces[0].content == first.contents[0])
    takers = tuple(sorted(host for host in batch.open if may_go(question, batch, host)))
    taken = first.taken
    return _Case(
        spec=spec,
        question=question,
        primary=primary,
        contents=first.contents,
        takers=takers,
        places=first.room + taken,
        mirrors=len(first.contents) + taken,
    )


# --- Lines, and the question that there is where some of them let go.


def _lines(spec: Spec, question: BalanceQuestion, primary: int) -> Iterator[Line]:
    contents = {one for one, host in question.primary.items() if host == primary}
    for pin in spec.pins:
        if pin.host is not None and pin.content in contents:
            label = f"pins content {pin.content} to {pin.host}"
            yield Line(kind="pin", place=pin.place, label=label, content=pin.content)
    for one in spec.protect:
        if one.host is not None or one.content in contents:
            stays = f"mirrors on {one.host} stay"
            label = stays if one.host is not None else f"content {one.content} stays"
            yield Line(kind="protect", place=one.place, label=label, name=one.name)
    limit = spec.policy.max_load_factor
    if limit is not None:
        place = spec.place_of("policy", "max_load_factor")
        yield Line(kind="load", place=place, label=f"max_load_factor {limit}")
    for rule in spec.policy.survive:
        if rule.of == "rack":
            yield Line(kind="survive", place=rule.place, label="keeps racks apart")
            break
    yield from same_host_line(spec)
    yield from entries_of(spec)


def _let_go(case: _Case, lines: Iterable[Line]) -> tuple[BalanceQuestion, frozenset[int]]:
    """The question without these lines, and the contents that may go to any host then."""
    question, free, gone = case.question, set[int](), set[str]()
    for line in lines:
        match line.kind:
            case "pin":
                free.add(line.content)
            case "protect":
                gone.add(line.name)
            case "load":
                question = replace(question, limit=None)
            case "survive":
                question = replace(question, keeps_racks=False)
            case "allow_same_host":
                question = replace(question, allows_same_host=True)
            case "hosts":
                question = _more(case, question, line, case.question.own[case.primary])
            case "strategy" | "block_size":
                pass
            case _ as never:
                assert_never(never)
    free |= _unprotected(case, gone)
    barred = (host for host in question.barred if f"host:{question.names[host]}" not in gone)
    return replace(question, barred=frozenset(barred)), frozenset(free)


def _effect(case: _Case, line: Line) -> object:
    """What a line does if it lets go; lines that share it are as good as one."""
    if line.kind != "hosts":
        return line
    entry = case.spec.hosts[line.first : line.end]
    return entry[-1].rack, tuple(host.name for host in entry if not host.weight)


def _unprotected(case: _Case, gone: set[str]) -> set[int]:
    """The contents that nothing protects any more."""
    if not gone:
        return set()
    known = {one.name for one in case.spec.protect} - gone
    return {
        content
        for content, fixed in case.question.fixed.items()
        if fixed.rule == "protect" and not known & {f"content:{content}", f"host:{fixed.host}"}
    }


def _more(case: _Case, question: BalanceQuestion, line: Line, count: int) -> BalanceQuestion:
    """An entry of `hosts` that stands for `count` more hosts, each of a weight above 0."""
    entry = case.spec.hosts[line.first : line.end]
    question = _weighted(case, question, line)
    return _added(question, entry[-1], count)


def _weighted(case: _Case, question: BalanceQuestion, line: Line) -> BalanceQuestion:
    names = {host.name for host in case.spec.hosts[line.first : line.end]}
    weights = (
        max(weight, 1) if name in names else weight
        for name, weight in zip(question.names, question.weights, strict=True)
    )
    return replace(question, weights=tuple(weights))


def _added(question: BalanceQuestion, like: Host, count: int) -> BalanceQuestion:
    start = len(question.names)
    return replace(
        question,
        names=(*question.names, *(f"{like.name}+{start + k}" for k in range(count))),
        racks=(*question.racks, *[like.rack] * count),
        weights=(*question.weights, *[1] * count),
    )


def _groups(
    question: BalanceQuestion, primary: int, free: frozenset[int] = frozenset()
) -> list[Batch]:
    """The contents of a host by where they may go."""
    own = batches(question, primary)
    kept = [
        replace(one, pieces=tuple(piece for piece in one.pieces if piece.content not in free))
        for one in own
    ]
    freed = tuple(piece for one in own for piece in one.pieces if piece.content in free)
    anywhere = Batch(
        primary=primary,
        open=frozenset(range(len(question.names))),
        pieces=freed,
        bars_host=not question.allows_same_host,
        bars_rack=question.keeps_racks,
    )
    return [one for one in (*kept, anywhere) if one.pieces]


def _smallest(case: _Case) -> list[Line]:
    """The smallest set of lines that conflict; what several lines do alike is asked once."""
    effects = {line: _effect(case, line) for line in _lines(case.spec, case.question, case.primary)}
    known: dict[frozenset[object], bool] = {}

    def conflicts(some: frozenset[Line]) -> bool:
        gone = {effect: line for line, effect in effects.items() if line not in some}
        what = frozenset(gone)
        if what not in known:
            # Whether there is no place where these lines let go.
            question, free = _let_go(case, gone.values())
            troubles = crowded(question, _groups(question, case.primary, free))
            known[what] = next(troubles, None) is not None
        return known[what]

    return smallest(list(effects), conflicts)


# --- The same in words.


def _diagnostic(group: Sequence[_Case]) -> Diagnostic:
    first = group[0]
    found = _smallest(first)
    return described(
        Diagnostic(
            code=CODE,
            message=_message(group, found),
            place=Place(file=first.spec.file),
            hint=", or ".join(_ways(group, found)) or "change one of the lines named",
        ),
        found,
    )


def _message(group: Sequence[_Case], found: Sequence[Line]) -> str:
    case = group[0]
    question = case.question
    hosts = one_expression([question.names[one.primary] for one in group])
    each = " each" if len(group) > 1 else ""
    among = " among them" if case.mirrors > len(case.contents) else ""
    told = f" ({named(case.contents)}{among})" if len(group) == 1 else ""
    mirrors = f"{counted(case.mirrors, 'mirror')}{each} of {hosts}{told}"
    if not case.takers:
        return f"no host may take {mirrors}"
    under = f" under {one.label}" if (one := _of(found, "load")) is not None else ""
    who, has = _who(group, found)
    return f"{who} {has} {counted(case.places, 'place')} for {mirrors}{under}"


def _of(found: Sequence[Line], kind: str) -> Line | None:
    return next((one for one in found if one.kind == kind), None)


def _who(group: Sequence[_Case], found: Sequence[Line]) -> tuple[str, str]:
    case = group[0]
    question = case.question
    names = sorted((question.names[host] for host in case.takers), key=natural)
    racks = {question.racks[host] for host in case.takers}
    if _of(found, "survive") is not None and None not in racks:
        told = sorted((rack for rack in racks if rack is not None), key=natural)
        return f"rack{'s' * (len(told) > 1)} {', '.join(told)}", "has" if len(told) == 1 else "have"
    if len(group) > 1:
        return "the other hosts", "have"
    return one_expression(names), "has" if len(names) == 1 else "have"


# --- What to do: only what gives all of them a place.


def _ways(group: Sequence[_Case], found: Sequence[Line]) -> Iterator[str]:
    for line in found:
        match line.kind:
            case "hosts":
                pass
            case "load":
                yield from _higher(group)
            case "pin":
                yield from _pinned_elsewhere(group, line)
            case "protect":
                yield from _unprotect(group, line)
            case "survive":
                yield from _tried(group, "leave racks out of `survive`", _without_racks)
            case "allow_same_host":
                yield from _tried(group, _ACCEPT, _beside)
            case "strategy" | "block_size":
                pass
            case _ as never:
                assert_never(never)
    yield from _listed(group, [one for one in found if one.kind == "hosts"])
    if not group[0].takers and _of(found, "allow_same_host") is None:
        yield from _tried(group, _ACCEPT, _beside)


_ACCEPT = "accept mirrors beside their primaries with `allow_same_host: true` under `mirrors`"


def _does(group: Sequence[_Case], change: Callable[[BalanceQuestion], BalanceQuestion]) -> bool:
    """Whether a change of the question, which is one for all, gives all of these a place."""
    question = change(group[0].question)
    homes = {question.names[one.primary] for one in group}
    return all(one.primary not in homes for one in crowded(question))


def _tried(
    group: Sequence[_Case], words: str, change: Callable[[BalanceQuestion], BalanceQuestion]
) -> Iterator[str]:
    if _does(group, change):
        yield words


def _without_racks(question: BalanceQuestion) -> BalanceQuestion:
    return replace(question, keeps_racks=False)


def _beside(question: BalanceQuestion) -> BalanceQuestion:
    return replace(question, allows_same_host=True)


def _higher(group: Sequence[_Case]) -> Iterator[str]:
    """The lowest load factor, in hundredths, that is enough."""
    question = group[0].question
    loads = {
        ceil(question.load(host, gained) * 100) / 100
        for host in range(len(question.names))
        for gained in range(1, max(one.mirrors for one in group) + 1)
    }
    steps = sorted(loads)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        if _does(group, lambda asked, limit=steps[middle]: replace(asked, limit=limit)):  # type: ignore[misc]
            high = middle
        else:
            low = middle + 1
    if low < len(steps):
        yield f"raise `max_load_factor` to {steps[low]:g}"


def _pinned_elsewhere(group: Sequence[_Case], line: Line) -> Iterator[str]:
    for host in group[0].spec.hosts:
        if host.weight > 0 and host.roots and _does(group, _pinned(line.content, host.name)):
            yield f"pin content {line.content} to {host.name}"
            return


def _pinned(content: int, host: str) -> Callable[[BalanceQuestion], BalanceQuestion]:
    def change(question: BalanceQuestion) -> BalanceQuestion:
        other = replace(question.fixed[content], host=host)
        primary = question.names[question.primary[content]]
        if host == primary and not question.allows_same_host:
            return question
        return replace(question, fixed={**question.fixed, content: other})

    return change


def _unprotect(group: Sequence[_Case], line: Line) -> Iterator[str]:
    def change(question: BalanceQuestion) -> BalanceQuestion:
        free = _unprotected(group[0], {line.name})
        fixed = {one: rule for one, rule in question.fixed.items() if one not in free}
        barred = {host for host in question.barred if f"host:{question.names[host]}" != line.name}
        return replace(question, fixed=fixed, barred=frozenset(barred))

    yield from _tried(group, f"allow the move with `--unprotect {line.name}`", change)


def _listed(group: Sequence[_Case], entries: Sequence[Line]) -> Iterator[str]:
    """The fewest more hosts like those of an entry that are enough."""
    case = group[0]
    for line in entries:
        host = case.spec.hosts[line.first]
        if host.weight == 0 and _does(group, lambda asked, at=line: _weighted(case, asked, at)):  # type: ignore[misc]
            names = one_expression([one.name for one in case.spec.hosts[line.first : line.end]])
            yield f"give {names} a weight above 0"
            return
    best: tuple[int, Line] | None = None
    for line in entries:
        like = case.spec.hosts[line.end - 1]
        for count in range(1, case.mirrors + 1 if best is None else best[0]):
            if _does(group, lambda asked, like=like, n=count: _added(asked, like, n)):  # type: ignore[misc]
                best = (count, line)
                break
    if best is not None:
        rack = case.spec.hosts[best[1].end - 1].rack
        where = f" in rack {rack}" if rack is not None else ""
        yield f"list {counted(best[0], 'more host')} of weight above 0{where}"
