"""May these hosts be stopped now: which contents would be lost and why, and who takes over."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.content import Content
from gpmirror.model.layout import Layout, Pair
from gpmirror.model.names import natural
from gpmirror.simulate.codes import AMBIGUOUS_HOST
from gpmirror.simulate.loss import Loss, lose, quoted, unknown_host
from gpmirror.values import dataclass


class WhyLost(StrEnum):
    """Why a content has no copy that can serve once the hosts are stopped."""

    BOTH_STOPPED = "both-stopped"
    """Both copies stand on the hosts."""
    OTHER_DOWN = "other-down"
    """The copy on the hosts is the only one that lives."""
    NOT_IN_SYNC = "not-in-sync"
    """The other copy lives and cannot take over yet."""
    NO_MIRROR = "no-mirror"
    """The catalog has no other copy."""
    NO_COPY = "no-copy"
    """No copy can serve now already, whatever is stopped."""

    @property
    def words(self) -> str:
        """For a sentence about one content or several."""
        return _WORDS[self]


_WORDS = {
    WhyLost.BOTH_STOPPED: "both copies stand on hosts to be stopped",
    WhyLost.OTHER_DOWN: "the other copy is down",
    WhyLost.NOT_IN_SYNC: "the other copy is not in sync yet",
    WhyLost.NO_MIRROR: "there is no other copy, the catalog has no mirror",
    WhyLost.NO_COPY: "already without a copy that can serve",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What stopping `hosts` (in ring order) together does now. `lost` by content; `single` are
    contents that are left with one copy that can serve; `loss` tells who takes over.
    """

    hosts: tuple[str, ...]
    lost: Mapping[int, WhyLost]
    single: tuple[int, ...]
    loss: Loss

    @property
    def is_ok(self) -> bool:
        """Whether every content keeps a copy that can serve."""
        return not self.lost

    def lost_by_reason(self) -> dict[WhyLost, list[int]]:
        """The lost contents by reason, in the order of the reasons."""
        found = {why: [one for one, said in self.lost.items() if said is why] for why in WhyLost}
        return {why: contents for why, contents in found.items() if contents}


def stop(contents: Iterable[Content], hosts: Collection[str], ring: Sequence[str]) -> Stop:
    """Judge it. A copy of `contents` `lives` if it can serve: an acting primary that is up, another
    copy that is in sync, or one that is left and can take over. `ring` are all hosts in their order.

    Raises InvalidInput (GPM-P901): a host that is none of them.
    """
    listed = tuple(contents)
    stopped = frozenset(hosts)
    loss = lose(Layout(pairs=tuple(map(_pair, listed)), hosts=tuple(ring)), stopped)
    left = {one.number: [h for h in one.live_hosts if h not in stopped] for one in listed}
    return Stop(
        hosts=loss.lost,
        lost={one.number: _why(one) for one in listed if not left[one.number]},
        single=tuple(number for number, hosts in left.items() if len(hosts) == 1),
        loss=loss,
    )


def _pair(content: Content) -> Pair:
    """Who serves now, or takes over where nobody does, and who would take over from it."""
    acting, idle = content.acting, content.idle
    match content.live_hosts:
        case ():
            return Pair(content.number, acting.host, None, lives=False)
        case (alone,):
            return Pair(content.number, alone, None)
        case _:
            return Pair(content.number, acting.host, None if idle is None else idle.host)


def _why(content: Content) -> WhyLost:
    acting, idle = content.acting, content.idle
    match content.live_hosts:
        case ():
            return WhyLost.NO_COPY
        case (_, _):
            return WhyLost.BOTH_STOPPED
        case _ if idle is None:
            return WhyLost.NO_MIRROR
        case _:
            other = idle if acting.lives else acting
            return WhyLost.NOT_IN_SYNC if other.row.is_up else WhyLost.OTHER_DOWN


def named_hosts(words: Sequence[str], known: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """The hosts that names, addresses and hostnames stand for, each once. `known` holds the hosts of
    each name; a name of several is refused, but for a host's own.

    Raises InvalidInput with every name that is none (GPM-P901) or belongs to several (GPM-P904).
    """
    found: dict[str, None] = {}
    problems: list[Diagnostic] = []
    own = sorted({host for hosts in known.values() for host in hosts}, key=natural)
    for word in dict.fromkeys(words):
        hosts = known.get(word, ())
        if word in hosts:
            found[word] = None
        elif len(hosts) == 1:
            found.update(dict.fromkeys(hosts))
        elif hosts:
            problems.append(_ambiguous(word, hosts))
        else:
            problems.append(unknown_host(word, own, prefix="", of="cluster"))
    if problems:
        raise InvalidInput(problems)
    return tuple(found)


def _ambiguous(word: str, hosts: Collection[str]) -> Diagnostic:
    named = " and ".join(sorted(hosts, key=natural))
    return Diagnostic(
        code=AMBIGUOUS_HOST,
        message=f"{quoted(word)} is an address of several hosts: {named}",
        hint="name the host that you mean",
    )
