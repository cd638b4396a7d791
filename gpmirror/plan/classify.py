"""The class of each content: what, if anything, must be done with its copies, and the rules of the spec that any plan is judged by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Place
from gpmirror.model.content import Content
from gpmirror.model.observed import CopyFact, Observed
from gpmirror.model.segment import Mode, Segment, Slot
from gpmirror.placement.model import Desired, Placed, RuleText
from gpmirror.plan.model import (
    Action,
    Change,
    Method,
    PlannedLoss,
    PlannedPolicy,
    PlannedProtection,
)
from gpmirror.plan.request import Request
from gpmirror.spec.model import Policy, Protection, Site, SiteHost, Survive
from gpmirror.values import dataclass
from gpmirror.verify import TAKES_OVER, revival

# --- The class of each content: what, if anything, must be done with its copies.


NOT_INSPECTED = "directory not inspected"
"""The remark on an incremental recovery of a copy that nobody looked at."""

ASKED_FOR = "asked for"
"""The remark on a full recovery that `--full` asks for."""

SWITCHED = RuleText(
    "acts on {}, prefers {}",
    "not in its preferred role: roles swap, nothing is copied",
)
NOT_AS_COMPUTED = RuleText("on {} not as the spec computes", "not as the spec computes")

_PLACING = ("group:", "spread:", "block ", "balanced:")
"""How the rules of strategies begin that choose among hosts."""

_FULL_FACTS: dict[CopyFact, str] = {
    "absent": "its directory is absent",
    "backup_label": "its directory holds a partial base backup",
    "no_pg_control": "its directory has no pg_control",
    "no_filespace": "the directory of a filespace is absent",
    "foreign": "its directory belongs to another system",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """Every content's class: `changes` in native order; contents that need nothing; contents whose
    roles are switched (not part of `changes` unless a rebalance was asked for). `in_place` says how
    a down copy that is to come back elsewhere can come back where it was, if it can.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[int, ...]
    switched: tuple[int, ...]
    in_place: Mapping[int, Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """A content under judgement: its copies now, and where they belong."""

    placed: Placed
    copies: Content
    substitute: SiteHost | None
    size: int | None
    drained: SiteHost | None = None
    """The spec host of weight 0 that its mirror stands on."""

    @property
    def acting(self) -> Segment:
        """The acting primary's row."""
        return self.copies.acting.row

    @property
    def acting_slot(self) -> Slot:
        """Where it stands."""
        return self.copies.acting.slot

    @property
    def idle(self) -> Segment | None:
        """The other row."""
        return None if self.copies.idle is None else self.copies.idle.row

    @property
    def idle_slot(self) -> Slot | None:
        """Where that one stands."""
        return None if self.copies.idle is None else self.copies.idle.slot


def classify(
    observed: Observed, contents: Mapping[int, Content], desired: Desired, request: Request
) -> Classified:
    """The class of every content, first match wins, whatever the selection. `contents` are those of
    `observed`.
    """
    mirrored = any(content.idle is not None for content in contents.values())
    changes: list[Change] = []
    unchanged: list[int] = []
    switched: list[int] = []
    in_place: dict[int, Change] = {}
    for placed in desired.contents:
        content = _content(observed, desired, placed, contents[placed.content])
        change = _class(observed, content, request, mirrored=mirrored)
        if change is not None and _may_stay(change, desired):
            in_place[placed.content] = _recovery_in_place(observed, content, request)
        if content.acting.is_switched and (change is None or change.action is Action.REBALANCE):
            switched.append(placed.content)
        if change is not None:
            changes.append(change)
        elif not content.acting.is_switched:
            unchanged.append(placed.content)
    return Classified(
        changes=tuple(_all_or_none(changes)),
        unchanged=tuple(unchanged),
        switched=tuple(switched),
        in_place=in_place,
    )


def _all_or_none(changes: Sequence[Change]) -> Iterator[Change]:
    """Mirrors are added in one run with a line for every primary: one that cannot get its own keeps
    the others from theirs.
    """
    adds = any(change.action is Action.ADD for change in changes)
    stuck = sorted(c.content for c in changes if adds and c.action is Action.BLOCKED)
    for change in changes:
        if stuck and change.action is Action.ADD:
            yield blocked_by(
                change,
                "gpaddmirrors adds the mirrors of all contents in one run, and content "
                f"{stuck[0]} cannot get one now: see there, then plan again",
            )
        else:
            yield change


def _may_stay(change: Change, desired: Desired) -> bool:
    """Whether a down copy that is to come back elsewhere stands on a host that still gets mirrors."""
    if change.action is not Action.RECOVER or change.from_ is None or change.from_ == change.to:
        return False
    host = desired.hosts.hosts.get(change.from_.host)
    return host is not None and host.weight > 0


def _content(observed: Observed, desired: Desired, placed: Placed, copies: Content) -> _Content:
    mirror = copies.mirror
    home = None if mirror is None else desired.hosts.hosts.get(mirror.host)
    return _Content(
        placed=placed,
        copies=copies,
        substitute=None if copies.idle is None else _substitute(desired, copies.idle.row),
        size=observed.sizes.get(placed.content),
        drained=home if home is not None and home.weight == 0 else None,
    )


def _substitute(desired: Desired, row: Segment) -> SiteHost | None:
    """The spec host that takes over the row's dead host."""
    home = desired.hosts.home_of(row)
    return None if home in {None, desired.hosts.host_of(row)} else desired.hosts.hosts[home or ""]


def _class(
    observed: Observed, content: _Content, request: Request, *, mirrored: bool
) -> Change | None:
    reason = _blocked_by_primary(content) or observed.disagreements.get(content.placed.content)
    if reason is not None:
        return _blocked(content, reason)
    if content.idle is None:
        if mirrored:
            return _blocked(
                content,
                "has no mirror row although other contents have one: only edits of the catalog by "
                "hand lead here, and no utility can add a mirror to some contents only; have the "
                "lost row restored (the vendor's support does that), then plan again",
            )
        return _change(content, Action.ADD, None, content.placed.mirror)
    if not content.idle.is_up:
        return _recovery(observed, content, request)
    return _up(content, request)


def _blocked_by_primary(content: _Content) -> str | None:
    if not content.acting.is_up:
        return _headless(content)
    home = content.placed.primary_slot
    if content.acting.is_preferred_primary and home.host != content.acting_slot.host:
        return (
            f"its primary on {content.acting_slot.host} is up, but {home.host} is to replace that "
            "host: fail it over first (stop its server there and wait until its mirror acts), then "
            "plan again; gpmirror never moves a primary"
        )
    return None


def _headless(content: _Content) -> str:
    """Its acting primary is down: what brings a live one back."""
    place = told(content.acting_slot)
    way = revival(content.acting)
    if content.idle is None:
        return f"its only copy {place} is down, no mirror can take over: {way}; then plan again"
    other = "" if content.idle_slot is None else told(content.idle_slot)
    way += "; gprecoverseg cannot help, it needs a live primary; then plan again"
    if not content.idle.is_up:
        return f"both copies are down, {place} and {other}: {way}"
    if content.idle.mode is not Mode.SYNCED:
        return (
            f"its acting primary {place} is down, and {other} is not in sync, so it cannot take "
            f"over: {way}"
        )
    return (
        f"its acting primary {place} is down and {other} has not taken over: "
        f"{TAKES_OVER.format(again='plan again')}; if it stays so, {way}"
    )


def _up(content: _Content, request: Request) -> Change | None:
    wanted, mirror = content.placed.mirror, content.copies.mirror
    assert mirror is not None  # noqa: S101 - the caller has checked that both rows exist
    in_place = mirror.slot.same_place(wanted)
    if content.acting.is_switched:
        return _switched(content, request, in_place=in_place)
    if in_place:
        return None
    return _drained(content, _change(content, Action.MOVE, mirror.slot, wanted))


def _drained(content: _Content, change: Change) -> Change:
    """The move with its true reason where it is its host that is emptied; the strategy only says
    where the mirror goes. A pin speaks for itself, and so does a plan that is done again.
    """
    rule, host = content.placed.rule, content.drained
    if host is None or host.name == content.placed.mirror.host or not rule.startswith(_PLACING):
        return change
    return replace(
        change,
        reason=f"{host.name} has `weight: 0`; {rule}",
        source=host.place.line_text if host.place.line else change.source,
    )


def _switched(content: _Content, request: Request, *, in_place: bool) -> Change | None:
    then = f"its mirror moves to {told(content.placed.mirror)}"
    if request.rebalance:
        # The utility takes every switched pair, so those that have yet to move are in it too.
        change = _change(content, Action.REBALANCE, content.idle_slot, None)
        return replace(
            change,
            reason=SWITCHED.of(content.acting_slot.host, _host(content.idle_slot)),
            note=None if in_place else f"{then}: plan again afterwards",
        )
    if in_place:
        return None
    return _blocked(
        content,
        f"its roles are switched and {then}: rebalance first (`gpmirror apply --rebalance`), then plan again",
    )


def _recovery(observed: Observed, content: _Content, request: Request) -> Change:
    idle, current = content.idle, content.idle_slot
    assert idle is not None  # noqa: S101 - the caller has checked that the row exists
    assert current is not None  # noqa: S101
    placed = content.placed
    wanted = placed.primary_slot if idle.is_preferred_primary else placed.mirror
    fact = observed.copies.get(idle.dbid, "unknown")
    if fact == "copying":
        return _blocked(
            content,
            "a base backup of it is still running: wait until it ends, then plan again (one that was "
            "cut off may leave a pg_basebackup process that copies nothing: where the directory does "
            f"not grow, end that process on {current.host})",
        )
    if not current.same_place(wanted):
        if wanted.host == content.acting_slot.host and not placed.allows_same_host:
            return _blocked(
                content,
                f"recovering it on {wanted.host} would put both copies on that host: its other "
                "copy acts there; choose another host for it in the spec (a pin, or another host "
                "with `replaces`), or grant `mirrors.allow_same_host`",
            )
        change = _change(content, Action.RECOVER, current, wanted)
        why, source = change.reason, change.source
        if content.substitute is not None and content.substitute.name == wanted.host:
            why = f"{wanted.host} replaces {current.host}"
            source = content.substitute.place.line_text
        reason = f"down at {told(current)}; {why}"
        return replace(change, reason=reason, source=source, method=Method.FULL)
    return _recovery_in_place(observed, content, request)


def _recovery_in_place(observed: Observed, content: _Content, request: Request) -> Change:
    idle, current = content.idle, content.idle_slot
    assert idle is not None  # noqa: S101 - the callers have checked that the row exists
    change = _change(content, Action.RECOVER, current, current)
    fact = observed.copies.get(idle.dbid, "unknown")
    method, note = _method(fact, request)
    where = "preferred primary" if idle.is_preferred_primary else "mirror"
    return replace(change, reason=f"{where} is down", source="catalog", method=method, note=note)


def _method(fact: CopyFact, request: Request) -> tuple[Method, str | None]:
    if request.full:
        return Method.FULL, ASKED_FOR
    if request.differential and fact in {"rewindable", "backup_label", "unknown"}:
        # a half copy is as good a start as any: files that differ are fetched
        return Method.DIFFERENTIAL, NOT_INSPECTED if fact == "unknown" else None
    if fact in _FULL_FACTS:
        return Method.FULL, _FULL_FACTS[fact]
    return Method.INCREMENTAL, None if fact == "rewindable" else NOT_INSPECTED


def _change(content: _Content, action: Action, from_: Slot | None, to: Slot | None) -> Change:
    placed = content.placed
    reason = placed.rule
    if from_ is not None and to is not None:
        reason = _difference(from_, to, placed.rule)
    return Change(
        content=placed.content,
        action=action,
        primary=content.acting_slot.host,
        from_=from_,
        to=to,
        reason=reason,
        source=placed.source.line_text,
        size=content.size,
    )


def _blocked(content: _Content, reason: str) -> Change:
    change = _change(content, Action.BLOCKED, content.idle_slot, None)
    return replace(change, reason=reason, source="catalog")


def blocked_by(change: Change, reason: str) -> Change:
    """The same content, not to be touched for this reason."""
    return replace(
        change,
        action=Action.BLOCKED,
        to=None,
        reason=reason,
        source="catalog",
        method=None,
        note=None,
    )


def _difference(current: Slot, wanted: Slot, rule: str) -> str:
    if current.host != wanted.host or rule.startswith("pinned"):
        return rule
    parts: Iterable[tuple[str, object, object]] = (
        ("address", current.address, wanted.address),
        ("port", current.port, wanted.port),
        ("directory", current.directory, wanted.directory),
        ("replication port", current.replication_port, wanted.replication_port),
        ("filespaces", current.filespaces, wanted.filespaces),
    )
    changed = [name for name, now, then in parts if now != then]
    return f"{' and '.join(changed)} {NOT_AS_COMPUTED.of(wanted.host)}"


def told(slot: Slot) -> str:
    """`sdw3:7000` for messages."""
    return f"{slot.host}:{slot.port}"


def _host(slot: Slot | None) -> str:
    return "-" if slot is None else slot.host


# --- The spec's rules, as the plan file carries them: what any plan made of it is judged by.


LOAD_PATH = ("policy", "max_load_factor")
SAME_HOST_PATH = ("mirrors", "allow_same_host")


def planned_policy(site: Site) -> PlannedPolicy:
    """The policy, with the lines it stands in."""
    return PlannedPolicy(
        survive=tuple(
            PlannedLoss(count=one.count, of=one.of, source=one.place.line_text)
            for one in site.policy.survive
        ),
        max_load_factor=site.policy.max_load_factor,
        load_source=site.place_of(*LOAD_PATH).line_text,
        guards=site.policy.guards,
    )


def planned_protections(site: Site) -> tuple[PlannedProtection, ...]:
    """The protections, with the lines they stand in."""
    return tuple(
        PlannedProtection(content=one.content, host=one.host, source=one.place.line_text)
        for one in site.protect
    )


def same_host_source(site: Site) -> str | None:
    """The line that allows mirrors beside their primaries, if one does."""
    return site.place_of(*SAME_HOST_PATH).line_text if site.allow_same_host else None


def policy_of(planned: PlannedPolicy | None) -> Policy:
    """The policy again; None: no rule but the defaults."""
    if planned is None:
        return Policy()
    return Policy(
        survive=tuple(
            Survive(count=one.count, of=one.of, place=source_place(one.source))
            for one in planned.survive
        ),
        max_load_factor=planned.max_load_factor,
        guards=planned.guards,
    )


def protections_of(planned: tuple[PlannedProtection, ...] | None) -> tuple[Protection, ...]:
    """The protections again; None: none."""
    return tuple(
        Protection(content=one.content, host=one.host, place=source_place(one.source))
        for one in planned or ()
    )


def source_place(source: str) -> Place:
    """`file:line` to a place."""
    file, _, line = source.rpartition(":")
    return Place(file=file, line=int(line)) if line.isdigit() else Place(file=source)
