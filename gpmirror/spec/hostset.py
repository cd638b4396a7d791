"""What the hosts of a spec must be to one another: names, addresses, filespaces, successors."""

from collections.abc import Iterable
from dataclasses import dataclass

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.diagnostics import Place, Related
from gpmirror.spec.document import HostPart
from gpmirror.spec.findings import Findings, Problem
from gpmirror.spec.model import Host

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
        _report(clash, names, findings)


def _report(clash: _Clash, names: list[str], findings: Findings) -> None:
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
