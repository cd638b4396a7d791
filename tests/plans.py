"""Plans of every kind, for tests of what is made from a plan."""

from collections.abc import Sequence
from dataclasses import replace

from gpmirror.diagnostics import Place
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.spec.model import (
    ApplyOptions,
    Bases,
    Guards,
    Pin,
    Policy,
    Protection,
    Survive,
    WaveLimits,
)
from tests.clusters import (
    coordinator,
    group_mirrors,
    host,
    mirrored,
    mirrorless,
    observed,
    planned,
    primaries,
    row,
    spec,
)

HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")
GB = 10**9


def place(line: int) -> Place:
    """A line of the spec."""
    return Place(file="gpmirror.yaml", line=line, column=3)


def seen_before_add() -> Observed:
    """Four hosts with two primaries each, no mirrors."""
    return replace(
        mirrorless(HOSTS, 2), source="catalog.txt", server_version="6.24.3", system_identifier="1"
    )


def adding() -> Plan:
    """Eight mirrors for a cluster without."""
    return planned(spec(HOSTS, cluster="prod-dwh"), seen_before_add())


def unchanged() -> Plan:
    """A cluster that is as the spec wants it."""
    seen = replace(mirrored(HOSTS, 2), source="catalog.txt", server_version="6.24.3")
    return planned(spec(HOSTS, cluster="prod-dwh"), seen)


def seen_before_moves() -> Observed:
    """Group mirroring over three hosts; the sizes of all contents are known."""
    seen = mirrored(HOSTS[:3], 4)
    sizes = {content: (content + 1) * 40 * GB for content in range(12)}
    return replace(seen, sizes=sizes, source="catalog.json", server_version="6.24.3")


def moving(request: Request = Request()) -> Plan:  # noqa: B008 - a frozen value
    """Group becomes spread over four hosts, two at a time, under policy and protection."""
    hosts = [
        host(name, rack=rack, roots=("/data1/mirror", "/data2/mirror"))
        for name, rack in zip(HOSTS, "aabb", strict=True)
    ]
    policy = Policy(
        survive=(
            Survive(count=1, of="host", place=place(30)),
            Survive(count=1, of="rack", place=place(31)),
        ),
        guards=Guards(max_bytes=500 * GB),
    )
    wanted = spec(
        hosts,
        strategy="group",
        cluster="prod-dwh",
        policy=policy,
        protect=(Protection(content=4, place=place(40)),),
        apply=ApplyOptions(waves=WaveLimits(max_contents=4, per_target_host=2)),
    )
    return planned(wanted, seen_before_moves(), request)


def swapping() -> Plan:
    """Two mirrors that want each other's slot: a temporary slot breaks the cycle."""
    pins = (
        Pin(content=0, host="sdw2", port=7001, directory="/data/mirror/gpseg1", place=place(20)),
        Pin(content=1, host="sdw2", port=7000, directory="/data/mirror/gpseg0", place=place(21)),
    )
    return planned(spec(HOSTS[:2], pins=pins, cluster="prod-dwh"), mirrored(HOSTS[:2], 2))


def seen_in_trouble() -> Observed:
    """A mirror down, a switched content, both copies down, a dead primary."""
    rows = primaries(HOSTS, 2)
    mirrors = group_mirrors(rows, HOSTS)
    return observed([coordinator(), *_troubled([*rows, *mirrors])], source="catalog.txt")


def _troubled(rows: Sequence[Segment]) -> list[Segment]:
    return [_damaged(found) for found in rows]


def _damaged(found: Segment) -> Segment:
    primary = found.is_preferred_primary
    match found.content:
        case 1 if not primary:
            return replace(found, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        case 1:
            return replace(found, mode=Mode.NOT_IN_SYNC)
        case 3:
            return replace(found, role=Role.MIRROR if primary else Role.PRIMARY)
        case 5:
            return replace(found, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        case _:
            return found


def recovering() -> Plan:
    """One recovery, one blocked content, one whose roles stay switched."""
    return planned(spec(HOSTS, cluster="prod-dwh"), seen_in_trouble())


def seen_before_return() -> Observed:
    """A mirror down and a switched content."""
    whole = {
        row.dbid: row for row in [*primaries(HOSTS, 2), *group_mirrors(primaries(HOSTS, 2), HOSTS)]
    }
    rows = [whole[row.dbid] if row.content == 5 else row for row in seen_in_trouble().segments]
    return observed(rows, source="catalog.txt")


def rebalancing() -> Plan:
    """One recovery, then the switched content is returned."""
    return planned(spec(HOSTS, cluster="prod-dwh"), seen_before_return(), Request(rebalance=True))


def founding() -> Plan:
    """Two data hosts of a 4.3 cluster with ports by bases, directories not told."""
    names = ("digoal193096", "digoal193097")
    rows = [
        row(
            number + 2,
            number,
            "p",
            names[number // 4],
            40000 + number % 4,
            directory=None,
            replication=43000 + number % 4,
        )
        for number in range(8)
    ]
    master = row(1, -1, "p", "digoal193095", 1921, directory=None)
    wanted = spec(
        names,
        cluster="digoal",
        ports=Bases(mirror_base=50000, replication_base=43000, mirror_replication_base=51000),
    )
    return planned(wanted, observed([master, *rows], "gp4", source="catalog.txt"))


def wide(contents: int = 96) -> Plan:
    """Many contents on many hosts."""
    names = [f"sdw{number:03d}" for number in range(1, contents // 2 + 1)]
    return planned(spec(names, cluster="wide"), mirrorless(names, 2))
