"""What is at stake now, from the catalog: contents with one copy, and what one more loss would cost."""

from collections import Counter
from collections.abc import Mapping

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.events import Stakes
from gpmirror.plan.model import Plan
from gpmirror.verify import CopyState, Health


def stakes_now(plan: Plan, observed: Observed, health: Health) -> Stakes:
    """The stakes at this look. Contents without any live copy are told apart: a further loss costs
    nothing of them.
    """
    names = {
        name: host.name for host in plan.desired.hosts for name in (*host.addresses, host.name)
    }
    pairs = observed.pairs()
    single: list[int] = []
    dead: list[int] = []
    alone: Counter[str] = Counter()
    for found in health.contents:
        if found.state is CopyState.NONE:
            dead.append(found.content)
            continue
        rows = [row for row in pairs[found.content] if row is not None and row.is_up]
        if found.state is not CopyState.SYNCED:
            single.append(found.content)
            rows = [row for row in rows if row.is_acting_primary] or rows
        hosts = {_host(row, names) for row in rows}
        if len(hosts) == 1:
            alone[hosts.pop()] += 1
    host, loses = max(alone.items(), key=lambda one: (one[1], one[0]), default=(None, 0))
    return Stakes(single=tuple(single), worst_host=host, worst_host_loses=loses, none=tuple(dead))


def _host(row: Segment, names: Mapping[str, str]) -> str:
    return names.get(row.hostname) or names.get(row.address) or row.hostname
