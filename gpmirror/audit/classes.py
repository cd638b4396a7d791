"""Whether each content has the class that its copies ask for, and each change its two ends.

The class is the first row of a table that fits (see `docs/explanation/how-placement-works.md`). What
a class asks for may be out of reach: the slot may stay taken to the end of the plan. Then, and only
then, a copy that lives stays, and one that is down comes back elsewhere.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from gpmirror.audit.claim import Claim, Falsehood, differ
from gpmirror.audit.ground import Ground, Standing, keys_of
from gpmirror.audit.waves import Course
from gpmirror.model.observed import CopyFact
from gpmirror.model.segment import MAX_PORT, Role, Slot, same_place
from gpmirror.model.text import counted
from gpmirror.plan.model import Action, Change, Method, PlannedContent, Summary
from gpmirror.values import dataclass

_LOWEST_PORT = 1024
_WHOLE: dict[CopyFact, str] = {
    "absent": "its directory is absent",
    "backup_label": "its directory holds a partial base backup",
    "no_pg_control": "its directory has no pg_control",
    "no_filespace": "the directory of a filespace is absent",
    "foreign": "its directory belongs to another system",
}
"""What is wrong with a directory that only a full recovery mends, and how a plan says it."""

_FILES: frozenset[CopyFact] = frozenset({"rewindable", "backup_label", "unknown"})
"""What a differential recovery can begin with."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a content's copies ask for; `action` None: nothing."""

    action: Action | None
    from_: Slot | None = None
    to: Slot | None = None
    method: Method | None = None


def wishes(ground: Ground) -> dict[int, Wish]:
    """What every content asks for, whatever was selected."""
    mirrored = any(one.idle is not None for one in ground.standings.values())
    found = {
        number: _wish(ground, one, ground.wanted[number], mirrored=mirrored)
        for number, one in ground.standings.items()
    }
    if not mirrored and any(wish.action is not Action.ADD for wish in found.values()):
        return dict.fromkeys(found, Wish(Action.BLOCKED))  # mirrors are added in one run or not
    return found


def _wish(ground: Ground, one: Standing, wanted: PlannedContent, *, mirrored: bool) -> Wish:
    idle = one.idle_slot
    replaced = not one.switched and wanted.primary.host != one.acting_slot.host
    if not one.acting.is_up or replaced or one.number in ground.disputed:
        return Wish(Action.BLOCKED, idle)
    if one.idle is None or idle is None:
        return Wish(Action.BLOCKED) if mirrored else Wish(Action.ADD, None, wanted.mirror)
    if not one.idle.is_up:
        return _recovery(ground, one, wanted)
    mirror = one.acting_slot if one.switched else idle
    at_home = wanted.mirror is not None and _stands_at(mirror, wanted.mirror)
    if one.switched:
        if ground.asked.rebalance:
            return Wish(Action.REBALANCE, idle)
        return Wish(None) if at_home else Wish(Action.BLOCKED, idle)
    if at_home:
        return Wish(None)
    stuck = _lands_on_itself(ground, idle, wanted.mirror)
    return Wish(Action.BLOCKED, idle) if stuck else Wish(Action.MOVE, idle, wanted.mirror)


def _recovery(ground: Ground, one: Standing, wanted: PlannedContent) -> Wish:
    assert one.idle is not None  # noqa: S101 - the caller has looked
    assert one.idle_slot is not None  # noqa: S101
    place = wanted.primary if one.idle.preferred_role is Role.PRIMARY else wanted.mirror
    if place is None or _fact(ground, one) == "copying":
        return Wish(Action.BLOCKED, one.idle_slot)
    if _stands_at(one.idle_slot, place):
        return Wish(Action.RECOVER, one.idle_slot, one.idle_slot, _method(ground, one))
    if place.host == one.acting_slot.host and not ground.plan.settings.allow_same_host:
        return Wish(Action.BLOCKED, one.idle_slot)
    return Wish(Action.RECOVER, one.idle_slot, place, Method.FULL)


def _lands_on_itself(ground: Ground, slot: Slot, wanted: Slot | None) -> bool:
    """Whether a copy would be made anew in a directory of its own, which file replication's utility
    refuses after it has stopped the copy there (5.8.1).
    """
    if wanted is None or not ground.dialect.file_replication:
        return False
    shared = set(keys_of(slot)) & set(keys_of(wanted))
    return any(isinstance(what, str) for _, what in shared)


def _stands_at(slot: Slot, wanted: Slot) -> bool:
    return slot.host == wanted.host and same_place(slot, wanted)


def _fact(ground: Ground, one: Standing) -> CopyFact:
    assert one.idle is not None  # noqa: S101 - only down copies are looked at
    return ground.facts.get(one.idle.dbid, "unknown")


def _method(ground: Ground, one: Standing) -> Method:
    fact = _fact(ground, one)
    if ground.asked.full:
        return Method.FULL
    if ground.asked.differential and fact in _FILES:
        return Method.DIFFERENTIAL
    return Method.FULL if fact in _WHOLE else Method.INCREMENTAL


def judge_classes(ground: Ground, course: Course) -> list[Claim]:
    """The claims about classes and changes."""
    asked = wishes(ground)
    plan = ground.plan
    counts = Counter(change.action for change in plan.changes)
    words = ", ".join(f"{counts[action]} to {action.value}" for action in Action if counts[action])
    words = words.replace(f"to {Action.BLOCKED.value}", Action.BLOCKED.value)
    return [
        Claim(
            name="classes",
            said=f"of {counted(len(asked), 'content')}, {words or 'none needs anything'}",
            false=tuple(_classes(ground, course, asked)),
        ),
        Claim(
            name="changes",
            said="each change says whose host acts, how large it is, and how a copy comes back",
            false=tuple(_facts(ground)),
        ),
        Claim(
            name="drained",
            said="no mirror goes to a host of weight 0 unless a pin puts it there",
            false=tuple(_drained(ground)),
        ),
        Claim(
            name="summary",
            said="it counts the contents by class and names the switched ones and the selection",
            false=tuple(_summary(ground, asked)),
        ),
    ]


# --- Classes, and what is done instead where a slot is not to be had.


def _classes(ground: Ground, course: Course, asked: dict[int, Wish]) -> Iterator[Falsehood]:
    changes: dict[int, Change] = {}
    for change in ground.plan.changes:
        if change.content not in asked or change.content in changes:
            claimed = f"content {change.content}"
            yield Falsehood("changes", claimed, "each content of the catalog at most once")
        changes[change.content] = change
    numbers = [change.content for change in ground.plan.changes]
    if numbers != sorted(numbers):
        yield Falsehood("changes", "another order", "by content")
    single = _stays_single(ground, course)
    for content, wish in asked.items():
        found = changes.get(content)
        if wish.action is None or not _selected(ground, content, wish):
            if found is not None:
                needed = "no change" if wish.action is None else "outside the selection"
                yield Falsehood(f"changes, content {content}", found.action.value, needed)
        elif found is None:
            yield Falsehood(f"changes, content {content}", "no change", wish.action.value)
        else:
            yield from _judge(ground, course, wish, found, single=single)


def _selected(ground: Ground, content: int, wish: Wish) -> bool:
    chosen, hosts = ground.asked.contents, ground.asked.hosts
    if chosen is not None and content not in chosen:
        return False
    ends = {slot.host for slot in (wish.from_, wish.to) if slot is not None}
    return hosts is None or not ends.isdisjoint(hosts)


def _judge(
    ground: Ground, course: Course, wish: Wish, found: Change, *, single: bool
) -> Iterator[Falsehood]:
    where = f"changes, content {found.content}"
    if wish.action is Action.REBALANCE:
        wish = _return(ground, wish, single=single)
    elif wish.to is not None and wish.to != wish.from_:
        wish = _instead(ground, course, wish, found)
    if found.action is Action.RECOVER:
        yield from _goes_back(ground, course, found, single=single)
    if wish.action is not None and wish.action is not found.action:
        yield Falsehood(where, found.action.value, wish.action.value)
        return
    yield from differ(f"{where}, from", found.from_, wish.from_)
    yield from differ(f"{where}, to", found.to, wish.to)
    yield from differ(f"{where}, method", found.method, wish.method)


def _return(ground: Ground, wish: Wish, *, single: bool) -> Wish:
    """Roles return where all copies will be in sync; from 6 on a plan that does nothing else leaves
    that to the look before its wave.
    """
    others = any(wave.action is not Action.REBALANCE for wave in ground.plan.waves)
    if single and (ground.dialect.file_replication or others):
        return Wish(Action.BLOCKED, wish.from_)
    return wish


def _goes_back(
    ground: Ground, course: Course, found: Change, *, single: bool
) -> Iterator[Falsehood]:
    """A content that is recovered with its roles switched goes back with the others: the utility
    takes every switched pair.
    """
    needed = ground.asked.rebalance and ground.standings[found.content].switched and not single
    legs = course.legs.get(found.content, [])
    returns = any(leg.action is Action.REBALANCE for leg in legs)
    if needed is not returns:
        said = ("its roles stay switched", "its roles return after it")
        yield Falsehood(f"waves, content {found.content}", said[returns], said[needed])


def _stays_single(ground: Ground, course: Course) -> bool:
    """Whether a content has fewer than two live copies to the end of the plan."""
    back = {
        change.content
        for change in ground.plan.changes
        if change.action in {Action.RECOVER, Action.ADD} and course.legs.get(change.content)
    }
    return any(
        one.acting_lives + one.idle_lives < 2 and number not in back  # noqa: PLR2004 - both
        for number, one in ground.standings.items()
    )


def _instead(ground: Ground, course: Course, wish: Wish, found: Change) -> Wish:
    """What the plan may do in place of a wish whose slot is not to be had; the wish itself where the
    slot is, or where the plan does something that nothing excuses.
    """
    assert wish.to is not None  # noqa: S101 - the caller has looked
    if (found.action, found.to) == (wish.action, wish.to):
        return wish
    stuck = wish.from_ is not None and _lands_on_itself(ground, wish.from_, wish.to)
    taken = _taken(course, found.content, wish.to)
    if not (stuck or taken or _crowded(ground, course, wish.to)):
        return wish
    if found.action is Action.BLOCKED:
        may_wait = wish.action is not Action.RECOVER or _crowded(ground, course, wish.to)
        return Wish(Action.BLOCKED, wish.from_) if may_wait else wish
    if wish.action is not Action.RECOVER or found.action is not Action.RECOVER:
        return wish
    if found.to == wish.from_ and wish.from_ is not None:
        host = ground.hosts.get(wish.from_.host)
        stays = host is not None and host.weight > 0
        method = _method(ground, ground.standings[found.content])
        return replace(wish, to=wish.from_, method=method) if stays else wish
    if found.to is not None and found.to.host == wish.to.host:
        return replace(wish, to=found.to)
    return wish


def _taken(course: Course, content: int, slot: Slot) -> bool:
    """Whether another server has something of the slot when the plan is done, or a copy that was down
    has left its directory full.
    """
    return any(
        course.held.get(key, content) != content or course.left_down.get(key, content) != content
        for key in keys_of(slot)
    )


def _crowded(ground: Ground, course: Course, slot: Slot) -> bool:
    """Whether the host has no port left for a copy that must step aside."""
    used = {what for host, what in (*ground.held, *course.held) if host == slot.host}
    used |= {
        what
        for mirror in ground.mirrors.values()
        for host, what in keys_of(mirror)
        if host == slot.host
    }
    busy = sum(isinstance(what, int) and what >= _LOWEST_PORT for what in used)
    needed = 1 if slot.replication_port is None else 2
    return MAX_PORT + 1 - _LOWEST_PORT - busy < needed


# --- What a change says beside its ends, and what hosts and counts say.


def _facts(ground: Ground) -> Iterator[Falsehood]:
    for change in ground.plan.changes:
        one = ground.standings.get(change.content)
        if one is None:
            continue
        where = f"changes, content {change.content}"
        yield from differ(f"{where}, primary", change.primary, one.acting_slot.host)
        yield from differ(f"{where}, size", change.size, ground.sizes.get(change.content))
        yield from differ(f"{where}, note", change.note, _note(ground, one, change))


def _note(ground: Ground, one: Standing, change: Change) -> str | None:
    """The remark on how a copy comes back where it is; a return of roles may say what follows."""
    if change.action is Action.REBALANCE:
        mirror = ground.mirrors.get(change.content)
        follows = mirror is not None and not _stands_at(one.acting_slot, mirror)
        return change.note if follows else None
    if change.action is not Action.RECOVER or change.to != change.from_:
        return None
    fact = _fact(ground, one)
    if change.method is Method.FULL:
        return "asked for" if ground.asked.full else _WHOLE.get(fact)
    unseen = fact == "unknown" or (change.method is Method.INCREMENTAL and fact != "rewindable")
    return "directory not inspected" if unseen else None


def _drained(ground: Ground) -> Iterator[Falsehood]:
    if ground.plan.settings.reverts is not None:
        return
    for change in ground.plan.changes:
        wanted = ground.mirrors.get(change.content)
        if change.to is None or change.to == change.from_ or change.to != wanted:
            continue
        host = ground.hosts.get(change.to.host)
        if host is None or host.weight > 0 or "pinned" in change.reason:
            continue
        # of a copy that was lost with its host the reason tells who takes that host's place, not the pin
        takes_over = change.from_ is not None and host.replaces == change.from_.host
        if not (takes_over and change.action is Action.RECOVER):
            where = f"changes, content {change.content}"
            yield Falsehood(where, f"to {change.to.host}", "elsewhere: its weight is 0")


def _summary(ground: Ground, asked: dict[int, Wish]) -> Iterator[Falsehood]:
    plan = ground.plan
    switched = sorted(
        (
            number
            for number, one in ground.standings.items()
            if one.switched and asked[number].action in {None, Action.REBALANCE}
        ),
        key=lambda number: ground.rank[number],
    )
    unchanged = sum(
        asked[number].action is None and not one.switched
        for number, one in ground.standings.items()
    )
    counts = Counter(change.action for change in plan.changes)
    true = Summary(
        add=counts[Action.ADD],
        move=counts[Action.MOVE],
        recover=counts[Action.RECOVER],
        rebalance=counts[Action.REBALANCE],
        unchanged=unchanged,
        blocked=counts[Action.BLOCKED],
        switched=len(switched) - counts[Action.REBALANCE],
    )
    for key in ("add", "move", "recover", "rebalance", "unchanged", "blocked", "switched"):
        yield from differ(f"summary.{key}", getattr(plan.summary, key), getattr(true, key))
    yield from differ("switched", list(plan.switched), switched)
    yield from differ("selection", plan.selection, _selection(ground))
    unknown = any(row.directory is None for row in ground.catalog.segments if row.content >= 0)
    yield from differ("review_only", plan.review_only, unknown)
    if unknown and not any("for review only" in words for words in plan.warnings):
        yield Falsehood("warnings", "nothing of that", "the plan is for review only")
    outside = sum(
        wish.action is not None and not _selected(ground, number, wish)
        for number, wish in asked.items()
    )
    if outside and not any(w.startswith(f"{outside:,} further change") for w in plan.warnings):
        left = f"{outside:,} further changes outside the selection"
        yield Falsehood("warnings", "nothing of that", left)


def _selection(ground: Ground) -> str | None:
    asked = ground.asked
    parts = []
    if asked.contents is not None:
        parts.append("content " + ",".join(map(str, asked.contents)))
    if asked.hosts is not None:
        parts.append("host " + ",".join(asked.hosts))
    return " and ".join(parts) or None
