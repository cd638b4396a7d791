"""What each touched host is asked: the directories, ports, servers and names of a plan, by host."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import COORDINATOR_CONTENT, Segment, Slot
from gpmirror.plan.model import Action, Change, Method, Plan, Step, Wave

_MOST_NAMES = 64
"""Up to so many names every host resolves all; beyond, those of the copies it has to do with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A directory that a copy will take. `keeps`: it is that copy's directory already; `freed`: a
    copy that leaves in an earlier wave holds it now. `main`: the data directory, not a filespace.
    """

    content: int
    dbid: int | None
    path: str
    main: bool
    keeps: bool
    freed: bool
    action: Action
    method: Method | None

    @property
    def in_place(self) -> bool:
        """Whether a down copy is brought back where it is."""
        return self.keeps and self.action is Action.RECOVER

    @property
    def parent(self) -> str:
        """The directory above."""
        return self.path.rpartition("/")[0] or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A TCP port that a copy will listen on; `held`: one of the copies in question has it now."""

    content: int
    address: str
    port: int
    held: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An acting primary's directory; `copied`: the plan copies all of it. Content -1: the
    coordinator's own.
    """

    content: int
    dbid: int
    path: str
    copied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """All that one host is asked. `only_left`: copies go away from here and nothing else happens.
    `coordinator` is the coordinator's data directory on its own host, else None; `measured` are the
    directories whose size nobody told. `names` maps a name to the host it belongs to.
    """

    host: str
    only_left: bool
    landings: tuple[Landing, ...]
    bindings: tuple[Binding, ...]
    sources: tuple[Source, ...]
    names: Mapping[str, str]
    coordinator: str | None
    measured: tuple[str, ...]

    @property
    def parents(self) -> tuple[str, ...]:
        """The directories above all landings, each once, in plan order."""
        return tuple(dict.fromkeys(landing.parent for landing in self.landings))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """The plan and the catalog, looked up by host."""

    plan: Plan
    observed: Observed
    changes: Mapping[int, Change]
    steps: tuple[tuple[Wave, Step], ...]
    rows: Mapping[str, tuple[Segment, ...]]
    names: Mapping[str, str]


def questions(plan: Plan, observed: Observed) -> dict[str, Questions]:
    """The questions by host: the coordinator's first, then in the order of the spec."""
    ground = _ground(plan, observed)
    touched = _touched(ground)
    left = {step.from_.host for _, step in ground.steps if step.from_ is not None} - set(touched)
    ranked = {host.name: rank for rank, host in enumerate(plan.desired.hosts)}
    order = sorted({*touched, *left}, key=lambda host: (ranked.get(host, -1), host))
    first = coordinator_host(plan, observed)
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
    return _Ground(
        plan=plan,
        observed=observed,
        changes={change.content: change for change in plan.changes},
        steps=steps,
        rows={host: tuple(found) for host, found in rows.items()},
        names=_all_names(steps, rows, claims),
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
    hosts = [coordinator_host(ground.plan, ground.observed)]
    hosts += [ground.changes[s.content].primary for _, s in ground.steps]
    hosts += [step.to.host for _, step in ground.steps if step.to is not None]
    return [host for host in dict.fromkeys(hosts) if host]


def _questions(ground: _Ground, host: str, *, only_left: bool) -> Questions:
    rows = ground.rows.get(host, ())
    sources = () if only_left else tuple(_sources(ground, rows))
    row = ground.observed.coordinator
    here = row is not None and coordinator_host(ground.plan, ground.observed) == host
    return Questions(
        host=host,
        only_left=only_left,
        landings=tuple(_landings(ground, host, rows)),
        bindings=tuple(_bindings(ground, host, rows)),
        sources=sources,
        names={} if only_left else _names(ground, host, here=here),
        coordinator=row.directory if row is not None and here else None,
        measured=tuple(s.path for s in sources if s.copied and _unknown_size(ground, s.content)),
    )


def _unknown_size(ground: _Ground, content: int) -> bool:
    return ground.observed.sizes.get(content, ground.changes[content].size) is None


def _landings(ground: _Ground, host: str, rows: Iterable[Segment]) -> Iterator[Landing]:
    """Held directories of the copies that the plan treats count as freed, others never do."""
    held = {
        path: row.content
        for row in rows
        if row.content in ground.changes and not row.is_acting_primary
        for path in _directories(row)
    }
    dbids = {row.content: row.dbid for row in rows if not row.is_acting_primary}
    left = {
        (step.content, path)
        for _, step in ground.steps
        if step.from_ is not None and step.from_.host == host
        for path in step.from_.directories
    }
    for wave, step in ground.steps:
        if step.to is None or step.to.host != host:
            continue
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
        for _, step in ground.steps
        if step.from_ is not None and step.from_.host == host
        for port in step.from_.ports
    }
    for _, step in ground.steps:
        if step.to is not None and step.to.host == host:
            for port in step.to.ports:
                yield Binding(
                    content=step.content,
                    address=step.to.address,
                    port=port,
                    held=port in held & left,
                    new=step.to != step.from_,
                )


def _directories(row: Segment) -> tuple[str, ...]:
    own = () if row.directory is None else (row.directory,)
    return own + tuple(path for _, path in row.filespaces)


def _sources(ground: _Ground, rows: Iterable[Segment]) -> Iterator[Source]:
    """Acting primaries of the plan's contents on a host; where it has none, one other, which tells
    whose directories they are and what software runs; and the coordinator.
    """
    planned = {step.content for _, step in ground.steps}
    mine = [row for row in rows if row.is_acting_primary and row.is_up and row.directory]
    touched = [row for row in mine if row.content in planned]
    others = [row for row in mine if row.content >= 0]
    coordinators = [row for row in mine if row.content == COORDINATOR_CONTENT]
    for row in [*coordinators, *(touched or others[:1])]:
        yield Source(
            content=row.content,
            dbid=row.dbid,
            path=row.directory or "",
            copied=row.content in planned and _copies_all(ground, row.content),
        )


def _copies_all(ground: _Ground, content: int) -> bool:
    change = ground.changes[content]
    if change.action in {Action.ADD, Action.MOVE}:
        return True
    return change.action is Action.RECOVER and change.method is Method.FULL


def _names(ground: _Ground, host: str, *, here: bool) -> dict[str, str]:
    """All names on the coordinator's host and in small clusters, else those of its peers."""
    if here or len(ground.names) <= _MOST_NAMES:
        return dict(ground.names)
    peers = {host}
    for _, step in ground.steps:
        pair = {ground.changes[step.content].primary, *_hosts(step.to)}
        if host in pair:
            peers |= pair
    return {name: owner for name, owner in ground.names.items() if owner in peers}


def _hosts(slot: Slot | None) -> tuple[str, ...]:
    return () if slot is None else (slot.host,)
