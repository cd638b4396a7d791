"""Directories and addresses of mirrors, and names that look as if they meant one machine."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.nesting import normal
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.diagnostics import Diagnostic, Severity
from gpmirror.spec.model import SiteHost, Spec

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
