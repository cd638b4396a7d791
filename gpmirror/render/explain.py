"""Why a mirror goes where it goes, what happens on a host, and the page behind every name."""

from collections.abc import Iterable, Mapping

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place
from gpmirror.errors import ExitCode, InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.model.text import named
from gpmirror.plan.model import Change, Plan, PlannedContent
from gpmirror.plan.timing import waits_of
from gpmirror.render.plan import change_text, hazard_text, host_rows
from gpmirror.render.text import row_text, slot_text, visible
from gpmirror.render.waves import command_text, exposed_text
from gpmirror.values import dataclass

# --- Why a mirror is where it is or goes where it goes, and what happens on a host.


def explain_content(plan: Plan, observed: Observed, content: int, why: str = "") -> str:
    """A content's rows, desired mirror, change with its reason, waves and hazards. `why` is the rule
    that wants a mirror where it is, which a plan tells of changes only.

    Raises InvalidInput: the cluster has no such content.
    """
    rows = check_content(plan, observed, content)
    wanted = [found for found in plan.desired.contents if found.content == content]
    lines = [f"content {content} of {plan.cluster}"]
    lines += [f"  observed  {_kind(row)} {row_text(row)}" for row in rows]
    lines += [f"  desired   {_desired(found)}" for found in wanted]
    lines += [f"  decision  {_decision(plan, content, why)}"]
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
    lines += _of("preferred primaries", (c for c, home in homes if home == host))
    mirrors = ((found.content, found.mirror) for found in plan.desired.contents)
    wanted = (content for content, slot in mirrors if slot is not None and slot.host == host)
    lines += _of("desired mirrors", wanted)
    lines += [f"  {change_text(change)}" for change in plan.changes if touches(change, host)]
    down = [row for row in observed.segments if is_on(row, host) and not row.is_up]
    lines += [f"  down: content {row.content} {_kind(row)} {row_text(row)}" for row in down]
    return _text(lines)


def check_content(plan: Plan, observed: Observed, content: int) -> list[Segment]:
    """The rows of a content. Raises InvalidInput: the cluster has no such content."""
    rows = [row for row in observed.segments if row.content == content]
    if content < 0 or not rows:
        known = named(found.content for found in plan.desired.contents)
        raise _refusal(f"content {content}: no such content", f"the cluster has {known}")
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


def _of(what: str, contents: Iterable[int]) -> list[str]:
    """`  desired mirrors of contents 0-1`; nothing of none."""
    found = list(contents)
    return [f"  {what} of {named(found)}"] if found else []


def _desired(found: PlannedContent) -> str:
    mirror = "none" if found.mirror is None else slot_text(found.mirror)
    return f"mirror {mirror} for preferred primary {slot_text(found.primary)}"


def _decision(plan: Plan, content: int, why: str) -> str:
    for change in plan.changes:
        if change.content == content:
            return change_text(change)
    if content in plan.switched:
        return "nothing: roles are switched, the mirror is in its place; `--rebalance` returns them"
    if plan.selection is not None:
        return f"nothing: in its place, or outside the selection ({plan.selection})"
    stays = "nothing: the mirror is where the spec wants it"
    return f"{stays}; {why}" if why else stays


def _waves(plan: Plan, content: int) -> list[str]:
    exposures = {found.wave: found for found in plan.exposure.waves}
    lines: list[str] = []
    for wave in plan.waves:
        if content in wave.contents:
            commands = "; ".join(command_text(run) for run in wave.native)
            lines.append(f"  wave {wave.number:<4} {wave.action.value} with {commands}")
            if wave.number in exposures:
                told = exposed_text(exposures[wave.number], plan, waits_of(plan, [wave]).seconds)
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


def _unknown_host(host: str, known: Iterable[str]) -> InvalidInput:
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(host, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known hosts: {', '.join(names[:8])}"
    return _refusal(f"host {host}: no such host", hint)


def _refusal(message: str, hint: str) -> InvalidInput:
    place = Place(file="command line")
    return InvalidInput([Diagnostic(code="GPM-P302", message=message, place=place, hint=hint)])


# --- The page behind a name: a code, a hazard, a guard, a host check, an exit code.
#
# Each is written down once, in the table of its package; this joins the tables.


_IN_THE_SPEC = "mirrors.allow_same_host: true in the spec, --allow same-host with a plan made by gpmirror revert"
_UNPROTECT = "--unprotect content:N, --unprotect host:H"


GLOSSARY: Mapping[str, str] = {
    "acting role": "The role that a copy has now (`role` in the catalog): the acting primary serves "
    "queries, the acting mirror follows it.",
    "address": "The network name under which other hosts reach a copy (`address` in the catalog); "
    "a host with several interfaces has several.",
    "balanced": "A strategy: all mirrors are looked at together, not host by host. Each host gets its share of "
    "mirrors by `weight`, racks stay apart, as few mirrors as can be move (or bytes: `minimise`), and of "
    "the layouts with so few moves the one with the lowest worst load is taken. The plan holds the proof.",
    "block": "A strategy: hosts are cut into blocks of `block_size`, and the mirrors of a host "
    "stand on the other hosts of its block in turn.",
    "blocked": "A segment that this plan cannot bring to the spec; the reason and what helps stand"
    " beside it.",
    "catalog": "`gp_segment_configuration` (and `pg_filespace_entry` on 4.3 and 5) of the "
    "coordinator: what the cluster says of itself.",
    "certificate": "The proof in a plan of strategy balanced that no layout is better. Every command "
    "that reads the plan reckons it anew, and refuses a plan whose certificate does not prove its layout.",
    "content ID": "A segment's number, 0 and up; the coordinator has -1. Lists of numbers say "
    "`contents`.",
    "coordinator": "The server that clients connect to; called master before Greenplum 7.",
    "copy": "A primary or a mirror: one of the two database servers that hold the data of a "
    "segment.",
    "cut-off copy": "A copy that a run began to make and that never ended: no server ever started from "
    "it. `gpmirror resume` and `gpmirror prune` clear it away after proof.",
    "desired": "The layout that the spec asks for.",
    "down": "Status `d` in the catalog: the copy does not run, or its primary has stopped "
    "waiting for it.",
    "drain": "Move all mirrors away from a host (`weight: 0`).",
    "exposure": "What the loss of one more host would cost while a plan runs: a segment without a "
    "synchronized mirror is lost with the host of its primary.",
    "failover": "The mirror of a primary that was lost takes over; the roles are switched from then"
    " on.",
    "fatal pair": "Two hosts that together hold both copies of a segment: when both are lost, its data is "
    "lost. The fewer, the better.",
    "fault prober": "The coordinator's process that asks every primary whether it and its mirror live "
    "(`fts`).",
    "filespace": "A second place for data on 4.3 and 5, with a directory for every segment.",
    "full recovery": "Copy the whole primary into an empty directory.",
    "given up": "A leftover directory on a host that never comes back: `gpmirror prune RUN --forget HOST` "
    "records that nobody looks at it any more, and changes no host.",
    "group": "A strategy: all mirrors of a host stand on the next host in the order of the spec.",
    "guard": "A limit that a plan would exceed, such as the share of mirrors that move at once; "
    "allowed by name.",
    "hazard": "A danger of a plan or a run; those that need a word from you are allowed by name "
    "(`--allow NAME`).",
    "host": "A machine with segments, named as in `hostname` of the catalog.",
    "host loss": "A host dies with every copy on it. `host loss costs up to 2`: two segments would "
    "have no live copy left.",
    "in sync": "The mirror has everything that its primary has (mode `s`, status `u`), and "
    "gpmirror saw it stream where the release can say so.",
    "incremental recovery": "Bring back a mirror that is down by copying only what changed since.",
    "journal": "The file in which a run notes each step before it begins and when it has ended; `gpmirror "
    "runs` and `gpmirror resume` read it.",
    "leftover directory": "The old data directory of a mirror that moved, or a copy that was cut off; "
    "`gpmirror prune` deletes it after proof.",
    "mirror": "The copy that follows the primary, ready to take over. Where it matters, "
    "`preferred` or `acting` says which role is meant.",
    "move": "Give a mirror another host, port or directory: it is copied to the new place, and "
    "the old directory is left over.",
    "native utility": "gpaddmirrors, gprecoverseg or gpmovemirrors: Greenplum's own tools that change "
    "mirrors. gpmirror writes their files and starts them.",
    "observed": "The layout that the catalog shows.",
    "peak exposure": "The most segments that are without a synchronized mirror at one time while a plan "
    "runs.",
    "pin": "A line of the spec that gives one segment's mirror its host, port or directory, "
    "whatever the strategy.",
    "pinned": "A strategy that places nothing by itself: every segment has a pin with a host.",
    "plan": "The steps from observed to desired. Saved as a file it can be reviewed, compared and applied.",
    "preferred role": "The role that a copy should have (`preferred_role`). Acting and preferred roles "
    "differ after a failover. Layouts are judged by preferred roles.",
    "prefix": "The part of a directory's name before the content ID (`gpseg` in `gpseg3`).",
    "primary": "The copy that serves queries. Where it matters, `preferred` or `acting` says which"
    " role is meant.",
    "protection": "A rule in the spec (`protect`) that forbids to move or copy the mirrors that it "
    "names.",
    "rack": "Several hosts that may be lost together (`rack` in the spec).",
    "rebalance": "Return all roles to the preferred ones (`gprecoverseg -r`); running queries are "
    "cancelled.",
    "recover": "Bring a mirror that is down back into sync, where it is or elsewhere.",
    "review-only plan": "A plan over a catalog text without directories: to be read, not applied. `gpmirror"
    " explain review-only`.",
    "ring": "The hosts in the order of the spec, the first again after the last. group, spread and block "
    "place mirrors by walking on from a primary's host; balanced does not.",
    "root": "A directory in which mirrors get their data directories (`roots` in the spec).",
    "run": "One `gpmirror apply`, with a name, a journal and a folder on the coordinator.",
    "segment": "A share of every table's rows, with a content ID of its own: a primary and its "
    "mirror hold it.",
    "selection": "The part of a plan that `--content` and `--host` ask for; the rest is left out.",
    "share": "How many mirrors strategy balanced gives a host: all mirrors x the host's `weight` / the sum of "
    "the weights, rounded down or up.",
    "single": "Of a segment: one live copy only. The loss of its host would lose the segment. JSON names such contents "
    "`single`.",
    "slot": "The place of one copy: host, address, port and directory (on 4.3 and 5 the replication port and "
    "filespaces too).",
    "snapshot": "The catalog as `gpmirror snapshot` saved it, to plan and simulate without a connection.",
    "spec": "The YAML file that says which layout is wanted.",
    "spread": "A strategy: the mirror of a host's k-th primary stands k hosts further, so that "
    "many hosts share the load of one that is lost.",
    "strategy": "How mirrors are placed on hosts: group, spread, block, balanced or pinned.",
    "switched": "Primary and mirror act in each other's role, after a failover.",
    "syncing": "The mirror runs and still fetches what it lacks: until it is in sync it cannot take "
    "over.",
    "unmirrored": "Without a synchronized mirror: one live copy only. The column counts the segments "
    "that are so while a wave runs, those that were before it too.",
    "wave": "The part of a plan that one call of a native utility carries out; waves follow one"
    " another.",
    "weight": "How many mirrors a host gets beside the others (`weight` in the spec, 1 unless set): 0 means "
    "none, and strategy balanced gives a host of weight 2 twice as many.",
    "worst load": "The most primaries that one host runs after the loss of another, beside the number"
    " that it runs now.",
}
"""One word for one thing, in screens, messages and pages, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A name with its page. `kind` as a person would say it; `allowed_by` the flag that lets a plan
    pass all the same, None where none does.
    """

    name: str
    kind: str
    info: CodeInfo
    allowed_by: str | None = None


def explain_name(name: str) -> str:
    """What it means, why it matters, how to fix it. Raises InvalidInput (GPM-P305): no such name."""
    if (term := term_of(name)) is not None:
        return f"{term}: {GLOSSARY[term]}\n"
    topic = topic_of(name)
    title = topic.info.title
    head = f"{topic.name}: {title}\n"
    if topic.kind != "code":
        head = f"{topic.name}: {topic.kind}\n\nWhat: {title[0].upper()}{title[1:].rstrip('.')}."
    allowed = f"Allowed by: {topic.allowed_by}\n" if topic.allowed_by else ""
    return f"{head}\nWhy: {topic.info.why}\nFix: {topic.info.fix}\n{allowed}"


def term_of(name: str) -> str | None:
    """The term of the glossary that a name stands for, in whatever case; a code, hazard, guard, check
    or exit code of that name comes first.
    """
    said = " ".join(name.lower().split())
    if said in all_topics():
        return None
    known = {term.lower(): term for term in GLOSSARY}
    return known.get(said) or known.get(said.removesuffix("s"))


def topic_of(name: str) -> Topic:
    """The topic that a name stands for, in whatever case. Raises InvalidInput (GPM-P305)."""
    topics = all_topics()
    said = name.strip()
    for prefix in ("guard:", "unchecked:", "exit:"):
        said = said.removeprefix(prefix)
    if said.startswith("protected:"):
        said = "protected"
    by_name = {known.lower(): topic for known, topic in topics.items()}
    found = by_name.get(said.lower()) or _exit_code(said, topics)
    if found is None:
        raise _unknown(name, topics)
    return found


def all_topics() -> dict[str, Topic]:
    """Every name that can be explained, codes first; an exit code by its name."""
    from gpmirror.plan.codes import REVIEW_ONLY
    from gpmirror.plan.hazards import (
        COMMAND_HAZARDS,
        GUARDS,
        HAZARDS,
        HOST_HAZARDS,
        OVERRIDES,
        PROTECTED,
    )
    from gpmirror.preflight.checks import CHECKS

    found = [Topic(name=code, kind="code", info=info) for code, info in all_codes().items()]
    found += [
        Topic(
            name=name,
            kind="hazard",
            info=info,
            allowed_by=_IN_THE_SPEC if name == "same-host" else f"--allow {name}",
        )
        for name, info in {**HAZARDS, **HOST_HAZARDS, **COMMAND_HAZARDS}.items()
    ]
    found.append(Topic(name="protected", kind="hazard", info=PROTECTED, allowed_by=_UNPROTECT))
    found += [
        Topic(name=name, kind="override of a check", info=info, allowed_by=f"--allow {name}")
        for name, info in OVERRIDES.items()
    ]
    found += [
        Topic(name=name, kind="guard", info=info, allowed_by=f"--allow guard:{name}")
        for name, info in GUARDS.items()
    ]
    found += [
        Topic(
            name=name,
            kind="host check",
            info=CodeInfo(title=check.what, why=check.why, fix=check.remedy),
            allowed_by=_unchecked(name),
        )
        for name, check in CHECKS.items()
    ]
    found += [
        Topic(name=code.name.lower(), kind=f"exit code {code.value}", info=code.info)
        for code in ExitCode
    ]
    found.append(Topic(name="review-only", kind="kind of plan", info=REVIEW_ONLY))
    return {topic.name: topic for topic in found}


def _unchecked(check: str) -> str:
    """What accepts that a check could not be made, or, of three, that it is bad."""
    from gpmirror.plan.hazards import DEAD_LOCK, LOW_SPACE

    bad = {"space": LOW_SPACE, "inodes": LOW_SPACE, "competing": DEAD_LOCK}
    over = f"--allow {bad[check]} where it is bad, " if check in bad else ""
    return f"{over}--allow unchecked:{check} where it could not be made"


def all_codes() -> dict[str, CodeInfo]:
    """Every code of every package, in order."""
    from gpmirror.catalog.codes import CODES as CATALOG
    from gpmirror.infer.codes import CODES as INFER
    from gpmirror.native.codes import CODES as NATIVE
    from gpmirror.placement.codes import CODES as PLACEMENT
    from gpmirror.plan.codes import CODES as PLAN
    from gpmirror.simulate.codes import CODES as SIMULATE
    from gpmirror.spec.codes import CODES as SPEC

    tables: tuple[Mapping[str, CodeInfo], ...] = (
        SPEC,
        CATALOG,
        NATIVE,
        PLACEMENT,
        SIMULATE,
        PLAN,
        INFER,
    )
    return dict(sorted((code, info) for table in tables for code, info in table.items()))


def _exit_code(said: str, topics: Mapping[str, Topic]) -> Topic | None:
    """By its number: `9` as well as `preflight`."""
    if not (said.isascii() and said.isdigit() and len(said) < len("1000")):
        return None
    known = {code.value: code for code in ExitCode}
    code = known.get(int(said))
    return None if code is None else topics[code.name.lower()]


def _unknown(name: str, known: Mapping[str, Topic]) -> InvalidInput:
    from difflib import get_close_matches

    said = name.strip()[:100]
    every = [*known, *GLOSSARY]
    close = get_close_matches(said.upper(), every, n=3) or get_close_matches(
        said.lower(), every, n=3
    )
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else "a code (GPM-V014: V spec, C catalog, N native files, P placement and plan), a hazard, a "
        "guard, a host check, an exit code or a term of the glossary"
    )
    what = "code" if said.upper().startswith("GPM-") else "name"
    message = f"{said}: no such {what}"
    return InvalidInput(
        [Diagnostic(code="GPM-P305", message=message, place=Place(file="command line"), hint=hint)]
    )
