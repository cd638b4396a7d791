"""The last look at a desired layout: legal ports, nothing taken twice, no directory inside another."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain

from gpmirror.diagnostics import Diagnostic, Place, Related, Severity
from gpmirror.errors import InvalidInput
from gpmirror.model.claims import Claim, contested, on_disk
from gpmirror.model.names import ancestors, normal
from gpmirror.model.observed import Observed
from gpmirror.model.segment import MAX_PORT
from gpmirror.placement.hosts import HostMap
from gpmirror.placement.model import Placed
from gpmirror.placement.slots import EPHEMERAL, Figure, free_bases, ports_line
from gpmirror.spec.model import Bases, Offset, Pin, Spec
from gpmirror.values import dataclass

# --- The last look at a desired layout: legal ports, nothing taken twice.


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A placed content with the arithmetic of its ports (None: kept as observed). `adds` is true
    where the content has no mirror yet: only then the primary's replication port is set.
    """

    placed: Placed
    port: Figure | None
    replication: Figure | None
    primary_replication: Figure | None
    adds: bool
    pin: Pin | None


@dataclass(frozen=True, slots=True)
class _Use:
    """A port or directory in use on a host: by what, computed how, asked for where. `server`: a
    server that is there already and keeps its port.
    """

    what: str
    figure: Figure | None
    place: Place
    server: bool = False


def check_ports_and_directories(
    spec: Spec, observed: Observed, hosts: HostMap, planned: Sequence[Planned]
) -> tuple[Diagnostic, ...]:
    """Warnings about the desired layout. Raises InvalidInput with every illegal port, and every port
    or directory that two instances of one host would share, each with its arithmetic.
    """
    problems = [*_illegal(spec, observed, planned)]
    if not problems:
        problems += _port_clashes(spec, observed, hosts, planned)
        blamed = _with_directory_places(spec, planned)
        problems += _directory_clashes(observed, hosts, blamed)
        problems += nested_directories(observed, hosts, blamed)
    if problems:
        raise InvalidInput(problems)
    return (*_ephemeral(spec, planned), *_kept_replication(spec, planned))


def _illegal(spec: Spec, observed: Observed, planned: Iterable[Planned]) -> Iterator[Diagnostic]:
    bases_for = cache(lambda: free_bases(observed, spec.pins))  # looked for where a port is illegal
    seen: set[tuple[str, str]] = set()
    for item in planned:
        for kind, host, figure in _figures(item):
            if figure.is_legal or (kind, host) in seen:
                continue
            seen.add((kind, host))  # one line a host and kind: the rest follows from it
            yield replace(
                _illegal_port(spec, item, kind, host, figure),
                hint=_legal_ports(spec, figure, bases_for()),
            )


def _legal_ports(spec: Spec, figure: Figure, bases: Bases | None) -> str:
    wanted = f"a {'smaller' if figure.value > MAX_PORT else 'larger'} "
    wanted += "offset" if isinstance(spec.ports, Offset) else "base"
    return f"choose {wanted}" + (f", or write `{ports_line(bases)}`" if bases else "")


def _figures(item: Planned) -> Iterator[tuple[str, str, Figure]]:
    target = item.placed.mirror.host
    if item.port is not None:
        yield "mirror port", target, item.port
    if item.replication is not None:
        yield "mirror replication port", target, item.replication
    if item.primary_replication is not None and item.adds:
        yield "primary replication port", item.placed.primary_slot.host, item.primary_replication


def _illegal_port(spec: Spec, item: Planned, kind: str, host: str, figure: Figure) -> Diagnostic:
    limit = f"> {MAX_PORT}" if figure.value > MAX_PORT else "< 1"
    return Diagnostic(
        code="GPM-P110",
        message=(
            f"{kind} of content {item.placed.content} on {host}: {figure.arithmetic()} {limit}"
            f" (lowest primary port {figure.base})"
        ),
        place=_ports_place(spec, item),
    )


def _ports_place(spec: Spec, item: Planned) -> Place:
    if item.pin is not None and item.pin.port is not None:
        return item.pin.place
    return ports_place(spec)


def ports_place(spec: Spec) -> Place:
    """The line that port arithmetic comes from."""
    key = "offset" if isinstance(spec.ports, Offset) else "mirror_base"
    return spec.place_of("mirrors", "ports", key)


def _port_clashes(
    spec: Spec, observed: Observed, hosts: HostMap, planned: Sequence[Planned]
) -> Iterator[Diagnostic]:
    file = Place(file=observed.source)
    made: dict[Claim, _Use] = {
        (hosts.host_of(row), row.port): _Use(
            f"the coordinator (dbid {row.dbid})", None, file, server=True
        )
        for row in observed.segments
        if row.content < 0
    }
    primaries = (
        (
            (item.placed.primary_slot.host, item.placed.primary_slot.port),
            _Use(
                f"the primary of content {item.placed.content} (dbid {item.placed.primary.dbid})",
                None,
                file,
                server=True,
            ),
        )
        for item in planned
    )
    computed = (use for item in planned for use in _computed_uses(spec, item))
    found = [*contested(chain(made.items(), primaries, computed))]
    bases = free_bases(observed, spec.pins) if found else None
    written = None if bases is None or bases == spec.ports else ports_line(bases)
    for key, first, use in found:
        yield _port_clash(key, first, use, written if use.place == ports_place(spec) else None)


def _computed_uses(spec: Spec, item: Planned) -> Iterator[tuple[Claim, _Use]]:
    placed, place = item.placed, _ports_place(spec, item)
    content, mirror, primary = placed.content, placed.mirror, placed.primary_slot
    if primary.replication_port is not None:
        what = f"the replication port of the primary of content {content}"
        kept = placed.primary.replication_port is not None
        figure = None if kept else item.primary_replication
        yield (primary.host, primary.replication_port), _Use(what, figure, place)
    what = f"the mirror of content {content}"
    yield (mirror.host, mirror.port), _Use(what, item.port, place)
    if mirror.replication_port is not None:
        what = f"the replication port of the mirror of content {content}"
        yield (mirror.host, mirror.replication_port), _Use(what, item.replication, place)


def _port_clash(key: Claim, first: _Use, use: _Use, bases: str | None) -> Diagnostic:
    host, port = key
    related = (Related(place=first.place, label=f"taken by {first.what}"),)
    return Diagnostic(
        code="GPM-P111",
        message=(f"port {port} on {host} is taken: {_told(use)} and {_told(first)} both need it"),
        place=use.place,
        hint=_way_out(key, first, use, bases),
        related=related if first.place != use.place else (),
    )


def _way_out(key: Claim, first: _Use, second: _Use, bases: str | None) -> str:
    """Only `replaces` brings two servers together that both keep their ports; `bases` are ready to paste."""
    host, port = key
    if first.server and second.server:
        return (
            f"primaries keep their ports: `replaces` needs a host with port {port} free, not {host}"
        )
    paste = "" if bases is None else f", write `{bases}`"
    return f"choose another offset or base{paste}, or pin the content to a free port"


def _told(use: _Use) -> str:
    return f"{use.what} ({use.figure.arithmetic()})" if use.figure else use.what


def _directory_clashes(
    observed: Observed, hosts: HostMap, blamed: Sequence[tuple[Placed, Place]]
) -> Iterator[Diagnostic]:
    file = Place(file=observed.source)
    made: dict[Claim, _Use] = {
        on_disk(hosts.host_of(row), row.directory): _Use(
            f"the coordinator (dbid {row.dbid})", None, file
        )
        for row in observed.segments
        if row.content < 0 and row.directory is not None
    }
    wanted = (
        (on_disk(slot.host, path), _Use(f"the {what} of content {placed.content}", None, place))
        for what in ("primary", "mirror")
        for placed, place in blamed
        for slot in (placed.mirror if what == "mirror" else placed.primary_slot,)
        for path in slot.directories
    )
    for key, first, use in contested(chain(made.items(), wanted)):
        yield _directory_clash(key, use, first)


def _with_directory_places(spec: Spec, planned: Iterable[Planned]) -> list[tuple[Placed, Place]]:
    """Each content with the line that its directory comes from: its pin's or the template's."""
    template = spec.place_of("mirrors", "directory")
    pins = ((item, item.pin) for item in planned)
    return [
        (item.placed, template if pin is None or pin.directory is None else pin.place)
        for item, pin in pins
    ]


def _directory_clash(key: Claim, use: _Use, first: _Use) -> Diagnostic:
    host, path = key
    return Diagnostic(
        code="GPM-P112",
        message=f"directory {path} on {host} is taken: {use.what} and {first.what} both need it",
        place=use.place,
        hint="choose other `roots` or another `directory` template, or pin the content elsewhere",
        related=(Related(place=first.place, label=f"taken by {first.what}"),),
    )


def _ephemeral(spec: Spec, planned: Iterable[Planned]) -> Iterator[Diagnostic]:
    found = [
        (figure.value, host)
        for item in planned
        for _, host, figure in _figures(item)
        if figure.value in EPHEMERAL
    ]
    if not found:
        return
    hosts = Counter(host for _, host in found)
    ports = sorted({port for port, _ in found})
    span = f"{ports[0]}" if len(ports) == 1 else f"{ports[0]} to {ports[-1]}"
    yield Diagnostic(
        code="GPM-P202",
        severity=Severity.WARNING,
        message=(
            f"{len(found)} port{'s' * (len(found) != 1)} to be used on {len(hosts)} "
            f"host{'s' * (len(hosts) != 1)} ({span}) lie{'s' * (len(found) == 1)} in the usual "
            f"ephemeral range {EPHEMERAL.start}-{EPHEMERAL.stop - 1}: an outgoing connection may hold "
            "one when the mirror starts"
        ),
        place=ports_place(spec),
        hint="reserve them on the hosts (sysctl net.ipv4.ip_local_reserved_ports), or choose ports "
        f"below {EPHEMERAL.start}",
    )


def _kept_replication(spec: Spec, planned: Sequence[Planned]) -> Iterator[Diagnostic]:
    kept = [
        item
        for item in planned
        if item.primary_replication is not None
        and item.placed.primary.replication_port is not None
        and item.placed.primary.replication_port != item.primary_replication.value
    ]
    if not kept:
        return
    first = kept[0]
    assert first.primary_replication is not None  # noqa: S101 - filtered above
    bases = _fitting_bases(planned)
    told = f"bases that fit: `{ports_line(bases)}`" if bases else "they stay as they are"
    yield Diagnostic(
        code="GPM-P203",
        severity=Severity.WARNING,
        message=(
            f"{len(kept)} primaries keep their observed replication ports: content "
            f"{first.placed.content} has {first.placed.primary.replication_port}, the spec computes "
            f"{first.primary_replication.arithmetic()}; {told}"
        ),
        place=ports_place(spec),
        hint="gpmirror never changes a primary's replication port"
        + (f": write `{ports_line(bases)}` to end this warning" if bases else ""),
    )


def _fitting_bases(planned: Sequence[Planned]) -> Bases | None:
    """The one set of bases that gives every copy the ports it has in this layout, if there is one."""
    lowest = min(item.placed.primary.port for item in planned)
    found: tuple[set[int], set[int], set[int]] = (set(), set(), set())
    for item in planned:
        mirror, figure = item.placed.mirror, item.primary_replication
        own, others = item.placed.primary_replication_port, mirror.replication_port
        if figure is None or own is None or others is None:
            return None
        found[0].add(mirror.port - (item.placed.primary.port - lowest))
        found[1].add(own - figure.index)
        found[2].add(others - figure.index)
    if any(len(one) != 1 or not 1 <= min(one) <= MAX_PORT for one in found):
        return None
    mirror_base, replication, mirrors = (one.pop() for one in found)
    return Bases(
        mirror_base=mirror_base, replication_base=replication, mirror_replication_base=mirrors
    )


# --- No copy is placed inside another's directory, nor around one: what is done to the outer directory
# happens to the inner one too. What stands so already is left in peace; only new places are judged.


Spot = tuple[str, str]
"""(host, directory)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Occupant:
    """Who has a directory, or is to have it; `place` None: it stands there now."""

    what: str
    place: Place | None


def nested_directories(
    observed: Observed, hosts: HostMap, contents: Iterable[tuple[Placed, Place]]
) -> Iterator[Diagnostic]:
    """Every new directory (GPM-P113) that lies in another copy's, or holds one; each placed content
    comes with the place to blame.
    """
    uses = _uses(observed, hosts, contents)
    for (host, path), inner in sorted(uses.items()):
        for above in ancestors(path):
            outer = uses.get((host, above))
            if outer is not None and (inner.place is not None or outer.place is not None):
                yield _nested(host, (path, inner), (above, outer))


def _uses(
    observed: Observed, hosts: HostMap, contents: Iterable[tuple[Placed, Place]]
) -> Mapping[Spot, _Occupant]:
    """What stands now, wherever it is to go: old directories stay when a copy leaves them."""
    uses: dict[Spot, _Occupant] = {}
    for row in observed.segments:
        of = f"a copy of content {row.content}" if row.content >= 0 else "the coordinator"
        what = f"{of} (dbid {row.dbid}) stands there"
        for path in row.directories:
            uses[hosts.host_of(row), normal(path)] = _Occupant(what=what, place=None)
    for placed, place in contents:
        wanted = ((placed.primary_slot, "primary"), (placed.mirror, "mirror"))
        for slot, kind in wanted:
            what = f"the {kind} of content {placed.content} is to stand there"
            for path in slot.directories:
                uses.setdefault((slot.host, normal(path)), _Occupant(what=what, place=place))
    return uses


def _nested(host: str, inner: tuple[str, _Occupant], outer: tuple[str, _Occupant]) -> Diagnostic:
    place = inner[1].place or outer[1].place
    assert place is not None  # noqa: S101 - one of them is new
    second = outer[1].place
    return Diagnostic(
        code="GPM-P113",
        message=(
            f"directory {inner[0]} on {host} lies inside {outer[0]}: {inner[1].what}, and "
            f"{outer[1].what}; whoever clears the outer one away destroys the inner one"
        ),
        place=place,
        hint="choose other `roots` or another `directory` template, or pin the content elsewhere",
        related=(Related(place=second, label=outer[1].what),)
        if second is not None and second != place
        else (),
    )
