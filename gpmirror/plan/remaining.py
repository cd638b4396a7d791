"""A plan against a newer catalog: is it stale, what is left or has arrived, what is the way back."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from shlex import quote
from typing import assert_never

from gpmirror.diagnostics import Place
from gpmirror.errors import Failure, InvalidInput, Unsafe
from gpmirror.model.claims import claims
from gpmirror.model.content import contents_of, slot_of
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment, Slot, same_place
from gpmirror.native.directories import set_aside_name
from gpmirror.placement.checks import nested_directories
from gpmirror.placement.hosts import HostMap, map_hosts, name_contents
from gpmirror.placement.model import Desired, Placed
from gpmirror.placement.place import primary_slot
from gpmirror.plan.build import build_plan
from gpmirror.plan.classify import (
    LOAD_PATH,
    SAME_HOST_PATH,
    Classified,
    classify,
    policy_of,
    protections_of,
    source_place,
)
from gpmirror.plan.hazards import HAZARDS
from gpmirror.plan.model import (
    Action,
    Change,
    Fingerprint,
    Plan,
    PlannedContent,
    PlannedHost,
    Step,
    Wave,
    fingerprint,
)
from gpmirror.plan.request import Request
from gpmirror.spec.model import Path, Site, SiteHost
from gpmirror.values import dataclass

# --- A plan's own desired layout against a newer catalog: is it stale, is it done, what is left.
#
# The plan file alone answers: apply and resume need no spec.


_THE_PLAN = "as the plan has it"
_BALANCED = re.compile(r"^((?:\S+ has `weight: 0`; )?)balanced: .*$")
"""What strategy balanced says of a mirror; the proof of that was about the whole layout."""
_DOWN = re.compile(r"down at [^ ;]+:[0-9]+; ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a plan's contents still need: `changes` by content, as their classes are now."""

    changes: tuple[Change, ...]

    @property
    def is_empty(self) -> bool:
        """Whether every content of the plan is where the plan wants it."""
        return not self.changes


def what_is_left(plan: Plan, observed: Observed) -> Left:
    """The classes of the plan's own contents now; those it found blocked do not count, nor what is
    beyond the plan (`what_is_beyond`).

    Raises InvalidInput: a row stands on a host that the plan does not know.
    """
    return Left(
        changes=tuple(now for now, is_beyond in _still_asked(plan, observed) if not is_beyond)
    )


def what_is_beyond(plan: Plan, observed: Observed) -> Left:
    """What the layout still asks of contents with which the plan did all that it was to do: the
    mirror moves in a later plan where its roles had to return first, or where it came back at its
    old place. Raises as `what_is_left`.
    """
    return Left(changes=tuple(now for now, is_beyond in _still_asked(plan, observed) if is_beyond))


def _still_asked(plan: Plan, observed: Observed) -> Iterator[tuple[Change, bool]]:
    """What the layout asks of the plan's contents now, and whether that is beyond the plan. Rows that
    are contradicted prove nothing done.
    """
    mine = {change.content: change for change in plan.changes}
    pairs = observed.pairs()
    for now in _classes(plan, observed).changes:
        planned = mine.get(now.content)
        if planned is None or planned.action is Action.BLOCKED:
            continue
        proved = now.content not in observed.disagreements
        yield now, proved and _is_beyond(planned, now, pairs[now.content])


def _is_beyond(planned: Change, now: Change, rows: tuple[Segment, Segment | None]) -> bool:
    """Whether what is left of a content is more than the plan was to do with it: both copies are
    up, where a recovery brings the down one, and what switches roles is done.
    """
    if now.action not in {Action.MOVE, Action.BLOCKED}:
        return False
    both = [row for row in rows if row is not None and row.is_up]
    match planned.action:
        case Action.RECOVER:
            assert planned.to is not None  # noqa: S101 - a recovery has a place
            return len(both) == len(rows) and any(same_place(row, planned.to) for row in both)
        case Action.REBALANCE:
            return len(both) == len(rows) and not any(row.is_switched for row in both)
        case Action.ADD | Action.MOVE | Action.BLOCKED:
            return False
        case _:
            assert_never(planned.action)


def replaced_hosts(plan: Plan) -> Iterator[tuple[str, str, frozenset[int]]]:
    """Each host that replaces another, that other one, and the contents of which the plan's catalog
    still has a copy on it.
    """
    rows = () if plan.catalog is None else plan.catalog.segments
    for host in plan.desired.hosts:
        if host.replaces is not None:
            names = {host.replaces}
            there = (
                row.content
                for row in rows
                if row.content >= 0 and not names.isdisjoint({row.hostname, row.address})
            )
            yield host.name, host.replaces, frozenset(there)


def to_forget(new: str, old: str) -> str:
    """What is to be taken out of the spec and of SSH when nothing is left on a replaced host."""
    return (
        f"{new} holds what {old} held: remove `replaces: {old}` from the spec, and any lines for "
        f"{old} from ~/.ssh/config on the coordinator's host (`Host {old}`) that lead it to {new}"
    )


def plan_what_is_left(
    plan: Plan, observed: Observed, *, allow: Collection[str] | None = None
) -> Plan:
    """A plan for what the contents of an earlier one still need, under its settings. The earlier one
    was begun: no guard, policy, hazard or protection that it was judged by stops its rest half-way.
    Where nobody knows that it was confirmed, `allow` is what is allowed beside the plan itself.
    Raises InvalidInput as `build_plan` does.
    """
    site = site_of(plan)
    mine = {c.content for c in plan.changes if c.action is not Action.BLOCKED}
    mine -= {change.content for change in what_is_beyond(plan, observed).changes}
    request = _request(plan)
    everything = len(mine) == len(observed.pairs())
    request = Request(
        contents=None if everything else frozenset(mine),
        rebalance=request.rebalance,
        full=request.full,
        differential=request.differential,
        allow=_begun_with(plan, request) if allow is None else _said(request, allow),
        unprotect=_unprotected(plan) if allow is None else request.unprotect,
    )
    desired = desired_of(plan, site, observed)
    contents = (
        replace(one, rule=_BALANCED.sub(rf"\1{_THE_PLAN}", one.rule)) for one in desired.contents
    )
    rest = build_plan(site, observed, replace(desired, contents=tuple(contents)), request)
    return replace(rest, settings=replace(rest.settings, reverts=plan.settings.reverts))


def _begun_with(plan: Plan, request: Request) -> tuple[str, ...]:
    """What was allowed when the plan was begun, in it or on the command line. Guards and policy may
    be broken by the rest alone: half of a move counts as a full recovery, and another copy may have
    died since.
    """
    dangers = {hazard.name for hazard in plan.hazards if hazard.name in HAZARDS}
    if any(step.temporary for wave in plan.waves for step in wave.steps):
        # a copy that waits in its temporary slot may land in that very directory
        dangers.add("deletes-old-directory")
    rules = {"policy"} if plan.policy else set()
    return tuple(
        sorted({*request.allow, *dangers, *rules, *(f"guard:{g.name}" for g in plan.guards)})
    )


def _said(request: Request, allow: Collection[str]) -> tuple[str, ...]:
    """Protections are lifted by the command line alone, as for a plan file."""
    return (*request.allow, *(name for name in allow if not name.startswith("protected:")))


def _unprotected(plan: Plan) -> tuple[str, ...]:
    known = {one.name for one in protections_of(plan.settings.protect)}
    named = {name.removeprefix("unprotect:") for name in plan.allowed}
    moved = {hazard.name.removeprefix("protected:") for hazard in plan.hazards}
    return tuple(sorted(known & (named | moved)))


def stale_rows(plan: Plan, observed: Observed) -> tuple[str, ...]:
    """What no longer holds of the plan's fingerprint, one sentence each; empty: it may run."""
    planned = plan.fingerprint
    if set(observed.pairs()) < {row.content for row in planned.contents}:
        return ("contents of the plan are no longer in the catalog",)
    classes = {change.content: change for change in _classes(plan, observed).changes}
    touched = [classes[row.content] for row in planned.contents if row.content in classes]
    now = fingerprint(observed, touched)
    found = [*_cluster_facts(planned, now), *_contents(planned, now), *_in_use(planned, now)]
    return tuple(found)


def other_cluster(plan: Plan, observed: Observed) -> tuple[str, ...]:
    """What tells that another coordinator, system or version answers, one sentence each."""
    return tuple(_cluster_facts(plan.fingerprint, fingerprint(observed, ())))


def foreign_cluster(plan: Plan, observed: Observed) -> str | None:
    """A sentence where the cluster that answers is not the plan's: another system identifier, or,
    where one of them is not known (text catalogs tell none), another coordinator. None: it is.
    """
    planned, now = plan.fingerprint, fingerprint(observed, ())
    one, other = planned.system_identifier, now.system_identifier
    if one and other:
        differs = one != other
    else:
        differs = bool(planned.coordinator and now.coordinator) and (
            planned.coordinator != now.coordinator
        )
    if not differs:
        return None
    return (
        f"the plan is for another cluster: it was made for {plan.cluster}, {_identity(planned)}; "
        f"the cluster that answers has {_identity(now)}"
    )


def _identity(found: Fingerprint) -> str:
    """`coordinator mdw:5432 (system identifier 7)`."""
    host, _, port = found.coordinator.split(" ")[:3] if found.coordinator else ("unknown", "", "")
    system = f" (system identifier {found.system_identifier})" if found.system_identifier else ""
    return f"coordinator {host}{':' if port else ''}{port}{system}"


def _cluster_facts(planned: Fingerprint, now: Fingerprint) -> list[str]:
    told = (
        ("the coordinator", planned.coordinator, now.coordinator),
        ("the system identifier", planned.system_identifier, now.system_identifier),
        ("the server version", planned.server_version, now.server_version),
    )
    return [
        f"{name} was {was}, now {new}"
        for name, was, new in told
        if was and new and was != new  # text catalogs do not show them
    ]


def _contents(planned: Fingerprint, now: Fingerprint) -> list[str]:
    """What the plan leaves alone may change: it blocks more than classes alone tell."""
    current = {row.content: row for row in now.contents}
    found = []
    for row in planned.contents:
        if row.action is Action.BLOCKED:
            continue
        fresh = current.get(row.content)
        if fresh is None:
            found.append(f"content {row.content} was to {row.action.value}, now it needs nothing")
        elif fresh.action is not row.action:
            new = fresh.action.value
            found.append(f"content {row.content} was to {row.action.value}, now to {new}")
        elif not _same_rows(row.rows, fresh.rows):
            was, new = "; ".join(row.rows), "; ".join(fresh.rows)
            found.append(f"content {row.content} was {was}, now {new}")
    return found


def _same_rows(planned: tuple[str, ...], now: tuple[str, ...]) -> bool:
    return len(planned) == len(now) and all(
        was == new for was, new in zip(planned, now, strict=True)
    )


def _in_use(planned: Fingerprint, now: Fingerprint) -> list[str]:
    came = sorted(set(now.in_use) - set(planned.in_use))
    went = sorted(set(planned.in_use) - set(now.in_use))
    return [f"{item} is in use now" for item in came] + [
        f"{item} is no longer used" for item in went
    ]


def _classes(plan: Plan, observed: Observed) -> Classified:
    site = site_of(plan)
    desired = desired_of(plan, site, observed)
    contents = contents_of(observed, desired.hosts.host_of)
    return classify(observed, contents, desired, _request(plan))


def _request(plan: Plan) -> Request:
    """What is still asked: roles that could not return when the plan was made stay switched."""
    returns = any(wave.action is Action.REBALANCE for wave in plan.waves)
    return replace(request_of(plan), rebalance=returns)


def request_of(plan: Plan) -> Request:
    """What was asked when the plan was made."""
    asked = plan.asked
    assert asked is not None  # noqa: S101 - `read_plan` refuses plans without it
    prefix = "unprotect:"
    lifted = tuple(name.removeprefix(prefix) for name in plan.allowed if name.startswith(prefix))
    return Request(
        contents=None if asked.contents is None else frozenset(asked.contents),
        hosts=None if asked.hosts is None else frozenset(asked.hosts),
        full=asked.full,
        differential=bool(asked.differential),
        rebalance=asked.rebalance,
        allow=tuple(name for name in plan.allowed if not name.startswith(prefix)),
        unprotect=lifted,
    )


def site_of(plan: Plan) -> Site:
    """The site that the plan was made for, as far as its file tells it."""
    place = Place(file=plan.spec_file)
    hosts = tuple(
        SiteHost(
            name=host.name,
            addresses=host.addresses,
            rack=host.rack,
            weight=host.weight,
            replaces=host.replaces,
            place=place,
        )
        for host in plan.desired.hosts
    )
    return Site(
        cluster=plan.cluster,
        hosts=hosts,
        allow_same_host=plan.settings.allow_same_host,
        dialect=plan.dialect,
        coordinator=plan.settings.coordinator,
        ssh=plan.settings.ssh,
        policy=policy_of(plan.settings.policy),
        protect=protections_of(plan.settings.protect),
        apply=plan.settings.apply,
        file=plan.spec_file,
        digest=plan.spec_digest,
        places=_rule_places(plan),
    )


def _rule_places(plan: Plan) -> dict[Path, Place]:
    """The lines of the spec that texts of a plan name."""
    policy, same_host = plan.settings.policy, plan.settings.same_host_source
    told = {
        LOAD_PATH: None if policy is None else policy.load_source,
        SAME_HOST_PATH: same_host,
    }
    return {path: source_place(source) for path, source in told.items() if source is not None}


def hosts_of(plan: Plan, observed: Observed) -> HostMap:
    """Which of the plan's hosts each row stands on. Raises InvalidInput: a primary on an unknown one."""
    return map_hosts(site_of(plan), observed)


def desired_of(plan: Plan, site: Site, observed: Observed) -> Desired:
    """The plan's own layout, as placement would give it. Raises InvalidInput as `hosts_of` does."""
    ring = {host.name: position for position, host in enumerate(site.hosts)}
    pairs = observed.pairs()
    changes = {change.content: change for change in plan.changes}
    known = [one for one in plan.desired.contents if one.mirror and one.content in pairs]
    known.sort(key=lambda one: (ring.get(one.primary.host, -1), one.primary.port, one.content))
    placed = tuple(
        _placed(plan, one, pairs[one.content][0], changes.get(one.content)) for one in known
    )
    return Desired(contents=placed, hosts=map_hosts(site, observed), warnings=())


def with_primaries(desired: Desired) -> Desired:
    """The layout with its primaries where the catalog and the replaced hosts put them."""
    hosts = desired.hosts
    contents = (
        replace(
            one,
            primary_slot=primary_slot(
                hosts,
                one.primary,
                hosts.home_of(one.primary) or hosts.host_of(one.primary),
                one.primary_replication_port,
            ),
        )
        for one in desired.contents
    )
    return replace(desired, contents=tuple(contents))


def _rule(change: Change | None) -> str:
    """Why the mirror is to stand there, as the plan says it itself."""
    if change is None or change.action in {Action.REBALANCE, Action.BLOCKED}:
        return _THE_PLAN
    rule = _DOWN.sub("", change.reason)
    return _THE_PLAN if rule.endswith(" is down") or not rule else rule


def _placed(plan: Plan, planned: PlannedContent, primary: Segment, change: Change | None) -> Placed:
    assert planned.mirror is not None  # noqa: S101 - the caller has left those out
    source = plan.spec_file if change is None else change.source
    return Placed(
        content=planned.content,
        primary=primary,
        primary_slot=planned.primary,
        mirror=planned.mirror,
        primary_replication_port=planned.primary.replication_port,
        allows_same_host=plan.settings.allow_same_host,
        rule=_rule(change),
        source=source_place(source),
    )


# --- The way back from a plan that was carried out, as a plan like any other.


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
    former = _with_homes(plan, {**_standing(plan, observed, homes), **homes})
    site = site_of(former)
    # a host that was replaced and is listed again keeps its own primaries
    desired = with_primaries(desired_of(former, site, observed))
    rule = f"back to where it stood before run {run}"
    contents = (replace(p, rule=rule) if p.content in homes else p for p in desired.contents)
    desired = replace(desired, contents=tuple(contents))
    placed = [(one, one.source) for one in desired.contents if one.content in homes]
    problems = list(nested_directories(observed, desired.hosts, placed))
    if problems:
        raise InvalidInput(problems)
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


def _standing(plan: Plan, observed: Observed, homes: Mapping[int, Slot]) -> dict[int, Slot]:
    """Where mirrors stand that the run did not bring to the plan's places: blocked ones, those outside
    its selection. There they stay, for their places in the plan may be those that others go back to.
    """
    where = hosts_of(plan, observed)
    pairs = observed.pairs()
    taken = {key for slot in homes.values() for key in claims(slot.host, slot)}
    found = {}
    for one in plan.desired.contents:
        row = pairs[one.content][1] if one.content in pairs else None
        if row is None or one.mirror is None or one.content in homes:
            continue
        slot = slot_of(row, where.host_of(row))
        if not slot.same_place(one.mirror) and taken.isdisjoint(claims(slot.host, slot)):
            found[one.content] = slot
    return found


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


# --- Whether a wave's copies stand where the wave takes them from, and where it puts them.


class Arrival(StrEnum):
    """Where a step's copy is: no row at all, still elsewhere, at its place but down, or up."""

    ABSENT = "absent"
    ELSEWHERE = "elsewhere"
    DOWN = "down"
    UP = "up"


def arrivals(wave: Wave, observed: Observed) -> dict[int, Arrival]:
    """Every content of the wave. A rebalance has arrived when its roles are the preferred ones."""
    rows = _rows_by_content(observed)
    return {step.content: _arrival(step, rows.get(step.content, [])) for step in wave.steps}


def _rows_by_content(observed: Observed) -> dict[int, list[Segment]]:
    rows: dict[int, list[Segment]] = {}
    for row in observed.segments:
        rows.setdefault(row.content, []).append(row)
    return rows


def _arrival(step: Step, rows: list[Segment]) -> Arrival:
    if step.to is None:
        return Arrival.ELSEWHERE if any(row.is_switched for row in rows) else Arrival.UP
    there = [row for row in rows if same_place(row, step.to)]
    if there:
        return Arrival.UP if all(row.is_up for row in there) else Arrival.DOWN
    return Arrival.ELSEWHERE if len(rows) > 1 else Arrival.ABSENT


def strayed(wave: Wave, observed: Observed) -> tuple[str, ...]:
    """Contents that are not as the wave was planned for, one sentence each: while earlier waves ran,
    their roles may have switched, their mirror may have died or been moved by somebody.
    """
    rows = _rows_by_content(observed)
    told = [_stray(wave.action, step, rows.get(step.content, [])) for step in wave.steps]
    return tuple(words for words in told if words)


def moved_elsewhere(plan: Plan, observed: Observed) -> tuple[str, ...]:
    """Contents with a copy that the plan touches and that now stands at none of the places where the
    plan takes it from or puts it, one sentence each: somebody else has moved it since.
    """
    places: dict[int, list[Slot]] = {}
    for wave in plan.waves:
        for step in wave.steps:
            known = places.setdefault(step.content, [])
            known += [slot for slot in (step.from_, step.to) if slot is not None]
    return tuple(
        f"content {content}: its mirror is {mirror.hostname}:{mirror.port} by now"
        for content, (primary, mirror) in sorted(observed.pairs().items())
        if mirror is not None and places.get(content)
        if not any(same_place(row, slot) for row in (primary, mirror) for slot in places[content])
    )


def _stray(action: Action, step: Step, rows: list[Segment]) -> str:
    if step.to is None:
        return ""
    idle = next((row for row in rows if not row.is_acting_primary), None)
    if step.from_ is None:
        return "" if idle is None else f"content {step.content} has a mirror by now"
    name = f"content {step.content}"
    if idle is None or not same_place(idle, step.from_):
        where = "has none" if idle is None else f"is {idle.hostname}:{idle.port} by now"
        return f"{name}: {step.from_.host}:{step.from_.port} was to go, its mirror {where}"
    if action is Action.MOVE and not idle.is_up:
        return f"{name}: its mirror {step.from_.host}:{step.from_.port} is down by now"
    return ""
