"""From a plan and the catalog to the questions for every host."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from gpmirror.model.names import natural
from gpmirror.model.observed import Observed
from gpmirror.model.segment import COORDINATOR_CONTENT, Segment, Slot
from gpmirror.native.commands import settings_in
from gpmirror.native.pipe import hostnames_in
from gpmirror.native.process import environment_text
from gpmirror.plan.model import Action, Change, Method, Plan, Step, Wave
from gpmirror.preflight.facts import Beside, Binding, Landing, Questions, SourceDirectory, Told
from gpmirror.values import dataclass

_MOST_NAMES = 64
"""Up to so many names every host resolves all; beyond, those of the copies it has to do with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """The plan and the catalog, looked up by host."""

    plan: Plan
    observed: Observed
    coordinator: str | None
    changes: Mapping[int, Change]
    steps: tuple[tuple[Wave, Step], ...]
    arriving: Mapping[str, list[tuple[Wave, Step]]]
    leaving: Mapping[str, list[Step]]
    rows: Mapping[str, list[Segment]]
    names: Mapping[str, str]
    peers: Mapping[str, set[str]]
    addresses: Mapping[str, tuple[str, ...]]
    primaries: Mapping[int, Slot]


def questions(plan: Plan, observed: Observed) -> dict[str, Questions]:
    """The questions by host: the coordinator's first, then in the order of the spec."""
    ground = _ground(plan, observed)
    touched = _touched(ground)
    left = set(ground.leaving) - set(touched)
    ranked = {host.name: rank for rank, host in enumerate(plan.desired.hosts)}
    order = sorted({*touched, *left}, key=lambda host: (ranked.get(host, -1), natural(host)))
    first = ground.coordinator
    hosts = [host for host in order if host == first] + [host for host in order if host != first]
    return {host: _questions(ground, host, only_left=host in left) for host in hosts}


def coordinator_host(plan: Plan, observed: Observed) -> str | None:
    """The coordinator's host as the spec names it, else its catalog hostname."""
    row = observed.coordinator
    return plan.settings.coordinator.host if row is None else host_of(plan, row)


def host_of(plan: Plan, row: Segment) -> str:
    """The spec host that claims a catalog row, else the row's hostname."""
    claims = {
        name: host.name for host in plan.desired.hosts for name in (*host.addresses, host.name)
    }
    return claims.get(row.hostname) or claims.get(row.address) or row.hostname


def _ground(plan: Plan, observed: Observed) -> _Ground:
    claims = {
        name: host.name for host in plan.desired.hosts for name in (*host.addresses, host.name)
    }
    rows: dict[str, list[Segment]] = {}
    for row in observed.segments:
        host = claims.get(row.hostname) or claims.get(row.address) or row.hostname
        rows.setdefault(host, []).append(row)
    steps = tuple((wave, step) for wave in plan.waves for step in wave.steps)
    arriving: dict[str, list[tuple[Wave, Step]]] = {}
    leaving: dict[str, list[Step]] = {}
    peers: dict[str, set[str]] = {}
    changes = {change.content: change for change in plan.changes}
    for wave, step in steps:
        primary = changes[step.content].primary
        if step.to is not None:
            arriving.setdefault(step.to.host, []).append((wave, step))
            for host in (pair := {primary, step.to.host}):
                peers.setdefault(host, set()).update(pair)
        if step.from_ is not None:
            leaving.setdefault(step.from_.host, []).append(step)
    return _Ground(
        plan=plan,
        observed=observed,
        coordinator=coordinator_host(plan, observed),
        changes=changes,
        steps=steps,
        arriving=arriving,
        leaving=leaving,
        rows=rows,
        names=_all_names(steps, rows, claims),
        peers=peers,
        addresses={host.name: host.addresses for host in plan.desired.hosts},
        primaries={one.content: one.primary for one in plan.desired.contents},
    )


def _all_names(
    steps: Iterable[tuple[Wave, Step]],
    rows: Mapping[str, list[Segment]],
    claims: Mapping[str, str],
) -> dict[str, str]:
    """Every name that the copies of the plan meet under, and its host: new addresses; the acting
    primaries' hostnames (a base backup connects to those) and addresses.
    """
    contents = {step.content for _, step in steps}
    found = {
        name: host
        for host, mine in rows.items()
        for row in mine
        if row.content in contents and row.is_acting_primary
        for name in (row.hostname, row.address)
    }
    found |= {step.to.address: step.to.host for _, step in steps if step.to is not None}
    return {name: claims.get(name, host) for name, host in sorted(found.items())}


def _touched(ground: _Ground) -> list[str]:
    """The coordinator's host, the acting primaries' and the new slots'."""
    hosts = [ground.coordinator]
    hosts += [ground.changes[s.content].primary for _, s in ground.steps]
    hosts += [step.to.host for _, step in ground.steps if step.to is not None]
    return [host for host in dict.fromkeys(hosts) if host]


def _questions(ground: _Ground, host: str, *, only_left: bool) -> Questions:
    rows = ground.rows.get(host, ())
    sources = () if only_left else tuple(_sources(ground, rows))
    row = ground.observed.coordinator
    here = row is not None and ground.coordinator == host
    names = {} if only_left else _names(ground, host, here=here)
    landings = tuple(_landings(ground, host, rows))
    return Questions(
        host=host,
        only_left=only_left,
        landings=landings,
        bindings=(*_bindings(ground, host, rows), *_primary_bindings(ground, rows)),
        sources=sources,
        names=names,
        coordinator=row.directory if row is not None and here else None,
        measured=_measured(sources, landings),
        own_names=() if only_left else _own_names(ground, host, names),
        told=(told := _told(ground.plan) if here else ()),
        environment=environment_text(ground.observed.dialect, row) if told and row else "",
        pairs=tuple(_beside(ground.plan)) if here else (),
    )


def _beside(plan: Plan) -> Iterator[Beside]:
    """The file's own lines count, whatever was known of names when they were written."""
    for wave in plan.waves:
        if wave.action not in {Action.MOVE, Action.RECOVER}:
            continue
        contents = {(s.to.address, s.to.port): s.content for s in wave.steps if s.to is not None}
        for native in wave.native:
            for hostname, address, port in hostnames_in(native.file_text or ""):
                if (content := contents.get((address, port))) is not None:
                    yield Beside(content=content, hostname=hostname, address=address)


def _told(plan: Plan) -> tuple[Told, ...]:
    """The plan's own command lines count, whatever the defaults are by now."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for wave in plan.waves:
        for native in wave.native:
            found.setdefault(native.utility, {}).update(dict.fromkeys(settings_in(native.argv)))
    return tuple(
        Told(utility=utility, options=tuple(options))
        for utility, options in sorted(found.items())
        if options
    )


def _measured(sources: Iterable[SourceDirectory], landings: Iterable[Landing]) -> tuple[str, ...]:
    copied = [source for source in sources if source.copied]
    paths = [path for one in copied for path in (one.path, *(own for _, own in one.filespaces))]
    paths += [one.path for one in landings if one.keeps and one.is_copied]
    return tuple(dict.fromkeys(paths))


def _landings(ground: _Ground, host: str, rows: Iterable[Segment]) -> Iterator[Landing]:
    """Held directories of the copies that the plan treats count as freed, others never do."""
    held = {
        path: row.content
        for row in rows
        if row.content in ground.changes and not row.is_acting_primary
        for path in row.directories
    }
    dbids = {row.content: row.dbid for row in rows if not row.is_acting_primary}
    left = {
        (step.content, path)
        for step in ground.leaving.get(host, ())
        if step.from_ is not None
        for path in step.from_.directories
    }
    for wave, step in ground.arriving.get(host, ()):
        if step.to is None:
            continue
        filespaces = {path: name for name, path in step.to.filespaces}
        for path in step.to.directories:
            holder = held.get(path)
            yield Landing(
                content=step.content,
                dbid=dbids.get(step.content),
                path=path,
                main=path == step.to.directory,
                keeps=holder == step.content and (step.content, path) in left,
                freed=holder is not None and (holder, path) in left,
                action=wave.action,
                method=ground.changes[step.content].method,
                filespace=None if path == step.to.directory else filespaces.get(path),
            )


def _bindings(ground: _Ground, host: str, rows: Iterable[Segment]) -> Iterator[Binding]:
    held = {
        port
        for row in rows
        if row.content in ground.changes and not row.is_acting_primary
        for port in (row.port, row.replication_port)
    }
    left = {
        port
        for step in ground.leaving.get(host, ())
        if step.from_ is not None
        for port in step.from_.ports
    }
    for _, step in ground.arriving.get(host, ()):
        if step.to is not None:
            for port in step.to.ports:
                yield Binding(
                    content=step.content,
                    address=step.to.address,
                    port=port,
                    held=port in held & left,
                    new=step.to != step.from_,
                )


def _primary_bindings(ground: _Ground, rows: Iterable[Segment]) -> Iterator[Binding]:
    """The replication ports that an `add` gives the primaries before 6."""
    for row in rows:
        change = ground.changes.get(row.content)
        if change is not None and change.action is Action.ADD and row.is_acting_primary:
            port = ground.primaries[row.content].replication_port
            if port is not None and port != row.replication_port:
                yield Binding(
                    content=row.content, address=row.address, port=port, held=False, new=True
                )


def _sources(ground: _Ground, rows: Iterable[Segment]) -> Iterator[SourceDirectory]:
    """Acting primaries of the plan's contents on a host; where it has none, one other, which tells
    whose directories they are and what software runs; and the coordinator.
    """
    mine = [row for row in rows if row.is_acting_primary and row.is_up and row.directory]
    touched = [row for row in mine if row.content in ground.changes]
    others = [row for row in mine if row.content >= 0]
    coordinators = [row for row in mine if row.content == COORDINATOR_CONTENT]
    for row in [*coordinators, *(touched or others[:1])]:
        yield SourceDirectory(
            content=row.content,
            dbid=row.dbid,
            path=row.directory or "",
            copied=row.content in ground.changes and _copies_all(ground, row.content),
            compared=row.content in ground.changes
            and ground.changes[row.content].action is Action.RECOVER,
            filespaces=row.filespaces,
        )


def _copies_all(ground: _Ground, content: int) -> bool:
    change = ground.changes[content]
    if change.action in {Action.ADD, Action.MOVE}:
        return True
    return change.action is Action.RECOVER and change.method is Method.FULL


def _own_names(ground: _Ground, host: str, asked: Collection[str]) -> tuple[str, ...]:
    """The names and addresses that the spec gives a host on which something is to listen."""
    if host not in ground.arriving:
        return ()
    mine = (host, *ground.addresses.get(host, ()))
    return tuple(name for name in dict.fromkeys(mine) if name not in asked)


def _names(ground: _Ground, host: str, *, here: bool) -> dict[str, str]:
    """All names on the coordinator's host and in small clusters, else those of its peers."""
    if here or len(ground.names) <= _MOST_NAMES:
        return dict(ground.names)
    peers = {host, *ground.peers.get(host, ())}
    return {name: owner for name, owner in ground.names.items() if owner in peers}
