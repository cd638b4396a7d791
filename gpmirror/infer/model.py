"""What inference works with: facts of an observed cluster, and its result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.plan.model import Plan
from gpmirror.spec.model import Bases, Host, Offset, Spec, Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """A spec as text and as value. `plan` is the plan from the same observed cluster, the proof;
    None where the source has no primaries to plan for. `remarks` are sentences for the user.
    """

    text: str
    spec: Spec
    strategy: Strategy
    pins: int
    remarks: tuple[str, ...]
    plan: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An observed cluster by spec host.

    `hosts` are by name, without roots, in content order; `primaries` are a host's preferred
    primaries by port, then content, `position` an index among them by content id;
    `mirrors` are a host's preferred mirrors by port. `home` is the
    host of each content's primary, `target` that of its mirror, for mirrored contents.
    """

    observed: Observed
    prefix: str
    hosts: Mapping[str, Host]
    primaries: Mapping[str, Sequence[Segment]]
    position: Mapping[int, int]
    mirrors: Mapping[str, Sequence[Segment]]
    home: Mapping[int, str]
    target: Mapping[int, str]
    remarks: tuple[str, ...]

    def host_of(self, row: Segment) -> str:
        """The host that a content's row stands on."""
        return (self.home if row.is_preferred_primary else self.target)[row.content]

    @property
    def same_host(self) -> bool:
        """Whether some mirror stands beside its primary."""
        return any(self.home[content] == host for content, host in self.target.items())

    @property
    def lowest(self) -> int:
        """The cluster's lowest preferred-primary port."""
        return min(rows[0].port for rows in self.primaries.values())

    def base(self, host: str) -> int:
        """The port that a host's mirror ports count from."""
        rows = self.primaries.get(host)
        return rows[0].port if rows else self.lowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A ring of hosts and a strategy. `off` are the contents whose mirrors are elsewhere; hosts in
    `drained` take no mirrors.
    """

    ring: tuple[str, ...]
    strategy: Strategy
    block_size: int | None
    drained: frozenset[str]
    off: frozenset[int]


PortRule = Offset | Bases
"""How mirror ports are counted."""
