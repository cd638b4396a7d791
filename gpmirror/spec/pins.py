"""Pins: each judged alone, then against the hosts and one another."""

from dataclasses import dataclass, field

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.cluster.segment import SYSTEM_FILESPACE
from gpmirror.spec import words
from gpmirror.spec.document import PinPart
from gpmirror.spec.findings import Findings, Problem
from gpmirror.spec.mirrors import no_replication_port
from gpmirror.spec.model import Host, Path, Pin


@dataclass(slots=True, kw_only=True)
class _Checks:
    """What pins are judged against, and what earlier pins took."""

    hosts: dict[str, Host]
    addresses: dict[str, str]
    dialect: DialectName | None
    findings: Findings
    contents: dict[int, Path] = field(default_factory=dict)
    taken: dict[tuple[str, str], Path] = field(default_factory=dict)


def compile_pins(
    pins: list[PinPart], hosts: tuple[Host, ...], dialect: DialectName | None, findings: Findings
) -> tuple[Pin, ...]:
    """All pins in the order given; what is wrong with them is reported."""
    checks = _Checks(
        hosts={host.name: host for host in hosts},
        addresses={address: host.name for host in hosts for address in host.addresses},
        dialect=dialect,
        findings=findings,
    )
    return tuple(_pin(pin, ("mirrors", "pins", index), checks) for index, pin in enumerate(pins))


def _pin(pin: PinPart, at: Path, checks: _Checks) -> Pin:
    _check_content(pin, at, checks)
    _check_host(pin, at, checks)
    _check_address(pin, at, checks)
    _check_directories(pin, at, checks)
    _check_dialect(pin, at, checks)
    _check_taken(pin, at, checks)
    return Pin(
        content=pin.content,
        host=pin.host,
        address=pin.address,
        port=pin.port,
        directory=pin.directory,
        replication_port=pin.replication_port,
        filespaces=tuple(sorted((pin.filespaces or {}).items())),
        reason=pin.reason,
        place=checks.findings.place((*at, "content")),
    )


def _check_content(pin: PinPart, at: Path, checks: _Checks) -> None:
    first = checks.contents.setdefault(pin.content, at)
    if first != at:
        problem = Problem(
            code="GPM-V050",
            message=f"content {pin.content} is pinned twice",
            hint="keep one of the two pins",
        )
        related = checks.findings.related((*first, "content"), "first pinned here")
        checks.findings.add((*at, "content"), problem, related)


def _check_host(pin: PinPart, at: Path, checks: _Checks) -> None:
    if pin.host is None or not checks.findings.is_sound("hosts"):
        return
    host = checks.hosts.get(pin.host)
    if host is None:
        checks.findings.add((*at, "host"), unknown_host(pin.host, checks.hosts, checks.findings))
    elif not host.weight:
        problem = Problem(
            code="GPM-V053",
            message=f"content {pin.content} is pinned to `{host.name}`, which takes no mirrors",
            hint=f"give `{host.name}` a weight of 1, or pin to another host",
        )
        related = checks.findings.related_at(host.place, "weight 0 here")
        checks.findings.add((*at, "host"), problem, related)


def unknown_host(name: str, hosts: dict[str, Host], findings: Findings) -> Problem:
    """The finding for a host that `hosts` does not list."""
    return Problem(
        code="GPM-V051",
        message=f"host `{name[:60]}` is not listed under `hosts`",
        hint=findings.near(name, hosts, "list it under `hosts`"),
    )


def _check_address(pin: PinPart, at: Path, checks: _Checks) -> None:
    if pin.address is None or not checks.findings.is_sound("hosts"):
        return
    host = checks.hosts.get(pin.host or "")
    allowed = checks.addresses if host is None else host.addresses
    if pin.address in allowed:
        return
    owner = "any host" if host is None else f"`{host.name}`"
    problem = Problem(
        code="GPM-V054",
        message=f"address `{pin.address[:60]}` is not an address of {owner}",
        hint=checks.findings.near(pin.address, allowed, "list it under the host's `addresses`"),
    )
    checks.findings.add((*at, "address"), problem)


def _check_directories(pin: PinPart, at: Path, checks: _Checks) -> None:
    if pin.directory is not None:
        _check_path(pin.directory, (*at, "directory"), checks)
    for name, directory in (pin.filespaces or {}).items():
        here = (*at, "filespaces", name)
        problem = words.filespace_problem(name)
        if name == SYSTEM_FILESPACE:
            problem = _SYSTEM_DIRECTORY
        if problem is not None:
            checks.findings.add(here, problem)
        _check_path(directory, here, checks)


def _check_path(path: str, at: Path, checks: _Checks) -> None:
    problem = words.path_problem(path)
    if problem is not None:
        checks.findings.add(at, problem)


def _check_dialect(pin: PinPart, at: Path, checks: _Checks) -> None:
    dialect = checks.dialect
    if dialect is None or DIALECTS[dialect].file_replication:
        return
    if pin.replication_port is not None:
        problem = no_replication_port("replication_port", dialect)
        checks.findings.add((*at, "replication_port"), problem)
    if pin.filespaces:
        problem = Problem(
            code="GPM-V027",
            message=f"`filespaces` are given, but {DIALECTS[dialect].title} has none",
            hint="delete `filespaces`; give `directory`",
        )
        checks.findings.add((*at, "filespaces"), problem)


def _check_taken(pin: PinPart, at: Path, checks: _Checks) -> None:
    if pin.host is None:
        return
    for what, key in _slots(pin):
        first = checks.taken.setdefault((pin.host, what), (*at, *key))
        if first != (*at, *key):
            problem = Problem(
                code="GPM-V052",
                message=f"{what} on `{pin.host}` is pinned twice",
                hint="two segments cannot share it: change one",
            )
            related = checks.findings.related(first, "first taken here")
            checks.findings.add((*at, *key), problem, related)


def _slots(pin: PinPart) -> list[tuple[str, Path]]:
    given: list[tuple[str, Path]] = []
    if pin.port is not None:
        given.append((f"port {pin.port}", ("port",)))
    if pin.replication_port is not None:
        given.append((f"port {pin.replication_port}", ("replication_port",)))
    if pin.directory is not None:
        given.append((f"directory `{pin.directory}`", ("directory",)))
    for name, directory in (pin.filespaces or {}).items():
        given.append((f"directory `{directory}`", ("filespaces", name)))
    return given


_SYSTEM_DIRECTORY = Problem(
    code="GPM-V027",
    message=f"`{SYSTEM_FILESPACE}` is the data directory itself",
    hint="give it as `directory`",
)
