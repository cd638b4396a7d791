"""An observed cluster by spec host: which machines there are, and what inference looks up of them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.placement.hosts import HostMap, interfaces_remark, map_hosts, prefix_of
from gpmirror.plan.model import Plan
from gpmirror.spec import words
from gpmirror.spec.model import Bases, Host, Offset, Spec, Strategy
from gpmirror.values import dataclass

# --- What inference works with: facts of an observed cluster, and its result.


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """A spec as text and as value. `plan` is the plan from the same observed cluster, the proof;
    None where the source has no primaries to plan for. `remarks` are sentences for the user.
    """

    text: str
    spec: Spec
    strategy: Strategy
    pins: int
    remarks: tuple[str, ...]
    plan: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An observed cluster by spec host.

    `hosts` are by name, without roots, in content order; `primaries` are a host's preferred
    primaries by port, then content, `position` an index among them by content id;
    `mirrors` are a host's preferred mirrors by port. `home` is the
    host of each content's primary, `target` that of its mirror, for mirrored contents.
    """

    observed: Observed
    prefix: str
    hosts: Mapping[str, Host]
    primaries: Mapping[str, Sequence[Segment]]
    position: Mapping[int, int]
    mirrors: Mapping[str, Sequence[Segment]]
    home: Mapping[int, str]
    target: Mapping[int, str]
    remarks: tuple[str, ...]

    def host_of(self, row: Segment) -> str:
        """The host that a content's row stands on."""
        return (self.home if row.is_preferred_primary else self.target)[row.content]

    @property
    def same_host(self) -> bool:
        """Whether some mirror stands beside its primary."""
        return any(self.home[content] == host for content, host in self.target.items())

    @property
    def lowest(self) -> int:
        """The cluster's lowest preferred-primary port."""
        return min(rows[0].port for rows in self.primaries.values())

    def base(self, host: str) -> int:
        """The port that a host's mirror ports count from."""
        rows = self.primaries.get(host)
        return rows[0].port if rows else self.lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A ring of hosts and a strategy. `off` are the contents whose mirrors are elsewhere; hosts in
    `drained` take no mirrors.
    """

    ring: tuple[str, ...]
    strategy: Strategy
    block_size: int | None
    drained: frozenset[str]
    off: frozenset[int]


PortRule = Offset | Bases
"""How mirror ports are counted."""


# --- Which machines a catalog tells of: rows joined by hostname, and by addresses that are hostnames.


_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Hosts without roots, by first appearance among primaries by content, then mirrors. `shared`
    are addresses that several machines use, which therefore name none.
    """

    hosts: tuple[Host, ...]
    shared: tuple[str, ...]


def find_machines(rows: Sequence[Segment]) -> Machines:
    """The machines of all segment rows; `rows` may hold the coordinator's, which only join.

    Raises InvalidInput (GPM-P401) for a hostname that no spec can carry.
    """
    leader = _joined(rows)
    segments = [row for row in rows if row.content >= 0]
    members: dict[str, list[Segment]] = {}
    for row in sorted(segments, key=lambda row: (not row.is_preferred_primary, row.content)):
        members.setdefault(leader[row.hostname], []).append(row)
    shared = _shared(rows, leader)
    taken = {row.hostname for row in segments}
    hosts = tuple(_host(found, shared, taken) for found in members.values())
    return Machines(hosts=hosts, shared=tuple(sorted(shared)))


def _joined(rows: Iterable[Segment]) -> Mapping[str, str]:
    """Hostname -> the first hostname of its machine."""
    leader = {row.hostname: row.hostname for row in rows}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for row in rows:
        if row.address in leader:
            one, other = sorted((find(row.hostname), find(row.address)))
            leader[other] = one
    return {name: find(name) for name in leader}


def _shared(rows: Iterable[Segment], leader: Mapping[str, str]) -> frozenset[str]:
    owners: dict[str, set[str]] = {}
    for row in rows:
        if row.address not in leader:
            owners.setdefault(row.address, set()).add(leader[row.hostname])
    return frozenset(address for address, found in owners.items() if len(found) > 1)


def _host(rows: Sequence[Segment], shared: frozenset[str], taken: set[str]) -> Host:
    counted = Counter((row.hostname, row.is_preferred_primary) for row in rows)
    names = sorted({row.hostname for row in rows})
    main = min(names, key=lambda name: (-counted[name, True], -counted[name, False], name))
    name = _usable(main, taken)
    seen = {row.address for row in rows if not words.address_problem(row.address)}
    aliases = {alias for alias in (*names,) if alias != name}
    addresses = tuple(sorted((seen | aliases) - shared, key=natural)) or (name,)
    return Host(name=name, addresses=addresses, roots=(), place=Place(file=""))


def _usable(name: str, taken: set[str]) -> str:
    """The hostname, or a spelling of it that may be a host's name."""
    if words.host_name_problem(name) is None:
        return name
    problem = words.address_problem(name)
    spelt = _NOT_IN_A_NAME.sub("-", name).strip(".-")
    if problem is not None or not spelt or spelt in taken:
        raise InvalidInput(
            [
                Diagnostic(
                    code="GPM-P401",
                    message=f"hostname {name!r} cannot stand in a spec",
                    hint="correct the catalog text, or write the spec by hand (`gpmirror init`)",
                )
            ]
        )
    taken.add(spelt)
    return spelt


# --- An observed cluster by spec host: what every later step of inference looks up.


def gather(observed: Observed) -> Facts:
    """The facts. Raises InvalidInput where a name or directory cannot stand in a spec (GPM-P401),
    and where there is no segment at all (GPM-P402).
    """
    machines = find_machines(observed.segments)
    _check(observed)
    probe = probe_spec(machines.hosts)
    hosts = map_hosts(probe, observed)
    pairs = observed.pairs().values()
    remarks = [
        f"address {address} belongs to several hosts of the catalog and is left out of `addresses`"
        for address in machines.shared
    ]
    if (alike := interfaces_remark(host.name for host in machines.hosts)) is not None:
        remarks.append(alike)
    primaries = _by_host((hosts.host_of(row), row) for row, _ in pairs)
    return Facts(
        observed=observed,
        prefix=prefix_of(probe, observed)[0],
        hosts={host.name: host for host in machines.hosts},
        primaries=primaries,
        position={
            row.content: place for rows in primaries.values() for place, row in enumerate(rows)
        },
        mirrors=_by_host((hosts.host_of(row), row) for _, row in pairs if row is not None),
        home={row.content: hosts.host_of(row) for row, _ in pairs},
        target={row.content: hosts.host_of(row) for _, row in pairs if row is not None},
        remarks=tuple(remarks),
    )


def probe_spec(hosts: Iterable[Host]) -> Spec:
    """A spec of these hosts that says nothing else, to ask placement's own rules."""
    return Spec(cluster="probe", hosts=tuple(hosts), strategy=Strategy.GROUP, ports=Offset(1))


def map_machines(observed: Observed) -> HostMap:
    """Which host each row belongs to where no spec says it. Raises as `gather` does for a name that no
    spec can carry, and where there is no segment.
    """
    check_segments(observed)
    return map_hosts(probe_spec(find_machines(observed.segments).hosts), observed)


def check_segments(observed: Observed) -> None:
    """Raises InvalidInput (GPM-P402): the catalog holds a coordinator alone."""
    if not any(row.content >= 0 for row in observed.segments):
        problem = Diagnostic(
            code="GPM-P402",
            message=f"{observed.source} has no segment, only a coordinator",
            hint="save the whole output of `SELECT * FROM gp_segment_configuration`",
        )
        raise InvalidInput([problem])


def _by_host(rows: Iterable[tuple[str, Segment]]) -> Mapping[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for host, row in rows:
        found.setdefault(host, []).append(row)
    for listed in found.values():
        listed.sort(key=lambda row: (row.port, row.content))
    return found


def _check(observed: Observed) -> None:
    check_segments(observed)
    rows = [row for row in observed.segments if row.content >= 0]
    mirrors = [row for row in rows if not row.is_preferred_primary]
    problems = [found for row in mirrors if (found := _unwritable(row)) is not None]
    if problems:
        raise InvalidInput(problems)


def _unwritable(row: Segment) -> Diagnostic | None:
    for path in row.directories:
        flaw = words.path_problem(path)
        if flaw is not None:
            return Diagnostic(
                code="GPM-P401",
                message=f"the mirror of content {row.content}: {flaw.message}",
                hint="no native file can carry this directory: move that mirror by hand first",
            )
    return None
