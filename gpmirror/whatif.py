"""What another strategy, or other hosts, would mean: a row for each, told by the plan that it makes.

Nothing is placed, planned or judged here: each row is the real plan of a spec that differs from the
given one in its hosts and its strategy alone.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from difflib import get_close_matches
from shlex import quote

from gpmirror.diagnostics import Diagnostic, Place, base_name
from gpmirror.errors import Infeasible, InvalidInput
from gpmirror.model.content import contents_of
from gpmirror.model.layout import Layout
from gpmirror.model.names import one_expression
from gpmirror.model.observed import Observed
from gpmirror.model.text import counted, named
from gpmirror.placement.hosts import map_hosts
from gpmirror.plan.build import make_plan
from gpmirror.plan.codes import OTHER_HOSTS
from gpmirror.plan.exposure import stage_of
from gpmirror.plan.model import Plan, Stage, Summary, Survival
from gpmirror.plan.request import Request
from gpmirror.plan.state import layout
from gpmirror.plan.timing import waits_of
from gpmirror.run.simulate import ends
from gpmirror.simulate import judge_policy
from gpmirror.spec.hosts import MAX_HOSTS, RangeError, another, host_names
from gpmirror.spec.model import Host, Spec, Strategy
from gpmirror.spec.words import host_name_problem
from gpmirror.values import dataclass

# --- The answer: rows, each with figures or with the reason why there are none.


AS_IT_IS = "as it is"
"""What the row of the observed layout is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Whether a layout keeps a rule of the spec's policy, and the worst case."""

    rule: str
    ok: bool
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a layout costs and what it survives.

    `summary`, `bytes`, `waves` and `seconds` are those of the plan that leads there: nothing for the
    layout as it is; `seconds` with those until old mirrors count as down, None: unknown, as `bytes`.
    `catching_up` copies fetch what changed, nobody knows how much. `fewest` and `most` mirrors lie on
    any host that may hold some or does. `layout` is the one reached, as far as copies live. `plan` is
    where all of it comes from, None for the layout as it is.
    """

    summary: Summary
    bytes: int | None
    seconds: int | None
    catching_up: int
    waves: int
    survival: Survival
    fewest: int
    most: int
    policy: tuple[Kept, ...]
    layout: Layout
    plan: Plan | None = field(default=None, repr=False)


_LINES = re.compile(r": lines? ([0-9]+(?:[-, ]+[0-9]+)*)$")
"""How a message names the lines of the spec that conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a strategy cannot place these mirrors."""

    reasons: tuple[Diagnostic, ...]

    @property
    def text(self) -> str:
        """The first reason, its lines with their file, and how many more there are."""
        first, more = self.reasons[0], len(self.reasons) - 1
        told = first.message
        if first.place is not None:
            # a table has no excerpt that would say whose lines these are
            file = base_name(first.place.file)
            told = _LINES.sub(lambda found: f": {file}:{found[1]}", told)
        return told + (f" (and {more} more)" if more else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One layout. `strategy` None: the layout as it is. `is_spec`: the spec's own strategy. `remark`
    says what was chosen for the row.
    """

    name: str
    strategy: Strategy | None
    block_size: int | None
    is_spec: bool
    remark: str | None
    found: Figures | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All rows, the layout as it is first. `hosts` are those that the strategies place over; `added`
    are new among them, `left_out` are gone, `drained` stay for their primaries and hold no mirrors.
    `rate` is the assumption that times follow from, None where no row has a plan.
    """

    cluster: str
    spec_file: str
    source: str
    hosts: tuple[Host, ...]
    added: tuple[str, ...]
    drained: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    rate: int | None
    rows: tuple[Row, ...]

    @property
    def sizes_are_missing(self) -> bool:
        """Whether any row would say more if the sizes of contents were known."""
        return any(isinstance(one.found, Figures) and one.found.bytes is None for one in self.rows)


# --- The question: hosts that come and go, as the command line says it.


_COMMAND_LINE = Place(file="command line")
_HEAVIEST = 1_000
_PARTS = 3
_WEIGHT = re.compile(r"[0-9]{1,4}")
_LONGEST_RACK = 255
_LONGEST_SHOWN = 60
_LISTED = 8
_HOW_TO_ADD = "write --add-host HOST, HOST:WEIGHT or HOST:WEIGHT:RACK: --add-host 'sdw[9-12]:1:b'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`add` holds `H[:weight[:rack]]`, `remove` host names; both may be ranges. No `strategies`: all."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    strategies: tuple[Strategy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """The spec with other hosts. `now` has the old ones and those of the new that hold copies."""

    spec: Spec
    now: Spec
    added: tuple[str, ...]
    drained: tuple[str, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


def _changed(spec: Spec, observed: Observed, asked: Question) -> _Changed:
    """Raises InvalidInput with everything that is wrong with the hosts that come and go."""
    problems: list[Diagnostic] = []
    added = _added(spec, asked.add, problems)
    removed = _removed(spec, [host.name for host in added], asked.remove, problems)
    if problems:
        raise InvalidInput(problems)
    wider = replace(spec, hosts=(*spec.hosts, *added))
    hosts = map_hosts(wider, observed)
    holders = {hosts.host_of(row) for row in observed.segments if row.content >= 0}
    homes = {
        hosts.home_of(row)
        for row in observed.segments
        if row.content >= 0 and row.is_preferred_primary
    }
    drained = tuple(name for name in removed if name in homes)
    left_out = tuple(name for name in removed if name not in homes)
    kept = tuple(
        replace(host, weight=0) if host.name in drained else host
        for host in wider.hosts
        if host.name not in left_out
    )
    gone = set(removed)
    pins = tuple(pin for pin in spec.pins if pin.host not in gone)
    protect = tuple(one for one in spec.protect if one.host not in gone)
    known = {host.name for host in spec.hosts}
    return _Changed(
        spec=replace(spec, hosts=kept, pins=pins, protect=protect),
        now=replace(spec, hosts=tuple(h for h in wider.hosts if h.name in known | holders)),
        added=tuple(host.name for host in added),
        drained=drained,
        left_out=left_out,
        notes=(
            *_notes_of_added(spec, added),
            *_notes_of_removed(drained, left_out),
            *_notes_of_wishes(spec, gone),
        ),
    )


def _added(spec: Spec, texts: Iterable[str], problems: list[Diagnostic]) -> list[Host]:
    """The hosts to come; what cannot be is added to the problems, once for each text and reason."""
    claims = {name: host.name for host in spec.hosts for name in (host.name, *host.addresses)}
    dead = {host.replaces: host.name for host in spec.hosts if host.replaces is not None}
    needs_rack = any(rule.of == "rack" for rule in spec.policy.survive)
    added: list[Host] = []
    for text in texts:
        hosts = _read(spec, text, problems)
        found: list[tuple[str, str]] = []
        if needs_rack and hosts and hosts[0].rack is None:
            name = quote(f"{text.partition(':')[0]}:{hosts[0].weight}:RACK")
            said = "no rack is named, and `survive` in the policy speaks of racks"
            problems.append(_problem(f"{_flag(text)}: {said}", f"name it: --add-host {name}"))
        for host in hosts:
            names = (host.name, *host.addresses)
            taken = next((one for one in names if one in claims), None)
            if taken is not None:
                found.append(_taken(host, taken, claims[taken]))
            elif host.name in dead:
                said = f"host {host.name} is the dead one that {dead[host.name]} replaces"
                found.append((said, "give the new host another name"))
            else:
                added.append(host)
                claims |= dict.fromkeys(names, host.name)
        problems += _grouped(_flag(text), found)
    room = MAX_HOSTS - len(spec.hosts)
    if len(added) > room:
        total = len(spec.hosts) + len(added)
        said = f"with them the spec has {total:,} hosts; it may have {MAX_HOSTS:,}"
        problems.append(_problem(f"--add-host: {said}", f"add at most {room:,} hosts"))
    return added


def _flag(text: str) -> str:
    return f"--add-host {_shown(text)}"


def _shown(text: str) -> str:
    """What was typed, cut short where it is absurdly long."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _grouped(flag: str, found: Sequence[tuple[str, str]]) -> Iterator[Diagnostic]:
    """One finding for each hint, told of the first host that has it: a range may have thousands."""
    by_hint: dict[str, list[str]] = {}
    for said, hint in found:
        by_hint.setdefault(hint, []).append(said)
    for hint, alike in by_hint.items():
        more = f" (and {len(alike) - 1:,} more hosts alike)" if len(alike) > 1 else ""
        yield _problem(f"{flag}: {alike[0]}{more}", hint)


def _read(spec: Spec, text: str, problems: list[Diagnostic]) -> list[Host]:
    name, *rest = text.split(":")
    weight, rack = [*rest, "", ""][:2]
    said = None
    if len(rest) >= _PARTS:
        said = "more than host, weight and rack"
    elif weight and not (_WEIGHT.fullmatch(weight) and int(weight) <= _HEAVIEST):
        said = f"weight {_shown(weight)!r} is no number from 0 to {_HEAVIEST:,}"
    elif len(rack.split()) > 1 or rack != rack.strip():
        said = f"rack {_shown(rack)!r} holds a blank"
    elif len(rack) > _LONGEST_RACK:
        said = f"the name of the rack has more than {_LONGEST_RACK} characters"
    if said is not None:
        problems.append(_problem(f"{_flag(text)}: {said}", _HOW_TO_ADD))
        return []
    like, number = _like(spec), int(weight or 1)
    return [
        another(like, one, rack=rack or None, weight=number, place=_COMMAND_LINE)
        for one in _names("--add-host", name, problems)
    ]


def _like(spec: Spec) -> Host:
    """The host whose entry new ones follow: the last that may hold mirrors, for others need no roots."""
    return next((host for host in reversed(spec.hosts) if host.roots), spec.hosts[-1])


def _names(flag: str, text: str, problems: list[Diagnostic]) -> list[str]:
    """The hosts that a range names; none where it cannot be read."""
    try:
        names = host_names(text)
    except RangeError as error:
        problems.append(_problem(f"{flag} {_shown(text)}: the name {error}", error.hint))
        return []
    bad = next(filter(None, map(host_name_problem, names)), None)
    if bad is None:
        return names
    problems.append(_problem(f"{flag} {_shown(text)}: {bad.message}", bad.hint))
    return []


def _removed(
    spec: Spec, added: Iterable[str], texts: Iterable[str], problems: list[Diagnostic]
) -> list[str]:
    known, new = {host.name: None for host in spec.hosts}, set(added)
    removed: dict[str, None] = {}
    for text in texts:
        found: list[tuple[str, str]] = []
        strangers: list[str] = []
        for name in _names("--remove-host", text, problems):
            if name in removed:
                found.append((f"host {name} is given twice", "give it once"))
            elif name in new:
                said = f"host {name} is to be added and removed at once"
                found.append((said, "leave one of them out"))
            elif name not in known:
                strangers.append(name)
            else:
                removed[name] = None
        flag = f"--remove-host {_shown(text)}"
        problems += _grouped(flag, [*found, *_unknown(spec, strangers, [*known])])
    return [*removed]


def _unknown(spec: Spec, strangers: Sequence[str], known: Sequence[str]) -> list[tuple[str, str]]:
    """The same hint for all, found by the first."""
    if not strangers:
        return []
    near = get_close_matches(strangers[0], known, n=1)
    listed = f"`hosts` lists {one_expression(known[:_LISTED])}" + ", ..." * (len(known) > _LISTED)
    hint = f"did you mean {near[0]}?" if near else listed
    among = f"among the {counted(len(known), 'host')} of {spec.file}"
    return [(f"no such host {name} {among}", hint) for name in strangers]


def _taken(host: Host, name: str, owner: str) -> tuple[str, str]:
    if owner == host.name:
        return f"host {host.name} is there already", "give each new host once"
    if name == host.name:
        return f"{name} is an address of host {owner}", "choose another name"
    return (
        (
            f"address {name} would belong to {owner} and to {host.name}, because the entry of `hosts` "
            "that new hosts follow names it without {host}"
        ),
        "write addresses with {host} in that entry, or list the new host in the spec",
    )


def _problem(message: str, hint: str) -> Diagnostic:
    return Diagnostic(code=OTHER_HOSTS, message=message, place=_COMMAND_LINE, hint=hint)


def _notes_of_added(spec: Spec, added: Sequence[Host]) -> list[str]:
    if not added:
        return []
    like, last = _like(spec).name, "the last in `hosts`"
    if like != spec.hosts[-1].name:
        last += " that has roots"
    names = one_expression([host.name for host in added])
    has, they = ("has", "stands") if len(added) == 1 else ("have", "stand")
    notes = [
        (
            f"added: {names} {has} roots and addresses as the entry of {like}, {last}, "
            f"and {they} at the end of the ring"
        )
    ]
    bare = [host.name for host in added if host.rack is None]
    if bare and any(host.rack is not None for host in spec.hosts):
        rack = "--add-host HOST:WEIGHT:RACK gives one"
        notes.append(f"added without a rack: {one_expression(bare)}; {rack}")
    return notes


def _notes_of_removed(drained: Sequence[str], left_out: Sequence[str]) -> list[str]:
    notes = []
    if drained:
        holds = "holds primaries, which stay" if len(drained) == 1 else "hold primaries, which stay"
        notes.append(
            f"removed: {one_expression(drained)} {holds} where they are: weight 0, no mirrors there"
        )
    if left_out:
        notes.append(f"removed: {one_expression(left_out)}, no primaries there")
    return notes


def _notes_of_wishes(spec: Spec, gone: set[str]) -> list[str]:
    """Pins to a removed host, and its protection, cannot be kept."""
    notes = []
    pinned = [pin.content for pin in spec.pins if pin.host in gone]
    if pinned:
        notes.append(f"pins to removed hosts do not count: {named(pinned)}")
    protected = [one.host for one in spec.protect if one.host is not None and one.host in gone]
    if protected:
        notes.append(f"the protection of {one_expression(protected)} does not count")
    return notes


# --- Rows: the layout as it is, and the plan of each strategy.


def compare(spec: Spec, observed: Observed, asked: Question) -> Comparison:
    """The rows, in the order of the enumeration or as asked. Pure and deterministic.

    Raises InvalidInput: hosts that cannot be added or removed (GPM-P311), and what `plan` refuses of
    the spec whatever its strategy. What no layout exists for is a row.
    """
    changed = _changed(spec, observed, asked)
    contents = contents_of(observed, map_hosts(changed.now, observed).host_of)
    found = layout(changed.now, contents.values())
    now = Row(
        name=AS_IT_IS,
        strategy=None,
        block_size=None,
        is_spec=False,
        remark=None,
        found=_figures_now(changed.now, stage_of(changed.now, contents), found),
    )
    primaries = Counter(one.primary.host for one in contents.values())
    most = max(primaries.values(), default=0)
    chosen = asked.strategies or _all_strategies(changed.spec, contents)
    planned = [_row(changed.spec, observed, one, most) for one in dict.fromkeys(chosen)]
    rates = [plan.exposure.rate for _, plan in planned if plan is not None]
    return Comparison(
        cluster=spec.cluster,
        spec_file=spec.file,
        source=observed.source,
        hosts=changed.spec.hosts,
        added=changed.added,
        drained=changed.drained,
        left_out=changed.left_out,
        notes=changed.notes,
        rate=rates[0] if rates else None,
        rows=(now, *(row for row, _ in planned)),
    )


def _all_strategies(spec: Spec, contents: Iterable[int]) -> list[Strategy]:
    """Every strategy; `pinned` only where that can be meant."""
    pinned = {pin.content for pin in spec.pins if pin.host is not None}
    is_meant = spec.strategy is Strategy.PINNED or pinned.issuperset(contents)
    return [one for one in Strategy if one is not Strategy.PINNED or is_meant]


def _row(spec: Spec, observed: Observed, strategy: Strategy, most: int) -> tuple[Row, Plan | None]:
    size, remark = None, None
    if strategy is Strategy.BLOCK:
        size, remark = _block_size(spec, most)
    wanted = replace(spec, strategy=strategy, block_size=size)
    row = Row(
        name=strategy.value if size is None else f"block of {size}",
        strategy=strategy,
        block_size=size,
        is_spec=strategy is spec.strategy,
        remark=remark,
        found=Refusal(reasons=()),
    )
    try:
        plan = make_plan(wanted, observed, Request())
    except Infeasible as error:
        return replace(row, found=Refusal(reasons=tuple(error.diagnostics))), None
    return replace(row, found=_figures(wanted, plan)), plan


_SMALLEST_BLOCK = 2


def _block_size(spec: Spec, most: int) -> tuple[int, str | None]:
    """The spec's size, else the smallest that cuts the ring into equal blocks of more hosts than a host
    has primaries, so that no two mirrors of a host share one; else all hosts are one block.
    """
    if spec.block_size is not None:
        return spec.block_size, None
    hosts = len(spec.hosts)
    if hosts == 1:
        return _SMALLEST_BLOCK, None
    sizes = [size for size in range(max(_SMALLEST_BLOCK, most + 1), hosts) if hosts % size == 0]
    if sizes:
        return sizes[0], (
            f"block of {sizes[0]}: the smallest block that divides {counted(hosts, 'host')} evenly "
            f"and has more hosts than any host has primaries ({most})"
        )
    return hosts, (
        f"block of {hosts}: all hosts are one block, because no smaller one divides "
        f"{counted(hosts, 'host')} evenly and has more hosts than any host has primaries ({most})"
    )


def _figures_now(spec: Spec, stage: Stage, found: Layout) -> Figures:
    demands = [(rule.count, rule.of) for rule in spec.policy.survive]
    kept = judge_policy(found, demands, spec.policy.max_load_factor)
    fewest, most = _mirrors(spec, stage)
    return Figures(
        summary=Summary(unchanged=len(found.pairs)),
        bytes=0,
        seconds=0,
        catching_up=0,
        waves=0,
        survival=stage.survival,
        fewest=fewest,
        most=most,
        policy=tuple(Kept(rule=one.name, ok=one.ok, evidence=one.evidence) for one in kept),
        layout=found,
    )


def _figures(spec: Spec, plan: Plan) -> Figures:
    fewest, most = _mirrors(spec, plan.layout.after)
    copying = plan.exposure.seconds
    waits = waits_of(plan, plan.waves).seconds if plan.exposure.bytes else 0
    return Figures(
        summary=plan.summary,
        bytes=plan.exposure.bytes,
        seconds=None if copying is None else copying + waits,
        catching_up=plan.exposure.catching_up,
        waves=len(plan.waves),
        survival=plan.layout.after.survival,
        fewest=fewest,
        most=most,
        policy=tuple(
            Kept(rule=one.rule, ok=one.after, evidence=one.evidence) for one in plan.policy
        ),
        layout=ends(plan)[1],
        plan=plan,
    )


def _mirrors(spec: Spec, stage: Stage) -> tuple[int, int]:
    """The fewest and the most mirrors of a host that may hold some, or does."""
    idle = {host.name for host in spec.hosts if not host.weight}
    found = [one.mirrors for one in stage.hosts if one.mirrors or one.host not in idle]
    return min(found, default=0), max(found, default=0)
