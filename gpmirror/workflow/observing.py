"""The catalog and replication in one look, contradictions marked."""

from dataclasses import replace

from gpmirror.boundary import Catalog
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.replication import Replication
from gpmirror.errors import ConnectionLost, Failure, Overdue
from gpmirror.verify import disagreements


def observe(catalog: Catalog) -> Observed:
    """The live catalog for planning: contents whose rows replication contradicts are marked.

    Raises as the catalog does.
    """
    observed = catalog.observe()
    streams = replication(catalog, observed)
    return replace(observed, disagreements=disagreements(observed, streams))


def replication(catalog: Catalog, observed: Observed) -> tuple[Replication, ...]:
    """Who streams; where there is no mirror, nobody is asked. A segment that died a moment ago fails
    the question until the prober has seen it, so a probe is asked for, and the question once more.
    Raises as the catalog does.
    """
    if all(mirror is None for _, mirror in observed.pairs().values()):
        return ()
    try:
        return catalog.replication()
    except (ConnectionLost, Overdue):
        raise
    except Failure:
        catalog.request_probe()
        return catalog.replication()
