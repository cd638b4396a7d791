"""Host entries to hosts: ranges expanded, addresses and roots checked."""

from collections.abc import Iterator, Mapping, Sequence

from gpmirror.cluster.segment import SYSTEM_FILESPACE
from gpmirror.spec import words
from gpmirror.spec.document import HostPart
from gpmirror.spec.findings import Findings, Problem
from gpmirror.spec.hostrange import MAX_HOSTS, RangeError, TooManyHosts, host_names
from gpmirror.spec.model import Host, Path

_FilespaceRoots = tuple[tuple[str, tuple[str, ...]], ...]


def compile_hosts(entries: list[HostPart], findings: Findings) -> tuple[Host, ...]:
    """All hosts in ring order. What is wrong with an entry is reported; the rest goes on."""
    hosts: list[Host] = []
    for index, entry in enumerate(entries):
        names = _names(entry, ("hosts", index), findings)
        if len(hosts) + len(names) > MAX_HOSTS:
            findings.add(
                ("hosts", index, "zip" if entry.zip else "name"), _too_many(len(hosts) + len(names))
            )
            break
        hosts += _hosts(entry, names, ("hosts", index), findings)
    return tuple(hosts)


def _too_many(count: int) -> Problem:
    return Problem(
        code="GPM-V021",
        message=f"with this entry the spec has {count:,} hosts; it may have {MAX_HOSTS:,}",
        hint="check the range; a cluster of that size needs several specs",
    )


def _names(entry: HostPart, path: Path, findings: Findings) -> list[tuple[str, str | None]]:
    """The entry's hosts, each with its rack."""
    if entry.zip is None:
        if entry.racks is not None:
            findings.add((*path, "racks"), _RACKS_WITHOUT_ZIP)
        return [(name, entry.rack) for name in _range(entry.name, (*path, "name"), findings)]
    if entry.name:
        findings.add((*path, "zip"), _NAME_AND_ZIP)
        return []
    if entry.racks is not None and (entry.rack is not None or len(entry.racks) != len(entry.zip)):
        findings.add((*path, "racks"), _racks_of(entry.zip))
        return []
    lists = [_range(text, (*path, "zip", index), findings) for index, text in enumerate(entry.zip)]
    lengths = [len(names) for names in lists]
    if not all(lengths):
        return []
    if len(set(lengths)) > 1:
        findings.add((*path, "zip"), _unequal(entry.zip, lengths))
        return []
    racks: Sequence[str | None] = entry.racks or [entry.rack] * len(lists)
    return [
        (name, rack)
        for names in zip(*lists, strict=True)
        for name, rack in zip(names, racks, strict=True)
    ]


def _range(text: str, at: Path, findings: Findings) -> list[str]:
    """The names of a range; what is wrong with it is reported."""
    try:
        names = host_names(text)
    except RangeError as error:
        code = "GPM-V021" if isinstance(error, TooManyHosts) else "GPM-V020"
        message = f"host name `{text[:60]}` {error}"
        findings.add(at, Problem(code=code, message=message, hint=error.hint))
        return []
    for name in names:
        problem = words.host_name_problem(name)
        if problem is not None:
            findings.add(at, problem)
            return []
    return names


def _hosts(
    entry: HostPart, named: list[tuple[str, str | None]], path: Path, findings: Findings
) -> Iterator[Host]:
    addresses = _addresses(entry, [name for name, _ in named], path, findings)
    roots, filespace_roots = _roots(entry, path, findings)
    place = findings.place((*path, "name" if entry.zip is None else "zip"))
    for name, rack in named:
        yield Host(
            name=name,
            addresses=tuple(words.filled(address, name) for address in addresses) or (name,),
            roots=tuple(words.filled(root, name) for root in roots),
            filespace_roots=tuple(
                (filespace, tuple(words.filled(root, name) for root in given))
                for filespace, given in filespace_roots
            ),
            rack=rack,
            weight=entry.weight,
            replaces=entry.replaces,
            place=place,
        )


def _addresses(
    entry: HostPart, names: list[str], path: Path, findings: Findings
) -> tuple[str, ...]:
    templates = entry.addresses or []
    for index, template in enumerate(templates):
        problem = words.placeholder_problem(template, ("host",))
        if problem is None and names:
            problem = words.address_problem(words.filled(template, names[0]))
        if problem is not None:
            findings.add((*path, "addresses", index), problem)
    return tuple(templates)


def _roots(
    entry: HostPart, path: Path, findings: Findings
) -> tuple[tuple[str, ...], _FilespaceRoots]:
    at = (*path, "roots")
    match entry.roots:
        case None:
            if entry.weight and findings.is_sound(*findings.repaired.original(path)):
                findings.add((*path, "name" if entry.zip is None else "zip"), _NO_ROOTS)
            return (), ()
        case list(roots):
            _check_roots(roots, at, findings)
            return tuple(roots), ()
        case by_filespace:
            return _roots_by_filespace(by_filespace, at, findings)


def _roots_by_filespace(
    roots: Mapping[str, list[str]], at: Path, findings: Findings
) -> tuple[tuple[str, ...], _FilespaceRoots]:
    for filespace, given in roots.items():
        problem = words.filespace_problem(filespace)
        if problem is not None:
            findings.add((*at, filespace), problem)
        _check_roots(given, (*at, filespace), findings)
    if SYSTEM_FILESPACE not in roots:
        findings.add(at, _NO_SYSTEM_ROOTS)
    others = sorted(set(roots) - {SYSTEM_FILESPACE})
    return tuple(roots.get(SYSTEM_FILESPACE, ())), tuple((one, tuple(roots[one])) for one in others)


def _check_roots(roots: list[str], at: Path, findings: Findings) -> None:
    for index, root in enumerate(roots):
        problem = words.placeholder_problem(root, ("host",)) or words.path_problem(
            words.filled(root, "host")
        )
        if problem is not None:
            findings.add((*at, index), problem)


_NO_ROOTS = Problem(
    code="GPM-V026",
    message="this host takes mirrors and has no `roots`",
    hint="add `roots: [/data/mirror]`, or `weight: 0` if it shall hold no mirrors",
)
_NO_SYSTEM_ROOTS = Problem(
    code="GPM-V027",
    message=f"roots by filespace lack `{SYSTEM_FILESPACE}`, the data directories' own",
    hint=f"add `{SYSTEM_FILESPACE}: [/data/mirror]`",
)
_RACKS_WITHOUT_ZIP = Problem(
    code="GPM-V059",
    message="`racks` belongs to `zip`: one rack for each of its ranges",
    hint="write `rack: a`",
)
_NAME_AND_ZIP = Problem(
    code="GPM-V059",
    message="this entry has both `name` and `zip`",
    hint='write one of them: `zip: ["sdw[1-6]", "sdw[7-12]"]` lists the hosts of both ranges in turn',
)


def _racks_of(ranges: list[str]) -> Problem:
    return Problem(
        code="GPM-V059",
        message=f"`racks` names one rack for each of the {len(ranges)} ranges of `zip`, and stands "
        "instead of `rack`",
        hint=f"write {len(ranges)} racks, and no `rack`",
    )


def _unequal(ranges: list[str], lengths: list[int]) -> Problem:
    told = ", ".join(
        f"{text[:60]} has {count}" for text, count in zip(ranges, lengths, strict=True)
    )
    return Problem(
        code="GPM-V059",
        message=f"`zip` takes ranges of equal length: {told}",
        hint=f"cut them to {min(lengths)} hosts each, and list the others in an entry below",
    )
