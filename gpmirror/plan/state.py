"""The observed cluster as planning needs it: current copies by content, and who holds what."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.cluster.layout import Layout, Pair, live_pair
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment, Slot
from gpmirror.placement import Desired
from gpmirror.plan.classify import slot_of
from gpmirror.plan.occupancy import Key, keys_of
from gpmirror.spec.model import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentCopies:
    """A content's copies now: the acting primary, the other row if any, and which of them live.

    `idle_hostname` is the other row's hostname in the catalog.
    """

    content: int
    acting: Slot
    idle: Slot | None
    preferred_primary: str
    preferred_mirror: str | None
    acting_up: bool
    idle_up: bool
    switched: bool
    idle_hostname: str | None

    @property
    def mirror_lives(self) -> bool:
        """Whether the copy that is the mirror by preferred role lives."""
        return self.acting_up if self.switched else self.idle_up

    @property
    def live(self) -> Pair:
        """Who holds its copies by preferred role, as far as they live."""
        return live_pair(
            self.content,
            self.preferred_primary,
            self.preferred_mirror,
            primary_up=self.idle_up if self.switched else self.acting_up,
            mirror_up=self.mirror_lives,
        )

    @property
    def live_hosts(self) -> tuple[str, ...]:
        """Hosts of the copies that live; none where both are down."""
        acting = (self.acting.host,) if self.acting_up else ()
        idle = (self.idle.host,) if self.idle is not None and self.idle_up else ()
        return acting + idle

    @property
    def is_single(self) -> bool:
        """Whether at most one copy lives."""
        return not (self.acting_up and self.idle_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All current copies by content id, and the slots that never move."""

    copies: Mapping[int, CurrentCopies]
    fixed: Mapping[Key, str]
    hostnames: Mapping[str, str]

    def idle_slots(self) -> dict[int, Slot]:
        """Current slots of all copies that are not acting primaries, by content."""
        return {c.content: c.idle for c in self.copies.values() if c.idle is not None}

    def hostname_of(self, host: str) -> str:
        """The hostname that the catalog uses for a host, else the host's name."""
        return self.hostnames.get(host, host)


def read_state(observed: Observed, desired: Desired) -> State:
    """The state of the observed cluster, in terms of spec hosts."""
    copies = {
        content: _copies(desired, primary, mirror)
        for content, (primary, mirror) in observed.pairs().items()
    }
    fixed: dict[Key, str] = {}
    for row in observed.segments:
        if row.content < 0:
            for key in keys_of(slot_of(desired, row)):
                fixed[key] = f"the coordinator or its standby (dbid {row.dbid})"
    for copy in copies.values():
        for key in keys_of(copy.acting):
            fixed[key] = f"the acting primary of content {copy.content}"
    return State(copies=copies, fixed=fixed, hostnames=_hostnames(observed, desired))


def _copies(desired: Desired, primary: Segment, mirror: Segment | None) -> CurrentCopies:
    acting, idle = primary, mirror
    if mirror is not None and mirror.is_acting_primary:
        acting, idle = mirror, primary
    return CurrentCopies(
        content=primary.content,
        acting=slot_of(desired, acting),
        idle=None if idle is None else slot_of(desired, idle),
        preferred_primary=desired.hosts.host_of(primary),
        preferred_mirror=None if mirror is None else desired.hosts.host_of(mirror),
        acting_up=acting.is_up,
        idle_up=idle is not None and idle.is_up,
        switched=acting.is_switched,
        idle_hostname=None if idle is None else idle.hostname,
    )


def _hostnames(observed: Observed, desired: Desired) -> dict[str, str]:
    """The hostname that the catalog has for each host: that of its primaries by preference, because
    an earlier `-i` file may have made addresses the hostnames of any number of mirrors; else the
    host's own name, if a row has it; else the commonest. Ties go to the first by name.
    """
    seen: dict[str, Counter[str]] = {}
    settled: dict[str, Counter[str]] = {}
    for row in observed.segments:
        host = desired.hosts.host_of(row)
        seen.setdefault(host, Counter())[row.hostname] += 1
        settled.setdefault(host, Counter())[row.hostname] += row.is_preferred_primary
    return {
        host: min(names, key=lambda name: (-settled[host][name], name != host, -names[name], name))
        for host, names in seen.items()
    }


def current_layout(spec: Spec, state: State) -> Layout:
    """Who holds which copy now by preferred role; a copy that is down does not count."""
    return layout(spec, [copy.live for copy in state.copies.values()])


def layout(spec: Spec, pairs: list[Pair]) -> Layout:
    """Pairs with the spec's hosts and racks."""
    return Layout(
        pairs=tuple(sorted(pairs, key=lambda pair: pair.content)),
        hosts=tuple(host.name for host in spec.hosts),
        racks={host.name: host.rack for host in spec.hosts if host.rack is not None},
    )
