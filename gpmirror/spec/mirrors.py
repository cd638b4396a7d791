"""Strategy, ports and directory template: what they must be to one another."""

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.spec import words
from gpmirror.spec.document import MAX_PORT, MirrorsPart, PortsPart
from gpmirror.spec.findings import Findings, Problem
from gpmirror.spec.model import Bases, Offset, Path, Strategy

_PORTS: Path = ("mirrors", "ports")
_BLOCK: Path = ("mirrors", "block_size")
_REPLICATION_BASES = ("replication_base", "mirror_replication_base")


def check_strategy(mirrors: MirrorsPart, findings: Findings) -> None:
    """Report a block size without block, block without one, pinned without pins."""
    if not findings.is_sound("mirrors", "strategy"):
        return
    at = ("mirrors", "strategy")
    strategy = Strategy(mirrors.strategy)
    is_block = strategy is Strategy.BLOCK
    if is_block and mirrors.block_size is None and findings.is_sound(*_BLOCK):
        findings.add(at, _NO_BLOCK_SIZE)
    if not is_block and mirrors.block_size is not None:
        findings.add(_BLOCK, _block_size_unused(mirrors.strategy))
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
        findings.add(_PORTS, _missing_base(missing[0]))


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


def _missing_base(name: str) -> Problem:
    return Problem(
        code="GPM-V042",
        message=f"`{name}` is missing: before Greenplum 6 both replication bases are needed",
        hint=f"add `{name}`, or count ports with `offset: 1000`",
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
