"""The observed cluster as planning needs it: current copies by content, and who holds what."""

from collections import Counter
from collections.abc import Iterable, Mapping

from gpmirror.model.claims import Claim, claims
from gpmirror.model.content import Content, contents_of, slot_of
from gpmirror.model.layout import Layout
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Slot
from gpmirror.placement.model import Desired
from gpmirror.spec.model import Site
from gpmirror.values import dataclass

Key = Claim
"""(host, port) or (host, directory)."""


def keys_of(slot: Slot) -> tuple[Key, ...]:
    """Everything a slot occupies on its host."""
    return claims(slot.host, slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All contents with their current copies, and the slots that never move."""

    contents: Mapping[int, Content]
    fixed: Mapping[Key, str]
    hostnames: Mapping[str, str]

    def idle_slots(self) -> dict[int, Slot]:
        """Current slots of all copies that are not acting primaries, by content."""
        return {c.number: c.idle.slot for c in self.contents.values() if c.idle is not None}

    def idle_hostname(self, content: int) -> str | None:
        """The hostname that the catalog has for a content's other copy, if it has one."""
        idle = self.contents[content].idle
        return None if idle is None else idle.row.hostname

    def hostname_of(self, host: str) -> str:
        """The hostname that the catalog uses for a host, else the host's name."""
        return self.hostnames.get(host, host)


def read_state(observed: Observed, desired: Desired) -> State:
    """The state of the observed cluster, in terms of spec hosts."""
    contents = contents_of(observed, desired.hosts.host_of)
    fixed: dict[Key, str] = {}
    for row in observed.segments:
        if row.content < 0:
            for key in keys_of(slot_of(row, desired.hosts.host_of(row))):
                fixed[key] = f"the coordinator or its standby (dbid {row.dbid})"
    for content in contents.values():
        for key in keys_of(content.acting.slot):
            fixed[key] = f"the acting primary of content {content.number}"
    return State(contents=contents, fixed=fixed, hostnames=_hostnames(observed, desired))


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


def layout(site: Site, contents: Iterable[Content]) -> Layout:
    """Who holds which copy by preferred role, as far as it lives, with the spec's hosts and racks."""
    return Layout(
        pairs=tuple(sorted((one.live for one in contents), key=lambda pair: pair.content)),
        hosts=tuple(host.name for host in site.hosts),
        racks={host.name: host.rack for host in site.hosts if host.rack is not None},
    )
