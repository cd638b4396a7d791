"""Why a mirror is where it is or goes where it goes, and what happens on a host."""

from collections.abc import Iterable

from gpmirror.cluster.counting import ranges
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Segment
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.plan.model import Change, Plan, PlannedContent
from gpmirror.plan.pace import stopping_seconds
from gpmirror.render.human_checks import hazard_text
from gpmirror.render.human_layout import host_rows
from gpmirror.render.human_waves import exposed_text
from gpmirror.render.native import command_text
from gpmirror.render.plandiff import change_text, row_text
from gpmirror.render.slots import slot_text
from gpmirror.render.spans import visible


def explain_content(plan: Plan, observed: Observed, content: int) -> str:
    """A content's rows, desired mirror, change with its reason, waves and hazards.

    Raises InvalidInput: the cluster has no such content.
    """
    rows = check_content(plan, observed, content)
    wanted = [found for found in plan.desired.contents if found.content == content]
    lines = [f"content {content} of {plan.cluster}"]
    lines += [f"  observed  {_kind(row)} {row_text(row)}" for row in rows]
    lines += [f"  desired   {_desired(found)}" for found in wanted]
    lines += [f"  decision  {_decision(plan, content)}"]
    lines += _waves(plan, content)
    lines += [f"  hazard    {hazard_text(h)}" for h in plan.hazards if content in h.contents]
    return _text(lines)


def explain_host(plan: Plan, observed: Observed, host: str) -> str:
    """A host's copies now and then, and the changes that come to it or leave it.

    Raises InvalidInput: neither the spec nor the catalog knows the host.
    """
    _, primaries, before, during, after = check_host(plan, host)
    lines = [f"host {host} of {plan.cluster}{_of_spec(plan, host)}"]
    lines += [
        f"  preferred primaries {primaries}, mirrors {before} before, {during} during, {after} after"
    ]
    homes = [(found.content, found.primary.host) for found in plan.desired.contents]
    lines += [f"  preferred primaries of {_contents(c for c, home in homes if home == host)}"]
    mirrors = ((found.content, found.mirror) for found in plan.desired.contents)
    wanted = (content for content, slot in mirrors if slot is not None and slot.host == host)
    lines += [f"  desired mirrors of {_contents(wanted)}"]
    lines += [f"  {change_text(change)}" for change in plan.changes if touches(change, host)]
    down = [row for row in observed.segments if is_on(row, host) and not row.is_up]
    lines += [f"  down: content {row.content} {_kind(row)} {row_text(row)}" for row in down]
    return _text(lines)


def check_content(plan: Plan, observed: Observed, content: int) -> list[Segment]:
    """The rows of a content. Raises InvalidInput: the cluster has no such content."""
    rows = [row for row in observed.segments if row.content == content]
    if content < 0 or not rows:
        raise _unknown_content(content, plan)
    return rows


def check_host(plan: Plan, host: str) -> tuple[str, str, str, str, str]:
    """A host with its primaries, and its mirrors before, during and after the plan. Raises
    InvalidInput: neither the spec nor the catalog knows the host.
    """
    known = {row[0]: row for row in host_rows(plan)}
    if host not in known:
        raise _unknown_host(host, known)
    return known[host]


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{visible(line)}\n" for line in lines)


def _kind(row: Segment) -> str:
    return f"preferred {'primary' if row.is_preferred_primary else 'mirror'}"


def _contents(contents: Iterable[int]) -> str:
    shown = ranges(contents)
    return f"content {shown}" if shown else "no content"


def _desired(found: PlannedContent) -> str:
    mirror = "none" if found.mirror is None else slot_text(found.mirror)
    return f"mirror {mirror} for preferred primary {slot_text(found.primary)}"


def _decision(plan: Plan, content: int) -> str:
    for change in plan.changes:
        if change.content == content:
            return change_text(change)
    if content in plan.switched:
        return "nothing: roles are switched, the mirror is in its place; `--rebalance` returns them"
    if plan.selection is not None:
        return f"nothing: in its place, or outside the selection ({plan.selection})"
    return "nothing: the mirror is where the spec wants it"


def _waves(plan: Plan, content: int) -> list[str]:
    exposures = {found.wave: found for found in plan.exposure.waves}
    lines: list[str] = []
    for wave in plan.waves:
        if content in wave.contents:
            commands = "; ".join(command_text(run) for run in wave.native)
            lines.append(f"  wave {wave.number:<4} {wave.action.value} with {commands}")
            if wave.number in exposures:
                told = exposed_text(
                    exposures[wave.number], plan.exposure.none, stopping_seconds(wave)
                )
                lines.append(f"  exposure  {told}")
    return lines


def _of_spec(plan: Plan, host: str) -> str:
    for found in plan.desired.hosts:
        if found.name == host:
            rack = "" if found.rack is None else f", rack {found.rack}"
            return f" (weight {found.weight}{rack})"
    return " (not in the spec)"


def is_on(row: Segment, host: str) -> bool:
    """Whether a row stands on a host, by hostname or address."""
    return host in {row.hostname, row.address}


def touches(change: Change, host: str) -> bool:
    """Whether a change comes to a host or leaves it."""
    return any(slot is not None and slot.host == host for slot in (change.from_, change.to))


def _unknown_content(content: int, plan: Plan) -> InvalidInput:
    known = _contents(found.content for found in plan.desired.contents)
    return _refusal(f"content {content}: no such content", f"the cluster has {known}")


def _unknown_host(host: str, known: Iterable[str]) -> InvalidInput:
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(host, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known hosts: {', '.join(names[:8])}"
    return _refusal(f"host {host}: no such host", hint)


def _refusal(message: str, hint: str) -> InvalidInput:
    place = Place(file="command line")
    return InvalidInput([Diagnostic(code="GPM-P302", message=message, place=place, hint=hint)])
