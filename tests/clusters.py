"""Builds specs and observed clusters in a few words, for tests."""

from collections.abc import Collection, Iterable, Sequence

from gpmirror.diagnostics import Place
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.placement.model import Desired
from gpmirror.placement.place import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.spec.model import Host, Offset, Spec, Strategy

PLACE = Place(file="gpmirror.yaml", line=1)
EVERYTHING = Request()

P, M = Role.PRIMARY, Role.MIRROR


def row(
    dbid: int,
    content: int,
    role: str,
    host: str,
    port: int,
    directory: str | None = "",
    *,
    prefers: str | None = None,
    mode: str = "s",
    status: str = "u",
    address: str | None = None,
    replication: int | None = None,
    filespaces: tuple[tuple[str, str], ...] = (),
) -> Segment:
    """A catalog row; the directory defaults to `/data/<role>/gpseg<content>`."""
    kind = "primary" if (prefers or role) == "p" else "mirror"
    default = "/data/master/gpseg-1" if content < 0 else f"/data/{kind}/gpseg{content}"
    return Segment(
        dbid=dbid,
        content=content,
        role=Role(role),
        preferred_role=Role(prefers or role),
        mode=Mode(mode),
        status=Status(status),
        port=port,
        hostname=host,
        address=address or host,
        directory=default if directory == "" else directory,
        replication_port=replication,
        filespaces=filespaces,
    )


def coordinator(host: str = "mdw", port: int = 5432) -> Segment:
    """The coordinator's row, dbid 1."""
    return row(1, -1, "p", host, port)


def observed(rows: Iterable[Segment], dialect: str = "gp6", **facts: object) -> Observed:
    """An observed cluster of these rows."""
    return Observed(
        segments=in_canonical_order(rows),
        dialect=DIALECTS[DialectName(dialect)],
        **facts,  # type: ignore[arg-type]
    )


def host(name: str, roots: Sequence[str] = ("/data/mirror",), **more: object) -> Host:
    """A spec host with one address, its name."""
    given: dict[str, object] = {"addresses": (name,), "place": PLACE, **more}
    return Host(name=name, roots=tuple(roots), **given)  # type: ignore[arg-type]


def spec(hosts: Iterable[Host | str], strategy: str = "group", **more: object) -> Spec:
    """A spec over these hosts, offset 1000."""
    given: dict[str, object] = {"ports": Offset(1000), "cluster": "test", **more}
    return Spec(
        hosts=tuple(host(item) if isinstance(item, str) else item for item in hosts),
        strategy=Strategy(strategy),
        **given,  # type: ignore[arg-type]
    )


def primaries(
    hosts: Sequence[str], per_host: int = 1, *, base: int = 6000, old: bool = False
) -> list[Segment]:
    """Preferred primaries, content by content, host by host; dbids from 2."""
    rows = []
    for number in range(len(hosts) * per_host):
        name, position = hosts[number // per_host], number % per_host
        port = base + position
        replication = port + 3000 if old else None
        rows.append(row(number + 2, number, "p", name, port, replication=replication))
    return rows


def mirrorless(hosts: Sequence[str], per_host: int = 1, dialect: str = "gp6") -> Observed:
    """A cluster without mirrors."""
    return observed([coordinator(), *primaries(hosts, per_host)], dialect)


def group_mirrors(
    rows: Sequence[Segment], hosts: Sequence[str], offset: int = 1000
) -> list[Segment]:
    """Mirrors of these primaries on the next host, as `group` with this offset places them."""
    count: dict[str, int] = {}
    mirrors = []
    for primary in rows:
        target = hosts[(hosts.index(primary.hostname) + 1) % len(hosts)]
        index = count[target] = count.get(target, -1) + 1
        port = min(item.port for item in rows if item.hostname == target) + offset + index
        mirrors.append(row(len(rows) + primary.content + 2, primary.content, "m", target, port))
    return mirrors


def mirrored(hosts: Sequence[str], per_host: int = 1, dialect: str = "gp6") -> Observed:
    """A cluster mirrored by `group` with offset 1000, all in sync."""
    rows = primaries(hosts, per_host)
    return observed([coordinator(), *rows, *group_mirrors(rows, hosts)], dialect)


def placed(wanted: Spec, seen: Observed, lifted: Collection[str] = ()) -> Desired:
    """The desired layout."""
    return place(wanted, seen, lifted)


def planned(wanted: Spec, seen: Observed, request: Request = EVERYTHING) -> Plan:
    """The plan."""
    return build_plan(wanted, seen, place(wanted, seen, request.unprotect), request)


def native_text(plan: Plan) -> str:
    """All native files of a plan, one after the other."""
    return "".join(run.file_text or "" for wave in plan.waves for run in wave.native)
