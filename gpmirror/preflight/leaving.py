"""Hosts that copies leave: from 6 on gprecoverseg leaves out every copy whose old host it cannot
reach, up or down, also where it is to go elsewhere, and exits with 0 (6.24.3, recorded).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from shlex import quote

from gpmirror.cluster.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import host_of
from gpmirror.preflight.model import Check, Result

_YES = "reached"

Left = Mapping[str, str]
"""Hostname in the catalog -> the host that gets its copies; both as the plan has them."""


def left_behind(plan: Plan, observed: Observed, silent: Collection[str]) -> Left:
    """The silent hosts that copies leave, where that keeps the utility from moving them."""
    if observed.dialect.file_replication:
        return {}
    idle = {row.content: row for row in observed.segments if not row.is_acting_primary}
    return {
        idle[step.content].hostname: step.to.host
        for wave in plan.waves
        for step in wave.steps
        if step.to is not None and step.content in idle
        if step.to.host != (old := host_of(plan, idle[step.content])) and old in silent
    }


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
                remedy=f"until the copies are away, let the name lead to their new host: on "
                f"{coordinator}, at the top of ~/.ssh/config of the account that runs Greenplum, "
                f"`Host {name}`, `HostName {successor}`, `HostKeyAlias {successor}`",
            )
