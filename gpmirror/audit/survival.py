"""What is at stake before, during and after the waves, counted anew from who holds which live copy."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from gpmirror.audit.claim import Claim, Falsehood, differ, have
from gpmirror.audit.ground import Ground, Standing
from gpmirror.model.names import natural
from gpmirror.model.text import counted
from gpmirror.plan.model import (
    Action,
    Change,
    HostLoad,
    Method,
    PlannedLoss,
    Stage,
    Survival,
    Verdict,
    Wave,
    WaveExposure,
)
from gpmirror.values import dataclass

_RATE = 100_000_000
"""Bytes a second that a host is taken to send, and to receive."""

_SHOWN = 8


@dataclass(slots=True)
class _Two:
    """Both copies of a content by preferred role, which of them acts, and which live."""

    primary: str
    mirror: str | None
    primary_lives: bool
    mirror_lives: bool
    mirror_acts: bool

    @property
    def alive(self) -> list[str]:
        """Hosts of the copies that live."""
        found = [self.primary] if self.primary_lives else []
        return [*found, self.mirror] if self.mirror is not None and self.mirror_lives else found

    def stop(self, action: Action) -> None:
        """A wave works on it: the idle copy is gone, and where roles return the acting one."""
        if self.mirror is None:
            return
        if self.mirror_acts is (action is Action.REBALANCE):
            self.mirror_lives = False
        else:
            self.primary_lives = False

    def finish(self, action: Action, host: str | None) -> None:
        """The wave is done: both live, the idle one on its new host, or the roles are back."""
        if action is Action.REBALANCE:
            self.mirror_acts = False
        elif host is not None and self.mirror_acts:
            self.primary = host
        elif host is not None:
            self.mirror = host
        self.primary_lives = True
        self.mirror_lives = self.mirror is not None


def _two(one: Standing) -> _Two:
    idle = None if one.idle_slot is None else one.idle_slot.host
    if one.switched:
        return _Two(idle or "", one.acting_slot.host, one.idle_lives, one.acting_lives, True)  # noqa: FBT003
    return _Two(one.acting_slot.host, idle, one.acting_lives, one.idle_lives, False)  # noqa: FBT003


class _Moment:
    """All contents at one moment of the plan, and what one more loss would cost."""

    def __init__(self, standings: Mapping[int, Standing]) -> None:
        self.twos = {number: _two(one) for number, one in standings.items()}
        self.alone: Counter[str] = Counter()
        self.single = 0
        for two in self.twos.values():
            self._count(two, 1)

    def begin(self, wave: Wave) -> None:
        """The wave works on its contents."""
        for step in wave.steps:
            if (two := self.twos.get(step.content)) is not None:
                self._count(two, -1)
                two.stop(wave.action)
                self._count(two, 1)

    def end(self, wave: Wave) -> None:
        """The wave is done."""
        for step in wave.steps:
            if (two := self.twos.get(step.content)) is not None:
                self._count(two, -1)
                two.finish(wave.action, None if step.to is None else step.to.host)
                self._count(two, 1)

    def worst(self) -> tuple[str | None, int]:
        """The host whose loss would lose most contents, the last of them by name."""
        most = max(self.alone.values(), default=0)
        if not most:
            return None, 0
        return max(host for host, count in self.alone.items() if count == most), most

    def _count(self, two: _Two, number: int) -> None:
        alive = two.alive
        if len(alive) == 1:
            self.single += number
        if alive and len(set(alive)) == 1:
            self.alone[alive[0]] += number


def judge_survival(ground: Ground) -> list[Claim]:
    """The claims about what is at stake."""
    waves, stages, worst = _walk(ground)
    plan = ground.plan
    return [
        Claim(
            name="exposure",
            said=f"at most {have(plan.exposure.most_single, 'content')} one copy at a time, and the "
            f"loss of any one host costs at most {plan.exposure.most_lost_with_one_host}",
            false=tuple(_exposure(ground, waves)),
        ),
        Claim(
            name="layout",
            said="it tells the copies of each host and what losses are survived, before, during and after",
            false=tuple(_stages(ground, stages, worst)),
        ),
        Claim(
            name="policy",
            said=f"it judges {counted(len(plan.policy), 'rule')} of the policy, before and after"
            if plan.policy
            else "the plan has no policy to judge",
            false=tuple(_policy(ground, stages[0], stages[2])),
        ),
    ]


def _walk(ground: Ground) -> tuple[list[WaveExposure], list["_Survey"], Counter[str]]:
    """Every wave's exposure; surveys of the beginning, of the weakest wave and of the end; the fewest
    mirrors that live on each host.
    """
    plan = ground.plan
    changes = {change.content: change for change in plan.changes}
    moment = _Moment(ground.standings)
    first = _survey(ground, moment)
    fewest = _Fewest(moment.twos)
    waves = []
    for wave in plan.waves:
        waves.append(_exposed(ground, wave, changes, moment))
        fewest.see(wave, moment.twos)
        moment.end(wave)
        fewest.settle(wave, moment.twos)
    last = _survey(ground, moment)
    weakest = max(waves, key=_danger).wave if waves else 0
    again = _Moment(ground.standings)
    for wave in plan.waves[:weakest]:
        again.begin(wave)
        if wave.number != weakest:
            again.end(wave)
    return waves, [first, _survey(ground, again), last], fewest.fewest


def _danger(wave: WaveExposure) -> tuple[int, int, int]:
    return wave.worst_host_loses, len(wave.single) + wave.already_single, -wave.wave


class _Fewest:
    """The fewest mirrors that live on each host at any time. One whose roles return counts: it is not
    made anew.
    """

    def __init__(self, twos: Mapping[int, _Two]) -> None:
        live = (two.mirror for two in twos.values() if two.mirror_lives)
        self.live = Counter(host for host in live if host is not None)
        self.fewest = Counter(self.live)
        self._counted = {number for number, two in twos.items() if two.mirror_lives}

    def see(self, wave: Wave, twos: Mapping[int, _Two]) -> None:
        """What a wave takes away."""
        for step in wave.steps:
            two = twos.get(step.content)
            if two is None or two.mirror_acts or two.mirror is None:
                continue
            if step.to is not None and step.content in self._counted:
                self._counted.discard(step.content)
                self.live[two.mirror] -= 1
                self.fewest[two.mirror] = min(self.fewest[two.mirror], self.live[two.mirror])

    def settle(self, wave: Wave, twos: Mapping[int, _Two]) -> None:
        """What it leaves."""
        for step in wave.steps:
            two = twos.get(step.content)
            if two is None or two.mirror is None or two.mirror_acts:
                continue
            if two.mirror_lives and step.content not in self._counted:
                self._counted.add(step.content)
                self.live[two.mirror] += 1


# --- Exposure of each wave and of the whole plan.


def _exposed(
    ground: Ground, wave: Wave, changes: Mapping[int, Change], moment: _Moment
) -> WaveExposure:
    contents = sorted({step.content for step in wave.steps} & moment.twos.keys())
    newly = sum(len(moment.twos[content].alive) > 1 for content in contents)
    moment.begin(wave)
    host, loses = moment.worst()
    mine = sum(len(moment.twos[content].alive) == 1 for content in contents)
    size, chain = _volume(ground, wave, changes)
    light = wave.action is Action.RECOVER and any(
        changes[step.content].method is not Method.FULL
        for step in wave.steps
        if step.content in changes
    )
    return WaveExposure(
        wave=wave.number,
        single=tuple(contents),
        newly_single=newly,
        already_single=moment.single - mine,
        worst_host=host,
        worst_host_loses=loses,
        bytes=0 if light else size,
        chain_bytes=0 if light else chain,
        seconds=_seconds(0 if light else chain),
        catching_up=len(wave.steps) if light else 0,
    )


def _volume(
    ground: Ground, wave: Wave, changes: Mapping[int, Change]
) -> tuple[int | None, int | None]:
    """Bytes that a wave copies whole, and those on its longest chain: what one host sends, what one
    receives, or an even share of what the utility does at once.
    """
    if wave.action is Action.REBALANCE:
        return 0, 0
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for step in wave.steps:
        size = ground.sizes.get(step.content)
        if size is None:
            return None, None
        source = changes[step.content].primary if step.content in changes else ""
        sent[source] += size
        received[source if step.to is None else step.to.host] += size
    total = sum(sent.values())
    at_once = ground.plan.settings.apply.native.hosts
    share = (total + at_once - 1) // at_once
    return total, max(share, 0, *sent.values(), *received.values())


def _seconds(size: int | None) -> int | None:
    return None if size is None else (size + _RATE - 1) // _RATE


def _sum(amounts: Iterable[int | None]) -> int | None:
    found = list(amounts)
    return None if None in found else sum(amount for amount in found if amount is not None)


def _exposure(ground: Ground, waves: list[WaveExposure]) -> Iterator[Falsehood]:
    claimed = ground.plan.exposure
    if len(claimed.waves) != len(waves):
        yield Falsehood("exposure.waves", f"{len(claimed.waves)} waves", f"{len(waves)} waves")
    for number, (one, true) in enumerate(zip(claimed.waves, waves, strict=False)):
        for key in WaveExposure.__slots__:
            yield from differ(
                f"exposure.waves[{number}].{key}", getattr(one, key), getattr(true, key)
            )
    none = [n for n, one in ground.standings.items() if not (one.acting_lives or one.idle_lives)]
    totals: dict[str, object] = {
        "most_single": max((len(w.single) + w.already_single for w in waves), default=0),
        "most_lost_with_one_host": max((w.worst_host_loses for w in waves), default=0),
        "bytes": _sum(w.bytes for w in waves),
        "seconds": _sum(w.seconds for w in waves),
        "rate": _RATE,
        "catching_up": sum(w.catching_up for w in waves),
        "none": tuple(none) or None,
    }
    for key, value in totals.items():
        yield from differ(f"exposure.{key}", getattr(claimed, key), value)


# --- What a layout survives.


@dataclass(slots=True, kw_only=True)
class _Survey:
    """Where copies live at one moment. `alone`: contents that live on one host or in one rack only;
    `links`: contents with both copies on two of them, by the pair; `takes`: how many primaries each
    host takes over from which. `dead` have no copy that lives.
    """

    hosts: list[str]
    racks: list[str]
    primaries: Counter[str]
    mirrors: Counter[str]
    before: Counter[str]
    single: int
    dead: list[int]
    alone: dict[str, list[int]] = field(default_factory=dict)
    links: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    takes: dict[str, Counter[str]] = field(default_factory=dict)
    rack_alone: dict[str, list[int]] = field(default_factory=dict)
    rack_links: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    bare: int = 0

    @property
    def total(self) -> int:
        """How many contents there are."""
        return sum(self.before.values())


def _survey(ground: Ground, moment: _Moment) -> _Survey:
    rack_of = {host.name: host.rack for host in ground.hosts.values() if host.rack is not None}
    twos = moment.twos
    seen = _Survey(
        hosts=[],
        racks=sorted(set(rack_of.values())),
        primaries=Counter(two.primary for two in twos.values()),
        mirrors=Counter(two.mirror for two in twos.values() if two.mirror is not None),
        before=Counter(),
        single=sum(len(two.alive) == 1 for two in twos.values()),
        dead=[number for number, two in twos.items() if not two.alive],
    )
    named: dict[str, None] = dict.fromkeys(ground.hosts)
    strangers: set[str] = set()
    for number, two in twos.items():
        alive = two.alive
        serves = alive[0] if alive else two.primary
        seen.before[serves] += 1
        strangers.update({serves, *alive} - named.keys())
        if not alive:
            continue
        places = set(alive)
        if len(places) == 1:
            seen.alone.setdefault(serves, []).append(number)
        else:
            seen.links.setdefault(_pair(*alive), []).append(number)
            seen.takes.setdefault(serves, Counter())[alive[1]] += 1
        racks = [rack_of[host] for host in alive if host in rack_of]
        if len(racks) == len(alive) and len(set(racks)) == 1:
            seen.rack_alone.setdefault(racks[0], []).append(number)
        elif len(racks) == len(alive):
            seen.rack_links.setdefault(_pair(*racks), []).append(number)
    seen.hosts = [*named, *sorted(strangers, key=natural)]
    seen.bare = sum(host not in rack_of for host in seen.hosts)
    return seen


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def _survival(seen: _Survey) -> Survival:
    count = len(seen.hosts)
    worst = _worst_load(seen)
    rack = None if len(seen.racks) <= 1 else not (seen.dead or seen.rack_alone)
    return Survival(
        single=seen.single,
        any_host=not (seen.dead or seen.alone),
        any_rack=rack,
        fatal_pairs=_fatal_pairs(count, seen.alone, seen.links),
        pairs=count * (count - 1) // 2,
        worst_load=None if worst is None else worst[:4],
        worst_factor=None if worst is None else round(worst[4], 2),
        none=len(seen.dead) or None,
    )


def _fatal_pairs(
    count: int, alone: Mapping[str, list[int]], links: Mapping[tuple[str, str], list[int]]
) -> int:
    """All pairs but those of two sound hosts that share no content."""
    sound = count - len(alone)
    apart = sound * (sound - 1) // 2
    apart -= sum(one not in alone and other not in alone for one, other in links)
    return count * (count - 1) // 2 - apart


def _worst_load(seen: _Survey) -> tuple[str, str, int, int, float] | None:
    """Which loss of one host makes which survivor carry most, over its own number of primaries, or
    over the mean of the hosts that have any; the first by ring order.
    """
    place = {host: number for number, host in enumerate(seen.hosts)}
    holders = len(seen.before)
    worst: tuple[str, str, int, int, float] | None = None
    for lost in seen.hosts:
        for heir, more in sorted(
            seen.takes.get(lost, {}).items(), key=lambda found: place[found[0]]
        ):
            own = seen.before[heir]
            after = own + more
            factor = after / own if own else after * holders / seen.total
            if worst is None or factor > worst[4]:
                worst = (lost, heir, own, after, factor)
    return worst


def _stages(ground: Ground, seen: list[_Survey], fewest: Mapping[str, int]) -> Iterator[Falsehood]:
    first, weakest, last = seen
    claimed = ground.plan.layout
    order = ground.host_order
    order += sorted({*first.primaries, *first.mirrors} - set(order))
    stages: list[tuple[str, Stage, _Survey, Mapping[str, int], Mapping[str, int]]] = [
        ("before", claimed.before, first, first.primaries, first.mirrors),
        ("during", claimed.during, weakest, first.primaries, fewest),
        ("after", claimed.after, last, last.primaries, last.mirrors),
    ]
    for name, stage, survey, primaries, mirrors in stages:
        loads = [
            HostLoad(host=host, primaries=primaries.get(host, 0), mirrors=mirrors.get(host, 0))
            for host in order
        ]
        yield from _loads(f"layout.{name}.hosts", stage, loads)
        true = _survival(survey)
        for key in Survival.__slots__:
            where = f"layout.{name}.survival.{key}"
            yield from differ(where, getattr(stage.survival, key), getattr(true, key))


def _loads(where: str, stage: Stage, loads: list[HostLoad]) -> Iterator[Falsehood]:
    yield from differ(where, [one.host for one in stage.hosts], [one.host for one in loads])
    for one, true in zip(stage.hosts, loads, strict=False):
        if one.host == true.host:
            yield from differ(f"{where}, {one.host}", _load_told(one), _load_told(true))


def _load_told(load: HostLoad) -> str:
    return f"{load.primaries} primaries, {load.mirrors} mirrors"


# --- The policy's rules, and the figures in their evidence.


_FATAL = re.compile(r"fatal (?:hosts|racks|host pairs|rack pairs): ([0-9]+) of ([0-9]+)")
_LOST = re.compile(r"lose (.+?): ([0-9]+) contents lost")


def _policy(ground: Ground, before: _Survey, after: _Survey) -> Iterator[Falsehood]:
    policy = ground.plan.settings.policy
    losses = () if policy is None else policy.survive
    factor = None if policy is None else policy.max_load_factor
    rules = [
        (f"survive any {loss.count} {loss.of}{'s' if loss.count > 1 else ''}", loss.source)
        for loss in losses
    ]
    if policy is not None and factor is not None:
        rules.append((f"max_load_factor {float(factor)}", policy.load_source))
    claimed = ground.plan.policy
    yield from differ("policy", [(one.rule, one.source) for one in claimed], rules)
    if [(one.rule, one.source) for one in claimed] != rules:
        return
    for number, verdict in enumerate(claimed):
        where = f"policy[{number}]"
        loss = losses[number] if number < len(losses) else None
        if loss is not None:
            yield from differ(f"{where}.before", verdict.before, _survives(before, loss))
            yield from differ(f"{where}.after", verdict.after, _survives(after, loss))
            yield from _evidence(where, verdict, after, loss)
        elif factor is not None:
            yield from differ(f"{where}.before", verdict.before, _carries(before, factor))
            yield from differ(f"{where}.after", verdict.after, _carries(after, factor))
            yield from _load_evidence(where, verdict, after)


def _survives(seen: _Survey, loss: PlannedLoss) -> bool:
    if loss.of == "rack" and len(seen.racks) <= 1:
        return False
    alone, links = _where(seen, loss)
    return not (seen.dead or alone or (loss.count > 1 and links))


def _where(
    seen: _Survey, loss: PlannedLoss
) -> tuple[Mapping[str, list[int]], Mapping[tuple[str, str], list[int]]]:
    return (seen.alone, seen.links) if loss.of == "host" else (seen.rack_alone, seen.rack_links)


def _carries(seen: _Survey, factor: float) -> bool:
    worst = _worst_load(seen)
    return worst is None or worst[4] <= factor


def _evidence(
    where: str, verdict: Verdict, seen: _Survey, loss: PlannedLoss
) -> Iterator[Falsehood]:
    """The figures in the words: how many losses are fatal, and how many contents the worst one loses."""
    where = f"{where}.evidence"
    words = verdict.evidence
    if loss.of == "rack" and len(seen.racks) <= 1:
        true = f"needs at least 2 racks, the layout names {len(seen.racks)}"
        yield from differ(where, words, true)
        return
    alone, links = _where(seen, loss)
    count = len(seen.hosts if loss.of == "host" else seen.racks)
    fatal, total = len(alone), count
    if loss.count > 1:
        fatal, total = _fatal_pairs(count, alone, links), count * (count - 1) // 2
    found = _FATAL.search(words)
    yield from differ(where, found and (int(found[1]), int(found[2])), (fatal, total))
    most = _most_lost(alone, links, loss.count)
    lost = _LOST.search(words)
    if lost is None:
        yield from differ(
            where, "no loss of a content", "no loss of a content" if not most else f"{most} lost"
        )
        return
    names = [
        name.removeprefix("rack ") if loss.of == "rack" else name for name in lost[1].split(" + ")
    ]
    gone = sum(len(alone.get(name, ())) for name in names)
    if len(names) > 1:
        gone += len(links.get(_pair(names[0], names[1]), ()))
    yield from differ(where, (int(lost[2]), gone), (most, most))
    if seen.dead and "no live copy" not in words:
        yield Falsehood(where, words, f"{len(seen.dead)} contents without a live copy")


def _most_lost(
    alone: Mapping[str, list[int]], links: Mapping[tuple[str, str], list[int]], count: int
) -> int:
    """Most contents that a loss of so many takes."""
    counts = {name: len(contents) for name, contents in alone.items()}
    best = sum(sorted(counts.values(), reverse=True)[:count])
    if count > 1:
        both = (
            counts.get(one, 0) + counts.get(other, 0) + len(contents)
            for (one, other), contents in links.items()
        )
        best = max(best, max(both, default=0))
    return best


def _load_evidence(where: str, verdict: Verdict, seen: _Survey) -> Iterator[Falsehood]:
    worst = _worst_load(seen)
    true = "no host loss moves a primary"
    if worst is not None:
        lost, heir, own, after, factor = worst
        times = f"{factor:.2f}".removesuffix("0")
        true = f"lose {lost}: {heir} {own} -> {after} primaries (x{times})"
    yield from differ(f"{where}.evidence", verdict.evidence, true)
