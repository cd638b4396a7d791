"""A candidate spec: an arrangement and a port rule, with roots, and pins for what deviates."""

from collections.abc import Mapping
from dataclasses import replace

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Role, Segment
from gpmirror.diagnostics import Place
from gpmirror.errors import DiagnosedError
from gpmirror.infer.directories import root_of, template_of
from gpmirror.infer.model import Arrangement, Facts, PortRule
from gpmirror.infer.ports import floor
from gpmirror.infer.roots import Turn, roots_by_host
from gpmirror.placement import place
from gpmirror.placement.names import DirectoryTemplate
from gpmirror.spec.model import Host, Offset, Pin, Spec, Strategy

UNOBSERVED_ROOTS = ("/data/mirror",)
_NOWHERE = Place(file="")


def template(facts: Facts) -> DirectoryTemplate:
    """The directory template of the observed mirrors."""
    mirrors = [row for rows in facts.mirrors.values() for row in rows]
    known = [(row.directory, row.content) for row in mirrors if row.directory is not None]
    return template_of(known, facts.prefix)


def candidate(
    facts: Facts, arrangement: Arrangement, rule: PortRule, directory: DirectoryTemplate
) -> Spec:
    """The spec of this arrangement and rule; places in it are empty."""
    roots = _system_roots(facts, rule, directory)
    further = {
        name: _filespace_roots(facts, rule, directory, name) for name in facts.observed.filespaces
    }
    hosts = {name: _host(facts, arrangement, name, roots, further) for name in arrangement.ring}
    return Spec(
        cluster="imported",
        hosts=tuple(hosts.values()),
        strategy=arrangement.strategy,
        block_size=arrangement.block_size,
        ports=rule,
        directory=directory.text,
        pins=tuple(_pins(facts, arrangement, rule, directory, hosts)),
        allow_same_host=facts.same_host or len(hosts) == 1,
    )


def misfits(spec: Spec, facts: Facts) -> int:
    """How many mirrors the spec would put elsewhere if it had to place them all anew."""
    try:
        desired = place(spec, _bare(facts))
    except DiagnosedError:
        return len(facts.home) + 1
    pairs = facts.observed.pairs()
    wrong = 0
    for placed in desired.contents:
        primary, mirror = pairs[placed.content]
        if mirror is None:
            continue
        same = (
            placed.mirror.address == mirror.address
            and placed.mirror.port == mirror.port
            and mirror.directory in {None, placed.mirror.directory}
            and mirror.replication_port in {None, placed.mirror.replication_port}
            and primary.replication_port in {None, placed.primary_replication_port}
        )
        wrong += not same
    return wrong


def _bare(facts: Facts) -> Observed:
    """The observed cluster as if it had never been mirrored."""
    rows = facts.observed.segments
    kept = tuple(
        replace(row, replication_port=None) if row.content >= 0 else row
        for row in rows
        if row.content < 0 or row.preferred_role is Role.PRIMARY
    )
    return replace(facts.observed, segments=kept)


def _host(
    facts: Facts,
    arrangement: Arrangement,
    name: str,
    roots: Mapping[str, tuple[str, ...]],
    further: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Host:
    host = facts.hosts[name]
    if name in arrangement.drained:
        return replace(host, weight=0)
    return replace(
        host,
        roots=roots.get(name) or _any_roots(roots),
        filespace_roots=tuple(
            (filespace, found.get(name) or _any_roots(found))
            for filespace, found in sorted(further.items())
        ),
    )


def _any_roots(roots: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """For a host that shows none of its own: those of another host."""
    return next(iter(roots.values()), UNOBSERVED_ROOTS)


def _system_roots(
    facts: Facts, rule: PortRule, directory: DirectoryTemplate
) -> dict[str, tuple[str, ...]]:
    turns = {
        host: [
            (index, _root(directory, row.directory, row.content, host))
            for index, row in _turns(facts, rule, host)
            if row.directory is not None
        ]
        for host in facts.mirrors
    }
    return roots_by_host({host: found for host, found in turns.items() if found})


def _filespace_roots(
    facts: Facts, rule: PortRule, directory: DirectoryTemplate, filespace: str
) -> dict[str, tuple[str, ...]]:
    turns: dict[str, list[Turn]] = {}
    for host in facts.mirrors:
        for index, row in _turns(facts, rule, host):
            path = dict(row.filespaces).get(filespace)
            if path is not None:
                root = _root(directory, path, row.content, host)
                turns.setdefault(host, []).append((index, root))
    return roots_by_host(turns)


def _turns(facts: Facts, rule: PortRule, host: str) -> list[tuple[int, Segment]]:
    """A host's mirrors with the index that decides their root under the rule."""
    rows = facts.mirrors[host]
    if isinstance(rule, Offset):
        lowest = floor(facts, rule, host)
        return [(row.port - lowest, row) for row in rows]
    return sorted(((facts.position[row.content], row) for row in rows), key=lambda turn: turn[0])


def _root(directory: DirectoryTemplate, path: str, content: int, host: str) -> str:
    found = root_of(directory, path, content, host)
    return found or path.rpartition("/")[0] or path


def _pins(
    facts: Facts,
    arrangement: Arrangement,
    rule: PortRule,
    directory: DirectoryTemplate,
    hosts: Mapping[str, Host],
) -> list[Pin]:
    pins = []
    for content, (_, mirror) in sorted(facts.observed.pairs().items()):
        if mirror is None:
            if arrangement.strategy is Strategy.PINNED:
                pins.append(_elsewhere(facts, arrangement, content))
            continue
        pin = _pin(
            mirror,
            hosts[facts.target[content]],
            floor(facts, rule, facts.target[content]),
            directory,
        )
        if content in arrangement.off:
            pin = replace(pin, host=facts.target[content])
        if pin != Pin(content=content, place=_NOWHERE):
            pins.append(pin)
    return pins


def _elsewhere(facts: Facts, arrangement: Arrangement, content: int) -> Pin:
    """A content without a mirror row, under pinned: any host but its primary's that takes one."""
    open_ = [name for name in arrangement.ring if name not in arrangement.drained]
    other = next((name for name in open_ if name != facts.home[content]), open_[0])
    return Pin(content=content, host=other, place=_NOWHERE)


def _pin(mirror: Segment, host: Host, lowest: int, directory: DirectoryTemplate) -> Pin:
    """What must be said of a mirror so that it keeps its place on its host."""
    content, further = mirror.content, dict(host.filespace_roots)
    in_roots = directory.fits(mirror.directory, host.roots, content, host.name)
    filespaces_fit = all(
        directory.fits(path, further.get(name, ()), content, host.name)
        for name, path in mirror.filespaces
    )
    return Pin(
        content=content,
        port=mirror.port if mirror.port < lowest else None,
        directory=None if in_roots else mirror.directory,
        filespaces=() if filespaces_fit else mirror.filespaces,
        place=_NOWHERE,
    )
