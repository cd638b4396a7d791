"""Strategy balanced without a layout: who has how many places, the lines that conflict, ways out that work."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import GpmirrorError, Infeasible
from gpmirror.model.observed import Observed
from gpmirror.placement.hosts import map_hosts
from gpmirror.placement.place import place
from gpmirror.placement.question import ask, crowded
from gpmirror.spec import load
from gpmirror.spec.model import Host, Pin, Policy, Protection, Spec, Survive
from tests import clusters
from tests.unit.placement.test_conflict import lines

HEAD = "apiVersion: gpmirror/v1\ncluster: {name: t}\n"
TAIL = "mirrors: {strategy: balanced, ports: {offset: 1000}}\n"
TWO_RACKS = """hosts:
  - {name: "sdw[1-2]", rack: a, roots: [/m]}
  - {name: "sdw[3-4]", rack: b, roots: [/m]}
"""


def findings(spec: Spec | str, seen: Observed) -> list[Diagnostic]:
    wanted = load(spec.encode(), "s.yaml") if isinstance(spec, str) else spec
    try:
        place(wanted, seen)
    except Infeasible as error:
        return list(error.diagnostics)
    except GpmirrorError:
        pass  # ports and directories are another matter
    return []


DRAINED = """hosts:
  - {name: "sdw[1-3]", roots: [/m], weight: 0}
  - {name: sdw4, roots: [/m]}
"""
RACKS = "policy:\n  survive: [{any: 1, of: rack}]\n"
PINNED = """mirrors:
  strategy: balanced
  ports: {offset: 1000}
  pins:
    - {content: 0, host: sdw2}
"""
HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"]


@pytest.mark.parametrize(
    ("written", "message", "expected", "hint"),
    [
        (
            f"{HEAD}{TWO_RACKS}{TAIL}{RACKS}  max_load_factor: 1.3\n",
            "rack b has 2 places for 4 mirrors each of sdw[1-2] under max_load_factor 1.3",
            [5, 8, 9],
            "raise `max_load_factor` to 1.5",
        ),
        (
            f"{HEAD}{TWO_RACKS}{TAIL}policy: {{max_load_factor: 1.2}}\n",
            "the other hosts have 0 places for 4 mirrors each of sdw[1-4] under max_load_factor 1.2",
            [4, 5, 7],
            "raise `max_load_factor` to 1.5",
        ),
        (
            f"{HEAD}{DRAINED}{TAIL}",
            "no host may take 4 mirrors of sdw4 (contents 12-15)",
            [4, 5],
            "give sdw[1-3] a weight above 0",
        ),
        (
            f"{HEAD}{TWO_RACKS}{PINNED}{RACKS}",
            "no host may take 1 mirror of sdw1 (content 0)",
            [10, 12],
            "pin content 0 to sdw3",
        ),
    ],
)
def test_what_is_said(written: str, message: str, expected: list[int], hint: str) -> None:
    found = findings(written, clusters.mirrorless(HOSTS, 4))[0]
    assert found.code == "GPM-P107"
    assert found.message.startswith(message), found.message
    assert lines(found) == expected
    assert found.hint is not None
    assert hint in found.hint
    assert found.place is not None
    assert sorted({found.place.line, *(one.place.line for one in found.related)}) == expected


def test_one_host_may_accept_mirrors_beside_their_primaries() -> None:
    found = findings(
        f"{HEAD}hosts:\n  - {{name: sdw1, roots: [/m]}}\n{TAIL}", clusters.mirrorless(["sdw1"], 2)
    )
    assert found[0].hint == (
        "list 1 more host of weight above 0, or accept mirrors beside their primaries with "
        "`allow_same_host: true` under `mirrors`"
    )


def test_a_content_that_stays_is_one_of_those_without_room() -> None:
    """A pin takes the only place that a protected content has."""
    written = (
        f"{HEAD}hosts:\n  - {{name: 'sdw[1-4]', roots: [/m]}}\n{PINNED}"
        "protect: [{content: 1}]\npolicy: {max_load_factor: 1.5}\n"
    )
    found = findings(written, clusters.mirrored(HOSTS, 2))[0]
    assert found.message.startswith(
        "sdw2 has 1 place for 2 mirrors of sdw1 (content 1 among them) under max_load_factor 1.5"
    )
    assert "content 1 stays" in {one.label for one in (*found.related,)}


# --- random specs ---------------------------------------------------------------------------------


def at(line: int) -> Place:
    return Place(file="s", line=line)


def random_case(random: Random) -> tuple[Spec, Observed]:
    count = random.randint(2, 5)
    racks: list[str | None] = random.choice([["a", "b"], ["a", "b", "c"], [None]])
    width = random.choice([1, 1, 2])
    weights = [random.choice([1, 1, 1, 0]) for _ in range(count)]
    hosts = [
        clusters.host(
            f"sdw{k + 1}",
            weight=weights[k // width],
            rack=racks[k // width % len(racks)],
            place=at(10 + k // width),
        )
        for k in range(count)
    ]
    names = [one.name for one in hosts]
    homes = names[: random.randint(1, count)]
    rows = clusters.primaries(homes, random.randint(1, 3))
    seen = clusters.observed([clusters.coordinator(), *rows])
    if random.random() < 0.6:
        mirrors = [
            clusters.row(
                100 + one.content, one.content, "m", random.choice(others), 7000 + one.content
            )
            for one in rows
            if (others := [name for name in names if name != one.hostname])
        ]
        seen = clusters.observed([clusters.coordinator(), *rows, *mirrors])
    contents = [one.content for one in rows]
    pins = tuple(
        Pin(content=content, host=random.choice(names), place=at(30 + content))
        for content in contents
        if random.random() < 0.15
    )
    protect = [
        Protection(content=content, place=at(50 + content))
        for content in contents
        if random.random() < 0.15
    ]
    protect += [
        Protection(host=name, place=at(70 + k))
        for k, name in enumerate(names)
        if random.random() < 0.15
    ]
    survive = (Survive(count=1, of="rack", place=at(2)),) if random.random() < 0.5 else ()
    spec = clusters.spec(
        hosts,
        "balanced",
        pins=pins,
        protect=tuple(protect),
        policy=Policy(
            survive=survive if racks != [None] else (),
            max_load_factor=random.choice([None, 1.0, 1.34, 1.5, 2.0]),
        ),
        places={("policy", "max_load_factor"): at(1)},
    )
    return spec, seen


def edits(spec: Spec, line: int, homes: int) -> Iterator[Spec]:
    """Ways to write a line so that it demands less."""
    if line == 1:
        yield replace(spec, policy=replace(spec.policy, max_load_factor=None))
    elif line == 2:
        yield replace(spec, policy=replace(spec.policy, survive=()))
    elif line < 30:
        for more in range(homes + 1):
            yield wider(spec, line, more)
    elif line < 50:
        for host in spec.hosts:
            pins = (replace(p, host=host.name) if p.place.line == line else p for p in spec.pins)
            yield replace(spec, pins=tuple(pins))
    else:
        yield replace(spec, protect=tuple(p for p in spec.protect if p.place.line != line))


def wider(spec: Spec, line: int, more: int) -> Spec:
    hosts: list[Host] = []
    for index, one in enumerate(spec.hosts):
        own = one.place.line == line
        hosts.append(replace(one, weight=1) if own else one)
        if own and (index + 1 == len(spec.hosts) or spec.hosts[index + 1].place.line != line):
            names = [f"x{line}-{k}" for k in range(more)]
            hosts += [replace(one, name=name, addresses=(name,), weight=1) for name in names]
    return replace(spec, hosts=tuple(hosts))


def troubled(spec: Spec, seen: Observed) -> list[tuple[Diagnostic, str]]:
    """What balanced finds no place for, each with its first host."""
    found = []
    for one in findings(spec, seen):
        host = re.search(r"mirrors?(?: each)? of (sdw)\[?(\d+)", one.message)
        if one.code == "GPM-P107":
            assert host is not None, one.message
            found.append((one, host[1] + host[2]))
    return found


def holds(spec: Spec, seen: Observed, host: str) -> bool:
    """Whether balanced has no place for all mirrors of a host, or a pin puts one beside its primary."""
    hosts = map_hosts(spec, seen)
    pins = {one.content: one for one in spec.pins}
    pairs = seen.pairs()
    if any(pairs[content][0].hostname == pin.host == host for content, pin in pins.items()):
        return True
    return any(one.primary == host for one in crowded(ask(spec, seen, hosts, pins)))


def expanded(names: str) -> set[str]:
    matched = re.fullmatch(r"sdw\[(\d)-(\d)\]", names)
    if matched is None:
        return {names}
    return {f"sdw{k}" for k in range(int(matched[1]), int(matched[2]) + 1)}


def everything(spec: Spec) -> list[int]:
    places = [one.place for one in spec.hosts]
    places += [one.place for one in spec.pins]
    places += [one.place for one in spec.protect]
    places += [one.place for one in spec.policy.survive]
    has_limit = spec.policy.max_load_factor is not None
    return sorted({one.line for one in places} | ({1} if has_limit else set()))


@pytest.mark.parametrize("seed", range(80))
def test_no_named_line_can_be_left_out_and_the_others_do_not_matter(seed: int) -> None:
    spec, seen = random_case(Random(seed))
    contents = len(seen.pairs())
    for found, host in troubled(spec, seen):
        named = lines(found)
        for line in named:
            tried = (
                *edits(spec, line, contents),
                *edits(free(spec, named, contents), line, contents),
            )
            assert not all(holds(one, seen, host) for one in tried), (found.message, line)
        for other in set(everything(spec)) - set(named):
            assert all(holds(one, seen, host) for one in edits(spec, other, contents)), (
                found.message,
                other,
            )


def free(spec: Spec, named: Sequence[int], homes: int) -> Spec:
    """The spec with all lines that are not named let go as far as that goes."""
    for line in everything(spec):
        if line not in named:
            spec = list(edits(spec, line, homes))[-1]
    return spec


@pytest.mark.parametrize("seed", range(80))
def test_every_way_out_gives_a_place(seed: int) -> None:
    spec, seen = random_case(Random(seed))
    for found, host in troubled(spec, seen):
        assert found.hint is not None
        for way in found.hint.split(", or "):
            if way == "change one of the lines named":
                continue
            assert not holds(followed(spec, way), seen, host), (found.message, way)


def followed(spec: Spec, way: str) -> Spec:
    """The spec after a way out."""
    if matched := re.fullmatch(r"raise `max_load_factor` to ([0-9.]+)", way):
        return replace(spec, policy=replace(spec.policy, max_load_factor=float(matched[1])))
    if matched := re.fullmatch(r"pin content (\d+) to (\w+)", way):
        pins = (
            replace(one, host=matched[2]) if one.content == int(matched[1]) else one
            for one in spec.pins
        )
        return replace(spec, pins=tuple(pins))
    if matched := re.fullmatch(r"allow the move with `--unprotect (.+)`", way):
        return replace(spec, protect=tuple(one for one in spec.protect if one.name != matched[1]))
    if way.startswith("accept mirrors beside their primaries"):
        return replace(spec, allow_same_host=True)
    if way == "leave racks out of `survive`":
        return replace(spec, policy=replace(spec.policy, survive=()))
    if matched := re.fullmatch(r"give (.+) a weight above 0", way):
        named = expanded(matched[1])
        line = next(one.place.line for one in spec.hosts if one.name in named)
        return wider(spec, line, 0)
    matched = re.fullmatch(r"list (\d+) more hosts? of weight above 0(?: in rack (\w))?", way)
    assert matched is not None, way
    added = (clusters.host(f"x{k}", rack=matched[2], place=at(99)) for k in range(int(matched[1])))
    return replace(spec, hosts=(*spec.hosts, *added))
