"""The catalog and replication in one look, contradictions marked, and how old what it says may be."""

from dataclasses import replace
from typing import assert_never

from gpmirror.boundary import Catalog, Freshness
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import Replication
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, Overdue
from gpmirror.verify import disagreements


def observe(catalog: Catalog) -> Observed:
    """The live catalog for planning, looked at anew first: contents whose rows replication contradicts
    are marked, and before 6 those whose acting primary does not answer.

    Raises as the catalog does; CannotDispatch: from 6 on, a primary does not answer, so that nobody
    can tell who streams.
    """
    refused: CannotDispatch | None = None
    try:
        freshness = catalog.refresh()
    except CannotDispatch as error:
        freshness, refused = Freshness.NOT_ASKED, error
    observed = catalog.observe()
    told = knowledge_text(freshness, interval_of(catalog))
    if refused is not None:
        return replace(observed, disagreements=_silent(refused), knowledge=refused.message)
    streams = replication(catalog, observed)
    return replace(observed, disagreements=disagreements(observed, streams), knowledge=told)


def read_catalog_now(catalog: Catalog) -> tuple[str, Observed]:
    """How old the catalog's word may be, and the catalog alone, looked at anew first: a cluster that
    cannot answer as a whole tells it too. Raises as the catalog does.
    """
    try:
        freshness = catalog.refresh()
    except CannotDispatch as error:
        return error.message, catalog.observe()
    observed = catalog.observe()
    return knowledge_text(freshness, interval_of(catalog)), observed


def replication(
    catalog: Catalog, observed: Observed, *, probe: bool = True
) -> tuple[Replication, ...]:
    """Who streams; where there is no mirror, the primaries alone are asked. A segment that died a
    moment ago fails the question until the prober has seen it, so a probe is asked for (`probe`),
    and the question once more. Raises as the catalog does.
    """
    try:
        return _asked(catalog, observed)
    except (ConnectionLost, Overdue):
        raise
    except Failure:
        if not probe:
            raise
        catalog.request_probe()
        return _asked(catalog, observed)


def _asked(catalog: Catalog, observed: Observed) -> tuple[Replication, ...]:
    if any(mirror is not None for _, mirror in observed.pairs().values()):
        return catalog.replication()
    if observed.dialect.tells_replication:
        catalog.ask_primaries()
    return ()


def _silent(error: CannotDispatch) -> dict[int, str]:
    """Contents whose acting primary does not answer, for a plan. Raises it where it names none."""
    if not error.refused:
        raise error
    return {
        content: f"its acting primary does not answer at {place}: plan again in a minute, when the "
        "fault prober has looked and its mirror acts; else restart the cluster (`gpstop -r`), "
        "gprecoverseg needs a live primary"
        for content, place in error.refused.items()
    }


def interval_of(catalog: Catalog) -> float | None:
    """How often the prober looks; None where that cannot be told now."""
    try:
        return catalog.probe_seconds()
    except ConnectionLost:
        raise
    except Failure:
        return None


def knowledge_text(freshness: Freshness, interval: float | None) -> str:
    """How old what the catalog says may be; `interval`: how often the fault prober looks by itself."""
    old = "its word may be old" if interval is None else f"its word may be {interval:.0f} s old"
    prober = f"up and down are as the fault prober last saw them, {old}"
    match freshness:
        case Freshness.PROBED:
            return "up to date (the fault prober was asked first)"
        case Freshness.PROBING:
            return f"a fault probe was asked for and has not ended yet: {prober}, or more"
        case Freshness.REFUSED:
            return f"no fault probe could be asked for (this user may not, or it failed): {prober}"
        case Freshness.PRIMARIES:
            mirrors = f"mirrors are as the fault prober last saw them, {old}, or more where a host"
            return f"every acting primary answered just now; {mirrors} is silent"
        case Freshness.LATE:
            return f"not every acting primary answered in time: {prober}, or more"
        case Freshness.NOT_ASKED:
            return f"nobody was asked to look: {prober}"
        case _:
            assert_never(freshness)
