"""From the texts of a spec and a catalog to a plan."""

from gpmirror.model.observed import Observed
from gpmirror.placement.place import place
from gpmirror.plan.build import build_plan
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.spec.model import Spec


def make_plan(spec: Spec, observed: Observed, request: Request) -> Plan:
    """The plan from what was read. Raises InvalidInput and Infeasible as its parts do."""
    return build_plan(spec, observed, place(spec, observed, request.unprotect), request)
