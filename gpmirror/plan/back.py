"""The way back from a plan that was carried out, as a plan like any other."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from shlex import quote

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Slot
from gpmirror.errors import Failure, InvalidInput, Unsafe
from gpmirror.gputils.leavings import set_aside_name
from gpmirror.placement import Desired
from gpmirror.placement.hosts import name_contents
from gpmirror.placement.nested import nested_directories
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Action, Change, Plan, PlannedContent, PlannedHost
from gpmirror.plan.replan import desired_of, site_of
from gpmirror.plan.request import Request


def plan_back(plan: Plan, observed: Observed, run: str, request: Request) -> Plan:
    """Every mirror that the plan moved goes back to where it stood, judged by the spec's rules;
    nothing else changes. `run` carried the plan out; of the request what it allows counts.

    Raises Unsafe (4): an `add` has no way back (removing mirrors is safe in no release), and neither
    has a primary that was recovered elsewhere; Failure: the plan moved nothing. InvalidInput: an old
    place lies in another copy's by now, and as `build_plan` does.
    """
    if any(change.action is Action.ADD for change in plan.changes):
        raise Unsafe(
            "the run added mirrors, and no release of Greenplum can remove mirrors safely",
            hint="there is nothing to allow: keep them, or move them with `gpmirror plan`",
        )
    moved = [change for change in plan.changes if _left(change)]
    stuck = _primaries(plan, moved)
    homes = {
        change.content: change.from_
        for change in moved
        if change.from_ is not None and change.content not in stuck
    }
    if not homes:
        raise _no_way(moved)
    former = _with_homes(plan, homes)
    site = site_of(former)
    desired = desired_of(former, site, observed)
    rule = f"back to where it stood before run {run}"
    contents = (replace(p, rule=rule) if p.content in homes else p for p in desired.contents)
    desired = replace(desired, contents=tuple(contents))
    _check_nested(observed, desired, homes)
    request = Request(contents=frozenset(homes), allow=request.allow, unprotect=request.unprotect)
    back = build_plan(site, observed, desired, request)
    back = replace(back, settings=replace(back.settings, reverts=run))
    return replace(back, warnings=(*back.warnings, *_staying(stuck), *to_set_aside(back)))


def _left(change: Change) -> bool:
    """Whether a copy left its place."""
    moves = change.action in {Action.MOVE, Action.RECOVER}
    return moves and change.from_ is not None and change.from_ != change.to


def _primaries(plan: Plan, moved: Iterable[Change]) -> dict[int, Slot]:
    """The preferred primaries that were recovered elsewhere, by content: where they stand."""
    slots = {one.content: one.primary for one in plan.desired.contents}
    return {
        change.content: change.to
        for change in moved
        if change.to is not None and change.to == slots.get(change.content)
    }


def _no_way(moved: Collection[Change]) -> Failure | Unsafe:
    if not moved:
        return Failure("the run moved nothing, so there is no way back to plan")
    return Unsafe(
        f"the run moved no mirror: it recovered the preferred primaries of content "
        f"{name_contents([change.content for change in moved])} at other places, and no primary is "
        "ever moved",
        hint="there is nothing to allow: they stay where they were recovered",
    )


def _staying(stuck: Mapping[int, Slot]) -> Iterator[str]:
    for content, slot in sorted(stuck.items()):
        yield (
            f"content {content}: its preferred primary was recovered at {slot.host}:{slot.port} and "
            "stays there, no primary is ever moved"
        )


def leaves_directories(changes: Iterable[Change]) -> bool:
    """Whether changes leave any directory that prune could delete: one of port or address alone
    leaves none.
    """
    return any(
        change.to is not None
        and change.from_ is not None
        and (
            change.to.host != change.from_.host
            or not set(change.from_.directories) <= set(change.to.directories)
        )
        for change in changes
    )


def enters_old_directory(change: Change) -> bool:
    """Whether the way back leads a mirror into a directory that it left, so that what it left there
    is in the way: a move to another port or address alone leaves none.
    """
    return (
        change.action is Action.MOVE
        and change.to is not None
        and change.from_ is not None
        and (
            change.to.host != change.from_.host
            or not set(change.to.directories) <= set(change.from_.directories)
        )
    )


def to_set_aside(back: Plan) -> list[str]:
    """What must step aside by hand before the way back: prune deletes nothing of a content with one
    copy, so what its lost mirror left stays, a sentence with the command for each.
    """
    run = back.settings.reverts
    return [
        _to_set_aside(change.content, change.to, run)
        for change in back.changes
        # a copy that comes back where it is needs what stands there
        if run is not None and change.action is Action.RECOVER and _left(change)
        if change.to is not None
    ]


def _to_set_aside(content: int, home: Slot, run: str) -> str:
    moves = " && ".join(
        f"mv {quote(path)} {quote(set_aside_name(path, run))}" for path in home.directories
    )
    return (
        f"content {content} has one copy, so `gpmirror prune {run}` keeps what it left; if that "
        f"still stands on {home.host}, set it aside there: `{moves}`; prune deletes it once the "
        "content is in sync"
    )


def _check_nested(observed: Observed, desired: Desired, homes: Collection[int]) -> None:
    placed = [(one, one.source) for one in desired.contents if one.content in homes]
    problems = list(nested_directories(observed, desired.hosts, placed))
    if problems:
        raise InvalidInput(problems)


def _with_homes(plan: Plan, homes: Mapping[int, Slot]) -> Plan:
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


def _home(one: PlannedContent, homes: Mapping[int, Slot]) -> PlannedContent:
    home = homes.get(one.content)
    return one if home is None else replace(one, mirror=home)
