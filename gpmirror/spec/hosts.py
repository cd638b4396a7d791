"""Host entries to hosts: ranges expanded, addresses and roots checked, alone and together."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from gpmirror.diagnostics import Place, Related
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.segment import SYSTEM_FILESPACE
from gpmirror.spec import words
from gpmirror.spec.complaints import Findings, Problem
from gpmirror.spec.document import HostPart
from gpmirror.spec.model import Host, HostPattern, Path
from gpmirror.values import dataclass

# --- Host entries to hosts: ranges expanded, addresses and roots checked.


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
    pattern = HostPattern(addresses=addresses, roots=roots, filespace_roots=filespace_roots)
    for name, rack in named:
        made = _filled(pattern, name, rack=rack, weight=entry.weight, place=place)
        yield made if entry.replaces is None else replace(made, replaces=entry.replaces)


def another(host: Host, name: str, *, rack: str | None, weight: int, place: Place) -> Host:
    """A further host with the roots and addresses that the entry of `host` would give it."""
    own = HostPattern(addresses=(), roots=host.roots, filespace_roots=host.filespace_roots)
    return _filled(host.pattern or own, name, rack=rack, weight=weight, place=place)


def _filled(
    pattern: HostPattern, name: str, *, rack: str | None, weight: int, place: Place
) -> Host:
    return Host(
        name=name,
        addresses=tuple(words.filled(address, name) for address in pattern.addresses) or (name,),
        roots=tuple(words.filled(root, name) for root in pattern.roots),
        filespace_roots=tuple(
            (filespace, tuple(words.filled(root, name) for root in given))
            for filespace, given in pattern.filespace_roots
        ),
        rack=rack,
        weight=weight,
        place=place,
        pattern=pattern,
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


# --- What the hosts of a spec must be to one another: names, addresses, filespaces, successors.


_MOST_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clash:
    """Two entries that claim the same names."""

    code: str
    first: Place
    second: Place


def check_hosts(hosts: tuple[Host, ...], findings: Findings) -> None:
    """Report names and addresses claimed twice, `replaces` that cannot be."""
    _check_names(hosts, findings)
    _check_replaced(hosts, findings)
    if hosts and findings.is_sound("hosts") and all(not host.weight for host in hosts):
        findings.add(("hosts",), _NO_TARGET)


def check_filespaces(
    entries: list[HostPart], dialect: DialectName | None, findings: Findings
) -> None:
    """Report roots by filespace where there are none, and hosts that differ in filespaces."""
    expected: tuple[int, frozenset[str]] | None = None
    for index, entry in enumerate(entries):
        if entry.roots is None:
            continue
        names = frozenset(entry.roots) if isinstance(entry.roots, dict) else frozenset()
        at = ("hosts", index, "roots")
        if names and dialect is not None and not DIALECTS[dialect].has_filespaces:
            findings.add(at, _no_filespaces(dialect))
        elif expected is not None and expected[1] != names:
            label = "other filespaces here"
            findings.add(at, _OTHER_FILESPACES, findings.related(("hosts", expected[0]), label))
        else:
            expected = expected or (index, names)


def _check_names(hosts: tuple[Host, ...], findings: Findings) -> None:
    clashes: dict[_Clash, list[str]] = {}
    owners: dict[str, Host] = {}
    for host in hosts:
        first = owners.setdefault(host.name, host)
        if first is not host:
            clash = _Clash(code="GPM-V024", first=first.place, second=host.place)
            clashes.setdefault(clash, []).append(host.name)
    for host in hosts:
        for address in host.addresses:
            first = owners.setdefault(address, host)
            if first.name != host.name:
                clash = _Clash(code="GPM-V025", first=first.place, second=host.place)
                clashes.setdefault(clash, []).append(address)
    for clash, names in clashes.items():
        shown = _names_shown(names)
        if clash.code == "GPM-V024":
            message, hint = f"host {shown} is listed twice", "list each host once"
        else:
            message = f"address {shown} belongs to two hosts, as name or address"
            hint = 'give each host its own addresses: ["{host}-1", "{host}-2"]'
        related = Related(place=clash.first, label="first claimed here")
        findings.add_at(clash.second, Problem(code=clash.code, message=message, hint=hint), related)


def _names_shown(names: Iterable[str]) -> str:
    unique = list(dict.fromkeys(names))
    shown = ", ".join(f"`{name}`" for name in unique[:_MOST_NAMES_SHOWN])
    more = len(unique) - _MOST_NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown


def _check_replaced(hosts: tuple[Host, ...], findings: Findings) -> None:
    claimed = {name for host in hosts for name in (host.name, *host.addresses)}
    successors: dict[str, Host] = {}
    for host in hosts:
        if host.replaces is None:
            continue
        first = successors.setdefault(host.replaces, host)
        if first is not host:
            problem = _problem_of_replaced(
                host.replaces, "is replaced by two hosts", "let one host replace it"
            )
            related = Related(place=first.place, label=f"first by `{first.name}`")
            findings.add_at(host.place, problem, related)
        elif host.replaces in claimed:
            problem = _problem_of_replaced(
                host.replaces, "is replaced and listed at once", "delete its entry, or `replaces`"
            )
            findings.add_at(host.place, problem)


def _problem_of_replaced(name: str, what: str, hint: str) -> Problem:
    return Problem(code="GPM-V032", message=f"host `{name[:60]}` {what}", hint=hint)


def _no_filespaces(dialect: DialectName) -> Problem:
    return Problem(
        code="GPM-V027",
        message=f"roots by filespace are given, but {DIALECTS[dialect].title} has no filespaces",
        hint="write a list: `roots: [/data/mirror]`",
    )


_OTHER_FILESPACES = Problem(
    code="GPM-V027",
    message="this host's roots name other filespaces than those of the host above",
    hint="every mirror needs a directory in every filespace: give all hosts the same ones",
)
_NO_TARGET = Problem(
    code="GPM-V058",
    message="every host has weight 0: no host may hold a mirror",
    hint="give at least one host a weight of 1",
)


# --- Host ranges: `sdw[01-16,20]`, `rack[1-2]-sdw[1-8]`.


MAX_HOSTS = 10_000
_MOST_GROUPS = 8
_PIECE = re.compile(r"\[([^\[\]]*)\]|([^\[\]]+)")
_ITEM = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_EXAMPLE = "ranges look like sdw[1-4], sdw[01-16,20] or rack[1-2]-sdw[1-8]"


class RangeError(ValueError):
    """A range that names no hosts; the message says why, `hint` what to write."""

    def __init__(self, message: str, hint: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.hint = hint


class TooManyHosts(RangeError):
    """A range that names more hosts than a spec may have."""


def host_names(text: str) -> list[str]:
    """The names that `text` stands for, leftmost range slowest. Raises `RangeError`."""
    if "[" not in text and "]" not in text:
        return [text]
    pieces = [_alternatives(match) for match in _pieces(text)]
    count = 1
    for piece in pieces:
        count *= len(piece)
    if count > MAX_HOSTS:
        raise TooManyHosts(f"names {count:,} hosts; a spec may have {MAX_HOSTS:,}")
    return ["".join(parts) for parts in product(*pieces)]


def _pieces(text: str) -> list[re.Match[str]]:
    matches: list[re.Match[str]] = []
    end = 0
    while end < len(text):
        match = _PIECE.match(text, end)
        if match is None:
            raise RangeError(f"has an unmatched bracket at character {end + 1}")
        matches.append(match)
        end = match.end()
    if sum(match[1] is not None for match in matches) > _MOST_GROUPS:
        raise RangeError(f"has more than {_MOST_GROUPS} ranges")
    return matches


def _alternatives(match: re.Match[str]) -> list[str]:
    if match[1] is None:
        return [match[2]]
    if not match[1].strip():
        raise RangeError("has an empty range `[]`")
    numbers: list[str] = []
    for item in match[1].split(","):
        numbers += _numbers(item.strip())
        if len(numbers) > MAX_HOSTS:
            raise TooManyHosts(f"names more than {MAX_HOSTS:,} hosts")
    return numbers


def _numbers(item: str) -> list[str]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise RangeError(f"has `{item[:40]}` in a range, which is neither a number nor first-last")
    first, last = match[1], match[2] or match[1]
    if int(first) > int(last):
        raise RangeError(f"has the reversed range `{item}`", f"write [{last}-{first}]")
    count = int(last) - int(first) + 1
    if count > MAX_HOSTS:
        raise TooManyHosts(f"names {count:,} hosts; a spec may have {MAX_HOSTS:,}")
    width = len(first) if first.startswith("0") else 0
    return [str(number).zfill(width) for number in range(int(first), int(last) + 1)]
