"""Strategy, ports, pins, policy and apply options: what they must be to one another."""

from dataclasses import field
from typing import Literal, cast

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.segment import MAX_PORT, SYSTEM_FILESPACE
from gpmirror.spec import words
from gpmirror.spec.complaints import Findings, Problem
from gpmirror.spec.document import (
    ApplyPart,
    GuardsPart,
    MirrorsPart,
    PinPart,
    PolicyPart,
    PortsPart,
    ProtectPart,
)
from gpmirror.spec.model import (
    ApplyOptions,
    Bases,
    Guards,
    Host,
    NativeOptions,
    Offset,
    Path,
    Pin,
    Policy,
    Protection,
    Strategy,
    Survive,
    WaveLimits,
)
from gpmirror.values import dataclass

# --- Strategy, ports and directory template: what they must be to one another.


_PORTS: Path = ("mirrors", "ports")
_BLOCK: Path = ("mirrors", "block_size")
_REPLICATION_BASES = ("replication_base", "mirror_replication_base")


def check_strategy(mirrors: MirrorsPart, findings: Findings) -> None:
    """Report a block size without block, block without one, pinned without pins, and what only
    balanced keeps low without balanced.
    """
    if not findings.is_sound("mirrors", "strategy"):
        return
    at = ("mirrors", "strategy")
    strategy = Strategy(mirrors.strategy)
    is_block = strategy is Strategy.BLOCK
    if is_block and mirrors.block_size is None and findings.is_sound(*_BLOCK):
        findings.add(at, _NO_BLOCK_SIZE)
    if not is_block and mirrors.block_size is not None:
        findings.add(_BLOCK, _block_size_unused(mirrors.strategy))
    if strategy is not Strategy.BALANCED and mirrors.minimise is not None:
        findings.add(("mirrors", "minimise"), _minimise_unused(mirrors.strategy))
    has_pins = bool(mirrors.pins) or not findings.is_sound("mirrors", "pins")
    if strategy is Strategy.PINNED and not has_pins:
        findings.add(at, _NO_PINS)


def compile_ports(
    ports: PortsPart, dialect: DialectName | None, findings: Findings
) -> Offset | Bases:
    """The port rule. Where it is faulty that is reported and a stand-in returned."""
    if not findings.is_sound(*_PORTS):
        return Offset(1)
    bases = [name for name in ("mirror_base", *_REPLICATION_BASES) if getattr(ports, name)]
    if ports.offset is not None:
        _check_offset(ports.offset, bases, findings)
        return Offset(ports.offset)
    if ports.mirror_base is None:
        findings.add(_PORTS, _NO_PORTS)
        return Offset(1)
    _check_bases(ports, dialect, findings)
    return Bases(
        mirror_base=ports.mirror_base,
        replication_base=ports.replication_base,
        mirror_replication_base=ports.mirror_replication_base,
    )


def _check_offset(offset: int, bases: list[str], findings: Findings) -> None:
    if offset == 0:
        findings.add((*_PORTS, "offset"), _ZERO_OFFSET)
    for name in bases:
        findings.add((*_PORTS, name), _offset_and_base(name))


def _check_bases(ports: PortsPart, dialect: DialectName | None, findings: Findings) -> None:
    given = [name for name in _REPLICATION_BASES if getattr(ports, name) is not None]
    if dialect is not None and not DIALECTS[dialect].has_replication_ports:
        for name in given:
            findings.add((*_PORTS, name), no_replication_port(name, dialect))
        return
    missing = [name for name in _REPLICATION_BASES if name not in given]
    if missing and (given or dialect is not None):
        findings.add(_PORTS, _missing_bases(missing))


def check_directory(template: str, findings: Findings) -> None:
    """Report what is wrong with the directory template."""
    problem = words.placeholder_problem(template, words.TEMPLATE_WORDS) or _template_problem(
        template
    )
    if problem is not None:
        findings.add(("mirrors", "directory"), problem)


def _template_problem(template: str) -> Problem | None:
    if not template.startswith(("{root}", "/")):
        return Problem(
            code="GPM-V030",
            message="the directory template starts with neither `{root}` nor `/`",
            hint='write "{root}/{prefix}{content}"',
        )
    if "{content}" not in template:
        return Problem(
            code="GPM-V030",
            message="the directory template lacks `{content}`: all mirrors would share a directory",
            hint='write "{root}/{prefix}{content}"',
        )
    example = template.replace("{root}", "/root", 1)
    for word in words.TEMPLATE_WORDS:
        example = example.replace(f"{{{word}}}", word)
    return words.path_problem(example)


def no_replication_port(name: str, dialect: DialectName) -> Problem:
    """The finding for a replication port in a dialect without."""
    return Problem(
        code="GPM-V042",
        message=f"`{name}` is given, but {DIALECTS[dialect].title} has no replication ports",
        hint=f"delete `{name}`",
    )


def _missing_bases(missing: list[str]) -> Problem:
    names = " and ".join(f"`{name}`" for name in missing)
    return Problem(
        code="GPM-V042",
        message=f"{names} {'is' if len(missing) == 1 else 'are'} missing: before Greenplum 6 both "
        "replication bases are needed",
        hint=f"add {names}, or count ports with `offset: 1000`",
    )


def _offset_and_base(name: str) -> Problem:
    return Problem(
        code="GPM-V041",
        message=f"`{name}` and `offset` are given; ports are counted one way or the other",
        hint=f"delete `{name}` or `offset`",
    )


def _block_size_unused(strategy: str) -> Problem:
    return Problem(
        code="GPM-V040",
        message=f"`block_size` is given, but the strategy is `{strategy}`",
        hint="delete it, or write `strategy: block`",
    )


def _minimise_unused(strategy: str) -> Problem:
    return Problem(
        code="GPM-V044",
        message=f"`minimise` is given, but the strategy is `{strategy}`, which minimises nothing",
        hint="delete it, or write `strategy: balanced`",
    )


_NO_BLOCK_SIZE = Problem(
    code="GPM-V040",
    message="strategy `block` needs `block_size`, the number of hosts in a block",
    hint="add `block_size: 4` below `strategy`",
)
_NO_PINS = Problem(
    code="GPM-V043",
    message="strategy `pinned` places only what `pins` say, and there are none",
    hint="add `pins`, or choose `group` or `spread`",
)
_NO_PORTS = Problem(
    code="GPM-V041",
    message="`mirrors.ports` has neither `offset` nor `mirror_base`",
    hint="write `ports: {offset: 1000}`",
)
_ZERO_OFFSET = Problem(
    code="GPM-V041",
    message=f"`offset` is 0: mirrors would take the primaries' ports (1..{MAX_PORT})",
    hint="write `offset: 1000`, as the native tool does when not told otherwise",
)


# --- Pins: each judged alone, then against the hosts and one another.


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


# --- Policy, protection and apply options to values.


def compile_policy(part: PolicyPart | None, hosts: tuple[Host, ...], findings: Findings) -> Policy:
    """The policy; losing racks can only be judged where every host has one."""
    if part is None:
        return Policy()
    survive: list[Survive] = []
    for index, entry in enumerate(part.survive or []):
        at: Path = ("policy", "survive", index)
        if entry.of == "rack":
            _check_racks(hosts, at, findings)
        count = cast("Literal[1, 2]", entry.any)
        survive.append(Survive(count=count, of=entry.of, place=findings.place(at)))
    return Policy(
        survive=tuple(survive),
        max_load_factor=part.max_load_factor,
        guards=_guards(part.guards),
    )


def _check_racks(hosts: tuple[Host, ...], at: Path, findings: Findings) -> None:
    bare = next((host for host in hosts if host.rack is None), None)
    if bare is None or not findings.is_sound("hosts"):
        return
    problem = Problem(
        code="GPM-V057",
        message=f"losing a rack is to be survived, but host `{bare.name}` has no `rack`",
        hint="give every host a `rack`",
    )
    findings.add(at, problem, findings.related_at(bare.place, "no rack here"))


def _guards(part: GuardsPart) -> Guards:
    return Guards(
        moves_percent=part.moves_percent, min_contents=part.min_contents, max_bytes=part.bytes
    )


def compile_protection(
    parts: list[ProtectPart], hosts: tuple[Host, ...], findings: Findings
) -> tuple[Protection, ...]:
    """What must not move; each entry names one content or one listed host."""
    known = {host.name: host for host in hosts}
    found: list[Protection] = []
    for index, part in enumerate(parts):
        at: Path = ("protect", index)
        if (part.content is None) == (part.host is None):
            findings.add(at, _ONE_OF_TWO)
        elif part.host is not None and part.host not in known and findings.is_sound("hosts"):
            findings.add((*at, "host"), unknown_host(part.host, known, findings))
        found.append(Protection(content=part.content, host=part.host, place=findings.place(at)))
    return tuple(found)


def compile_apply(part: ApplyPart | None) -> ApplyOptions:
    """How apply works; what is left out has its default."""
    if part is None:
        return ApplyOptions()
    waves, native = part.waves, part.native
    return ApplyOptions(
        waves=WaveLimits(
            max_contents=waves.max_contents,
            per_source_host=waves.per_source_host,
            per_target_host=waves.per_target_host,
        ),
        native=NativeOptions(
            hosts=native.hosts,
            per_host=native.per_host,
            verbose=native.verbose,
            hba_hostnames=native.hba_hostnames or None,
            max_rate=native.max_rate,
            replay_lag=native.replay_lag,
        ),
        hosts_at_once=part.hosts_at_once,
        sync_timeout=part.sync_timeout,
    )


_ONE_OF_TWO = Problem(
    code="GPM-V055",
    message="an entry of `protect` names exactly one of `content` and `host`",
    hint="write `- content: 0` or `- host: sdw1`",
)
