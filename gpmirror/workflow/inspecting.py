"""Down copies looked at on their hosts, so that a plan knows which of them need a full copy."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from gpmirror.boundary import Answered, Catalog, Hosts, NoAnswer, Reply
from gpmirror.cluster.observed import Observed
from gpmirror.plan.classify import NOT_INSPECTED
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.down_copies import Asked, copy_facts, copy_questions, homes_of
from gpmirror.preflight.script import copies_script
from gpmirror.spec.model import Host, Spec
from gpmirror.workflow.measuring import measured
from gpmirror.workflow.plan import make_plan

_SECONDS = 60.0


def inspect_copies(
    observed: Observed,
    hosts: Hosts,
    spec_hosts: Iterable[Host],
    contents: Collection[int] | None = None,
) -> Observed:
    """The same with facts of the down copies of `contents`, None: of all. Every host is asked once;
    one that gives no answer is noted, and nothing is known of its copies.
    """
    asked = copy_questions(observed, homes_of(spec_hosts), contents)
    if not asked:
        return observed
    scripts = {host: copies_script(wanted) for host, wanted in asked.items()}
    replies = hosts.ask(scripts, seconds=_SECONDS)
    outputs = {host: reply.out for host, reply in replies.items() if isinstance(reply, Answered)}
    facts = {**observed.copies, **copy_facts(asked, outputs)}
    return replace(observed, copies=facts, notes=(*observed.notes, *_silent(asked, replies)))


def plan_inspected(spec: Spec, observed: Observed, request: Request, hosts: Hosts) -> Plan:
    """As `make_plan`; if that means to recover copies in place, their directories are looked at."""
    plan, _ = inspected(observed, hosts, spec.hosts, lambda seen: make_plan(spec, seen, request))
    return plan


def plan_live(
    spec: Spec, observed: Observed, request: Request, hosts: Hosts, catalog: Catalog
) -> Plan:
    """As `plan_inspected`, with sizes wherever the plan copies something whole."""
    return informed(
        observed, hosts, catalog, spec.hosts, lambda seen: make_plan(spec, seen, request)
    )


def informed(
    observed: Observed,
    hosts: Hosts,
    catalog: Catalog,
    spec_hosts: Iterable[Host],
    plan_from: Callable[[Observed], Plan],
) -> Plan:
    """The plan that `plan_from` makes once it is known what the down copies that it brings back hold,
    and how large is what it copies whole.
    """
    plan, seen = inspected(observed, hosts, spec_hosts, plan_from)
    return measured(plan, seen, catalog, plan_from)


def inspected(
    observed: Observed,
    hosts: Hosts,
    spec_hosts: Iterable[Host],
    plan_from: Callable[[Observed], Plan],
) -> tuple[Plan, Observed]:
    """A plan made again with a look at the copies that it would recover in place, if there are any;
    with what is known by then.
    """
    plan = plan_from(observed)
    contents = not_inspected(plan)
    if not contents:
        return plan, observed
    seen = inspect_copies(observed, hosts, spec_hosts, contents)
    return plan_from(seen), seen


def not_inspected(plan: Plan) -> frozenset[int]:
    """Contents that are to be recovered in place although nobody looked at their directories."""
    return frozenset(change.content for change in plan.changes if change.note == NOT_INSPECTED)


def _silent(asked: Asked, replies: Mapping[str, Reply]) -> Iterator[str]:
    for host, reply in sorted(replies.items()):
        if isinstance(reply, NoAnswer) and asked[host].landings:
            count = len(asked[host].landings)
            copies = "1 down copy" if count == 1 else f"{count} down copies"
            yield f"the directories of {copies} on {host} were not inspected: {reply.message}"
