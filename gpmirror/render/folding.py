"""The one rule by which changes become lines, on every screen and page: folded, never cut."""

import re
from collections.abc import Callable, Iterable
from dataclasses import field, replace
from functools import cache

from gpmirror.model.names import distance, natural, one_expression, varying, without_number
from gpmirror.model.segment import Slot
from gpmirror.model.text import ranges
from gpmirror.placement.strategies import RULES
from gpmirror.plan.classify import NOT_AS_COMPUTED, SWITCHED
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.render.text import MARKS, method_text, storage_text
from gpmirror.values import dataclass

# --- Why a change is made, as a rule that is told once however many contents it moves.


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What asks for a change: the rule, the line of the spec or `catalog`, and what is special."""

    text: str
    source: str
    remark: str = ""


def rule_of(change: Change) -> Rule:
    """The reason with what belongs to the single content taken out."""
    down = re.match(r"down at [^ ;]+:[0-9]+; ", change.reason)
    reason = change.reason[down.end() :] if down else change.reason
    pinned = re.fullmatch(r"pinned(?: \((.*)\))?", reason, re.DOTALL)
    if pinned is not None:
        return Rule(text="pinned", source=change.source, remark=pinned[1] or "")
    for told in (*RULES, SWITCHED, NOT_AS_COMPUTED):
        reason = told.for_all(reason)
    return Rule(text=f"down; {reason}" if down else reason, source=change.source)


# --- The one rule by which changes become lines, on every screen and page: folded, never cut.
#
# A line names several contents only where each of its words can be read off for each of them: hosts,
# ports and roots stand in the order of the contents, numbers go up or down by one or stay, and names
# differ by one number. What does not fit that takes a line of its own.


COLUMNS = ("hosts", "contents", "ports", "directory", "")
"""What the cells of a line are, in a table of a page."""

SHORT, LONG = 24, 60
"""Hosts stand in pairs while that takes up to so many lines, with one line for each primary's host up
to the second number; beyond, hosts whose lines differ by their number only share one.
"""

_MOST_ROOTS = 16
_PRIMARY_REPLICATION = 4
_LINE = 72
"""Columns that a line of changes has on a terminal of 80."""
_CONTENT, _HOST = "\ue000", "\ue001"
"""Marks inside words: no path of a cluster holds these characters."""

_MOST_IN_TURN = 64
_BENDS = 3
"""In so many stretches the numbers of a line may count; more are told in lines of their own."""
_NUMBER = re.compile(r"[0-9]+")
_ALL = 10**9
_HOSTS = (0, 3)
"""Where among a line's words the old and the new host stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One line: what it says of its contents, in words. `pattern` is `storage` before a single
    content's number, or a single host's name, is put in.
    """

    contents: tuple[int, ...]
    hosts: str
    named: str
    ports: str
    replication: str
    address: str
    storage: str
    pattern: str
    notes: str

    @property
    def place(self) -> str:
        """Ports and address in one cell."""
        return ", ".join(filter(None, (self.ports, self.replication, self.address)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """The lines that one rule of the spec, or one fact of the catalog, asks for."""

    rule: Rule
    folds: tuple[Fold, ...]
    directories: tuple[str, ...] = ()
    """Where the lines leave the directory out: which it is, port by port."""

    @property
    def contents(self) -> list[int]:
        """All contents of the lines."""
        return [content for fold in self.folds for content in fold.contents]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedAction:
    """All changes of one action."""

    action: Action
    count: int
    ruled: tuple[Ruled, ...]


def parts(plan: Plan, *, verbose: bool = False) -> list[FoldedAction]:
    """The plan's changes by action, in the order plans are read; `verbose`: a line a content."""
    found: dict[Action, list[Change]] = {action: [] for action in MARKS}
    for change in plan.changes:
        found[change.action].append(change)
    ports = {one.content: one.primary.replication_port for one in plan.desired.contents}
    return [
        _part(action, [_given(one, ports.get(one.content)) for one in changes], verbose=verbose)
        for action, changes in found.items()
        if changes
    ]


Lines = tuple[Action, Ruled, tuple[Fold, ...]]
"""Lines that stand together below their rule: all of the rule's, or some."""


def opened(plan: Plan, most: int) -> tuple[list[Lines], list[Lines], int]:
    """The changes of a page: what stands in the open, at most so many lines, what is folded away, and
    how many lines that are.
    """
    shown: list[Lines] = []
    rest: list[Lines] = []
    left, hidden = most, 0
    for part in parts(plan):
        for ruled in part.ruled:
            for into, folds in ((shown, ruled.folds[:left]), (rest, ruled.folds[left:])):
                if folds:
                    into.append((part.action, ruled, folds))
            hidden += len(ruled.folds[left:])
            left -= len(ruled.folds[:left])
    return shown, rest, hidden


def stop_overs(plan: Plan, *, verbose: bool = False) -> list[tuple[int, Fold]]:
    """Wave by wave the copies that stop over at a temporary place, and where."""
    lines: list[tuple[int, Fold]] = []
    for wave in plan.waves:
        found = [
            _Given(step.content, _NO_RULE, "", "", step.from_, step.to)
            for step in wave.steps
            if step.temporary
        ]
        lines += [
            (wave.number, fold) for _, fold in _folded(found, Action.MOVE, verbose=verbose).lines
        ]
    return lines


def _part(action: Action, given: list["_Given"], *, verbose: bool) -> FoldedAction:
    found = _folded(given, action, verbose=verbose)
    by_rule: dict[str, list[tuple[Rule, Fold]]] = {}
    for rule, fold in found.lines:
        by_rule.setdefault(rule.text, []).append((rule, fold))
    ruled = tuple(_ruled(lines, found.directories) for lines in by_rule.values())
    return FoldedAction(action=action, count=len(given), ruled=ruled)


def _ruled(found: list[tuple[Rule, Fold]], directories: tuple[str, ...]) -> Ruled:
    """The rule as most of its lines have it; the others say where their own line stands."""
    counts: dict[str, int] = {}
    for rule, fold in found:
        counts[rule.source] = counts.get(rule.source, 0) + len(fold.contents)
    source = max(counts, key=lambda found: counts[found])
    if len(counts) > 1 and counts[source] == 1:
        source = ""
    return Ruled(
        rule=Rule(text=found[0][0].text, source=source),
        folds=tuple(
            fold if rule.source == source else replace(fold, notes=_joined(fold.notes, rule.source))
            for rule, fold in found
        ),
        directories=directories,
    )


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


@dataclass(frozen=True, slots=True)
class _Given:
    """One content's change, or one of its steps."""

    content: int
    rule: Rule
    primary: str
    note: str
    old: Slot | None
    new: Slot | None
    primary_replication: int | None = None


_NO_RULE = Rule(text="", source="")


def _given(change: Change, replication: int | None) -> _Given:
    """`replication` is the port that an addition sets on the primary too (4.3, 5)."""
    adds = change.action is Action.ADD
    return _Given(
        content=change.content,
        rule=rule_of(change),
        primary=change.primary,
        note=remarks(change, own="the address"),
        old=change.from_,
        new=change.to,
        primary_replication=replication if adds else None,
    )


def remarks(change: Change, *, own: str | None = None) -> str:
    """How a copy is brought back, and the hostname it will have if that changes: `own` stands for one
    that is the new address.
    """
    hostname = change.hostname_after
    renamed = ""
    if hostname is not None:
        is_own = change.to is not None and hostname == change.to.address
        renamed = f"hostname becomes {own if own and is_own else hostname}"
    return "; ".join(part for part in (method_text(change), renamed) if part)


Words = tuple[str, ...]
"""Old and new host, address and directories; marks stand for the content's number and the host."""
Numbers = tuple[int | None, ...]
"""Old and new port and replication port, and the primary's where an addition sets that too."""


@dataclass(slots=True)
class _Run:
    """Contents that share a line: `words` hold the values that come in turn, `series` the numbers of
    each content. Where lines of several hosts became one, `primaries` has one name for each `share`
    contents, `firsts` and `last` the words of each line and of the last.
    """

    rule: Rule
    note: str
    stays: bool
    primaries: list[str]
    contents: list[int]
    words: list[list[str]]
    series: list["_Series"]
    share: int = 0
    firsts: list[list[str]] = field(default_factory=list)
    last: list[list[str]] = field(default_factory=list)

    def takes(self, content: int, words: Words, numbers: Numbers, most: int) -> bool:
        """Take the content in if the line can say it too, numbers in at most so many stretches."""
        at = len(self.contents)
        if not all(_goes_on(seen, word, at) for seen, word in zip(self.words, words, strict=True)):
            return False
        if not all(map(_Series.takes, self.series, numbers, [most] * len(numbers))):
            return False
        for seen, word in zip(self.words, words, strict=True):
            if len(seen) == at and word != seen[0]:
                seen.append(word)
        for series, number in zip(self.series, numbers, strict=True):
            series.add(number)
        self.contents.append(content)
        return True


class _Series:
    """Numbers, cut where they stop to count up, to count down, or to stay. None: no numbers."""

    def __init__(self, first: int | None) -> None:
        self.stretches: list[list[int]] = [] if first is None else [[first]]

    def takes(self, number: int | None, most: int) -> bool:
        """Whether the next number makes no more than so many stretches."""
        if number is None or not self.stretches:
            return number is None and not self.stretches
        return len(self.stretches) < most or self._goes_on(number)

    def add(self, number: int | None) -> None:
        """Append a number that `takes` has taken."""
        if number is None:
            return
        if self._goes_on(number):
            self.stretches[-1].append(number)
        else:
            self.stretches.append([number])

    def _goes_on(self, number: int) -> bool:
        stretch = self.stretches[-1]
        step = number - stretch[-1]
        return abs(step) <= 1 and (len(stretch) == 1 or step == stretch[1] - stretch[0])


def _goes_on(seen: list[str], word: str, at: int) -> bool:
    """Whether the word is the next of those that come in turn, or a further one of their form."""
    if len(seen) < at or word == seen[0]:
        return seen[at % len(seen)] == word
    if at >= _MOST_IN_TURN or word in seen:
        return False
    place = varying(seen[0], word)
    return place is not None and (at == 1 or place == varying(seen[0], seen[1]))


@dataclass(frozen=True, slots=True)
class _Told:
    """Lines, each with its rule, and the directories that all of them leave out."""

    lines: list[tuple[Rule, Fold]]
    directories: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """About how many lines a terminal of 80 columns needs."""
        several = len({fold.pattern for _, fold in self.lines}) > 1
        return len(self.directories) + sum(
            1
            + several
            + (sum(map(len, (f.hosts, f.named, f.ports, f.replication, f.notes)))) // _LINE
            for _, f in self.lines
        )


def _folded(given: list[_Given], action: Action, *, verbose: bool) -> _Told:
    """The least folded of the ways that keep the list short, or the one that makes it shortest."""
    hosted = all(_names_host(one.old) and _names_host(one.new) for one in given)
    items = [_item(one, hosted=hosted) for one in given]
    if verbose:
        return _told(action, _runs(items, lambda item: item.given.content))
    pairs = _runs(items, lambda item: (item.given.primary, item.words[0], item.words[3]))
    best = _told(action, pairs)
    if best.length <= SHORT:
        return best
    homes = _runs(items, lambda item: item.given.primary, most=_BENDS)
    best = min(best, _told(action, homes), key=_length)
    if best.length <= LONG:
        return best
    ways = [_told(action, _merged(runs)) for runs in (pairs, homes)]
    directories = _by_port(items)
    if directories:
        bare = [replace(item, words=(*item.words[:-1], "")) for item in items]
        homes = _runs(bare, lambda item: item.given.primary, most=_BENDS)
        ways += [_told(action, runs, directories) for runs in (homes, _merged(homes))]
    return min(best, *ways, key=_length)


def _told(action: Action, runs: list["_Run"], directories: tuple[str, ...] = ()) -> _Told:
    return _Told([(run.rule, _fold(action, run)) for run in runs], directories)


def _length(found: _Told) -> int:
    return found.length


def _by_port(items: list["_Item"]) -> tuple[str, ...]:
    """The directory of each port, where new mirrors have it by their port; else nothing."""
    found: dict[int | None, str] = {}
    for item in items:
        port, path = item.numbers[2], item.words[5]
        if item.given.old is not None or found.setdefault(port, path) != path:
            return ()
    ports: dict[str, list[int]] = {}
    for number, path in found.items():
        ports.setdefault(path, []).append(number or 0)
    if not 1 < len(ports) <= _MOST_ROOTS:
        return ()
    told = {path: path.replace(_HOST, "{host}").replace(_CONTENT, "{content}") for path in ports}
    return tuple(
        f"{told[path]} on ports {ranges(given, most=_ALL)}" for path, given in ports.items()
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """A change and its words; what differs in `apart` never shares a line."""

    given: _Given
    words: Words
    numbers: Numbers
    stays: bool
    apart: tuple[object, ...]


def _item(one: _Given, *, hosted: bool) -> _Item:
    old, new = one.old, one.new
    stays = old is not None and old == new
    # paths that could be taken for a fold stand alone
    odd = any("[" in path or "{" in path for slot in (old, new) for path in _paths(slot))
    rule = one.rule
    return _Item(
        given=one,
        words=(
            *_words(old, one.content, hosted=hosted, odd=odd),
            *_words(new, one.content, hosted=hosted, odd=odd),
        ),
        numbers=(*_numbers(old), *_numbers(new), one.primary_replication),
        stays=stays,
        apart=(
            rule.text,
            rule.source,
            rule.remark,
            one.note,
            stays,
            old is None,
            new is None,
            one.content if odd else None,
        ),
    )


def _runs(items: list[_Item], key: Callable[[_Item], object], most: int = 1) -> list[_Run]:
    groups: dict[object, list[_Item]] = {}
    for item in items:
        groups.setdefault((key(item), item.apart), []).append(item)
    runs: list[_Run] = []
    for group in groups.values():
        open_: _Run | None = None
        for item in sorted(group, key=lambda item: item.given.content):
            one = item.given
            if open_ is None or not open_.takes(one.content, item.words, item.numbers, most):
                open_ = _Run(
                    rule=one.rule,
                    note=one.note,
                    stays=item.stays,
                    primaries=[one.primary],
                    contents=[one.content],
                    words=[[word] for word in item.words],
                    series=[_Series(number) for number in item.numbers],
                )
                runs.append(open_)
    return sorted(runs, key=_order)


def _order(run: _Run) -> tuple[object, ...]:
    return (natural(run.primaries[0]), run.contents[0])


def _numbers(slot: Slot | None) -> Numbers:
    return (None, None) if slot is None else (slot.port, slot.replication_port)


def _words(slot: Slot | None, content: int, *, hosted: bool, odd: bool) -> Words:
    if slot is None:
        return ("", "", "")
    paths = storage_text(slot)
    if not odd:
        paths = _with_host(paths, slot.host) if hosted else paths
        paths = " ".join(_templated(path, str(content)) for path in paths.split(" "))
    return (slot.host, _with_host(slot.address, slot.host), paths)


def _paths(slot: Slot | None) -> Iterable[str]:
    return () if slot is None else (slot.directory or "", *(path for _, path in slot.filespaces))


def _names_host(slot: Slot | None) -> bool:
    """Whether every directory of the place names its host, as `{host}` in the spec makes it."""
    return slot is None or all(
        path and _with_host(path, slot.host) != path for path in _paths(slot)
    )


def _with_host(text: str, host: str) -> str:
    if host not in text:
        return text
    return _HOST if text == host else _whole(host).sub(_HOST, text)


@cache
def _whole(host: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z]){re.escape(host)}(?![0-9A-Za-z])")


def _templated(path: str, content: str) -> str:
    """The path with a mark for its last number, where that is the content's own."""
    if path.endswith(content) and not path[: -len(content)][-1:].isdigit():
        return f"{path.removesuffix(content)}{_CONTENT}"
    numbers = [found for found in _NUMBER.finditer(path) if found[0] == content]
    if not numbers:
        return path
    last = numbers[-1]
    return f"{path[: last.start()]}{_CONTENT}{path[last.end() :]}"


def _merged(runs: list[_Run]) -> list[_Run]:
    """Lines of hosts that differ by a number only as one, where all else is told by that number."""
    merged: list[_Run] = []
    alike: dict[object, _Run] = {}
    for run in runs:
        shape = _shape(run)
        into = alike.get(shape)
        if shape is None or into is None or run.contents[0] < into.contents[-1]:
            alike[shape] = replace(
                run,
                primaries=[*run.primaries],
                contents=[*run.contents],
                share=len(run.contents),
                firsts=[[seen[0]] for seen in run.words],
                last=run.words,
            )
            merged.append(alike[shape])
            continue
        into.primaries += run.primaries
        into.contents += run.contents
        into.last = run.words
        for names, seen in zip(into.firsts, run.words, strict=True):
            names.append(seen[0])
    return merged


def _shape(run: _Run) -> object:
    """What a line says beside its host's number; None: it names hosts that the number cannot tell."""
    primary = run.primaries[0]
    words: list[object] = []
    place: int | None = None
    for at, seen in enumerate(run.words):
        if at not in _HOSTS or seen == [""]:
            words.append(tuple(seen))
            continue
        for name in seen:
            step = distance(primary, name)
            if step is None or (place is not None and step[0] != place):
                return None
            place = step[0]
            words.append(step)
    if place is None:
        return None
    contents = tuple(content - run.contents[0] for content in run.contents)
    family = without_number(primary, place)
    series = tuple(tuple(map(tuple, found.stretches)) for found in run.series)
    return (family, run.rule, run.note, run.stays, contents, series, tuple(words))


def _fold(action: Action, run: _Run) -> Fold:
    old, new = _Side(run, 0), _Side(run, 1)
    place = "in place" if action is Action.RECOVER and run.stays else ""
    return Fold(
        contents=tuple(run.contents),
        hosts=_hosts(action, run, old, new),
        named=_named(action, run),
        ports=_port_words("port", _both(old.port, new.port)),
        replication=_replication(run, old, new),
        address=_address(old, new),
        storage=_both(old.storage, new.storage),
        pattern=_both(old.pattern, new.pattern),
        notes=_joined(place, run.note, run.rule.remark),
    )


class _Side:
    """One end of a line's changes, in words."""

    def __init__(self, run: _Run, side: int) -> None:
        host, address, storage = (_word(run, side * 3 + at) for at in range(3))
        known = run.words[side * 3] != [""]
        self.host = host
        self.port = _number(run, side * 2)
        self.replication = _number(run, side * 2 + 1)
        self.address = "" if not known or address == _HOST else address
        one = len(run.words[side * 3]) == 1 and len(run.primaries) == 1
        name = host if one else "{host}"
        self.address = self.address.replace(_HOST, name)
        self.pattern = storage.replace(_HOST, "{host}").replace(_CONTENT, "{content}")
        storage = storage.replace(_HOST, name)
        number = str(run.contents[0]) if len(run.contents) == 1 else "{content}"
        self.storage = storage.replace(_CONTENT, number)


def _word(run: _Run, at: int) -> str:
    """`sdw2`, `sdw[2-5]`, `sdw[2-3] in turn`; over several hosts `sdw[2-5]..sdw[7-10]`."""
    seen = run.words[at]
    share = run.share or len(run.contents)
    turns = " in turn" if 1 < len(seen) < share else ""
    if run.last and run.last[at] != seen:
        if len(seen) == 1:
            return one_expression(run.firsts[at])
        return f"{one_expression(seen)}..{one_expression(run.last[at])}{turns}"
    return f"{one_expression(seen)}{turns}"


def _number(run: _Run, at: int) -> str:
    """`7000`, `7000-7003`, `7000 each`, `7003-7001, 7002 x4`."""
    found = run.series[at].stretches
    if len(found) == 1 and len(set(found[0])) == 1:
        return str(found[0][0]) + (" each" if len(run.contents) > 1 else "")
    return ", ".join(map(_stretch, found))


def _stretch(numbers: list[int]) -> str:
    first, last = numbers[0], numbers[-1]
    if len(numbers) == 1:
        return str(first)
    return f"{first}-{last}" if first != last else f"{first} x{len(numbers)}"


def _hosts(action: Action, run: _Run, old: _Side, new: _Side) -> str:
    primary = one_expression(run.primaries)
    match action:
        case Action.ADD:
            return f"{primary} -> {new.host}"
        case Action.REBALANCE:
            return f"{primary} -> {old.host}"
        case Action.BLOCKED:
            return old.host or primary
        case Action.RECOVER | Action.MOVE:
            return old.host if old.host == new.host else f"{old.host} -> {new.host}"


def _named(action: Action, run: _Run) -> str:
    one = len(run.contents) == 1
    text = f"content{'' if one else 's'} {ranges(run.contents, most=_ALL)}"
    if len(run.primaries) > 1 and run.share > 1:
        text += f", {run.share} each"
    away = action in {Action.RECOVER, Action.MOVE, Action.BLOCKED} and run.primaries[0]
    return f"{text} of {one_expression(run.primaries)}" if away else text


def _replication(run: _Run, old: _Side, new: _Side) -> str:
    own = _both(old.replication, new.replication)
    primary = _number(run, _PRIMARY_REPLICATION)
    if own and primary:
        return f"replication ports: mirror {own}, primary {primary}"
    return _port_words("replication", own)


def _address(old: _Side, new: _Side) -> str:
    at = _both(old.address, new.address) if old.host == new.host else new.address
    return f"at {at}" if at else ""


def _port_words(word: str, text: str) -> str:
    if not text:
        return ""
    several = word == "port" and re.search("[-,]", text.replace("->", ""))
    return f"{word}{'s' if several else ''} {text}"


def _both(old: str, new: str) -> str:
    """`7000 -> 7005`, or once what stays."""
    if not old or not new or old == new:
        return new or old
    return f"{old} -> {new}"
