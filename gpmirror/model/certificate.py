"""What proves that a layout of strategy balanced is the best possible: values, prices, bounds.

The claims rest on weak duality: any prices give a true lower bound, so whoever reads a plan need not
trust whoever found them. All numbers are whole (some beyond 2^53).

**The figures.** A content i has its primary on p(i) (the plan's `desired`, preferred role), its mirror
in the desired layout on h(i), and o(i), the host that its mirror row of the catalog belongs to: the
host of the plan whose name or one of whose addresses is the row's hostname, else the row's address,
else the one that `replaces` it; none where it has no row or the row belongs to no host of the plan.
N contents; of all N x weight / (sum of weights) is a host's exact share, lo its floor and hi its
ceiling (both the share where it is whole; 0 at weight 0). own(h) = contents with p(i) = h.

**Where a content may go**, A(i): its host alone where `fixed` names the content. Else the hosts of
weight > 0 other than p(i); where the policy wants any rack survived and the hosts name two racks,
none of p(i)'s rack; where a host is protected and not lifted by the plan (`--unprotect`), that host
for the contents with o(i) = it alone, and for those without a mirror row. Is no host left and the
spec accepts mirrors beside their primaries: p(i), where its weight is > 0.

**Costs.** c(i, h) = `same_rack` of the weights where two racks exist and h stands in p(i)'s rack, +
size(i) where o(i) exists and h is another host. size(i) is 1 for moves, and for bytes the catalog's
size x (N + 1) + 1, so that fewer moves decide among equal bytes. Every host costs
`outside` x (max(0, m - hi) + max(0, lo - m)) for its m mirrors. The weights are so large that the sum
is lexicographic: `outside` > all sizes together, `same_rack` > `outside` x 2N, `unplaced` >
`same_rack` x N. The sum over the desired layout is `cost`; `levels` tell it by parts.

**Loads.** Losing host p, another host h has own(h) + g primaries, g the mirrors of p's contents on h: a load
of (own(h) + g) / own(h), or g x (hosts with primaries) / N where own(h) = 0. Losing rack r, g are the
mirrors on h of the contents with their primaries in r; h stands outside r. Only g >= 1 counts.

**Bounds.** Each of `bounds` is about the layouts in which these numbers g keep limits: under the
policy's `max_load_factor` (as a float division, as the policy is judged) always; load of a host lost
at most `host_at_most`; below `host_below`; load of a rack lost below `rack_below` (None: no such
limit). k(p, h) and k(r, h) are the greatest g that keep them (None keeps all). Where k is 0, h is not
in A(i). Prices that are not listed are 0; those of `pairs` and `racks` are not negative, that of a
host lies between -`outside` (0 where lo = 0) and `outside`. A content without a place costs
`unplaced`, and its move all the same. Such a layout costs at least

    sum over i of min(`unplaced` + size(i) where o(i) exists,
                      min over h in A(i) of c(i, h) + y(h) + w(p(i), h) + z(rack of p(i), h))
    - sum over h of (y(h) x hi if y(h) >= 0 else y(h) x lo)
    - sum over pairs of w(p, h) x k(p, h) - sum over racks of z(r, h) x k(r, h)

and `least` is this sum. A price of a pair or rack without a limit is no proof.

**Claims.** The first bound has no limit but the policy's, and `least` = `cost`: no layout costs less,
so each level is the least possible where those before it are. With `host_load` there is a bound with
`host_below` = that load and `least` > `cost`: no layout of this cost has a lower worst load. With
`rack_load` there is one with `host_at_most` = `host_load`, `rack_below` = `rack_load`, `least` >
`cost`.
"""

from typing import Literal

from gpmirror.values import dataclass

Ratio = tuple[int, int]
"""Numerator and denominator, in lowest terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedMirror:
    """A content whose mirror has one host to go to: by a pin, or since `protect` forbids it to leave
    the host where it is. `source` is `file:line` of the spec.
    """

    content: int
    host: str
    rule: Literal["pin", "protect"]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CostWeights:
    """What one mirror costs that is not placed, that stands in its primary's rack, that a host has
    beyond or lacks to the band of its share.
    """

    unplaced: int
    same_rack: int
    outside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The desired layout by level, the first first: mirrors in their primary's rack; mirrors outside
    the hosts' bands; bytes to copy (None: moves are counted); mirrors that change their host; the
    worst load after the loss of any host, then of any rack (None: no such loss
    moves a primary, or there are no two racks).
    """

    same_rack: int
    outside: int
    bytes: int | None
    moves: int
    host_load: Ratio | None
    rack_load: Ratio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPrice:
    """y(h): what a mirror on this host costs more."""

    host: str
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPrice:
    """w(p, h): what a mirror of this primary host costs more on this host."""

    primary: str
    host: str
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RackPrice:
    """z(r, h): what a mirror of a primary in this rack costs more on this host."""

    rack: str
    host: str
    price: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastCost:
    """A lower bound of the cost of every layout that keeps the limits, with the prices that prove it."""

    host_at_most: Ratio | None
    host_below: Ratio | None
    rack_below: Ratio | None
    hosts: tuple[HostPrice, ...]
    pairs: tuple[PairPrice, ...]
    racks: tuple[RackPrice, ...]
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The proof of a balanced layout; what it says and how it is checked stands at the top of its
    module. `cost` is the desired layout's.
    """

    minimise: Literal["moves", "bytes"]
    weights: CostWeights
    levels: Levels
    cost: int
    fixed: tuple[FixedMirror, ...]
    bounds: tuple[LeastCost, ...]
