"""Hosts that copies leave and that do not answer. 6.24.3 leaves out every copy whose old host it
cannot reach, up or down, also where it is to go elsewhere, and exits with 0 (recorded); 7.0.0 goes on
without it (recorded). Where gprecoverseg has a dry run, that tells; elsewhere the name is asked.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from shlex import quote

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.gputils.characters import lines_of
from gpmirror.gputils.dryrun import why_not_tried
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import coordinator_host, host_of
from gpmirror.preflight.model import Check, Result

_YES = "reached"

Left = Mapping[str, str]
"""Hostname in the catalog -> the host that its name may lead to meanwhile, as the plan has it."""


def left_behind(plan: Plan, observed: Observed, silent: Collection[str]) -> Left:
    """The silent hosts that copies leave, where that may keep the utility from moving them and no
    dry run will tell.
    """
    dialect = observed.dialect
    tried = why_not_tried("gprecoverseg", dialect.name, observed.server_version) is None
    if dialect.file_replication or tried or dialect.needs_old_name is False:
        return {}
    names = dict.fromkeys(
        row.hostname
        for row, target in _going(plan, observed)
        if target != (old := host_of(plan, row)) and old in silent
    )
    return {name: stand_in(plan, observed, name)[0] for name in names}


def _going(plan: Plan, observed: Observed) -> Iterator[tuple[Segment, str]]:
    """The rows of copies that the plan takes somewhere, with the hosts they go to."""
    idle = {row.content: row for row in observed.segments if not row.is_acting_primary}
    for step in (step for wave in plan.waves for step in wave.steps):
        row = idle.get(step.content)
        if row is not None and step.to is not None:
            yield row, step.to.host


def stand_in(plan: Plan, observed: Observed, hostname: str) -> tuple[str, str]:
    """Where a dead host's name may lead meanwhile, and the coordinator's host, where that is to be
    set: the host that replaces it, else one that gets its copies. The utility stops whatever server
    runs there in the old directories (6.24.3, recorded), so none of them may be a segment's; where
    one is, the coordinator's host, which has none.
    """
    rows = [(row, target) for row, target in _going(plan, observed) if row.hostname == hostname]
    old = host_of(plan, rows[0][0]) if rows else hostname
    named = [host.name for host in plan.desired.hosts if host.replaces == old]
    paths = {path for row, _ in rows for path in _directories(row)}
    taken = {
        host_of(plan, row)
        for row in observed.segments
        if row.hostname != hostname and not paths.isdisjoint(_directories(row))
    }
    wanted = [*named, *sorted({target for _, target in rows} - {old})]
    coordinator = coordinator_host(plan, observed) or "localhost"
    return next((host for host in wanted if host not in taken), coordinator), coordinator


def _directories(row: Segment) -> list[str]:
    return [path for path in (row.directory, *(path for _, path in row.filespaces)) if path]


def way_round(name: str, successor: str, coordinator: str) -> str:
    """What to do where a utility leaves out the copies of a host that does not answer."""
    return (
        f"only while the copies are carried away, let the name lead elsewhere: on {coordinator}, at "
        f"the top of ~/.ssh/config of the account that runs Greenplum, `Host {name}`, `HostName "
        f"{successor}`, `HostKeyAlias {successor}` (for HostName the address that `ssh -G {successor}` "
        "prints, where only an SSH configuration knows the name); take these lines out again afterwards"
    )


def reach_script(names: Iterable[str]) -> str:
    """Ask the coordinator's host as the utility does: does the name answer over SSH? Changes
    nothing; prints a line for each name that does.
    """
    words = " ".join(quote(name) for name in sorted(names))
    ssh = "ssh -n -o BatchMode=yes -o ConnectTimeout=10"
    return (
        f'for h in {words}\ndo\n  (a=$({ssh} -- "$h" "echo {_YES}" 2>/dev/null | tail -n 1); '
        f'[ "$a" = {_YES} ] && echo "{_YES} $h") &\ndone\nwait\n'
    )


def judge_left(left: Left, coordinator: str, answer: str, dialect: DialectName) -> Iterator[Check]:
    """A check for each name, from what the script printed: bad where the utility is known to need
    it, else unknown.
    """
    reached = {line.removeprefix(f"{_YES} ") for line in lines_of(answer)}
    known = DIALECTS[dialect].needs_old_name
    leaves = (
        "gprecoverseg leaves out every copy whose old host does not answer it"
        if known
        else "whether gprecoverseg of this release carries copies away from it all the same is on "
        "no record"
    )
    for name, successor in sorted(left.items()):
        if name in reached:
            yield Check(
                host=name,
                name="reachable",
                result=Result.OK,
                detail=f"the name answers on {coordinator}",
            )
        else:
            yield Check(
                host=name,
                name="reachable",
                result=Result.BAD if known else Result.UNKNOWN,
                detail=f"`ssh {name}` does not answer on {coordinator}, and {leaves}",
                remedy=way_round(name, successor, coordinator),
            )
