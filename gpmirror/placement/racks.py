"""Racks that a strategy does not keep apart, and what would: an order of hosts, blocks, pins."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Diagnostic, Severity
from gpmirror.model.names import compress
from gpmirror.model.segment import SYSTEM_FILESPACE
from gpmirror.model.text import counted, named
from gpmirror.placement.model import Placed, Target
from gpmirror.placement.strategies import STRATEGIES, make_ring
from gpmirror.spec.model import Host, Spec, Strategy
from gpmirror.spec.writing import flow_text, scalar_text
from gpmirror.values import dataclass

RACKS_NOT_KEPT_APART = "GPM-P204"
_MOST_PRIMARIES = 8
"""So many primaries a host are thought of where no catalog tells how many there are."""
_MOST_PINS = 64
_RING = (Strategy.GROUP, Strategy.SPREAD, Strategy.BLOCK)
"""Those that the order of hosts decides."""
_NOT_FEWER = (
    "no layout has fewer: pins, protections, weights or max_load_factor leave these mirrors no other "
    "rack; change those, or add hosts"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A strategy over an order of hosts. `words` say what to write besides the order."""

    spec: Spec
    words: str


def rack_warnings(spec: Spec, placed: Sequence[Placed]) -> list[Diagnostic]:
    """A warning where the desired layout puts both copies of a content into one rack."""
    racks = _racks(spec)
    if racks is None:
        return []
    together = [one for one in placed if _is_shared(racks, one.primary_slot.host, one.mirror.host)]
    if not together:
        return []
    first = together[0]
    home, target = first.primary_slot.host, first.mirror.host
    message = (
        f"racks are not kept apart: {named(one.content for one in together)} "
        f"({len(together)} of {len(placed)}) would have both copies in one rack, the first in rack "
        f"{racks[home]} ({home} and {target}), and be lost with it"
    )
    counts = Counter(one.primary_slot.host for one in placed)
    if spec.strategy is Strategy.BALANCED:
        return [_warning(spec, message, _NOT_FEWER)]
    remedy = _remedy(spec, racks, counts) or _pins(spec, racks, placed, together)
    return [_warning(spec, message, remedy)]


def rack_remarks(spec: Spec) -> list[Diagnostic]:
    """The same of a spec alone: from how many primaries a host on racks are not kept apart."""
    racks = _racks(spec)
    if racks is None or spec.strategy not in _RING:
        return []
    for primaries in range(1, _MOST_PRIMARIES + 1):
        counts = Counter({host.name: primaries for host in spec.hosts})
        for home, target in _pairs(spec, counts):
            if not _is_shared(racks, home, target):
                continue
            message = (
                f"racks are not kept apart: with {counted(primaries, 'primary').replace('ys', 'ies')} "
                f"on a host {spec.strategy.value} puts a mirror of {home} on {target}, both in rack "
                f"{racks[home]}"
            )
            most = min(_MOST_PRIMARIES, len(spec.hosts) - 1)
            every = Counter({host.name: most for host in spec.hosts})
            return [_warning(spec, message, _remedy(spec, racks, every))]
    return []


def _warning(spec: Spec, message: str, remedy: str | None) -> Diagnostic:
    asked = next((rule.place for rule in spec.policy.survive if rule.of == "rack"), None)
    hint = remedy or "no order of these hosts keeps them apart: pin the mirrors, or add hosts"
    return Diagnostic(
        code=RACKS_NOT_KEPT_APART,
        message=message,
        severity=Severity.WARNING,
        place=asked or next(host.place for host in spec.hosts if host.rack is not None),
        hint=hint,
    )


def _racks(spec: Spec) -> dict[str, str] | None:
    """Host -> rack; None where there are no two racks to keep apart."""
    racks = {host.name: host.rack for host in spec.hosts if host.rack is not None}
    return racks if len(set(racks.values())) > 1 else None


def _is_shared(racks: Mapping[str, str], home: str, target: str) -> bool:
    return home in racks and racks[home] == racks.get(target)


def _pairs(spec: Spec, counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """(primary's host, mirror's host) as the strategy gives them; what it cannot place is left out."""
    ring = make_ring(spec, dict.fromkeys(counts, ()))
    for name, count in counts.items():
        for found in STRATEGIES[spec.strategy](ring, name, count):
            if isinstance(found, Target):
                yield name, found.host


def _remedy(spec: Spec, racks: Mapping[str, str], counts: Mapping[str, int]) -> str | None:
    """The first way that keeps all racks apart and places every mirror, ready to paste."""
    for way in _ways(spec, racks):
        pairs = list(_pairs(way.spec, counts))
        if len(pairs) == sum(counts.values()) and not any(
            _is_shared(racks, home, target) for home, target in pairs
        ):
            return f"{way.words}hosts: {_flow(way.spec.hosts)}"
    return None


def _ways(spec: Spec, racks: Mapping[str, str]) -> Iterator[_Way]:
    mixed = _in_turn(spec.hosts)
    if spec.strategy in _RING:
        yield _Way(
            spec=replace(spec, hosts=mixed),
            words="to keep them apart list the hosts of the racks in turn: ",
        )
    sizes = range(min(len(set(racks.values())), len(mixed)), 1, -1)
    for size in sizes if spec.strategy is not Strategy.GROUP else ():
        if len(mixed) % size != 1:
            blocks = replace(spec, hosts=mixed, strategy=Strategy.BLOCK, block_size=size)
            yield _Way(
                spec=blocks,
                words=f"to keep them apart write `strategy: block` and `block_size: {size}` under mirrors, and list the "
                "hosts of the racks in turn: ",
            )
    if spec.strategy is not Strategy.GROUP:
        group = replace(spec, hosts=mixed, strategy=Strategy.GROUP, block_size=None)
        yield _Way(
            spec=group,
            words="to keep them apart write `strategy: group` under mirrors, and list the hosts of the racks in turn: ",
        )


def _in_turn(hosts: Sequence[Host]) -> tuple[Host, ...]:
    """The hosts so that neighbours stand in different racks as far as that goes: always one of the
    rack with the most hosts left, racks in the order of the spec.
    """
    left: dict[str | None, list[Host]] = {}
    for host in hosts:
        left.setdefault(host.rack, []).append(host)
    order = list(left)
    mixed: list[Host] = []
    while len(mixed) < len(hosts):
        others = [rack for rack in order if left[rack] and (not mixed or rack != mixed[-1].rack)]
        choice = others or [rack for rack in order if left[rack]]
        rack = max(choice, key=lambda name: (len(left[name]), -order.index(name)))
        mixed.append(left[rack].pop(0))
    return tuple(mixed)


def _pins(
    spec: Spec, racks: Mapping[str, str], placed: Sequence[Placed], together: Sequence[Placed]
) -> str | None:
    """Pins that take each of these mirrors to the least loaded host of another rack."""
    if len(together) > _MOST_PINS:
        return None
    load = Counter({host.name: 0 for host in spec.hosts if host.weight > 0})
    load.update(one.mirror.host for one in placed)
    pins: list[str] = []
    for one in together:
        home = one.primary_slot.host
        others = [host.name for host in spec.hosts if host.weight > 0 and host.rack != racks[home]]
        if not others:
            return None
        target = min(others, key=lambda name: load[name])
        load[target] += 1
        load[one.mirror.host] -= 1
        pins.append(f"{{content: {one.content}, host: {target}}}")
    return f"to keep them apart pin under mirrors: pins: [{', '.join(pins)}]"


def _flow(hosts: Sequence[Host]) -> str:
    """The hosts as YAML in one line; racks of equal size that stand in turn as one `zip`."""
    shared, own = _shared_keys(hosts)
    racks: dict[str | None, list[Host]] = {}
    for host in hosts:
        racks.setdefault(host.rack, []).append(host)
    lists = list(racks.values())
    in_turn = [host for group in zip(*lists, strict=False) for host in group] == list(hosts)
    ranges = [[text for text, _ in compress((h.name, None) for h in group)] for group in lists]
    if in_turn and not own and all(len(found) == 1 for found in ranges) and None not in racks:
        names = ", ".join(f'"{found[0]}"' for found in ranges)
        keys = f"zip: [{names}], racks: [{', '.join(map(scalar_text, racks))}]{shared}"
        return f"[{{{keys}}}]"
    entries = compress((host.name, _keys(host)) for host in hosts)
    keys_of = {host.name: _keys(host) for host in hosts}
    told = (f'{{name: "{text}"{keys_of[names[0]]}}}' for text, names in entries)
    return f"[{', '.join(told)}]"


def _shared_keys(hosts: Sequence[Host]) -> tuple[str, bool]:
    """The keys of all hosts beside name and rack, and whether hosts differ in them."""
    keys = {_keys(replace(host, rack=None)) for host in hosts}
    return (keys.pop(), False) if len(keys) == 1 else ("", True)


def _keys(host: Host) -> str:
    """Everything that an entry says beside the name, host names in paths and addresses as {host}."""
    addresses = [_templated(address, host.name) for address in host.addresses]
    keys = {
        "rack": None if host.rack is None else scalar_text(host.rack),
        "addresses": None if addresses == ["{host}"] else flow_text(addresses),
        "roots": _roots(host),
        "weight": None if host.weight == 1 else str(host.weight),
        "replaces": host.replaces,
    }
    return "".join(f", {key}: {value}" for key, value in keys.items() if value)


def _roots(host: Host) -> str:
    own = [_templated(root, host.name) for root in host.roots]
    if not host.filespace_roots:
        return flow_text(own) if own else ""
    others = "".join(
        f", {name}: {flow_text([_templated(root, host.name) for root in roots])}"
        for name, roots in host.filespace_roots
    )
    return f"{{{SYSTEM_FILESPACE}: {flow_text(own)}{others}}}"


def _templated(text: str, name: str) -> str:
    return text.replace(name, "{host}")
