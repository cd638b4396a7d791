"""What may be stopped, for people, programs and runbooks: the answer of `ok-to-stop`, maintenance groups."""

from collections.abc import Iterator, Sequence
from shlex import quote

from gpmirror.errors import Unsafe
from gpmirror.model.names import one_expression
from gpmirror.model.text import counted, named
from gpmirror.render.json import document
from gpmirror.render.status import MOST_ROWS, knowledge
from gpmirror.render.text import BLANK, Line, Style, line, painted, paragraph, styled, visible
from gpmirror.run.status import COORDINATOR, Groups, Reading, StopAnswer
from gpmirror.simulate import Load, Loss
from gpmirror.simulate.stopping import Group, LeftOut, Maintenance, Unit, WhyLeftOut, WhyLost
from gpmirror.simulate.surveys import load_told, times_told
from gpmirror.values import dataclass
from gpmirror.verify import ContentHealth, CopyState

_LOADS_SHOWN = 24
_LISTED = 6
"""Up to so many hosts are written out; more are folded."""
_LEAST_WIDTH = 40
_FACTOR_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AsOf:
    """The saved catalog that an answer is about, and of when it is: `taken` as it says itself, `written`
    as the file system has it; None where nobody can tell.
    """

    file: str
    written: str | None
    taken: str | None = None

    @property
    def words(self) -> str:
        """`as of FILE, taken 2026-12-01T02:00:00Z`, or `written` where the file does not say it."""
        when = "" if self.written is None else f", written {self.written}"
        when = when if self.taken is None else f", taken {self.taken}"
        return f"as of {self.file}{when}"

    @property
    def facts(self) -> dict[str, str | None]:
        """The same for programs."""
        return {"file": self.file, "written": self.written, "taken": self.taken}


# --- The answer of `ok-to-stop`: the first line is `yes` or `no`.


_HELP = {
    WhyLost.BOTH_STOPPED: "name fewer hosts: `gpmirror maintenance` says which may be down together",
    WhyLost.OTHER_DOWN: "`gpmirror status` says what is down, `gpmirror apply` brings it back",
    WhyLost.NOT_IN_SYNC: "`gpmirror ok-to-stop --wait 30m ...` asks until it is",
    WhyLost.NO_MIRROR: "`gpmirror plan` shows how to add mirrors",
    WhyLost.NO_COPY: "`gpmirror status` says what brings a copy back",
}


def stop_human(
    answer: StopAnswer, *, hosts: Sequence[str], as_of: AsOf | None, width: int, color: bool
) -> str:
    """The whole answer."""
    columns = max(width, _LEAST_WIDTH)
    verdict = styled("yes", Style.ADD) if answer.is_ok else styled("no", Style.ALARM)
    lines = [line(verdict)]
    lines += [line(as_of.words)] if as_of else []
    for text in reasons(answer):
        lines += paragraph(text, width=columns, indent=0, hang=2, style=Style.ALARM)
    for text in _stop_texts(answer, hosts):
        lines += paragraph(text, width=columns, indent=0, hang=2)
    lines += _ailing(_unsynced(answer.reading), width=columns)
    lines += paragraph(_trust(answer.reading, as_of), width=columns, indent=0, style=Style.FAINT)
    return painted(lines, color=color)


def reasons(answer: StopAnswer) -> list[str]:
    """Why the answer is no, and what helps, a sentence each; none where it is yes."""
    found = [
        f"{named(contents)}{'' if why is WhyLost.NO_COPY else ' would be lost'}: {why.words} "
        f"-> {_HELP[why]}"
        for why, contents in answer.stop.lost_by_reason().items()
    ]
    if answer.is_refused and answer.coordinator is not None:
        host, place = answer.coordinator
        found.append(
            f"the coordinator {place} runs on {host}, which is among them: nobody can query while it "
            f"is down -> leave {host} out, or add `--allow {COORDINATOR}`"
        )
    return found


def cautions(answer: StopAnswer) -> list[str]:
    """What does not make it a no, and should be looked at before a host is stopped."""
    return [
        f"look before: {host} is to take over, and {named(contents)} {'is' if len(contents) == 1 else 'are'} "
        "down on it; the mirrors of a host that was cut off count as in sync for a minute more "
        "(`gpmirror status --hosts` asks the host itself)"
        for host, contents in answer.doubtful.items()
    ]


def waiting_text(answer: StopAnswer) -> str:
    """One line on the way to a yes: why not yet."""
    parts = [text.partition(" -> ")[0] for text in reasons(answer)]
    return f"no: {'; '.join(parts)}" if parts else "yes"


def stop_json(answer: StopAnswer, *, cluster: str | None, as_of: AsOf | None, code: int) -> str:
    """The same for programs; keys are only added."""
    stop, reading = answer.stop, answer.reading
    return document(
        {
            "ok_to_stop": answer.is_ok,
            "exit_code": code,
            "cluster": cluster,
            "source": reading.observed.source,
            "as_of": None if as_of is None else as_of.facts,
            "hosts": list(stop.hosts),
            "lost": [
                {"content": content, "why": why.value, "reason": why.words}
                for content, why in stop.lost.items()
            ],
            "reasons": reasons(answer),
            "cautions": cautions(answer),
            "takeovers": [_load(load) for load in stop.loss.loads],
            "single_copy": list(stop.single),
            "not_in_sync": [_ailing_json(one) for one in _unsynced(reading)],
            "coordinator": _server(
                answer.coordinator, stops=answer.stops_coordinator, allowed=answer.allowed
            ),
            "standby": _server(answer.standby, stops=answer.stops_standby),
            "knowledge": {
                "freshness": reading.freshness.value,
                "probe_interval": reading.interval,
                "text": _trust(reading, as_of),
            },
        }
    )


def _stop_texts(answer: StopAnswer, hosts: Sequence[str]) -> Iterator[str]:
    stop = answer.stop
    strangers = [host for host in hosts if host not in stop.hosts]
    meant = f" (asked for as {', '.join(strangers)})" if strangers else ""
    total = len(answer.reading.health.contents)
    # what has no live copy is lost already, whatever is stopped
    gone = sum(why is WhyLost.NO_COPY for why in stop.lost.values())
    yield (
        f"stop {_listed(stop.hosts)}{meant}: {len(stop.lost) - gone:,} of "
        f"{counted(total, 'content')} lost" + (f"; no live copy already: {gone:,}" if gone else "")
    )
    loads = stop.loss.loads
    shown = [_taken(load) for load in loads[:_LOADS_SHOWN]]
    more = len(loads) - len(shown)
    if shown:
        yield f"takes over: {', '.join(shown)}{f', +{more} more hosts' if more > 0 else ''}"
    else:
        yield f"takes over: {'nobody' if stop.lost else 'nothing to take over'}"
    yield from cautions(answer)
    if stop.single:
        yield f"left with one copy: {named(stop.single)}"
    yield from _servers(answer)


def _taken(load: Load) -> str:
    """No factor where the host had no primaries: how much more than none is nothing to go by."""
    if load.before:
        return load_told(load)
    return f"{load.host} 0 -> {counted(load.after, 'primary', 'primaries')}"


def _servers(answer: StopAnswer) -> Iterator[str]:
    if answer.coordinator is None:
        yield "coordinator: the catalog does not tell where it runs"
    elif answer.stops_coordinator:
        if answer.allowed:
            place = answer.coordinator[1]
            yield f"coordinator: {place} stops with them, as --allow says: nobody can query meanwhile"
    else:
        yield f"coordinator: {answer.coordinator[1]}, not among them"
    if answer.standby is None:
        yield "standby: none"
    elif answer.stops_standby:
        yield f"standby: {answer.standby[1]} stops with them: the coordinator has none meanwhile"
    else:
        yield f"standby: {answer.standby[1]}, not among them"


def _server(
    found: tuple[str, str] | None, *, stops: bool, **more: object
) -> dict[str, object] | None:
    return None if found is None else {"host": found[0], "place": found[1], "listed": stops, **more}


def _unsynced(reading: Reading) -> list[ContentHealth]:
    return [one for one in reading.health.contents if one.state is not CopyState.SYNCED]


def _ailing(found: Sequence[ContentHealth], *, width: int) -> Iterator[Line]:
    """What is not in sync now, whatever is to be stopped."""
    if not found:
        return
    if all(one.mirror is None for one in found):
        text = f"not in sync now: {named(one.content for one in found)} without a mirror"
        yield from paragraph(text, width=width, indent=0, hang=2, style=Style.CARE)
        return
    yield from paragraph(
        f"not in sync now: {named(one.content for one in found)}",
        width=width,
        indent=0,
        hang=2,
        style=Style.CARE,
    )
    for one in found[:MOST_ROWS]:
        text = f"content {one.content}: {one.state.value}, {one.reason}"
        yield from paragraph(text, width=width, indent=2, hang=2)
    if len(found) > MOST_ROWS:
        rest = counted(len(found) - MOST_ROWS, "content")
        yield from paragraph(f"... {rest} not listed here; `--json` lists all", width=width)


def _trust(reading: Reading, as_of: AsOf | None) -> str:
    """How old the answer's knowledge is, and what it is worth."""
    if as_of is not None:
        return (
            "a saved catalog knows nothing of what happened since: ask the live one before a host is "
            "stopped"
        )
    return f"{knowledge(reading)}; a check, not a reservation: one job at a time may stop hosts"


def _ailing_json(one: ContentHealth) -> dict[str, object]:
    return {"content": one.content, "state": one.state.value, "reason": one.reason}


def _load(found: Load) -> dict[str, object]:
    return {
        "host": found.host,
        "before": found.before,
        "after": found.after,
        "factor": round(found.factor, _FACTOR_DECIMALS),
    }


def _listed(hosts: Sequence[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= _LISTED else one_expression(hosts)


# --- Maintenance groups.


def groups_human(
    groups: Groups, *, cluster: str | None, as_of: AsOf | None, width: int, color: bool
) -> str:
    """All groups, what is in none, what to mind; the last line is the summary."""
    columns = max(width, _LEAST_WIDTH)
    found = groups.found
    parts = [part for part in (cluster, groups.reading.observed.source) if part]
    lines: list[Line] = []
    if (wait := not_now(groups)) is not None:
        lines += paragraph(wait, width=columns, indent=0, hang=2, style=Style.ALARM)
    lines += [(styled("gpmirror maintenance", Style.STRONG), *line(f"  {', '.join(parts)}"))]
    lines += [line(as_of.words)] if as_of else []
    lines.append(BLANK)
    for number, group in enumerate(found.groups, start=1):
        racks = f" ({_racks(group)})" if group.racks else ""
        head = f"group {number} of {len(found.groups)}: {_listed(group.hosts)}{racks}"
        lines += paragraph(head, width=columns, indent=0, hang=2, style=Style.STRONG)
        lines += paragraph(_takeover(group.loss), width=columns, indent=2, hang=2)
    for text in _groups_remarks(groups):
        lines += paragraph(text, width=columns, indent=0, hang=2, style=Style.CARE)
    lines += _ailing(groups.ailing, width=columns)
    if found.groups:
        lines.append(BLANK)
        lines += paragraph(_EVERY_GROUP, width=columns, indent=0, hang=2)
    lines += paragraph(groups_summary(groups), width=columns, indent=0, hang=2, style=Style.STRONG)
    return painted(lines, color=color)


_COPIES = {
    CopyState.SINGLE: ("has one copy", "have one copy"),
    CopyState.SYNCING: ("is not in sync yet", "are not in sync yet"),
    CopyState.NONE: ("has no live copy", "have no live copy"),
}


def not_now(groups: Groups) -> str | None:
    """Why no group may be stopped this moment; None: each may, one at a time."""
    parts = []
    for state, (one, several) in _COPIES.items():
        contents = [found.content for found in groups.awaited if found.state is state]
        if contents:
            parts.append(f"{named(contents)} {one if len(contents) == 1 else several}")
    if not parts:
        return None
    return (
        f"NOT NOW: {', '.join(parts)}; these groups hold once all are in sync (`gpmirror status` says "
        "what helps, `gpmirror status --wait 2h` waits)"
    )


_EVERY_GROUP = (
    "One group after the other: ask `gpmirror ok-to-stop HOST...`; stop, patch and start its hosts; "
    "bring their copies back with `gpmirror apply`; wait with `gpmirror status --wait 2h` before the "
    "next group. `--script` prints this as a loop."
)


def groups_json(groups: Groups, *, cluster: str | None, as_of: AsOf | None, code: int) -> str:
    """The same for programs; keys are only added."""
    found = groups.found
    return document(
        {
            "not_now": not_now(groups),
            "exit_code": code,
            "groups": [list(group.hosts) for group in found.groups],
            "bound": found.bound,
            "proven": found.is_proven,
            "by": found.unit.value,
            "racks": [list(group.racks) for group in found.groups]
            if found.unit is Unit.RACK
            else None,
            "groups_by_host": found.by_host,
            "groups_by_rack": found.by_rack,
            "max_load_factor": found.limit,
            "takeovers": [[_load(load) for load in group.loss.loads] for group in found.groups],
            "left_out": [
                {
                    "host": one.host,
                    "why": one.why.value,
                    "contents": list(one.contents),
                    "reason": _left_out(one, found.limit),
                }
                for one in found.left_out
            ],
            "without_segments": list(found.empty),
            "coordinator": groups.coordinator,
            "standby": groups.standby,
            "not_in_sync": [_ailing_json(one) for one in groups.ailing],
            "cluster": cluster,
            "source": groups.reading.observed.source,
            "as_of": None if as_of is None else as_of.facts,
        }
    )


def _no_host_may(found: Maintenance) -> str:
    """Why there is no group, by the reasons that keep these hosts up."""
    limit = "" if found.limit is None else f" {found.limit:g}"
    words = {
        WhyLeftOut.ALONE: "losing a segment",
        WhyLeftOut.OVERLOAD: f"exceeding max_load_factor{limit}",
        WhyLeftOut.COORDINATOR: "losing the coordinator",
    }
    reasons = {one.why for one in found.left_out}
    told = [text for why, text in words.items() if why in reasons] or ["losing the coordinator"]
    return f"no host may be down without {' or '.join(told)}"


def groups_summary(groups: Groups) -> str:
    """As in `3 groups for 12 hosts, proven fewest (bound 3).`, whole racks told."""
    found = groups.found
    if not found.groups:
        return f"No group: {_no_host_may(found)}."
    hosts = sum(len(group.hosts) for group in found.groups)
    what = "whole racks, " if found.unit is Unit.RACK else ""
    head = f"{counted(len(found.groups), 'group')} for {counted(hosts, 'host')}, {what}"
    if found.is_proven:
        return f"{head}proven fewest (bound {found.bound})."
    if found.unit is Unit.RACK and found.by_host < len(found.groups):
        return f"{head}host by host {found.by_host} would do (`--by host`; bound {found.bound})."
    return f"{head}no fewer than {found.bound} can do (bound {found.bound}, not proven fewest)."


def group_words(groups: Groups) -> dict[str, str]:
    """Host -> what holds of it: its group and who takes over then, or why it is in none."""
    found = groups.found
    words = dict.fromkeys(found.empty, "without segments, may be down at any time")
    words |= {one.host: f"in no group: {_left_out(one, found.limit)}" for one in found.left_out}
    for number, group in enumerate(found.groups, start=1):
        told = f"group {number} of {len(found.groups)}; {_takeover(group.loss)}"
        words |= dict.fromkeys(group.hosts, told)
    return words


def _groups_remarks(groups: Groups) -> Iterator[str]:
    found = groups.found
    for why in WhyLeftOut:
        alike = [one for one in found.left_out if one.why is why]
        if len(alike) <= _LISTED:
            yield from (f"in no group: {o.host}, {_left_out(o, found.limit)}" for o in alike)
        else:
            yield f"in no group: {_listed([one.host for one in alike])}, {_each(why, found.limit)}"
    if found.empty:
        yield f"without segments, may be down at any time: {_listed(found.empty)}"
    if groups.coordinator is None:
        yield "the catalog does not tell where the coordinator runs: leave its host out yourself"
    elif groups.coordinator not in {one.host for one in found.left_out}:
        yield f"in no group: {groups.coordinator}, the coordinator's host; it holds no segment"
    if groups.standby is not None and any(groups.standby in g.hosts for g in found.groups):
        yield f"{groups.standby} is the standby's host too: the coordinator has none while it is down"
    if found.limit is not None and found.groups:
        yield (
            f"loads hold for max_load_factor {found.limit:g} as long as every primary acts on its own "
            "host: return the roles after each group (`gpmirror apply --rebalance --allow "
            "cancels-queries`)"
        )


def _left_out(one: LeftOut, limit: float | None) -> str:
    match one.why:
        case WhyLeftOut.COORDINATOR:
            alone = f"; it holds {named(one.contents)} alone" if one.contents else ""
            return f"the coordinator's host: nobody can query while it is down{alone}"
        case WhyLeftOut.ALONE:
            return (
                f"it holds {named(one.contents)} alone: never stopped without losing "
                f"{'it' if len(one.contents) == 1 else 'them'} (`gpmirror plan` shows how to give a "
                "second copy elsewhere)"
            )
        case WhyLeftOut.OVERLOAD:
            worst = one.loss.worst
            told = "" if worst is None else f": {load_told(worst)}"
            return f"its stop alone exceeds max_load_factor {limit:g}{told}"


def _each(why: WhyLeftOut, limit: float | None) -> str:
    """Of many hosts at once."""
    if why is WhyLeftOut.ALONE:
        return "each holds contents alone: never stopped without losing them (`--json` lists which)"
    told = "" if limit is None else f" {limit:g}"
    return f"the stop of each alone exceeds max_load_factor{told} (`--json` tells by how much)"


def _racks(group: Group) -> str:
    return f"rack{'' if len(group.racks) == 1 else 's'} {', '.join(group.racks)}"


def _takeover(loss: Loss) -> str:
    loads = loss.loads
    if not loads:
        return "no primaries move"
    taken = counted(sum(loss.gains.values()), "primary", "primaries")
    worst = loads[0]
    at_most = (
        f"{worst.host} {worst.before} -> {worst.after} ({times_told(worst.before, worst.factor)})"
    )
    if len(loads) == 1:
        return f"{taken} taken over by {at_most}"
    return f"{taken} taken over by {counted(len(loads), 'host')}, most by {at_most}"


# --- Maintenance groups as a POSIX script, ready for a runbook.


def groups_script(groups: Groups, *, spec: str | None, cluster: str | None) -> str:
    """The loop; it stops at the first thing that is not as it should be. Raises Unsafe: no group."""
    found = groups.found
    if not found.groups:
        raise Unsafe(
            f"no script: {_no_host_may(found)}",
            hint="`gpmirror maintenance` without --script says why of each host",
        )
    source = groups.reading.observed.source
    head = [
        "#!/bin/sh",
        _comment(
            f"Maintenance of {cluster or 'a cluster'} in {counted(len(found.groups), 'group')}."
        ),
        _comment(
            f"Written by `gpmirror maintenance --script` from {source}: write it anew when mirrors "
            "have moved."
        ),
        _comment(groups_summary(groups)),
        *(_comment(text) for text in _groups_remarks(groups)),
        *(
            _comment(
                f"not in sync when this was written: {named(o.content for o in groups.ailing)}"
            )
            for _ in groups.ailing[:1]
        ),
        "#",
        "# sh FILE      every group, from the first",
        "# sh FILE 3    from group 3 on, after one stopped",
        "set -eu",
        "",
        "gpmirror=${GPMIRROR:-gpmirror}",
        *([f"spec={quote(spec)}"] if spec is not None else []),
        f"count={len(found.groups)}",
        "first=${1:-1}",
        _CHECK_FIRST,
    ]
    calls = [
        f"group {number} {' '.join(quote(host) for host in group.hosts)}"
        for number, group in enumerate(found.groups, start=1)
    ]
    text = _SCRIPT_WITH_SPEC if spec is not None else _SCRIPT_WITHOUT_SPEC
    roles = _RETURN_ROLES if found.limit is not None else _KEEP_ROLES
    if spec is None:
        roles = _ROLES_WITHOUT_SPEC if found.limit is not None else _KEEP_ROLES_WITHOUT_SPEC
    return "\n".join([*head, _WORK, text.replace("@ROLES@", roles), *calls, _END])


def _comment(text: str) -> str:
    """One line that can be nothing but a comment."""
    return f"# {visible(' '.join(text.split()))}"


_CHECK_FIRST = """\
case $first in
    '' | *[!0-9]*) first=0 ;;
esac
if [ "$first" -lt 1 ] || [ "$first" -gt "$count" ]; then
    echo "name the group to begin with, 1 to $count, or nothing" >&2
    exit 64
fi
"""


_WORK = """\
# "$@" are the hosts of one group; all of them may be down at once.
work() {
    # >>>>>>>> YOUR WORK BEGINS HERE >>>>>>>>
    # Stop, patch and start these hosts, and return when they answer again. For example:
    #     for host do ssh "$host" sudo /usr/local/sbin/patch-and-reboot; done
    echo "nothing is done yet: put the work for $* into this script" >&2
    return 1
    # <<<<<<<< YOUR WORK ENDS HERE <<<<<<<<
}
"""
_SCRIPT_WITH_SPEC = """\
# Copies that went down with the hosts come back, and nothing else is changed.
bring_back() {
    for host do
        set -- "$@" --host "$host"
        shift
    done
    "$gpmirror" apply "$spec" "$@" --yes
}

group() {
    number=$1
    shift
    [ "$number" -ge "$first" ] || return 0
    echo "group $number of $count: $*" >&2
    "$gpmirror" ok-to-stop --spec "$spec" --wait 30m "$@"
    work "$@"
    bring_back "$@"
@ROLES@
    "$gpmirror" status "$spec" --wait 2h
}
"""
_RETURN_ROLES = """\
    # the load factor holds while every primary acts on its own host; running queries are cancelled
    "$gpmirror" apply "$spec" --rebalance --allow cancels-queries --yes"""
_KEEP_ROLES = """\
    # roles stay switched; to return them after each group (running queries are cancelled):
    # "$gpmirror" apply "$spec" --rebalance --allow cancels-queries --yes"""
_SCRIPT_WITHOUT_SPEC = """\
group() {
    number=$1
    shift
    [ "$number" -ge "$first" ] || return 0
    echo "group $number of $count: $*" >&2
    "$gpmirror" ok-to-stop --wait 30m "$@"
    work "$@"
    # copies that went down with the hosts come back
    gprecoverseg -a
@ROLES@
    "$gpmirror" status --wait 2h
}
"""
_ROLES_WITHOUT_SPEC = """\
    # the load factor holds while every primary acts on its own host; running queries are cancelled
    "$gpmirror" status --wait 2h
    gprecoverseg -a -r"""
_KEEP_ROLES_WITHOUT_SPEC = """\
    # roles stay switched; to return them after each group (running queries are cancelled):
    # "$gpmirror" status --wait 2h && gprecoverseg -a -r"""
_END = """\

echo "every group is done" >&2
"""
