"""Hosts that copies leave: from 6 on gprecoverseg leaves out every copy whose old host it cannot
reach, up or down, also where it is to go elsewhere, and exits with 0 (6.24.3, recorded).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from shlex import quote

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import coordinator_host, host_of
from gpmirror.preflight.model import Check, Result

_YES = "reached"

Left = Mapping[str, str]
"""Hostname in the catalog -> the host that its name may lead to meanwhile, as the plan has it."""


def left_behind(plan: Plan, observed: Observed, silent: Collection[str]) -> Left:
    """The silent hosts that copies leave, where that keeps the utility from moving them."""
    if observed.dialect.file_replication:
        return {}
    idle = {row.content: row for row in observed.segments if not row.is_acting_primary}
    leaving: dict[str, list[tuple[Segment, str]]] = {}
    for step in (step for wave in plan.waves for step in wave.steps):
        row = idle.get(step.content)
        if row is None or step.to is None:
            continue
        if step.to.host != (old := host_of(plan, row)) and old in silent:
            leaving.setdefault(row.hostname, []).append((row, step.to.host))
    return {name: _stand_in(plan, observed, copies) for name, copies in leaving.items()}


def _stand_in(plan: Plan, observed: Observed, copies: Iterable[tuple[Segment, str]]) -> str:
    """Where the dead name may lead: a host that gets its copies. The utility stops whatever server
    runs there in the old directories (6.24.3, recorded), so none of them may be a segment's; where
    one is, the coordinator's host, which has none.
    """
    rows, targets = zip(*copies, strict=True)
    dead = {row.hostname for row in rows}
    paths = {path for row in rows for path in _directories(row)}
    taken = {
        host_of(plan, row)
        for row in observed.segments
        if row.hostname not in dead and not paths.isdisjoint(_directories(row))
    }
    free = sorted(set(targets) - taken)
    return free[0] if free else coordinator_host(plan, observed) or "localhost"


def _directories(row: Segment) -> list[str]:
    return [path for path in (row.directory, *(path for _, path in row.filespaces)) if path]


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


def judge_left(left: Left, coordinator: str, answer: str) -> Iterator[Check]:
    """A check for each name, from what the script printed."""
    reached = {line.removeprefix(f"{_YES} ") for line in answer.splitlines()}
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
                result=Result.BAD,
                detail=f"`ssh {name}` does not answer on {coordinator}, and gprecoverseg leaves "
                "out every copy whose old host does not answer it",
                remedy="only while the copies are carried away, let the name lead elsewhere: on "
                f"{coordinator}, at the top of ~/.ssh/config of the account that runs Greenplum, "
                f"`Host {name}`, `HostName {successor}`, `HostKeyAlias {successor}`; take "
                "these lines out again afterwards",
            )
