"""Sizes for a plan that needs them: what is copied, for how long, and the largest first."""

from collections.abc import Callable
from dataclasses import replace

from gpmirror.boundary import Catalog
from gpmirror.cluster.observed import Observed
from gpmirror.plan.model import Plan


def measured(
    plan: Plan, observed: Observed, catalog: Catalog, plan_again: Callable[[Observed], Plan]
) -> Plan:
    """The plan made again with sizes, if it copies something whole whose size it does not know."""
    if plan.exposure.bytes is not None:
        return plan
    return plan_again(with_sizes(observed, catalog))


def with_sizes(observed: Observed, catalog: Catalog) -> Observed:
    """The same with the bytes of every content; a note says why where they cannot be had."""
    found = catalog.sizes()
    notes = () if found.note is None else (found.note,)
    return replace(observed, sizes=found.by_content, notes=(*observed.notes, *notes))
