"""Where gpaddmirrors itself would put mirrors: group and spread, ports counted per host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.segment import Role, Segment
from gpmirror.gputils.lines import AddLine
from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.failures import BadOption, Broken

_LOWEST, _HIGHEST = 6432, 61000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`offset` is `-p`, `spread` is `-s`, `old` counts replication ports too."""

    offset: int
    spread: bool
    old: bool

    def check_offset(self, segments: Sequence[Segment], coordinator_port: int) -> None:
        """Raises BadOption for an offset whose ports may leave the range that 6 wants."""
        ports = [coordinator_port, *(s.port for s in segments)]
        near, far = sorted((self.offset, 3 * self.offset))
        if min(ports) + near < _LOWEST or max(ports) + far > _HIGHEST:
            said = "Value of port offset supplied via -p option produces ports outside of the"
            more = f"Mirror port base range must be between {_LOWEST} and {_HIGHEST}"
            raise BadOption(f"{said} valid range{more}")


def _primaries_by_host(array: Array) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for s in array.segments:
        if s.preferred_role is Role.PRIMARY:
            found.setdefault(s.hostname, []).append(s)
    return {host: sorted(found[host], key=lambda s: s.port) for host in sorted(found)}


def wanted_directories(array: Array) -> int:
    """How many directories must be given: the most primaries on one host."""
    return max((len(found) for found in _primaries_by_host(array).values()), default=0)


def read_directories(
    name: str, text: str, count: int, filespaces: Sequence[str]
) -> dict[str, list[str]]:
    """Directories by filespace, "" for the data directory itself. Raises Broken as natively."""
    found: dict[str, list[str]] = {"": []}
    current = ""
    for line in filter(None, (raw.strip() for raw in text.splitlines())):
        if line.startswith("filespace ") and filespaces:
            current = line.removeprefix("filespace ").strip()
            found[current] = []
        elif not line.startswith("/"):
            said = "Path entered config file is invalid; it must be a full path."
            raise Broken(f"{said}  Path: '{line}'")
        else:
            found[current].append(line)
    for paths in found.values():
        if len(paths) != count:
            few = f"{len(paths)} were" if len(paths) < count else "more were"
            said = f"Number of data directories must equal {count} but {few} read from {name}"
            raise Broken(said)
    if len(found) - 1 < len(filespaces):
        said = f"{len(found) - 1} of {len(filespaces)} filespaces from {name}"
        raise Broken(f"Only read directories for {said}")
    return found


def place(
    array: Array, layout: Layout, paths: Mapping[str, list[str]], coordinator_name: str
) -> list[AddLine]:
    """One line a primary, in the native order: hosts sorted as bytes, then by port."""
    hosts = _primaries_by_host(array)
    names = list(hosts)
    placed = dict.fromkeys(names, 0)
    head, found, _ = coordinator_name.rpartition("-1")
    prefix = head if found else "gp"
    lines = []
    for i, name in enumerate(names):
        distance = 1
        for j, primary in enumerate(hosts[name]):
            target = (i + distance) % len(names)
            if layout.spread and target == i:
                distance += 1
                target = (i + distance) % len(names)
            peers = hosts[names[target]]
            k = placed[names[target]]
            placed[names[target]] += 1
            distance += layout.spread
            lines.append(_line(layout, paths, prefix, (primary, hosts[name][0], j), (peers[0], k)))
    return lines


def _line(
    layout: Layout,
    paths: Mapping[str, list[str]],
    prefix: str,
    primary: tuple[Segment, Segment, int],
    target: tuple[Segment, int],
) -> AddLine:
    """`primary` with the first of its host and its number there; `target` likewise."""
    (segment, own_first, j), (first, k) = primary, target
    leaf = f"{prefix}{segment.content}"
    more = {name: f"{found[k]}/{leaf}" for name, found in paths.items()}
    base = first.port + k
    return AddLine(
        content=segment.content,
        address=first.address,
        port=base + layout.offset,
        directory=more.pop(""),
        replication_port=base + 2 * layout.offset if layout.old else None,
        primary_replication_port=own_first.port + j + 3 * layout.offset if layout.old else None,
        filespaces=tuple(sorted(more.items())),
    )
