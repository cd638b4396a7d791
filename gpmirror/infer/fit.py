"""Candidate specs: fitted, written as a person would write them, proved by a plan without changes, and
the one that says most with least.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import DiagnosedError, InvalidInput
from gpmirror.infer.facts import Arrangement, Facts, PortRule
from gpmirror.infer.rings import arrangements, by_shares
from gpmirror.infer.slots import Turn, floor, port_rules, root_of, roots_by_host, template_of
from gpmirror.model.names import compress
from gpmirror.model.observed import Observed
from gpmirror.model.segment import SYSTEM_FILESPACE, Role, Segment
from gpmirror.placement.hosts import DirectoryTemplate
from gpmirror.placement.place import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.request import Request
from gpmirror.spec import load
from gpmirror.spec.model import Bases, CoordinatorAddress, Host, Offset, Pin, Spec, Strategy
from gpmirror.spec.writing import coordinator_keys, flow_text, scalar_text
from gpmirror.values import dataclass

# --- A candidate spec: an arrangement and a port rule, with roots, and pins for what deviates.


UNOBSERVED_ROOTS = ("/data/mirror",)
_NOWHERE = Place(file="")


def template(facts: Facts) -> DirectoryTemplate:
    """The directory template of the observed mirrors."""
    mirrors = [row for rows in facts.mirrors.values() for row in rows]
    known = [(row.directory, row.content) for row in mirrors if row.directory is not None]
    return template_of(known, facts.prefix)


def candidate(
    facts: Facts, arrangement: Arrangement, rule: PortRule, directory: DirectoryTemplate
) -> Spec:
    """The spec of this arrangement and rule; places in it are empty."""
    roots = _system_roots(facts, rule, directory)
    further = {
        name: _filespace_roots(facts, rule, directory, name) for name in facts.observed.filespaces
    }
    hosts = {name: _host(facts, arrangement, name, roots, further) for name in arrangement.ring}
    return Spec(
        cluster="imported",
        hosts=tuple(hosts.values()),
        strategy=arrangement.strategy,
        block_size=arrangement.block_size,
        ports=rule,
        directory=directory.text,
        pins=tuple(_pins(facts, arrangement, rule, directory, hosts)),
        allow_same_host=facts.same_host or len(hosts) == 1,
    )


def misfits(spec: Spec, facts: Facts) -> int:
    """How many mirrors the spec would put elsewhere if it had to place them all anew. Of balanced
    only ports and directories are asked: it has many layouts, and keeps the one that stands.
    """
    if spec.strategy is Strategy.BALANCED:
        spec = _as_it_stands(spec, facts)
    try:
        desired = place(spec, _bare(facts))
    except DiagnosedError:
        return len(facts.home) + 1
    pairs = facts.observed.pairs()
    wrong = 0
    for placed in desired.contents:
        primary, mirror = pairs[placed.content]
        if mirror is None:
            continue
        same = (
            placed.mirror.address == mirror.address
            and placed.mirror.port == mirror.port
            and mirror.directory in {None, placed.mirror.directory}
            and mirror.replication_port in {None, placed.mirror.replication_port}
            and primary.replication_port in {None, placed.primary_replication_port}
        )
        wrong += not same
    return wrong


def _as_it_stands(spec: Spec, facts: Facts) -> Spec:
    """The spec with a pin to its host for every mirror."""
    given = {pin.content: pin for pin in spec.pins}
    pins = (
        replace(given.get(content, Pin(content=content, place=_NOWHERE)), host=host)
        for content, host in sorted(facts.target.items())
    )
    return replace(spec, strategy=Strategy.PINNED, pins=tuple(pins))


def _bare(facts: Facts) -> Observed:
    """The observed cluster as if it had never been mirrored."""
    rows = facts.observed.segments
    kept = tuple(
        replace(row, replication_port=None) if row.content >= 0 else row
        for row in rows
        if row.content < 0 or row.preferred_role is Role.PRIMARY
    )
    return replace(facts.observed, segments=kept)


def _host(
    facts: Facts,
    arrangement: Arrangement,
    name: str,
    roots: Mapping[str, tuple[str, ...]],
    further: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Host:
    host = facts.hosts[name]
    if name in arrangement.drained:
        return replace(host, weight=0)
    return replace(
        host,
        roots=roots.get(name) or _any_roots(roots),
        filespace_roots=tuple(
            (filespace, found.get(name) or _any_roots(found))
            for filespace, found in sorted(further.items())
        ),
    )


def _any_roots(roots: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """For a host that shows none of its own: those of another host."""
    return next(iter(roots.values()), UNOBSERVED_ROOTS)


def _system_roots(
    facts: Facts, rule: PortRule, directory: DirectoryTemplate
) -> dict[str, tuple[str, ...]]:
    turns = {
        host: [
            (index, _root(directory, row.directory, row.content, host))
            for index, row in _turns(facts, rule, host)
            if row.directory is not None
        ]
        for host in facts.mirrors
    }
    return roots_by_host({host: found for host, found in turns.items() if found})


def _filespace_roots(
    facts: Facts, rule: PortRule, directory: DirectoryTemplate, filespace: str
) -> dict[str, tuple[str, ...]]:
    turns: dict[str, list[Turn]] = {}
    for host in facts.mirrors:
        for index, row in _turns(facts, rule, host):
            path = dict(row.filespaces).get(filespace)
            if path is not None:
                root = _root(directory, path, row.content, host)
                turns.setdefault(host, []).append((index, root))
    return roots_by_host(turns)


def _turns(facts: Facts, rule: PortRule, host: str) -> list[tuple[int, Segment]]:
    """A host's mirrors with the index that decides their root under the rule."""
    rows = facts.mirrors[host]
    if isinstance(rule, Offset):
        lowest = floor(facts, rule, host)
        return [(row.port - lowest, row) for row in rows]
    return sorted(((facts.position[row.content], row) for row in rows), key=lambda turn: turn[0])


def _root(directory: DirectoryTemplate, path: str, content: int, host: str) -> str:
    found = root_of(directory, path, content, host)
    return found or path.rpartition("/")[0] or path


def _pins(
    facts: Facts,
    arrangement: Arrangement,
    rule: PortRule,
    directory: DirectoryTemplate,
    hosts: Mapping[str, Host],
) -> list[Pin]:
    pins = []
    for content, (_, mirror) in sorted(facts.observed.pairs().items()):
        if mirror is None:
            if arrangement.strategy is Strategy.PINNED:
                pins.append(_elsewhere(facts, arrangement, content))
            continue
        pin = _pin(
            mirror,
            hosts[facts.target[content]],
            floor(facts, rule, facts.target[content]),
            directory,
        )
        if content in arrangement.off:
            pin = replace(pin, host=facts.target[content])
        if pin != Pin(content=content, place=_NOWHERE):
            pins.append(pin)
    return pins


def _elsewhere(facts: Facts, arrangement: Arrangement, content: int) -> Pin:
    """A content without a mirror row, under pinned: any host but its primary's that takes one."""
    open_ = [name for name in arrangement.ring if name not in arrangement.drained]
    other = next((name for name in open_ if name != facts.home[content]), open_[0])
    return Pin(content=content, host=other, place=_NOWHERE)


def _pin(mirror: Segment, host: Host, lowest: int, directory: DirectoryTemplate) -> Pin:
    """What must be said of a mirror so that it keeps its place on its host."""
    content, further = mirror.content, dict(host.filespace_roots)
    in_roots = directory.fits(mirror.directory, host.roots, content, host.name)
    filespaces_fit = all(
        directory.fits(path, further.get(name, ()), content, host.name)
        for name, path in mirror.filespaces
    )
    return Pin(
        content=content,
        port=mirror.port if mirror.port < lowest else None,
        directory=None if in_roots else mirror.directory,
        filespaces=() if filespaces_fit else mirror.filespaces,
        place=_NOWHERE,
    )


# --- The proof of an inferred spec: its text, loaded, planned against the same observed cluster.


SPEC_NAME = "gpmirror.yaml"


def prove(text: str, observed: Observed) -> tuple[Spec, Plan]:
    """Load and plan. Raises InvalidInput and Infeasible as these do."""
    spec = load(text.encode(), SPEC_NAME)
    return spec, build_plan(spec, observed, place(spec, observed), Request())


def is_proved(plan: Plan) -> bool:
    """Whether the plan adds nothing, and neither moves a mirror nor recovers one elsewhere."""
    return not any(
        change.action in {Action.ADD, Action.MOVE}
        or (change.action is Action.RECOVER and change.from_ != change.to)
        for change in plan.changes
    )


def adds_only(plan: Plan) -> bool:
    """Whether the plan of a mirrorless cluster adds, or says why it cannot, and nothing else."""
    return all(change.action in {Action.ADD, Action.BLOCKED} for change in plan.changes)


def proved(text: str, observed: Observed) -> tuple[Spec, Plan] | None:
    """Spec and plan of a text that passes; None where it does not."""
    try:
        spec, plan = prove(text, observed)
    except DiagnosedError:
        return None
    return (spec, plan) if is_proved(plan) else None


def remaining(plan: Plan) -> tuple[str, ...]:
    """What the plan still finds, in sentences."""
    summary = plan.summary
    found = []
    if summary.recover:
        found.append(f"{summary.recover} to recover in place: {_contents(plan, Action.RECOVER)}")
    if summary.blocked:
        found.append(f"{summary.blocked} blocked: {_contents(plan, Action.BLOCKED)}")
    if summary.switched:
        found.append(f"{summary.switched} with switched roles: content {_listed(plan.switched)}")
    return tuple(found)


def _contents(plan: Plan, action: Action) -> str:
    found = tuple(change.content for change in plan.changes if change.action is action)
    return f"content {_listed(found)}"


def _listed(contents: tuple[int, ...]) -> str:
    shown = ", ".join(str(content) for content in contents[:8])
    more = len(contents) - 8
    return f"{shown} and {more} more" if more > 0 else shown


# --- Which candidate spec says the most with the least, and passes the proof.


_MANY_CONTENTS = 1_500
_TRIED, _TRIED_OF_MANY = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedSpec:
    """A spec that passed, as the value that its text gave, and its plan. `beaten` is the best of
    the strategies that walk the ring where one that does not won; None: none came near, or one won.
    """

    draft: Spec
    spec: Spec
    plan: Plan
    beaten: Spec | None


def choose(facts: Facts, name: str) -> ProvedSpec:
    """The candidate with the fewest pins, then the one that computes most mirrors where they are,
    then the shortest text. Raises InvalidInput (GPM-P403) when none passes the proof.
    """
    tried = 0
    for draft, next_best in _drafts(facts):
        named = replace(draft, cluster=name)
        found = proved(spec_text(named), facts.observed)
        if found is not None:
            beaten = next_best if draft.strategy is Strategy.BALANCED else None
            return ProvedSpec(draft=named, spec=found[0], plan=found[1], beaten=beaten)
        tried += 1
    raise InvalidInput([_none_passes(facts, tried)])


def _drafts(facts: Facts) -> Iterator[tuple[Spec, Spec | None]]:
    """Candidates, the best first, the pinned ones last; with each the best on a ring that comes after
    it. No arrangement but pinned is left where every other would need pins for more than half of the
    mirrors.
    """
    found = arrangements(facts)
    most = _TRIED_OF_MANY if len(facts.home) > _MANY_CONTENTS else _TRIED
    fewest = len(found[0].off)
    likely = [one for one in found[:-1] if len(one.off) == fewest][:most]
    even = by_shares(facts, may_drain=not likely) if fewest else None
    yield from _with_next(_ranked(facts, [*likely, *([even] if even else [])]))
    others = [one for one in found[:-1] if one not in likely][:most]
    yield from _with_next(_ranked(facts, [*others, found[-1]]))


_OFF_RING = {Strategy.BALANCED, Strategy.PINNED}


def _with_next(drafts: Sequence[Spec]) -> Iterator[tuple[Spec, Spec | None]]:
    for number, draft in enumerate(drafts):
        later = drafts[number + 1 :]
        yield draft, next((one for one in later if one.strategy not in _OFF_RING), None)


def _ranked(facts: Facts, tried: list[Arrangement]) -> list[Spec]:
    directory = template(facts)
    rules = port_rules(facts)
    drafts = [candidate(facts, one, rule, directory) for one in tried for rule in rules]
    if not drafts:
        return []
    fewest = min(len(draft.pins) for draft in drafts)
    first = [draft for draft in drafts if len(draft.pins) == fewest]
    rest = [draft for draft in drafts if len(draft.pins) != fewest]
    return [*_by_misfits(facts, first), *sorted(rest, key=lambda draft: len(draft.pins))]


def _by_misfits(facts: Facts, drafts: list[Spec]) -> list[Spec]:
    """Those on a ring first; fewest misfits, then shortest text. One without misfits ends the search:
    the arrangements come in the order of their simplicity.
    """
    if len(drafts) == 1:
        return drafts
    scored: list[tuple[bool, int, int, int, Spec]] = []
    for number, draft in enumerate(drafts):
        wrong = misfits(draft, facts)
        even = draft.strategy is Strategy.BALANCED
        scored.append((even, wrong, len(spec_text(draft)), number, draft))
        if wrong == 0 and draft.strategy is not Strategy.PINNED:
            break
    ranked = [draft for *_, draft in sorted(scored, key=lambda score: score[:4])]
    return [*ranked, *drafts[len(scored) :]]


def _none_passes(facts: Facts, tried: int) -> Diagnostic:
    source = facts.observed.source
    return Diagnostic(
        code="GPM-P403",
        message=f"none of {tried} candidate specs gives back {source}: each would add or move "
        "mirrors, or contradicts a rule of placement",
        place=Place(file=source),
        hint="start from `gpmirror init` and let `gpmirror plan` show what differs",
    )


# --- A spec as YAML that a person would write: ranges of hosts, short lists, comments.


_DEFAULT_DIRECTORY = "{root}/{prefix}{content}"
GUESSED = "guessed, not observed: check it"
"""What stands behind roots that are an assumption."""

_ALNUM_AFTER = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

_Entry = tuple[tuple[str, ...], object, int]
"""Addresses, roots and weight, with `{host}` for the name: hosts with equal ones form a range."""


def spec_text(
    spec: Spec,
    header: Iterable[str] = (),
    notes: Iterable[str] = (),
    guessed: Collection[str] = (),
) -> str:
    """The YAML text. `header` are comment lines on top, `notes` comment lines above the ports,
    `guessed` the hosts whose roots nobody observed.
    """
    lines = [
        *(f"# {comment(line)}".rstrip() for line in header),
        "apiVersion: gpmirror/v1",
        "cluster:",
        f"  name: {scalar_text(spec.cluster)}",
        *((f"  dialect: {spec.dialect.value}",) if spec.dialect else ()),
        *_coordinator(spec.coordinator),
        "hosts:" if spec.strategy is Strategy.BALANCED else "hosts: # in ring order",
        *_host_lines(spec.hosts, guessed),
        "mirrors:",
        f"  strategy: {spec.strategy.value}",
        *((f"  block_size: {spec.block_size}",) if spec.block_size else ()),
        *(f"  # {comment(line)}" for line in notes),
        f"  ports: {flow_text(_ports(spec.ports))}",
        *_further(spec),
        *_pin_lines(spec.pins),
    ]
    return "\n".join(lines) + "\n"


def comment(text: str) -> str:
    """Text as it may stand in a comment: one line, nothing unprintable."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _coordinator(coordinator: CoordinatorAddress) -> Iterator[str]:
    if keys := coordinator_keys(coordinator):
        yield f"  coordinator: {flow_text(keys)}"


def _host_lines(hosts: Sequence[Host], guessed: Collection[str]) -> Iterator[str]:
    """Roots that were observed and such that were not stand in entries of their own."""
    entries = ((host.name, (*_entry(host), host.name in guessed)) for host in hosts)
    for name, names in compress(entries):
        first = next(host for host in hosts if host.name == names[0])
        addresses, roots, weight = _entry(first)
        yield f"  - name: {name if '[' in name else scalar_text(name)}"
        if addresses != ("{host}",):
            yield f"    addresses: {flow_text(addresses)}"
        if roots:
            remark = f" # {GUESSED}" if names[0] in guessed else ""
            yield f"    roots: {flow_text(_roots(roots))}{remark}"
        if weight != 1:
            yield f"    weight: {weight}"


def _entry(host: Host) -> _Entry:
    """Compared as it would be written, so that only hosts that read alike share an entry."""
    addresses = tuple(_templated(address, host.name) for address in host.addresses)
    roots: list[tuple[str, tuple[str, ...]]] = []
    if host.roots:
        roots = [(SYSTEM_FILESPACE, host.roots), *host.filespace_roots]
    templated = tuple(
        (name, tuple(_templated(root, host.name) for root in given)) for name, given in roots
    )
    return addresses, templated, host.weight


def _roots(roots: object) -> object:
    assert isinstance(roots, tuple)  # noqa: S101 - built by _entry alone
    by_filespace = dict(roots)
    return by_filespace[SYSTEM_FILESPACE] if len(by_filespace) == 1 else by_filespace


def _templated(text: str, name: str) -> str:
    """The text with `{host}` for the host's name where that stands as a word of its own."""
    start = text.find(name)
    end = start + len(name)
    if start < 0 or name.isdigit() or text[end : end + 1] in {*_ALNUM_AFTER}:
        return text
    if start and text[start - 1] in _ALNUM_AFTER:
        return text
    filled = f"{text[:start]}{{host}}{text[end:]}"
    return filled if filled.replace("{host}", name) == text else text


def _ports(ports: Offset | Bases) -> dict[str, int]:
    match ports:
        case Offset(offset):
            return {"offset": offset}
        case Bases():
            given = {
                "mirror_base": ports.mirror_base,
                "replication_base": ports.replication_base,
                "mirror_replication_base": ports.mirror_replication_base,
            }
            return {name: base for name, base in given.items() if base is not None}


def _further(spec: Spec) -> Iterator[str]:
    if spec.directory != _DEFAULT_DIRECTORY:
        yield f"  directory: {scalar_text(spec.directory)}"
    if spec.allow_same_host:
        yield "  allow_same_host: true"


def _pin_lines(pins: Sequence[Pin]) -> Iterator[str]:
    if pins:
        yield "  pins: # what the strategy would place otherwise"
    for pin in pins:
        given: dict[str, object] = {
            "content": pin.content,
            "host": pin.host,
            "address": pin.address,
            "port": pin.port,
            "replication_port": pin.replication_port,
            "directory": pin.directory,
            "filespaces": dict(pin.filespaces) or None,
            "reason": pin.reason,
        }
        shown = {name: value for name, value in given.items() if value is not None}
        yield f"    - {flow_text(shown)}"
