"""Whether every danger of the plan is told, its guards say their true figures, and its fingerprint
covers what it touches.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from gpmirror.audit.claim import Claim, Falsehood, differ, have, told
from gpmirror.audit.ground import Ground, digest_of, place_told, row_told
from gpmirror.audit.waves import keeps_a_directory, lands_in_its_own
from gpmirror.model.segment import Role, Segment
from gpmirror.model.text import counted
from gpmirror.plan.model import (
    Action,
    Change,
    FingerprintRow,
    Guard,
    Hazard,
    Method,
    PlannedProtection,
    Step,
)
from gpmirror.spec.model import Guards
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, order=True)
class _Danger:
    """A hazard as it must be; `figure` is the count that its words tell, empty where they tell none."""

    name: str
    contents: tuple[int, ...]
    flag: str
    allowed: bool
    figure: str = ""


def judge_dangers(ground: Ground) -> list[Claim]:
    """The claims about dangers, limits and what must still hold when the plan is applied."""
    plan = ground.plan
    return [
        Claim(
            name="hazards",
            said=_hazards_said(plan.hazards),
            false=tuple(_hazards(ground)),
        ),
        Claim(
            name="guards",
            said=f"{have(len(plan.guards), 'guard')} the plan's own figures",
            false=tuple(_guards(ground)),
        ),
        Claim(
            name="fingerprint",
            said=f"it covers the rows of {counted(len(plan.changes), 'touched content')} and everything in "
            "use",
            false=tuple(_fingerprint(ground)),
        ),
    ]


def _hazards_said(hazards: Sequence[Hazard]) -> str:
    if not hazards:
        return "the plan names no danger, and none follows from it"
    if len(hazards) == 1:
        return "the plan names 1 danger, and no other follows from it"
    return f"the plan names {len(hazards)} dangers, and no others follow from it"


# --- Dangers.


def _hazards(ground: Ground) -> Iterator[Falsehood]:
    expected = sorted(
        danger
        for find in (_beside, _renamed, _deleted, _cancelled, _broken, _protected)
        for danger in find(ground)
    )
    left = list(enumerate(ground.plan.hazards))
    for danger in expected:
        found = next((item for item in left if _is(item[1], danger)), None)
        if found is not None:
            left.remove(found)
            continue
        near = next((item for item in left if item[1].name == danger.name), None)
        if near is None:
            yield Falsehood("hazards", f"no {danger.name}", _danger_told(danger))
        else:
            left.remove(near)
            yield Falsehood(f"hazards[{near[0]}]", _hazard_told(near[1]), _danger_told(danger))
    for number, hazard in left:
        yield Falsehood(f"hazards[{number}]", _hazard_told(hazard), "no such danger")
    order = [(hazard.name, hazard.message) for hazard in ground.plan.hazards]
    if order != sorted(order):
        yield Falsehood("hazards", "another order", "by name and message")


def _is(hazard: Hazard, danger: _Danger) -> bool:
    return (
        (hazard.name, hazard.contents, hazard.flag, hazard.allowed)
        == (danger.name, danger.contents, danger.flag, danger.allowed)
    ) and (not danger.figure or danger.figure in hazard.message.split())


def _hazard_told(hazard: Hazard) -> str:
    allowed = "allowed" if hazard.allowed else "not allowed"
    contents = told(hazard.contents)
    return f"{hazard.name}, contents {contents}, {hazard.flag}, {allowed}: {hazard.message}"


def _danger_told(danger: _Danger) -> str:
    allowed = "allowed" if danger.allowed else "not allowed"
    figure = f", telling {danger.figure}" if danger.figure else ""
    return f"{danger.name}, contents {told(danger.contents)}, {danger.flag}, {allowed}{figure}"


def _danger(ground: Ground, name: str, contents: Iterable[int], *, figure: bool = True) -> _Danger:
    found = tuple(sorted(set(contents)))
    return _Danger(
        name,
        found,
        f"--allow {name}",
        name in ground.plan.allowed,
        f"{len(found):,}" if figure else "",
    )


def _beside(ground: Ground) -> Iterator[_Danger]:
    """Mirrors beside their primaries: all where the spec grants it, else those that the plan puts
    there.
    """
    contents = {
        one.content
        for one in ground.wanted.values()
        if one.mirror is not None and one.mirror.host == one.primary.host
    }
    settings = ground.plan.settings
    if not settings.allow_same_host:
        contents &= {change.content for change in ground.plan.changes if change.to is not None}
    if not contents:
        return
    if not settings.allow_same_host:
        found = _danger(ground, "same-host", contents)
        yield _Danger(found.name, found.contents, found.flag, found.allowed, str(len(contents)))
        return
    flag = f"allow_same_host: true ({settings.same_host_source or ground.plan.spec_file})"
    yield _Danger("same-host", tuple(sorted(contents)), flag, True, str(len(contents)))  # noqa: FBT003


def _renamed(ground: Ground) -> Iterator[_Danger]:
    contents = [c.content for c in ground.plan.changes if c.hostname_after is not None]
    if contents:
        yield _danger(ground, "hostname-becomes-address", contents)


def _deleted(ground: Ground) -> Iterator[_Danger]:
    name = "deletes-old-directory"
    waves = [wave for wave in ground.plan.waves if wave.action is Action.MOVE]
    aside = {(step.content, step.to) for wave in waves for step in wave.steps if step.temporary}
    anew = {
        step.content
        for wave in waves
        for step in wave.steps
        if lands_in_its_own(step) and (step.content, step.from_) not in aside
    }
    if anew:
        yield _danger(ground, name, anew)
    gone = {
        step.content
        for wave in ground.plan.waves
        if any(run.utility == "gpmovemirrors" for run in wave.native)
        for step in wave.steps
        if _leaves_a_directory(step) and not keeps_a_directory(step)
    }
    if gone:
        found = _danger(ground, name, gone)
        yield _Danger(name, found.contents, found.flag, found.allowed, str(len(gone)))


def _leaves_a_directory(step: Step) -> bool:
    if step.from_ is None:
        return False
    now = set() if step.to is None else {(step.to.host, path) for path in step.to.directories}
    return any((step.from_.host, path) not in now for path in step.from_.directories)


def _cancelled(ground: Ground) -> Iterator[_Danger]:
    contents = [
        step.content
        for wave in ground.plan.waves
        if wave.action is Action.REBALANCE
        for step in wave.steps
    ]
    if contents:
        yield _danger(ground, "cancels-queries", contents, figure=False)


def _broken(ground: Ground) -> Iterator[_Danger]:
    for verdict in ground.plan.policy:
        if not verdict.after:
            yield _danger(ground, "policy", (), figure=False)


def _protected(ground: Ground) -> Iterator[_Danger]:
    for one in ground.plan.settings.protect or ():
        contents = tuple(
            sorted(c.content for c in ground.plan.changes if _moves(c) and _covers(one, c))
        )
        if contents:
            name = f"content:{one.content}" if one.host is None else f"host:{one.host}"
            allowed = f"unprotect:{name}" in ground.plan.allowed
            count = str(len(contents))
            yield _Danger(f"protected:{name}", contents, f"--unprotect {name}", allowed, count)


def _covers(one: PlannedProtection, change: Change) -> bool:
    if one.content is not None:
        return change.content == one.content
    return one.host in {slot.host for slot in (change.from_, change.to) if slot is not None}


def _moves(change: Change) -> bool:
    return change.action is Action.MOVE or (
        change.action is Action.RECOVER and change.to != change.from_
    )


# --- Limits on how much a plan may touch.


def _guards(ground: Ground) -> Iterator[Falsehood]:
    plan = ground.plan
    policy = plan.settings.policy
    limits = Guards() if policy is None else policy.guards
    heavy = [c for c in plan.changes if _moves(c) or c.method is Method.FULL]
    contents = len(ground.standings)
    percent = (100 * len(heavy) + contents - 1) // contents
    expected = [
        _guard(
            ground,
            "moves_percent",
            percent,
            limits.moves_percent,
            "percent",
            judged=contents >= limits.min_contents,
        )
    ]
    if limits.max_bytes is not None:
        sizes = [ground.sizes.get(change.content) for change in heavy]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        expected.append(
            _guard(ground, "bytes", total, limits.max_bytes, "bytes", judged=bool(heavy))
        )
    names = [guard.name for guard in plan.guards]
    yield from differ("guards", names, [guard.name for guard in expected])
    for number, (one, true) in enumerate(zip(plan.guards, expected, strict=False)):
        if one.name == true.name:
            for key in Guard.__slots__:
                yield from differ(f"guards[{number}].{key}", getattr(one, key), getattr(true, key))


def _guard(
    ground: Ground, name: str, value: int | None, limit: int, unit: str, *, judged: bool
) -> Guard:
    return Guard(
        name=name,
        value=value,
        limit=limit,
        unit=unit,
        exceeded=judged and (value is None or value > limit),
        flag=f"--allow guard:{name}",
        allowed=f"guard:{name}" in ground.plan.allowed,
    )


# --- What must still hold when the plan is applied.


def _fingerprint(ground: Ground) -> Iterator[Falsehood]:
    plan, claimed = ground.plan, ground.plan.fingerprint
    rows = ground.catalog.segments
    coordinator = next(
        (row for row in rows if row.content < 0 and row.preferred_role is Role.PRIMARY), None
    )
    place = "" if coordinator is None else place_told(coordinator)
    by_content: dict[int, list[Segment]] = {}
    for row in rows:
        by_content.setdefault(row.content, []).append(row)
    contents = [
        FingerprintRow(
            content=change.content,
            action=change.action,
            rows=tuple(row_told(row) for row in by_content.get(change.content, [])),
        )
        for change in sorted(plan.changes, key=lambda change: change.content)
    ]
    in_use = sorted({use for row in rows for use in _uses(row)})
    system, version = plan.observed.system_identifier, plan.observed.server_version
    yield from differ("fingerprint.coordinator", claimed.coordinator, place)
    yield from differ("fingerprint.system_identifier", claimed.system_identifier, system)
    yield from differ("fingerprint.server_version", claimed.server_version, version)
    yield from _rows("fingerprint.contents", claimed.contents, contents, _row_told)
    yield from _rows("fingerprint.in_use", claimed.in_use, in_use, str)
    lines = [place, system or "", version or ""]
    lines += [_row_told(row) for row in contents]
    yield from differ("fingerprint.digest", claimed.digest, digest_of([*lines, *in_use]))


def _row_told(row: FingerprintRow) -> str:
    return f"{row.content} {row.action} {' '.join(row.rows)}"


def _rows(
    where: str, claimed: Iterable[object], true: Iterable[object], tell: Callable[..., str]
) -> Iterator[Falsehood]:
    one, other = [tell(row) for row in claimed], [tell(row) for row in true]
    for extra in sorted(set(one) - set(other)):
        yield Falsehood(where, extra, "not in the catalog, or not touched")
    for missing in sorted(set(other) - set(one)):
        yield Falsehood(where, "left out", missing)
    if set(one) == set(other) and one != other:
        yield Falsehood(where, "another order", "each once, in order")


def _uses(row: Segment) -> Iterator[str]:
    for what in (row.port, row.replication_port, row.directory, *(p for _, p in row.filespaces)):
        if what is not None:
            yield f"{row.hostname}:{what}"
