"""From the texts of a spec and a catalog to a plan."""

from gpmirror.catalog import read_catalog
from gpmirror.cluster.observed import Observed
from gpmirror.placement import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.spec import load
from gpmirror.spec.model import Spec


def make_plan(spec: Spec, observed: Observed, request: Request) -> Plan:
    """The plan from what was read. Raises InvalidInput and Infeasible as its parts do."""
    return build_plan(spec, observed, place(spec, observed), request)


def read_and_plan(
    spec_data: bytes,
    spec_name: str,
    catalog_data: bytes,
    catalog_name: str,
    *,
    table: int | None,
    request: Request,
) -> Plan:
    """The plan from two files' bytes."""
    spec = load(spec_data, spec_name)
    observed = read_catalog(catalog_data, catalog_name, dialect=spec.dialect, table=table)
    return make_plan(spec, observed, request)
