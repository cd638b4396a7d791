"""A spec as YAML that a person would write: ranges of hosts, short lists, comments."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from gpmirror.model.names import compress
from gpmirror.model.segment import SYSTEM_FILESPACE
from gpmirror.spec.model import Bases, CoordinatorAddress, Host, Offset, Pin, Spec, Strategy
from gpmirror.spec.writing import coordinator_keys, flow_text, scalar_text

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
