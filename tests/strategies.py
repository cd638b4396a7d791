"""Random clusters and specs: what the properties of placement and plan are tried on.

Everything is drawn from a `random.Random`, so that hypothesis (`randoms()`) and plain seeds can both
drive it: `case(Random(7))` is always the same case.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from gpmirror.errors import GpmirrorError
from gpmirror.model.dialect import DIALECTS, Dialect
from gpmirror.model.observed import CopyFact, Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.placement.model import Desired, Placed
from gpmirror.placement.place import place
from gpmirror.spec.model import ApplyOptions, Bases, Host, Offset, Pin, Spec, Strategy, WaveLimits
from tests.clusters import PLACE, row

RANDOMS = st.randoms(use_true_random=False, note_method_calls=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A catalog, and a spec that wants something else of it (or the same)."""

    spec: Spec
    observed: Observed


def case(random: Random) -> Case | None:
    """A cluster as one spec left it, then damaged, and the spec it shall have now. None where one
    of the specs has no layout.
    """
    bare = mirrorless(random)
    first = spec(random, bare)
    try:
        desired = place(first, bare)
    except GpmirrorError:
        return None
    if random.random() < 0.15:
        return Case(spec=first, observed=bare)
    seen = applied(bare, desired)
    second = changed(random, first, seen)
    second = replace(second, pins=(*second.pins, *rotation(random, second, seen, desired)))
    seen, second = damaged(random, seen, second)
    try:
        place(second, seen)
    except GpmirrorError:
        return None
    return Case(spec=second, observed=seen)


# --- clusters ------------------------------------------------------------------------------------


def mirrorless(random: Random) -> Observed:
    """A cluster of 1 to 12 hosts without mirrors."""
    dialect = random.choice(list(DIALECTS.values()))
    names = [f"sdw{number + 1}" for number in range(random.choice([1, 2, 2, 3, 3, 4, 5, 6, 8, 12]))]
    counts = _counts(random, len(names))
    filespaces = tuple(["fast", "slow"][: random.choice([0, 0, 0, 1, 2])])
    if not dialect.file_replication:
        filespaces = ()
    bases = [6000 + random.choice([0, 0, 0, 10, 500]) for _ in names]
    interfaces = random.choice([1, 1, 1, 2, 3])
    contents = list(range(sum(counts)))
    if random.random() < 0.3:
        random.shuffle(contents)
    rows = [row(1, -1, "p", random.choice(["mdw", "mdw", names[0]]), 5432)]
    rows += _primaries(names, counts, bases, interfaces, contents)
    rows = [_with_filespaces(item, filespaces) for item in rows]
    if dialect.file_replication and random.random() < 0.3:
        rows = [replace(r, replication_port=r.port + 3000) if r.content >= 0 else r for r in rows]
    return Observed(
        segments=in_canonical_order(rows),
        dialect=dialect,
        server_version=_version(random, dialect),
        filespaces=filespaces,
        sizes=_sizes(random, contents),
    )


def _counts(random: Random, hosts: int) -> list[int]:
    if random.random() < 0.6:
        return [random.randint(1, 4)] * hosts
    counts = [random.randint(0, 6) for _ in range(hosts)]
    return counts if sum(counts) else [1] * hosts


def _primaries(
    names: Sequence[str],
    counts: Sequence[int],
    bases: Sequence[int],
    interfaces: int,
    contents: Sequence[int],
) -> list[Segment]:
    rows: list[Segment] = []
    for name, count, base in zip(names, counts, bases, strict=True):
        for position in range(count):
            content = contents[len(rows)]
            address = name if interfaces == 1 else f"{name}-{position % interfaces + 1}"
            rows.append(row(len(rows) + 2, content, "p", name, base + position, address=address))
    return rows


def _with_filespaces(item: Segment, names: Sequence[str]) -> Segment:
    if item.content < 0:
        return item
    paths = tuple((name, f"/{name}/primary/gpseg{item.content}") for name in names)
    return replace(item, filespaces=paths)


def _version(random: Random, dialect: Dialect) -> str | None:
    if dialect.move_engine == "gprecoverseg" and not dialect.file_replication:
        releases = ["7.0.0", "7.1.0"] if dialect.major == "7" else ["6.20.0", "6.25.1"]
        return random.choice([None, *releases])
    return None


def _sizes(random: Random, contents: Sequence[int]) -> dict[int, int]:
    if random.random() < 0.5:
        return {}
    return {content: random.choice([1, 5, 5, 1000]) * 1_000_000 for content in contents}


# --- specs ---------------------------------------------------------------------------------------


def spec(random: Random, seen: Observed) -> Spec:
    """A spec for the cluster's hosts, with a good chance to have a layout."""
    names = sorted(
        {item.hostname for item in seen.segments if item.content >= 0},
        key=lambda name: int(name[3:]),
    )
    names += [f"new{number + 1}" for number in range(random.choice([0, 0, 0, 1, 2]))]
    hosts = [_host(random, name, seen) for name in names]
    strategy = _strategy(random, len(names))
    return Spec(
        cluster="random",
        hosts=tuple(hosts),
        strategy=strategy,
        block_size=random.choice([2, 3, 4]) if strategy is Strategy.BLOCK else None,
        ports=_ports(random, seen),
        allow_same_host=len(names) == 1 or random.random() < 0.05,
        apply=ApplyOptions(waves=_limits(random)),
    )


def _host(random: Random, name: str, seen: Observed) -> Host:
    known = sorted({item.address for item in seen.segments if item.hostname == name})
    paths = ["/data1/mirror", "/data2/mirror", "/data3/mirror"][: random.choice([1, 1, 2, 3])]
    return Host(
        name=name,
        addresses=tuple(known) or (name,),
        roots=tuple(paths),
        filespace_roots=tuple((fs, (f"/{fs}/mirror",)) for fs in seen.filespaces),
        rack=random.choice([None, "a", "b"]),
        weight=random.choice([1, 1, 1, 1, 1, 1, 0]),
        place=PLACE,
    )


def _strategy(random: Random, hosts: int) -> Strategy:
    if hosts < 2:
        return Strategy.GROUP
    placing = [one for one in Strategy if one is not Strategy.PINNED]  # pins come with the changes
    return random.choice([*placing, Strategy.BLOCK])


def _ports(random: Random, seen: Observed) -> Offset | Bases:
    if random.random() < 0.7:
        return Offset(random.choice([1000, 1000, 1000, 2000, -1000, 500, 20]))
    old = seen.dialect.file_replication
    return Bases(
        mirror_base=random.choice([7000, 8000, 4000]),
        replication_base=9000 if old else None,
        mirror_replication_base=10000 if old else None,
    )


def _limits(random: Random) -> WaveLimits:
    if random.random() < 0.5:
        return WaveLimits()
    return WaveLimits(
        max_contents=random.randint(1, 8),
        per_source_host=random.randint(1, 3),
        per_target_host=random.randint(1, 3),
    )


def changed(random: Random, first: Spec, seen: Observed) -> Spec:
    """Another spec for the same cluster: one or several of the changes that people make."""
    result = first
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        result = random.choice(_CHANGES)(random, result, seen)
    return result


def _other_strategy(random: Random, wanted: Spec, seen: Observed) -> Spec:
    strategy = _strategy(random, len(wanted.hosts))
    size = random.choice([2, 3, 4]) if strategy is Strategy.BLOCK else None
    return replace(wanted, strategy=strategy, block_size=size)


def _other_ports(random: Random, wanted: Spec, seen: Observed) -> Spec:
    return replace(wanted, ports=_ports(random, seen))


def _other_roots(random: Random, wanted: Spec, seen: Observed) -> Spec:
    number = random.randrange(len(wanted.hosts))
    roots = tuple(random.sample(["/data1/mirror", "/data2/mirror", "/data4/mirror"], 2))
    return _with_host(wanted, number, replace(wanted.hosts[number], roots=roots))


def _drain(random: Random, wanted: Spec, seen: Observed) -> Spec:
    number = random.randrange(len(wanted.hosts))
    return _with_host(wanted, number, replace(wanted.hosts[number], weight=0))


def _add_host(random: Random, wanted: Spec, seen: Observed) -> Spec:
    taken = {host.name for host in wanted.hosts}
    name = next(name for n in itertools.count(len(taken)) if (name := f"more{n}") not in taken)
    new = replace(wanted.hosts[0], name=name, addresses=(name,), weight=1)
    number = random.randint(0, len(wanted.hosts))
    return replace(wanted, hosts=(*wanted.hosts[:number], new, *wanted.hosts[number:]))


def _reorder(random: Random, wanted: Spec, seen: Observed) -> Spec:
    hosts = list(wanted.hosts)
    random.shuffle(hosts)
    return replace(wanted, hosts=tuple(hosts))


def _pin(random: Random, wanted: Spec, seen: Observed) -> Spec:
    contents = sorted(seen.pairs())
    content = random.choice(contents)
    if any(pin.content == content for pin in wanted.pins):
        return wanted
    host = random.choice(wanted.hosts)
    pin = Pin(
        content=content,
        host=random.choice([None, host.name]),
        port=random.choice([None, 12_000 + content]),
        directory=random.choice([None, f"/data9/mirror/gpseg{content}"]),
        replication_port=None,
        reason=random.choice([None, "ticket 812"]),
        place=PLACE,
    )
    return replace(wanted, pins=(*wanted.pins, pin))


def _same(random: Random, wanted: Spec, seen: Observed) -> Spec:
    return wanted


_CHANGES = (
    _other_strategy,
    _other_strategy,
    _other_ports,
    _other_roots,
    _drain,
    _add_host,
    _reorder,
    _pin,
    _same,
)


def _with_host(wanted: Spec, number: int, host: Host) -> Spec:
    return replace(wanted, hosts=(*wanted.hosts[:number], host, *wanted.hosts[number + 1 :]))


def rotation(random: Random, wanted: Spec, seen: Observed, desired: Desired) -> tuple[Pin, ...]:
    """Pins that pass the present slots of a few mirrors around."""
    if random.random() < 0.75:
        return ()
    pinned = {pin.content for pin in wanted.pins}
    items = [item for item in desired.contents if item.content not in pinned]
    chosen = random.sample(items, min(len(items), random.randint(2, 6)))
    after = [*chosen[1:], *chosen[:1]]
    listed = {host.name for host in wanted.hosts}
    whole = random.random() < 0.5
    return tuple(
        _pin_to(item, other, whole=whole)
        for item, other in zip(chosen, after, strict=True)
        if other.mirror.host in listed and _may_take(wanted, item, other)
    )


def _may_take(wanted: Spec, item: Placed, other: Placed) -> bool:
    return wanted.allow_same_host or other.mirror.host != item.primary_slot.host


def _pin_to(item: Placed, other: Placed, *, whole: bool) -> Pin:
    slot = other.mirror
    return Pin(
        content=item.content,
        host=slot.host,
        address=slot.address,
        port=slot.port,
        directory=slot.directory if whole else None,
        replication_port=slot.replication_port,
        filespaces=slot.filespaces if whole else (),
        place=PLACE,
    )


# --- catalogs ------------------------------------------------------------------------------------


def applied(bare: Observed, desired: Desired) -> Observed:
    """The catalog once the mirrors of a mirrorless cluster stand where they are desired."""
    placed = desired.by_content()
    rows: list[Segment] = []
    for item in bare.segments:
        if item.content < 0:
            rows.append(item)
            continue
        found = placed[item.content]
        primary = replace(item, replication_port=found.primary_replication_port)
        rows += [primary, _mirror(primary, found, len(bare.segments))]
    return replace(bare, segments=in_canonical_order(rows))


def _mirror(primary: Segment, found: Placed, rows: int) -> Segment:
    slot = found.mirror
    return replace(
        primary,
        dbid=rows + 1 + primary.content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        hostname=slot.host,
        address=slot.address,
        port=slot.port,
        directory=slot.directory,
        replication_port=slot.replication_port,
        filespaces=slot.filespaces,
    )


def damaged(random: Random, seen: Observed, wanted: Spec) -> tuple[Observed, Spec]:
    """The same catalog after failures; sometimes with a host that takes over a dead one."""
    if random.random() < 0.5:
        return seen, wanted
    if random.random() < 0.3 and len(wanted.hosts) > 2:
        return _dead_host(random, seen, wanted)
    rows: list[Segment] = []
    copies: dict[int, CopyFact] = {}
    for primary, mirror in seen.pairs().values():
        assert mirror is not None
        rows += _damaged_pair(random, primary, mirror)
    for item in rows:
        if not item.is_up and random.random() < 0.5:
            copies[item.dbid] = random.choice(
                [
                    "rewindable",
                    "absent",
                    "backup_label",
                    "no_pg_control",
                    "no_filespace",
                    "foreign",
                    "copying",
                ]
            )
    rows += [item for item in seen.segments if item.content < 0]
    return replace(seen, segments=in_canonical_order(rows), copies=copies), wanted


def _damaged_pair(random: Random, primary: Segment, mirror: Segment) -> list[Segment]:
    fate = random.choice(["fine"] * 6 + ["down", "switched", "failed over", "gone"])
    if fate == "down":
        return [_alone(primary), _dead(mirror)]
    if fate == "switched":
        return [replace(primary, role=Role.MIRROR), replace(mirror, role=Role.PRIMARY)]
    if fate == "failed over":
        return [
            _dead(replace(primary, role=Role.MIRROR)),
            _alone(replace(mirror, role=Role.PRIMARY)),
        ]
    if fate == "gone" and random.random() < 0.3:
        return [_dead(primary), _dead(mirror)]
    return [primary, mirror]


def _dead_host(random: Random, seen: Observed, wanted: Spec) -> tuple[Observed, Spec]:
    """A host fails; another machine, listed in its place, replaces it."""
    number = random.randrange(len(wanted.hosts))
    dead = wanted.hosts[number]
    rows = [item for item in seen.segments if item.content < 0]
    for primary, mirror in seen.pairs().values():
        assert mirror is not None
        if primary.hostname == dead.name and mirror.hostname == dead.name:
            return seen, wanted
        if primary.hostname == dead.name:
            rows += [
                _dead(replace(primary, role=Role.MIRROR)),
                _alone(replace(mirror, role=Role.PRIMARY)),
            ]
        elif mirror.hostname == dead.name:
            rows += [_alone(primary), _dead(mirror)]
        else:
            rows += [primary, mirror]
    taken = {host.name for host in wanted.hosts}
    name = next(name for n in itertools.count(number) if (name := f"spare{n}") not in taken)
    addresses = tuple(f"{name}-{n}" for n, _ in enumerate(dead.addresses))
    heir = replace(
        dead, name=name, addresses=addresses if len(addresses) > 1 else (name,), replaces=dead.name
    )
    pins = tuple(
        replace(pin, host=name, address=None) if pin.host == dead.name else pin
        for pin in wanted.pins
    )
    hosts = (*wanted.hosts[:number], heir, *wanted.hosts[number + 1 :])
    return (
        replace(seen, segments=in_canonical_order(rows)),
        replace(wanted, hosts=hosts, pins=pins),
    )


def _dead(item: Segment) -> Segment:
    return replace(item, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)


def _alone(item: Segment) -> Segment:
    return replace(item, mode=Mode.NOT_IN_SYNC)
