"""May it start: every touched host asked once, every copy looked at on its host, and the refusal."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from gpmirror.boundary import Answered, Catalog, Hosts, NoAnswer, Reply
from gpmirror.errors import NotReady
from gpmirror.model.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight.asking import coordinator_host
from gpmirror.preflight.copies import (
    Rows,
    copies_by_host,
    homes_of,
    judge_standing,
    read_standing,
    silent,
    standing_script,
)
from gpmirror.preflight.directories import locations_script, locations_to_ask, with_locations
from gpmirror.preflight.judge import (
    Answers,
    Silent,
    advice_without_silent,
    judge,
    judge_left,
    left_behind,
    reach_script,
    read_answers,
)
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.preflight.script import scripts
from gpmirror.preflight.shell import VERSION
from gpmirror.run.gates import expansion_hazards, untouched
from gpmirror.run.look import lifeless_mirrors
from gpmirror.spec.model import SiteHost

# --- Every copy looked at on its host, one round trip a host, and compared with the catalog.


_SECONDS = 60.0


def look_at_copies(
    observed: Observed, hosts: Hosts, spec_hosts: Iterable[SiteHost]
) -> tuple[Check, ...]:
    """What is not as the catalog says, and what is, by host. A host that gives no answer is unknown.

    Hosts of mirrors that the catalog calls resynchronising (4.3, 5) are asked once more: such a
    server may run and not replicate.
    """
    asked = copies_by_host(observed, homes_of(spec_hosts))
    replies = hosts.ask(
        {host: standing_script(rows) for host, rows in asked.items()}, seconds=_SECONDS
    )
    lifeless, _ = lifeless_mirrors(observed, hosts, spec_hosts)
    return judge_copies(asked, replies, lifeless)


def judge_copies(
    asked: Mapping[str, Rows], replies: Mapping[str, Reply], lifeless: Mapping[int, str]
) -> tuple[Check, ...]:
    """The same of what hosts answered to `standing_script`; `lifeless`: why nothing comes of mirrors
    that are called resynchronising, by content.
    """
    checks: list[Check] = []
    for host, rows in asked.items():
        match replies[host]:
            case Answered() as reply:
                checks += judge_standing(host, rows, read_standing(reply.out, rows), lifeless)
            case NoAnswer() as reply:
                checks.append(silent(host, rows, reply.message, reply.hint))
    return tuple(checks)


# --- May it start: ask every touched host once, judge the answers.


SECONDS = 60.0
"""How long a host may take to answer."""


def run_preflight(
    plan: Plan, observed: Observed, hosts: Hosts, *, allowed: Collection[str] = ()
) -> Preflight:
    """Every check on every host that the plan touches, in one round trip each; nothing is changed.
    Hosts are asked once more where copies bring tablespaces, and the coordinator's where hosts that
    copies leave are silent.

    `allowed` names hazards that are allowed beside those the plan allows.
    """
    replies = hosts.ask(scripts(plan, observed), seconds=SECONDS)
    return _judged(plan, observed, hosts, replies, allowed)


def preflight_everywhere(
    plan: Plan, observed: Observed, hosts: Hosts, spec_hosts: Iterable[SiteHost]
) -> Preflight:
    """The same, and a look at every copy on every host, in the same round trip; hosts of mirrors that
    resynchronise are asked once more.
    """
    asked = copies_by_host(observed, homes_of(spec_hosts))
    mine = scripts(plan, observed)
    looks = {host: standing_script(rows) for host, rows in asked.items()}
    both = {host: _joined(mine.get(host), looks.get(host)) for host in {**mine, **looks}}
    replies = hosts.ask(both, seconds=SECONDS)
    firsts = {host: _part(replies[host], 0) for host in mine}
    seconds = {host: _part(replies[host], int(host in mine)) for host in looks}
    found = _judged(plan, observed, hosts, firsts, ())
    lifeless, _ = lifeless_mirrors(observed, hosts, spec_hosts)
    return replace(found, checks=(*found.checks, *judge_copies(asked, seconds, lifeless)))


def with_other_work(
    found: Preflight, plan: Plan, observed: Observed, catalog: Catalog
) -> Preflight:
    """The same, and what the cluster's own tables and sessions tell of other work: `apply` refuses
    over each. An expansion that pauses is a danger where the plan adds or moves mirrors, else a note.
    """
    host = coordinator_host(plan, observed) or ""
    work = catalog.other_work()
    works = tuple(
        Check(
            host=host,
            name="competing",
            result=Result.BAD,
            detail=told,
            remedy="wait until it ends, or clear what it left as said, then try again",
        )
        for told in work.in_the_way
    )
    unseen = tuple(
        Check(
            host=host,
            name="competing",
            result=Result.UNKNOWN,
            detail=told,
            remedy="connect as the cluster's administrator, usually gpadmin",
        )
        for told in work.unseen
    )
    status = work.paused
    dangers = () if status is None else expansion_hazards(plan, status)
    notes = () if status is None or dangers else (untouched(status),)
    return replace(
        found,
        checks=(*found.checks, *works, *unseen),
        hazards=(*found.hazards, *dangers),
        notes=(*found.notes, *notes),
    )


def _joined(*texts: str | None) -> str:
    """Scripts one after the other, none of which ends the next."""
    return "".join(f"(\n{text}\n)\n" for text in texts if text is not None)


def _part(reply: Reply, number: int) -> Reply:
    """What one of joined scripts printed: each begins with the same line."""
    match reply:
        case Answered():
            before, *parts = f"\n{reply.out}".split(f"\n{VERSION}\n")
            if number < len(parts):
                return replace(reply, out=f"{VERSION}\n{parts[number]}\n")
            return replace(reply, out="" if parts else before[1:])
        case NoAnswer():
            return reply
        case _:
            assert_never(reply)


def _judged(
    plan: Plan,
    observed: Observed,
    hosts: Hosts,
    replies: Mapping[str, Reply],
    allowed: Collection[str],
) -> Preflight:
    outputs = {host: reply.out for host, reply in replies.items() if isinstance(reply, Answered)}
    silent = {
        host: silence for host, reply in replies.items() if (silence := _silent(reply)) is not None
    }
    answers = _with_locations(read_answers(plan, observed, outputs, silent), hosts)
    found = judge(answers, allowed=allowed)
    return replace(found, checks=(*found.checks, *_left(plan, observed, hosts, silent)))


def _with_locations(answers: Answers, hosts: Hosts) -> Answers:
    asked = locations_to_ask(answers.found)
    if not asked:
        return answers
    scripts = {host: locations_script(paths) for host, paths in asked.items()}
    replies = hosts.ask(scripts, seconds=SECONDS)
    texts = {host: reply.out for host, reply in replies.items() if isinstance(reply, Answered)}
    return replace(answers, found=with_locations(answers.found, texts))


def _left(
    plan: Plan, observed: Observed, hosts: Hosts, silent: Collection[str]
) -> tuple[Check, ...]:
    """Whether the utility will reach the hosts that are only left and silent."""
    left, coordinator = left_behind(plan, observed, silent), coordinator_host(plan, observed)
    if not left or coordinator is None or coordinator in silent:
        return ()
    reply = hosts.ask({coordinator: reach_script(left)}, seconds=SECONDS)[coordinator]
    answer = reply.out if isinstance(reply, Answered) else ""
    return tuple(judge_left(left, coordinator, answer, observed.dialect.name))


def _silent(reply: Reply) -> Silent | None:
    match reply:
        case Answered():
            return None
        case NoAnswer():
            return Silent(reason=reply.message, remedy=reply.hint)


# --- Host checks that block, turned into one refusal.


_SHOWN = 20


def check_preflight(plan: Plan, preflight: Preflight, allowed: Collection[str]) -> None:
    """Raises NotReady (9), naming each bad or unknown check with its remedy."""
    blocking = preflight.blocking(allowed)
    if not blocking:
        return
    head = "a host check blocks:" if len(blocking) == 1 else f"{len(blocking)} host checks block:"
    lines = [f"  {one.host}: {one.name}: {one.detail} ({one.remedy})" for one in blocking[:_SHOWN]]
    if len(blocking) > _SHOWN:
        lines.append(f"  and {len(blocking) - _SHOWN} more: `gpmirror preflight` shows all")
    bad = {one.host for one in blocking if one.result is Result.BAD and not one.override}
    # of a host that does not answer everything is unknown, and no flag helps it
    rest = (one for one in blocking if one.result is Result.UNKNOWN and one.host not in bad)
    unknown = sorted({one.name for one in rest})
    flags = " ".join(f"--allow unchecked:{name}" for name in unknown)
    hint = "nothing was changed; fix the hosts and apply again"
    if overrides := sorted({one.override for one in blocking if one.override}):
        given = " ".join(f"--allow {name}" for name in overrides)
        hint = f"{hint}, or go on over what these figures say: {given}"
    if spared := advice_without_silent(plan, preflight.checks):
        hint = f"{hint}; until then {spared}"
    raise NotReady(
        "\n".join((head, *lines)),
        hint=f"{hint}, or accept what could not be checked: {flags}" if unknown else hint,
    )
