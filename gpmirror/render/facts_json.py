"""What commands tell, for programs: the facts of the text, one document with a version each."""

import json
from collections.abc import Iterable

from gpmirror.cluster.observed import Observed
from gpmirror.journal.standing import Standing
from gpmirror.plan.canonical import plain
from gpmirror.plan.compare import PlanDifference
from gpmirror.plan.compare_observed import ObservedDifference
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.preflight.model import Preflight
from gpmirror.render.explain import check_content, check_host, is_on, touches
from gpmirror.workflow.allowing import unallowed

FORMAT_VERSION = "1.0"


def document(body: dict[str, object]) -> str:
    """The JSON text of a document, its version first."""
    return (
        json.dumps({"format_version": FORMAT_VERSION, **body}, indent=1, ensure_ascii=False) + "\n"
    )


def preflight_json(plan: Plan, found: Preflight, *, code: int) -> str:
    """Every check, also those that are ok; `ready` is whether `apply` would not refuse."""
    return document(
        {
            "plan_id": plan_id(plan),
            "ready": code == 0,
            "exit_code": code,
            "checks": [
                {**plain(check), "blocks": not check.is_allowed(plan.allowed)}
                for check in found.checks
            ],
            "hazards": plain((*plan.hazards, *found.hazards)),
            "guards": plain(plan.guards),
            "needs": sorted({flag for flag, _ in unallowed(plan, found)}),
            "notes": plain(found.notes),
        }
    )


def applied_already_json(plan: Plan) -> str:
    """The document of a plan that leaves nothing to check."""
    nothing = Preflight(checks=(), hazards=(), notes=("already applied, 0 changes",))
    return preflight_json(plan, nothing, code=0)


def difference_json(found: PlanDifference | ObservedDifference, first: str, second: str) -> str:
    """Two plans or two catalogs, the differences as they were found."""
    kind = "plan" if isinstance(found, PlanDifference) else "catalog"
    return document(
        {"kind": kind, "first": first, "second": second, "differs": found.differs, **plain(found)}
    )


def content_json(plan: Plan, observed: Observed, content: int) -> str:
    """As `explain_content`. Raises InvalidInput: the cluster has no such content."""
    rows = check_content(plan, observed, content)
    wanted = next((one for one in plan.desired.contents if one.content == content), None)
    return document(
        {
            "cluster": plan.cluster,
            "content": content,
            "observed": [plain(row) for row in rows],
            "desired": plain(wanted),
            "change": next((plain(one) for one in plan.changes if one.content == content), None),
            "switched": content in plan.switched,
            "selection": plan.selection,
            "waves": [plain(wave) for wave in plan.waves if content in wave.contents],
            "exposure": [
                plain(one)
                for one in plan.exposure.waves
                if any(w.number == one.wave and content in w.contents for w in plan.waves)
            ],
            "hazards": [plain(one) for one in plan.hazards if content in one.contents],
        }
    )


def host_json(plan: Plan, observed: Observed, host: str) -> str:
    """As `explain_host`. Raises InvalidInput: neither the spec nor the catalog knows the host."""
    check_host(plan, host)
    stages = (plan.layout.before, plan.layout.during, plan.layout.after)
    loads = [next((one for one in stage.hosts if one.host == host), None) for stage in stages]
    before, during, after = (0 if load is None else load.mirrors for load in loads)
    wanted = plan.desired.contents
    return document(
        {
            "cluster": plan.cluster,
            "host": host,
            "spec": next((plain(one) for one in plan.desired.hosts if one.name == host), None),
            "primaries": 0 if loads[0] is None else loads[0].primaries,
            "mirrors": {"before": before, "during": during, "after": after},
            "primaries_of": [one.content for one in wanted if one.primary.host == host],
            "desired_mirrors_of": [
                one.content for one in wanted if one.mirror is not None and one.mirror.host == host
            ],
            "changes": [plain(change) for change in plan.changes if touches(change, host)],
            "down": [plain(row) for row in observed.segments if is_on(row, host) and not row.is_up],
        }
    )


def runs_json(runs: Iterable[tuple[Standing, str, str]]) -> str:
    """Runs with their state and folder, in the order given."""
    return document({"runs": [_run(*one) for one in runs]})


def _run(found: Standing, state: str, folder: str) -> dict[str, object]:
    return {
        "run": found.run,
        "state": state,
        "cluster": found.cluster,
        "plan_id": found.plan_id,
        "by": found.by,
        "started": found.started,
        "last": found.last,
        "waves": found.waves,
        "waves_done": list(found.waves_done),
        "exit_code": found.exit_code,
        "changed_something": found.changed_something,
        "summary": found.summary,
        "allow": sorted(found.allow),
        "continues": found.continues,
        "continued_as": found.continued_as,
        "unfinished": [name for name in found.begun if name not in found.done],
        "folder": folder,
    }
