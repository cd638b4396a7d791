"""Looking at a live cluster's copies, once or again and again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpmirror.boundary import Catalog, Clock, Freshness
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, InvalidInput
from gpmirror.infer.facts import check_segments, map_machines
from gpmirror.model.layout import Layout, Pair
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed, Replication
from gpmirror.model.segment import COORDINATOR_CONTENT, Segment
from gpmirror.placement.hosts import HostMap, map_hosts
from gpmirror.preflight.copies import is_sound
from gpmirror.preflight.model import Check
from gpmirror.run.look import interval_of, replication
from gpmirror.simulate.stopping import Maintenance, Stop, Unit, maintenance, named_hosts, stop
from gpmirror.spec.model import Site
from gpmirror.values import dataclass
from gpmirror.verify import (
    ContentHealth,
    CopyState,
    Health,
    judge_copies,
    resynchronising,
    serving,
    without,
)

PROBE_EVERY = 10.0
"""Seconds between two requests to the fault prober; by itself it looks once a minute."""

LIFE_EVERY = 60.0
"""Seconds between two questions to the hosts of mirrors that resynchronise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A cluster at one moment: what the catalog says, who streams, and what follows from both; how
    fresh that is, the fault prober looking every `interval` seconds by itself (None: not told).
    `trouble`: a primary does not answer, so that nobody can tell who streams.
    """

    observed: Observed
    replication: tuple[Replication, ...]
    health: Health
    freshness: Freshness = Freshness.NOT_ASKED
    interval: float | None = None
    trouble: CannotDispatch | None = None
    copies: tuple[Check, ...] | None = None
    """What the hosts say of every copy, where they were asked."""
    is_live: bool = True
    """Whether a server told it, not a saved catalog."""

    @property
    def is_sound(self) -> bool:
        """Whether every content is in sync, and that is known, and hosts that were asked agree."""
        return self.trouble is None and self.health.all_synced and is_sound(self.copies or ())


def read_status(catalog: Catalog, *, probe: bool = True) -> Reading:
    """One look, after the server was made to look (`probe`). A cluster that cannot answer as a whole
    still tells its catalog. Raises as the catalog does otherwise.
    """
    freshness, trouble = refreshed(catalog) if probe else (Freshness.NOT_ASKED, None)
    return _read(catalog, freshness, trouble, probe=probe)


def refreshed(catalog: Catalog) -> tuple[Freshness, CannotDispatch | None]:
    """How fresh the catalog is after the server was made to look; or who did not answer."""
    try:
        return catalog.refresh(), None
    except CannotDispatch as error:
        return Freshness.LATE, error


def _read(
    catalog: Catalog, freshness: Freshness, trouble: CannotDispatch | None, *, probe: bool
) -> Reading:
    observed = catalog.observe()
    streams: tuple[Replication, ...] | None = None
    if trouble is None:
        try:
            streams = replication(catalog, observed, probe=probe)
        except CannotDispatch as error:
            trouble = error
            observed = catalog.observe()  # the prober has looked again since
    return Reading(
        observed=observed,
        replication=streams or (),
        health=judge_copies(
            observed,
            streams,
            refused=trouble.refused if trouble else {},
            probed=freshness is Freshness.PROBED,
        ),
        freshness=freshness,
        interval=interval_of(catalog),
        trouble=trouble,
    )


def with_life(reading: Reading, lifeless: Mapping[int, str], notes: Sequence[str] = ()) -> Reading:
    """The same, knowing which mirrors that are called resynchronising are not there."""
    if not lifeless and not notes:
        return reading
    observed = replace(reading.observed, notes=(*reading.observed.notes, *notes))
    return replace(
        reading,
        observed=observed,
        health=judge_copies(
            observed,
            None if reading.trouble else reading.replication,
            refused=reading.trouble.refused if reading.trouble else {},
            probed=reading.freshness is Freshness.PROBED,
            lifeless=lifeless,
        ),
    )


Life = Callable[[Observed], tuple[Mapping[int, str], Sequence[str]]]
"""Asks hosts why nothing comes of mirrors, by content; with notes on hosts that do not answer."""


def readings(
    catalog: Catalog, clock: Clock, *, every: float, probe: bool = True
) -> Iterator[Reading | Failure]:
    """A look every `every` seconds, without end, fault probes asked for in between (`probe`).

    A look that fails is told, a lost connection made again; the consumer decides how long to bear with
    it.
    """
    probed: float | None = None
    connected = True
    freshness: Freshness = Freshness.NOT_ASKED
    trouble: CannotDispatch | None = None
    while True:
        now = clock.monotonic()
        due = probe and (probed is None or now - probed >= PROBE_EVERY)
        try:
            if not connected:
                catalog.reconnect()
                connected = True
            if due:
                probed = now
                freshness, trouble = refreshed(catalog)
            found: Reading | Failure = _read(catalog, freshness, trouble, probe=probe)
        except Failure as error:
            connected = not isinstance(error, ConnectionLost)
            found = error
        yield found
        clock.sleep(every)


def until_synced(
    catalog: Catalog,
    clock: Clock,
    *,
    seconds: float,
    every: float,
    probe: bool = True,
    life: Life | None = None,
) -> Iterator[Reading | Failure]:
    """The same until all contents are in sync or `seconds` have passed; the last reading is the
    verdict. Hosts of mirrors that resynchronise are asked (`life`) once a minute: where all that is
    waited for is not there, nothing comes by itself.
    """
    deadline = clock.monotonic() + seconds
    asked: float | None = None
    dead: tuple[Mapping[int, str], Sequence[str]] = ({}, ())
    for found in readings(catalog, clock, every=every, probe=probe):
        seen = found
        if isinstance(seen, Reading) and life is not None and resynchronising(seen.observed):
            if asked is None or clock.monotonic() - asked >= LIFE_EVERY:
                asked, dead = clock.monotonic(), life(seen.observed)
            seen = with_life(seen, *dead)
        yield seen
        over = isinstance(seen, Reading) and (seen.is_sound or _is_hopeless(seen, dead[0]))
        if over or clock.monotonic() >= deadline:
            return


def _is_hopeless(reading: Reading, lifeless: Mapping[int, str]) -> bool:
    loose = {one.content for one in reading.health.contents if one.state is not CopyState.SYNCED}
    return bool(loose) and loose <= lifeless.keys()


def hosts_down(reading: Reading) -> dict[str, int]:
    """Hosts of which every copy is down, with how many copies that are. A copy alone on its host tells
    nothing of the host, and where no host is left the cluster itself is down.
    """
    observed = without(reading.observed, reading.trouble.refused if reading.trouble else {})
    rows = [row for row in observed.segments if row.content >= 0]
    if all(row.is_up for row in rows):
        return {}
    host_of = _host_of(observed)
    copies: dict[str, list[bool]] = {}
    for row in rows:
        copies.setdefault(host_of(row), []).append(row.is_up)
    down = {host: len(ups) for host, ups in copies.items() if len(ups) > 1 and not any(ups)}
    return {} if len(down) == len(copies) else {h: down[h] for h in sorted(down, key=natural)}


def _host_of(observed: Observed) -> Callable[[Segment], str]:
    """The machine of a row; its hostname where the names in the catalog are such as no spec can carry."""
    try:
        return map_machines(observed).host_of
    except InvalidInput:
        return lambda row: row.hostname


# --- What may be stopped: the hosts of a command line now, the hosts of a layout in groups.


def saved_reading(observed: Observed) -> Reading:
    """A saved catalog as a reading: its rows alone tell, and nobody was asked."""
    return Reading(
        observed=observed, replication=(), health=judge_copies(observed, None), is_live=False
    )


COORDINATOR = "coordinator"
"""What `--allow` takes where the coordinator's host is to be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswer:
    """Whether hosts may be stopped now. `coordinator` and `standby` are (host, place), None where the
    catalog has no such row. `allowed`: the coordinator's host may be among them. `doubtful` are hosts
    that are to take over although other copies on them are down, with the contents of those.
    """

    reading: Reading
    stop: Stop
    coordinator: tuple[str, str] | None
    standby: tuple[str, str] | None
    allowed: bool
    doubtful: Mapping[str, tuple[int, ...]]

    @property
    def stops_coordinator(self) -> bool:
        """Whether the coordinator's host is among them."""
        return self.coordinator is not None and self.coordinator[0] in self.stop.hosts

    @property
    def stops_standby(self) -> bool:
        """Whether the standby's host is among them."""
        return self.standby is not None and self.standby[0] in self.stop.hosts

    @property
    def is_refused(self) -> bool:
        """Whether the coordinator's host is among them and nobody allowed it: no time mends that."""
        return self.stops_coordinator and not self.allowed

    @property
    def is_ok(self) -> bool:
        """The answer."""
        return self.stop.is_ok and not self.is_refused


def answer_stop(
    reading: Reading, spec: Site | None, words: Sequence[str], *, allowed: bool
) -> StopAnswer:
    """Whether the hosts that `words` name may be stopped together, judged on acting roles and on what
    is in sync. Raises InvalidInput: an unknown host (GPM-P901), or hosts that the spec does not fit.
    """
    observed = reading.observed
    hosts = _host_map(spec, observed)
    known = _names(spec, observed, hosts)
    trouble = reading.trouble
    contents = serving(
        observed,
        reading.health,
        hosts.host_of,
        refused=trouble.refused if trouble else {},
        streams_known=trouble is None,
    )
    stopped = stop(contents.values(), named_hosts(words, known), _ring(spec, observed, hosts))
    rows = [row for row in observed.segments if row.content == COORDINATOR_CONTENT]
    acting = next((row for row in rows if row.is_acting_primary), observed.coordinator)
    standby = next((row for row in rows if row is not acting), None)
    return StopAnswer(
        reading=reading,
        stop=stopped,
        coordinator=_where(acting, hosts),
        standby=_where(standby, hosts),
        allowed=allowed,
        doubtful=_doubtful(observed, stopped, hosts),
    )


def _doubtful(observed: Observed, stopped: Stop, hosts: HostMap) -> dict[str, tuple[int, ...]]:
    """A host that was cut off loses its primaries at once, and its mirrors go on as in sync until
    wal_sender_timeout has passed: 6.24.3 showed them streaming most of a minute, recorded.
    """
    down: dict[str, list[int]] = {}
    for row in observed.segments:
        if row.content >= 0 and not row.is_up and hosts.host_of(row) in stopped.loss.gains:
            down.setdefault(hosts.host_of(row), []).append(row.content)
    return {host: tuple(sorted(down[host])) for host in sorted(down, key=natural)}


def until_ok(
    catalog: Catalog,
    clock: Clock,
    answer: Callable[[Reading], StopAnswer],
    *,
    seconds: float,
    every: float,
) -> Iterator[StopAnswer | Failure]:
    """Answers until one is yes, or never will be, or `seconds` have passed; the last is the verdict."""
    deadline = clock.monotonic() + seconds
    for found in readings(catalog, clock, every=every):
        seen = found if isinstance(found, Failure) else answer(found)
        yield seen
        over = isinstance(seen, StopAnswer) and (seen.is_ok or seen.is_refused)
        if over or clock.monotonic() >= deadline:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Maintenance groups of a layout, with what is not so yet. `coordinator` is its host."""

    reading: Reading
    found: Maintenance
    coordinator: str | None
    standby: str | None

    @property
    def ailing(self) -> tuple[ContentHealth, ...]:
        """Contents that are not in sync now."""
        return tuple(
            one for one in self.reading.health.contents if one.state is not CopyState.SYNCED
        )

    @property
    def awaited(self) -> tuple[ContentHealth, ...]:
        """Contents that have two copies and must be in sync before any group is stopped."""
        if not self.found.groups:
            return ()
        return tuple(one for one in self.ailing if one.mirror is not None)


def maintenance_groups(reading: Reading, spec: Site | None, unit: Unit | None) -> Groups:
    """The fewest groups of hosts that may be down together, by the catalog's preferred roles, with
    the racks and the policy of the spec. Raises InvalidInput as `maintenance` and mapping hosts do.
    """
    observed = reading.observed
    hosts = _host_map(spec, observed)
    rows = [row for row in observed.segments if row.content == COORDINATOR_CONTENT]
    coordinator = next((hosts.host_of(row) for row in rows if row.is_acting_primary), None)
    standby = next((hosts.host_of(row) for row in rows if not row.is_acting_primary), None)
    segments = {hosts.host_of(row): None for row in observed.segments if row.content >= 0}
    ring = tuple(one.name for one in spec.hosts) if spec else tuple(hosts.hosts)
    layout = Layout(
        pairs=tuple(
            Pair(content, hosts.host_of(primary), None if mirror is None else hosts.host_of(mirror))
            for content, (primary, mirror) in sorted(observed.pairs().items())
        ),
        hosts=tuple(dict.fromkeys((*ring, *segments))),
        racks={} if spec is None else {h.name: h.rack for h in spec.hosts if h.rack is not None},
    )
    policy = None if spec is None else spec.policy
    return Groups(
        reading=reading,
        found=maintenance(
            layout,
            coordinator=coordinator,
            limit=None if policy is None else policy.max_load_factor,
            survives_racks=policy is not None and any(one.of == "rack" for one in policy.survive),
            unit=unit,
        ),
        coordinator=coordinator,
        standby=standby,
    )


def _host_map(spec: Site | None, observed: Observed) -> HostMap:
    check_segments(observed)
    return map_machines(observed) if spec is None else map_hosts(spec, observed)


def _names(spec: Site | None, observed: Observed, hosts: HostMap) -> dict[str, set[str]]:
    """Every name that a host has in the spec and in the catalog."""
    found: dict[str, set[str]] = {}
    for name, host in hosts.hosts.items():
        for word in (name, *(host.addresses if spec is not None else ())):
            found.setdefault(word, set()).add(name)
    for row in observed.segments:
        for word in (row.hostname, row.address, hosts.host_of(row)):
            found.setdefault(word, set()).add(hosts.host_of(row))
    return found


def _ring(spec: Site | None, observed: Observed, hosts: HostMap) -> tuple[str, ...]:
    """All hosts, in the order of the spec or of the catalog, then those that hold no segment."""
    listed = [one.name for one in spec.hosts] if spec is not None else list(hosts.hosts)
    return tuple(dict.fromkeys((*listed, *(hosts.host_of(row) for row in observed.segments))))


def _where(row: Segment | None, hosts: HostMap) -> tuple[str, str] | None:
    return None if row is None else (hosts.host_of(row), f"{row.hostname}:{row.port}")
