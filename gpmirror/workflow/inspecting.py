"""What only hosts can tell a plan: what down copies hold, and which names are one machine."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from gpmirror.boundary import Answered, Catalog, Hosts, NoAnswer, Reply
from gpmirror.cluster.observed import Observed
from gpmirror.gputils.pipe import reads_hostnames
from gpmirror.plan.classify import NOT_INSPECTED
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.asking import coordinator_host
from gpmirror.preflight.down_copies import Asked, copy_facts, copy_questions, homes_of
from gpmirror.preflight.names import one_machine
from gpmirror.preflight.reading import read_related
from gpmirror.preflight.script import copies_script, related_script
from gpmirror.spec.model import Host, Spec
from gpmirror.workflow.measuring import measured
from gpmirror.workflow.plan import make_plan

_SECONDS = 60.0

Pair = tuple[str, str]
"""Hostname and address."""


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
    """A plan made again with a look at the copies that it would recover in place, and at the names
    that its lines depend on, if there are any; with what is known by then.
    """
    plan, seen = plan_from(observed), observed
    if contents := not_inspected(plan):
        seen = inspect_copies(seen, hosts, spec_hosts, contents)
        plan = plan_from(seen)
    if pairs := not_related(plan):
        seen = relate_names(seen, hosts, coordinator_host(plan, seen), pairs)
        plan = plan_from(seen)
    return plan, seen


def needs_hosts(plan: Plan) -> bool:
    """Whether hosts can tell something that changes the plan."""
    return bool(not_inspected(plan) or not_related(plan))


def not_related(plan: Plan) -> tuple[Pair, ...]:
    """Hostnames and addresses on which lines of the plan depend and of which nobody told whether
    they are one machine.
    """
    return tuple((pair.hostname, pair.address) for pair in plan.names or () if pair.shared is None)


def relate_names(
    observed: Observed, hosts: Hosts, coordinator: str | None, pairs: Collection[Pair]
) -> Observed:
    """The same, knowing which of these names share an IP in the eyes of the utilities on the
    coordinator's host; where it gives no answer that is noted, and nothing is known.
    """
    if coordinator is None or not pairs:
        return observed
    script = related_script(name for pair in pairs for name in pair)
    reply = hosts.ask({coordinator: script}, seconds=_SECONDS)[coordinator]
    if isinstance(reply, NoAnswer):
        note = f"names were not looked up on {coordinator}: {reply.message}"
        return replace(observed, notes=(*observed.notes, note))
    machines = read_related(reply.out)
    told = {pair: one_machine(machines, *pair) for pair in pairs}
    known = {pair: same for pair, same in told.items() if same is not None}
    return replace(observed, common_ip={**observed.common_ip, **known})


def candidate_pairs(observed: Observed, spec_hosts: Iterable[Host]) -> tuple[Pair, ...]:
    """Every hostname and address that a plan over this cluster could write on one line: those of the
    catalog, and of each spec host; none where the release reads no hostnames.
    """
    if not reads_hostnames(observed.dialect, observed.server_version):
        return ()
    pairs = {(row.hostname, row.address) for row in observed.segments if row.content >= 0}
    for host in spec_hosts:
        names = {host.name, *host.addresses}
        mine = {r.hostname for r in observed.segments if {r.hostname, r.address} & names}
        pairs |= {(hostname, a) for hostname in mine or {host.name} for a in host.addresses}
    return tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))


def not_inspected(plan: Plan) -> frozenset[int]:
    """Contents that are to be recovered in place although nobody looked at their directories."""
    return frozenset(change.content for change in plan.changes if change.note == NOT_INSPECTED)


def _silent(asked: Asked, replies: Mapping[str, Reply]) -> Iterator[str]:
    for host, reply in sorted(replies.items()):
        if isinstance(reply, NoAnswer) and asked[host].landings:
            count = len(asked[host].landings)
            copies = "1 down copy" if count == 1 else f"{count} down copies"
            yield f"the directories of {copies} on {host} were not inspected: {reply.message}"
