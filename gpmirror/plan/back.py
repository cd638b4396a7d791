"""The way back from a plan that was carried out, as a plan like any other."""

from dataclasses import replace

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Slot
from gpmirror.errors import Failure, Unsafe
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Action, Plan, PlannedContent, PlannedHost
from gpmirror.plan.replan import desired_of, spec_of
from gpmirror.plan.request import Request


def plan_back(plan: Plan, observed: Observed) -> Plan:
    """Every mirror that the plan moved goes back to where it stood; nothing else changes.

    Raises Unsafe (4): an `add` has no way back (removing mirrors is safe in no release); Failure:
    the plan moved nothing. InvalidInput as `build_plan` does.
    """
    if any(change.action is Action.ADD for change in plan.changes):
        raise Unsafe(
            "the run added mirrors, and no release of Greenplum can remove mirrors safely",
            hint="there is nothing to allow: keep them, or move them with `gpmirror plan`",
        )
    homes = {
        change.content: change.from_
        for change in plan.changes
        if change.action in {Action.MOVE, Action.RECOVER}
        and change.from_ is not None
        and change.from_ != change.to
    }
    if not homes:
        raise Failure("the run moved nothing, so there is no way back to plan")
    former = _with_homes(plan, homes)
    spec = spec_of(former)
    request = Request(contents=frozenset(homes))
    return build_plan(spec, observed, desired_of(former, spec, observed), request)


def _with_homes(plan: Plan, homes: dict[int, Slot]) -> Plan:
    """The plan's layout with the mirrors where they were, their hosts listed if they left."""
    known = {host.name for host in plan.desired.hosts}
    left: dict[str, set[str]] = {}
    for slot in homes.values():
        if slot.host not in known:
            left.setdefault(slot.host, set()).add(slot.address)
    hosts = tuple(
        PlannedHost(
            name=name, addresses=tuple(sorted(addresses)), rack=None, weight=0, replaces=None
        )
        for name, addresses in sorted(left.items())
    )
    contents = tuple(_home(one, homes) for one in plan.desired.contents)
    layout = replace(plan.desired, hosts=(*plan.desired.hosts, *hosts), contents=contents)
    return replace(plan, desired=layout)


def _home(one: PlannedContent, homes: dict[int, Slot]) -> PlannedContent:
    home = homes.get(one.content)
    return one if home is None else replace(one, mirror=home)
