"""Infeasible specs: the lines that are named conflict, none can be left out, no set is smaller; what the
hint says gives a layout.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import GpmirrorError, Infeasible
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.placement.conflict import MOST_EXACT, Line, Question, alike, smallest
from gpmirror.placement.place import place
from gpmirror.placement.strategies import STRATEGIES
from gpmirror.spec import load
from gpmirror.spec.model import Host, Pin, Spec, Strategy
from tests import clusters
from tests.clusters import mirrorless

HEAD = "apiVersion: gpmirror/v1\ncluster: {name: t}\nhosts:\n"


def text(hosts: str, mirrors: str) -> str:
    """Hosts from line 4 on; a line each."""
    entries = "".join(f"  - {{name: {one}, roots: [/m]}}\n" for one in hosts.split(" "))
    lines = "".join(f"  {one}\n" for one in mirrors.split("; "))
    return f"{HEAD}{entries}mirrors:\n  ports: {{offset: 1000}}\n{lines}"


def findings(spec: str | Spec, seen: Observed) -> list[Diagnostic]:
    """What is in the way; nothing where there is a layout."""
    wanted = load(spec.encode(), "s.yaml") if isinstance(spec, str) else spec
    try:
        place(wanted, seen)
    except Infeasible as error:
        return list(error.diagnostics)
    except GpmirrorError:
        pass  # ports and directories are another matter
    return []


def lines(found: Diagnostic) -> list[int]:
    """The lines that the message names."""
    named = re.search(r": lines? ([-0-9, ]+)$", found.message)
    assert named is not None, found.message
    numbers: list[int] = []
    for part in named[1].split(", "):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


CASES = [
    # hosts, mirrors, hosts with primaries, primaries a host, code, lines
    ("sdw1 sdw2 sdw3", "strategy: spread", 3, 3, "GPM-P101", [4, 5, 6, 9]),
    ('"sdw[1-3]"', "strategy: spread", 3, 3, "GPM-P101", [4, 7]),
    ('"sdw[1-2]" sdw3,weight:0', "strategy: spread", 2, 2, "GPM-P101", [4, 5, 8]),
    ("sdw1", "strategy: group", 1, 2, "GPM-P102", [4]),
    ("sdw1", "strategy: spread", 1, 2, "GPM-P102", [4]),
    ("sdw1", "strategy: group; allow_same_host: false", 1, 2, "GPM-P102", [4, 8]),
    ("sdw1 sdw2,weight:0", "strategy: group", 2, 1, "GPM-P102", [4, 5]),
    ("sdw1 sdw2 sdw3", "strategy: block; block_size: 2", 3, 2, "GPM-P103", [4, 5, 6, 9, 10]),
    (
        "sdw1 sdw2,weight:0 sdw3 sdw4",
        "strategy: block; block_size: 2",
        4,
        1,
        "GPM-P102",
        [4, 5, 10, 11],
    ),
    ("sdw1 sdw2", "strategy: group; pins: [{content: 0, host: sdw1}]", 2, 1, "GPM-P104", [9]),
    (
        "sdw1 sdw2",
        "strategy: group; allow_same_host: false; pins: [{content: 0, host: sdw1}]",
        2,
        1,
        "GPM-P104",
        [9, 10],
    ),
    ("sdw1 sdw2", "strategy: pinned; pins: [{content: 0, host: sdw2}]", 2, 1, "GPM-P106", [8]),
    ("sdw1 sdw2", "strategy: pinned; pins: [{content: 1, port: 9}]", 1, 2, "GPM-P106", [8]),
]


def case(hosts: str, mirrors: str, homes: int, count: int) -> tuple[str, Observed]:
    written = text(hosts, mirrors).replace(",weight:0,", ", weight: 0,")
    return written, mirrorless([f"sdw{at + 1}" for at in range(homes)], count)


@pytest.mark.parametrize(("hosts", "mirrors", "homes", "count", "code", "expected"), CASES)
def test_the_lines_are_named_in_message_and_places(
    hosts: str, mirrors: str, homes: int, count: int, code: str, expected: list[int]
) -> None:
    found = findings(*case(hosts, mirrors, homes, count))[0]
    assert found.code == code
    assert lines(found) == expected, found.message
    assert found.place is not None
    assert sorted({found.place.line, *(one.place.line for one in found.related)}) == expected


def relaxed(line: str) -> Iterator[str]:
    """What a person may write instead of a line, so that it demands less."""
    if "weight: 0" in line:
        yield line.replace("weight: 0", "weight: 1")
    if "name:" in line:
        for more in ("x1", "x[1-2]", "x[1-3]"):
            yield f'{line}\n  - {{name: "{more}", roots: [/m]}}'
    if "block_size" in line:
        yield "  block_size: 3"
        yield "  block_size: 4"
    if "strategy" in line:
        yield "  strategy: group"
    if "allow_same_host" in line:
        yield "  allow_same_host: true"
    if "content: 0" in line:
        yield line.replace("sdw1", "sdw2")


@pytest.mark.parametrize(("hosts", "mirrors", "homes", "count", "code", "expected"), CASES)
def test_no_line_can_be_left_out(
    hosts: str, mirrors: str, homes: int, count: int, code: str, expected: list[int]
) -> None:
    written, seen = case(hosts, mirrors, homes, count)
    for number in expected:
        rows = written.splitlines()
        gone = []
        for instead in relaxed(rows[number - 1]):
            changed = [*rows[: number - 1], instead, *rows[number:]]
            if "strategy: group" in instead:
                changed = [row for row in changed if "block_size" not in row]
            told = findings("\n".join(changed), seen)
            gone.append(code not in {one.code for one in told})
        assert any(gone), (number, rows[number - 1])


# --- the search -----------------------------------------------------------------------------------


def _line(number: int) -> Line:
    return Line(kind="hosts", place=Place(file="s", line=number), label="", first=number)


@pytest.mark.parametrize("seed", range(40))
def test_the_search_finds_a_smallest_set(seed: int) -> None:
    random = Random(seed)
    count = random.randint(1, 9)
    all_lines = [_line(number) for number in range(count)]
    minimal = [
        frozenset(random.sample(all_lines, random.randint(0, count)))
        for _ in range(random.randint(1, 4))
    ]

    def conflicts(some: frozenset[Line]) -> bool:
        return any(one <= some for one in minimal)

    found = frozenset(smallest(all_lines, conflicts))
    assert conflicts(found)
    assert len(found) == min(len(one) for one in minimal)


def test_of_many_lines_one_set_is_found_of_which_none_can_be_left_out() -> None:
    all_lines = [_line(number) for number in range(10 * MOST_EXACT)]
    halves = (
        frozenset(all_lines[: len(all_lines) // 2]),
        frozenset(all_lines[len(all_lines) // 2 :]),
    )

    def conflicts(some: frozenset[Line]) -> bool:
        return any(one <= some for one in halves)

    assert frozenset(smallest(all_lines, conflicts)) in halves


# --- random specs, judged by placing them ---------------------------------------------------------


def random_case(random: Random) -> tuple[Spec, Observed]:
    entries: list[Host] = []
    for line in range(4, 4 + random.randint(1, 4)):
        weight = random.choice([1, 1, 0])
        for _ in range(random.choice([1, 1, 2])):
            name = f"sdw{len(entries) + 1}"
            made = clusters.host(name, weight=weight, place=Place(file="s", line=line))
            entries.append(made)
    names = [one.name for one in entries]
    homes = names[: random.randint(1, len(names))]
    seen = mirrorless(homes, random.randint(1, 3))
    strategy = random.choice(list(STRATEGIES))
    pins = tuple(
        Pin(content=content, host=random.choice(names), place=Place(file="s", line=20 + content))
        for content in range(len(homes))
        if random.random() < 0.2
    )
    places = {
        ("mirrors", "strategy"): Place(file="s", line=40),
        ("mirrors", "block_size"): Place(file="s", line=41),
    }
    if random.random() < 0.3:
        places["mirrors", "allow_same_host"] = Place(file="s", line=42)
    spec = clusters.spec(
        entries,
        strategy.value,
        block_size=random.choice([2, 3]) if strategy is Strategy.BLOCK else None,
        pins=pins,
        places=places,
    )
    return spec, seen


def edits(spec: Spec, line: int) -> list[Callable[[Spec], Spec]]:
    """Ways to write a line so that it demands less."""
    if line == 40:
        return [lambda one: replace(one, strategy=Strategy.GROUP, block_size=None)]
    if line == 41:
        return [lambda one: replace(one, block_size=None)]
    if line == 42:
        return [lambda one: replace(one, allow_same_host=True)]
    if line >= 20:
        return [
            lambda one, host=host: replace(  # type: ignore[misc]
                one,
                pins=tuple(
                    replace(pin, host=host.name) if pin.place.line == line else pin
                    for pin in one.pins
                ),
            )
            for host in spec.hosts
        ]
    return [lambda one, more=more: _wider(one, line, more) for more in range(8)]  # type: ignore[misc]


def _wider(spec: Spec, line: int, more: int) -> Spec:
    hosts: list[Host] = []
    for at, one in enumerate(spec.hosts):
        own = one.place.line == line
        hosts.append(replace(one, weight=1) if own else one)
        if own and (at + 1 == len(spec.hosts) or spec.hosts[at + 1].place.line != line):
            hosts += [
                replace(one, name=f"x{line}-{k}", addresses=(f"x{line}-{k}",), weight=1)
                for k in range(more)
            ]
    return replace(spec, hosts=tuple(hosts))


def question(spec: Spec, seen: Observed) -> Question:
    rows: dict[str, list[Segment]] = {}
    for row in seen.segments:
        if row.content >= 0:
            rows.setdefault(row.hostname, []).append(row)
    ordered = {one.name: rows[one.name] for one in spec.hosts if one.name in rows}
    return Question(spec=spec, primaries=ordered)


def holds(spec: Spec, seen: Observed, content: int | None) -> bool:
    """Whether the content (None: a block) still has no place."""
    if (
        spec.strategy is Strategy.BALANCED
    ):  # places all or none, but for pins beside their primaries
        return any(one.code == "GPM-P107" for one in findings(spec, seen))
    return any(one.content == content for one in question(spec, seen).troubles(spec))


def subjects(spec: Spec, seen: Observed) -> list[tuple[Diagnostic, list[int | None]]]:
    """The findings, each with the contents that it is about."""
    asked = question(spec, seen)
    groups = alike(asked, asked.troubles(spec))
    told = findings(spec, seen)
    return [
        (one, [trouble.content for trouble in group])
        for one, group in zip(told, groups, strict=bool(told))
    ]


def let_go(spec: Spec, some: tuple[int, ...]) -> Iterator[Spec]:
    """Every spec that there is where these lines are written otherwise."""
    if not some:
        yield spec
        return
    for edit in edits(spec, some[0]):
        yield from let_go(edit(spec), some[1:])


def written_lines(spec: Spec, content: int | None) -> list[int]:
    found = {one.place.line for one in spec.hosts} | {40}
    found |= {pin.place.line for pin in spec.pins if pin.content == content}
    found |= {41} if spec.block_size is not None else set()
    found |= {42} if ("mirrors", "allow_same_host") in spec.places else set()
    return sorted(found)


@pytest.mark.parametrize("seed", range(300))
def test_no_line_of_a_random_spec_can_be_left_out_and_no_set_is_smaller(seed: int) -> None:
    spec, seen = random_case(Random(seed))
    for found, (content, *_) in subjects(spec, seen):
        named = lines(found)
        everything = written_lines(spec, content)
        for line in named:
            others = tuple(one for one in everything if one not in named)
            assert not all(holds(one, seen, content) for one in let_go(spec, (line,))) or not all(
                holds(one, seen, content) for one in let_go(spec, (*others, line))
            ), (found.message, line)


# --- what the hint says ---------------------------------------------------------------------------


def followed(
    spec: Spec, seen: Observed, found: Diagnostic, contents: Sequence[int | None]
) -> Iterator[tuple[str, Spec]]:
    """The spec after each of the ways out."""
    assert found.hint is not None
    for way in found.hint.split(", or "):
        yield from ((way, one) for one in _follow(spec, seen, contents, way))


def _follow(  # noqa: C901, PLR0912 - a branch for each way out
    spec: Spec, seen: Observed, contents: Sequence[int | None], way: str
) -> Iterator[Spec]:
    if matched := re.match(r"use strategy (\w+)(?: with block_size (\d+))?$", way):
        size = int(matched[2]) if matched[2] else None
        yield replace(spec, strategy=Strategy(matched[1]), block_size=size)
    elif way.startswith("choose a block_size"):
        for one in way.partition(": ")[2].split(", "):
            yield replace(spec, block_size=int(one))
    elif "allow_same_host" in way:
        yield replace(spec, allow_same_host=True)
    elif matched := re.match(r"give (two of |one of |)(.*) a weight above 0$", way):
        count = 2 if matched[1] == "two of " else 1
        for some in combinations(matched[2].split(", "), count):
            yield _weighted(spec, some)
    elif way == "pin it to another host":
        home = next(row.hostname for row in seen.segments if row.content == contents[0])
        for host in spec.hosts:
            if host.name != home:
                yield _repinned(spec, contents[0], host.name)
    elif way == "add a pin with `host` for each":
        for host in spec.hosts:
            yield _pinned(spec, seen, contents, host.name)
    elif way == "add a host and pin it there":
        yield _repinned(_added(spec, 1), contents[0], "x1")
    else:
        number = re.match(
            r"(?:list at least |add )(\d+|a) (?:more )?hosts? of weight above 0$", way
        )
        assert number is not None, way
        yield _added(spec, 1 if number[1] == "a" else int(number[1]))


def _pinned(spec: Spec, seen: Observed, contents: Sequence[int | None], away: str) -> Spec:
    pins = [
        Pin(content=row.content, host=_other(spec, row.hostname, away), place=clusters.PLACE)
        for row in seen.segments
        if row.content in contents
    ]
    kept = [pin for pin in spec.pins if pin.content not in contents]
    return replace(spec, pins=(*kept, *pins))


def _weighted(spec: Spec, names: Sequence[str]) -> Spec:
    hosts = (replace(one, weight=1) if one.name in names else one for one in spec.hosts)
    return replace(spec, hosts=tuple(hosts))


def _repinned(spec: Spec, content: int | None, name: str) -> Spec:
    pins = (replace(pin, host=name) if pin.content == content else pin for pin in spec.pins)
    return replace(spec, pins=tuple(pins))


def _other(spec: Spec, home: str, wanted: str) -> str:
    """A host of the spec other than `home`: `wanted`, if it is another."""
    if wanted != home:
        return wanted
    return next((one.name for one in spec.hosts if one.name != home), "x1")


def _added(spec: Spec, count: int) -> Spec:
    return replace(spec, hosts=(*spec.hosts, *(clusters.host(f"x{k + 1}") for k in range(count))))


@pytest.mark.parametrize("seed", range(300))
def test_every_way_out_that_the_hint_names_gives_a_place(seed: int) -> None:
    spec, seen = random_case(Random(seed))
    for found, contents in subjects(spec, seen):
        for way, one in followed(spec, seen, found, contents):
            assert not any(holds(one, seen, content) for content in contents), (found.message, way)


def test_a_ring_that_is_too_short_is_told_of_balanced() -> None:
    seen = mirrorless(["sdw1", "sdw2", "sdw3"], 3)
    [found] = findings(text('"sdw[1-3]"', "strategy: spread"), seen)
    assert found.hint is not None
    assert found.hint.endswith(", or use strategy balanced")


def test_balanced_is_not_proposed_where_it_has_no_place_either() -> None:
    seen = mirrorless(["sdw1"], 2)
    [found] = findings(text("sdw1", "strategy: spread"), seen)
    assert found.hint is not None
    assert "balanced" not in found.hint


@pytest.mark.parametrize("seed", range(60))
def test_no_smaller_set_of_lines_conflicts(seed: int) -> None:
    """Judged by placing every spec that the other lines could say."""
    spec, seen = random_case(Random(1000 + seed))
    for found, (content, *_) in subjects(spec, seen)[:1]:
        named, everything = lines(found), written_lines(spec, content)
        if len(everything) > 4:
            continue
        for size in range(len(named)):
            for some in combinations(everything, size):
                others = tuple(one for one in everything if one not in some)
                assert not all(holds(one, seen, content) for one in let_go(spec, others)), (
                    found.message,
                    some,
                )
