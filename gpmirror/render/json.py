"""What commands tell, for programs: the facts of the text, one document with a version."""

import json
from collections.abc import Iterable

from gpmirror.errors import CannotDispatch
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.plan.compare import ObservedDifference, PlanDifference
from gpmirror.plan.model import Plan, plain
from gpmirror.plan.planfile import plan_id
from gpmirror.preflight.model import Check, Preflight
from gpmirror.render.explain import (
    GLOSSARY,
    check_content,
    check_host,
    is_on,
    term_of,
    topic_of,
    touches,
)
from gpmirror.render.status import counts, knowledge, standby_of, standby_streams, switched_contents
from gpmirror.run.gates import unallowed
from gpmirror.run.record import RunRecord
from gpmirror.run.status import Reading, hosts_down
from gpmirror.verify import ContentHealth, CopyState

# --- What commands tell, for programs: the facts of the text, one document with a version each.


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


def runs_json(runs: Iterable[tuple[RunRecord, str, str]]) -> str:
    """Runs with their state and folder, in the order given."""
    return document({"runs": [_run(*one) for one in runs]})


def _run(found: RunRecord, state: str, folder: str) -> dict[str, object]:
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
        "given_up": [f"{one.host}:{one.path}" for one in found.given_up],
        "folder": folder,
    }


# --- The state of a live cluster's copies for programs.


def status_json(reading: Reading, *, cluster: str | None) -> str:
    """The whole status as indented JSON."""
    return json.dumps(status_document(cluster, reading), indent=1, ensure_ascii=False) + "\n"


def status_json_line(reading: Reading, *, cluster: str | None) -> str:
    """The same on one line, for a stream of readings."""
    return json.dumps(status_document(cluster, reading), ensure_ascii=False) + "\n"


def status_document(cluster: str | None, reading: Reading) -> dict[str, object]:
    """The whole status as plain data."""
    found, health = reading.observed, reading.health
    states = counts(health)
    return {
        "format_version": FORMAT_VERSION,
        "cluster": cluster,
        "server": found.source,
        "dialect": found.dialect.name.value,
        "server_version": found.server_version,
        "all_synced": health.all_synced,
        "counts": {
            "contents": len(health.contents),
            **{state.value: states[state] for state in CopyState},
            "switched": len(switched_contents(health)),
        },
        "coordinator": _place(found.coordinator),
        "standby": _standby(reading),
        "contents": [_content(one) for one in health.contents],
        "hosts_down": [{"host": h, "copies": n} for h, n in hosts_down(reading).items()],
        "notes": list(found.notes),
        "knowledge": {
            "freshness": reading.freshness.value,
            "probe_interval": reading.interval,
            "text": knowledge(reading),
        },
        "trouble": _trouble(reading.trouble),
        "hosts": None if reading.copies is None else [_check(one) for one in reading.copies],
    }


def _content(found: ContentHealth) -> dict[str, object]:
    return {
        "content": found.content,
        "state": found.state.value,
        "reason": found.reason,
        "switched": found.switched,
        "primary": found.primary,
        "mirror": found.mirror,
        "lag_bytes": found.lag_bytes,
        "help": found.help or None,
    }


def _check(found: Check) -> dict[str, object]:
    return {
        "host": found.host,
        "result": found.result.value,
        "detail": found.detail,
        "remedy": found.remedy or None,
    }


def _trouble(found: CannotDispatch | None) -> dict[str, object] | None:
    if found is None:
        return None
    refused = [
        {"content": content, "address": place} for content, place in sorted(found.refused.items())
    ]
    return {"message": found.message, "detail": found.detail, "refused": refused}


def _standby(reading: Reading) -> dict[str, object] | None:
    standby = standby_of(reading)
    if standby is None:
        return None
    return {
        "place": _place(standby),
        "up": standby.is_up,
        "streaming": standby_streams(reading),
    }


def _place(row: Segment | None) -> str | None:
    return None if row is None else f"{row.hostname}:{row.port}"


def explain_name_json(name: str) -> str:
    """The same as JSON. Raises InvalidInput (GPM-P305): no such name."""
    if (term := term_of(name)) is not None:
        return document(
            {
                "name": term,
                "kind": "term",
                "what": GLOSSARY[term],
                "why": "",
                "fix": "",
                "allowed_by": None,
            }
        )
    topic = topic_of(name)
    body: dict[str, object] = {
        "name": topic.name,
        "kind": topic.kind,
        "what": topic.info.title,
        "why": topic.info.why,
        "fix": topic.info.fix,
        "allowed_by": topic.allowed_by,
    }
    return document(body)
