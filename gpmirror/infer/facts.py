"""An observed cluster by spec host: what every later step of inference looks up."""

from collections.abc import Iterable, Mapping

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.infer.machines import find_machines
from gpmirror.infer.model import Facts
from gpmirror.placement.hosts import map_hosts
from gpmirror.placement.names import interfaces_remark, prefix_of
from gpmirror.spec import words
from gpmirror.spec.model import Host, Offset, Spec, Strategy


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


def probe_spec(hosts: Iterable[Host], strategy: Strategy = Strategy.GROUP) -> Spec:
    """A spec of these hosts that says nothing else, to ask placement's own rules."""
    return Spec(cluster="probe", hosts=tuple(hosts), strategy=strategy, ports=Offset(1))


def _by_host(rows: Iterable[tuple[str, Segment]]) -> Mapping[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for host, row in rows:
        found.setdefault(host, []).append(row)
    for listed in found.values():
        listed.sort(key=lambda row: (row.port, row.content))
    return found


def _check(observed: Observed) -> None:
    rows = [row for row in observed.segments if row.content >= 0]
    if not rows:
        problem = Diagnostic(
            code="GPM-P402",
            message=f"{observed.source} has no segment, only a coordinator",
            hint="save the whole output of `SELECT * FROM gp_segment_configuration`",
        )
        raise InvalidInput([problem])
    mirrors = [row for row in rows if not row.is_preferred_primary]
    problems = [found for row in mirrors if (found := _unwritable(row)) is not None]
    if problems:
        raise InvalidInput(problems)


def _unwritable(row: Segment) -> Diagnostic | None:
    paths = [path for _, path in row.filespaces]
    for path in paths if row.directory is None else [row.directory, *paths]:
        flaw = words.path_problem(path)
        if flaw is not None:
            return Diagnostic(
                code="GPM-P401",
                message=f"the mirror of content {row.content}: {flaw.message}",
                hint="no native file can carry this directory: move that mirror by hand first",
            )
    return None
