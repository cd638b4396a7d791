"""What is at stake now, from the catalog: contents with one copy, and what one more loss would cost."""

from collections.abc import Mapping
from typing import assert_never

from gpmirror.cluster.layout import AtStake
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.events import Stakes
from gpmirror.plan.model import Plan
from gpmirror.verify import CopyState, Health


def stakes_now(plan: Plan, observed: Observed, health: Health) -> Stakes:
    """The stakes at this look. Contents without any live copy are told apart: a further loss costs
    nothing of them. Of contents that are not in sync only the acting primary counts.
    """
    names = {
        name: host.name for host in plan.desired.hosts for name in (*host.addresses, host.name)
    }
    rows = observed.by_acting_role()
    found = AtStake()
    for one in health.contents:
        hosts = tuple(_host(row, names) for row in rows[one.content] if row and row.is_up)
        match one.state:
            case CopyState.NONE:
                found.put(one.content, ())
            case CopyState.SYNCED:
                found.put(one.content, hosts)
            case CopyState.SYNCING | CopyState.SINGLE:
                found.put(one.content, hosts[:1])
            case _:
                assert_never(one.state)
    host, loses = found.worst()
    return Stakes(single=found.single, worst_host=host, worst_host_loses=loses, none=found.none)


def _host(row: Segment, names: Mapping[str, str]) -> str:
    return names.get(row.hostname) or names.get(row.address) or row.hostname
