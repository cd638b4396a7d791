"""Which spec host a catalog row belongs to; directories and addresses there, and look-alike names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from gpmirror.diagnostics import Diagnostic, Related, Severity
from gpmirror.errors import InvalidInput
from gpmirror.model.names import natural, normal
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.model.text import named
from gpmirror.spec.model import Site, SiteHost, Spec
from gpmirror.values import dataclass

# --- Which spec host a catalog row belongs to.
#
# A row belongs to the spec host whose name or one of whose addresses equals the row's hostname, else
# its address. Rows of a dead host that a spec host `replaces` stay where they are but are placed as
# if they stood on the replacing host.


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMap:
    """`physical` is where a row stands (a spec host, else the catalog's hostname); `home` is the
    spec host it is placed with, None where no spec host claims it. Both by (hostname, address).
    """

    hosts: Mapping[str, SiteHost]
    physical: Mapping[tuple[str, str], str]
    home: Mapping[tuple[str, str], str | None]

    def host_of(self, row: Segment) -> str:
        """Where the row stands now."""
        return self.physical[row.hostname, row.address]

    def home_of(self, row: Segment) -> str | None:
        """The spec host the row is placed with."""
        return self.home[row.hostname, row.address]


def map_hosts(site: Site, observed: Observed) -> HostMap:
    """Every row's host. Raises InvalidInput where two spec hosts claim one row (GPM-P001) and where
    a preferred primary stands on a host that no spec host claims (GPM-P002).
    """
    claims = {name: host for host in site.hosts for name in (*host.addresses, host.name)}
    replaced = {host.replaces: host for host in site.hosts if host.replaces is not None}
    physical: dict[tuple[str, str], str] = {}
    home: dict[tuple[str, str], str | None] = {}
    problems: list[Diagnostic] = []
    for row in observed.segments:
        key = (row.hostname, row.address)
        if key in physical:
            continue
        by_hostname, by_address = claims.get(row.hostname), claims.get(row.address)
        if by_hostname and by_address and by_hostname is not by_address:
            problems.append(_two_claims(row, by_hostname, by_address))
        found = by_hostname or by_address
        substitute = None if found else replaced.get(row.hostname) or replaced.get(row.address)
        dead = substitute.replaces if substitute else None
        owner = found or substitute
        physical[key] = found.name if found else dead or row.hostname
        home[key] = owner.name if owner else None
    result = HostMap(hosts={h.name: h for h in site.hosts}, physical=physical, home=home)
    problems += _unclaimed(site, observed.segments, result)
    if problems:
        raise InvalidInput(problems)
    return result


def _two_claims(row: Segment, one: SiteHost, other: SiteHost) -> Diagnostic:
    return Diagnostic(
        code="GPM-P001",
        message=(
            f"two hosts claim the catalog row of dbid {row.dbid}: its hostname {row.hostname} "
            f"belongs to {one.name}, its address {row.address} to {other.name}"
        ),
        place=one.place,
        hint="give each name and address to one host; several interfaces of one machine belong "
        "into `addresses` of one host",
        related=(Related(place=other.place, label=f"{other.name} claims {row.address}"),),
    )


def _unclaimed(site: Site, rows: Iterable[Segment], hosts: HostMap) -> list[Diagnostic]:
    lost: dict[str, list[int]] = {}
    addresses: dict[str, list[str]] = {}
    for row in rows:
        if row.content >= 0 and row.is_preferred_primary and hosts.home_of(row) is None:
            lost.setdefault(row.hostname, []).append(row.content)
            addresses.setdefault(row.hostname, []).append(row.address)
    # a host that the catalog knows by its own name is not this one
    matched = set(hosts.home.values())
    known = sorted(host.name for host in site.hosts if host.name not in matched)
    return [
        _missing_host(site, name, sorted(set(addresses[name])), sorted(contents), known)
        for name, contents in lost.items()
    ]


def _guess(site: Site, name: str, addresses: Sequence[str], known: list[str]) -> str:
    """The spec host that this one may be: by the first part of a long name, or by likeness."""
    short = _first_part(name)
    same = [one.name for one in site.hosts if short and _first_part(one.name) == short]
    if not same:
        close = get_close_matches(name, known, n=1)
        return f"did you mean that {close[0]} is this host? else " if close else ""
    unclaimed = [one for one in dict.fromkeys([name, *addresses]) if one != same[0]]
    listed = ", ".join(f'"{one.replace(same[0], "{host}", 1)}"' for one in unclaimed)
    return f"did you mean that {same[0]} is this host? then give it `addresses: [{listed}]`; else "


def _first_part(name: str) -> str:
    """`sdw1` of `SDW1.example.com`; nothing of an IP address."""
    first = name.partition(".")[0].lower()
    return "" if first.isdigit() or ":" in first else first


def _missing_host(
    site: Site, name: str, addresses: Sequence[str], contents: list[int], known: list[str]
) -> Diagnostic:
    guess = _guess(site, name, addresses, known)
    return Diagnostic(
        code="GPM-P002",
        message=(
            f"host {name} holds the preferred primaries of {named(contents)} but is not in `hosts`"
        ),
        place=site.place_of("hosts"),
        hint=f"{guess}list it; with `weight: 0` it keeps its primaries and gets no mirrors",
    )


def name_contents(contents: list[int], most: int = 8) -> str:
    """`0, 1, 2` or `0, 1, ... (12 in all)`: content ids for a message."""
    shown = ", ".join(str(content) for content in contents[:most])
    return shown if len(contents) <= most else f"{shown}, ... ({len(contents)} in all)"


# --- Directories and addresses of mirrors, and names that look as if they meant one machine.


DEFAULT_PREFIX = "gpseg"
_INTERFACE = re.compile(
    r"(.+)[-_](?:(?:[a-z]|eth|ib|bond|nic|net|if|lan|int|ext|priv|pub|mir|mirror|rep|repl|mgmt|data)"
    r"[0-9]{0,2}|[0-9]{1,2})",
    re.IGNORECASE,
)
_MOST_INTERFACES = 4
_MOST_SHOWN = 4


def prefix_of(spec: Spec, observed: Observed) -> tuple[str, tuple[Diagnostic, ...]]:
    """What `{prefix}` stands for, and a warning where it had to be guessed.

    As gpaddmirrors (all versions): the coordinator's directory name before its last `-1`; else the
    prefix that all primaries' directory names have before their content id; else `gpseg`.
    """
    coordinator = observed.coordinator
    name = _base_name(coordinator.directory) if coordinator and coordinator.directory else ""
    cut = name.rfind("-1")
    if cut > 0:
        return name[:cut], ()
    common = _common_prefix(observed.segments)
    if common is not None:
        return common, ()
    if "{prefix}" not in spec.directory:
        return DEFAULT_PREFIX, ()
    warning = Diagnostic(
        code="GPM-P201",
        severity=Severity.WARNING,
        message=f"no directory in {observed.source} tells the prefix; `{{prefix}}` is taken as "
        f"{DEFAULT_PREFIX}",
        place=spec.place_of("mirrors", "directory"),
        hint='write the prefix into `directory`, for example "{root}/gpseg{content}"',
    )
    return DEFAULT_PREFIX, (warning,)


def _common_prefix(rows: Iterable[Segment]) -> str | None:
    found: set[str] = set()
    for row in rows:
        if row.content < 0 or not row.is_preferred_primary or row.directory is None:
            continue
        name, suffix = _base_name(row.directory), str(row.content)
        if not name.endswith(suffix) or name == suffix:
            return None
        found.add(name[: -len(suffix)])
    return found.pop() if len(found) == 1 else None


def _base_name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class DirectoryTemplate:
    """The spec's `directory` with the cluster's prefix."""

    text: str
    prefix: str

    def path(self, root: str, content: int, host: str) -> str:
        """The directory of one content under one root."""
        # Plain replacement, not str.format: a root or host may hold braces of its own.
        filled = self.text.replace("{root}", root).replace("{prefix}", self.prefix)
        return filled.replace("{content}", str(content)).replace("{host}", host)

    def fits(self, path: str | None, roots: Sequence[str], content: int, host: str) -> bool:
        """Whether `path` is the template under one of the roots, whatever slashes it is told with; an
        unknown path fits.
        """
        if path is None:
            return True
        told = normal(path)
        return any(told == normal(self.path(root, content, host)) for root in roots)


def mirror_address(primary: Segment, home: SiteHost, target: SiteHost) -> str:
    """The target's address for a mirror of this primary: the interface after the primary's own,
    around the target's list, as gpaddmirrors on standard arrays (all versions).
    """
    known = home.addresses
    position = known.index(primary.address) if primary.address in known else -1
    return target.addresses[(position + 1) % len(target.addresses)]


def look_alikes(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Names that differ by what interfaces are called (`sdw1-1` and `sdw1-2`, `sdw1` and
    `sdw1-mirror`), and so may mean one machine. More than a machine has interfaces are none.
    """
    known = sorted(names, key=natural)
    stems: dict[tuple[str, str], list[str]] = {}
    for name in known:
        first, dot, domain = name.partition(".")
        found = _INTERFACE.fullmatch(first)
        stems.setdefault((found[1] if found else first, dot + domain), []).append(name)
    return tuple(tuple(found) for found in stems.values() if 1 < len(found) <= _MOST_INTERFACES)


def interfaces_remark(names: Iterable[str]) -> str | None:
    """That some of these hosts may be one machine, by their names; None: by those none is."""
    alike = look_alikes(names)
    if not alike:
        return None
    shown = ", ".join(" and ".join(found) for found in alike[:_MOST_SHOWN])
    more = f" ({len(alike)} such groups)" if len(alike) > _MOST_SHOWN else ""
    return (
        f"hosts {shown}{more} may be interfaces of one machine, and each counts as a host: if so, put "
        "them under `addresses` of one"
    )
