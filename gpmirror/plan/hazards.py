"""The dangers of a plan, each with the flag that allows it, and the blast-radius guards."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.model.text import counted
from gpmirror.plan.classify import SAME_HOST_PATH
from gpmirror.plan.model import Action, Change, Guard, Hazard, Method, Verdict, Wave
from gpmirror.plan.request import Request
from gpmirror.plan.waves import deletes_directory, reuses_directory
from gpmirror.spec.model import Protection, Site
from gpmirror.values import dataclass

PAUSED_EXPANSION = "paused-expansion"

HAZARDS = {
    "same-host": CodeInfo(
        title="a mirror beside its own primary",
        why="The loss of that host loses both copies of the content.",
        fix="Put the mirror on another host. Where one host is all there is, write "
        "`mirrors.allow_same_host: true` in the spec; for a plan made by `gpmirror revert` "
        "`--allow same-host` does too.",
    ),
    "hostname-becomes-address": CodeInfo(
        title="the utility writes the address into the catalog as the hostname",
        why="Mirroring, failover and recovery go by the address and work all the same. gpstate, "
        "gpstart and gpexpand show a further host, and so does every script that groups segments "
        "by hostname.",
        fix="Allow it where no script or tool of yours groups segments by hostname, and keep the "
        "address in the spec's `addresses`. Else pin the address that is the hostname (`pins: "
        "address`), or let both names share an IP on the coordinator's host where the release "
        "reads hostnames (6.25 and later, 7, Greengage).",
    ),
    "deletes-old-directory": CodeInfo(
        title="the utility deletes the old copy by itself: its directory or, if the new copy uses the "
        "same directory, the files in it",
        why="Until the new copy is in sync the content has no second copy, and no old one to go "
        "back to.",
        fix="Allow it if the primary is healthy and backed up; else give the mirror another "
        "directory, port or host, so that the old one stays.",
    ),
    "cancels-queries": CodeInfo(
        title="running queries are cancelled while roles switch back",
        why="gprecoverseg -r stops the acting primaries; every session that uses them loses its "
        "statement.",
        fix="Allow it in a maintenance window; `gpmirror plan` without `--rebalance` leaves roles "
        "as they are.",
    ),
    "policy": CodeInfo(
        title="the desired layout breaks a rule of the spec's policy",
        why="The spec says under `policy` what the cluster must survive, and this layout does not.",
        fix="Change the layout: strategy, order of hosts, pins; or the rule. `gpmirror simulate` "
        "shows what is lost with each host.",
    ),
}
"""Every hazard an offline plan can carry, each with its page; the names are what --allow takes."""

HOST_HAZARDS = {
    "same-machine": CodeInfo(
        title="two hosts of the spec are one machine",
        why="They report one machine-id, so they fail together, and both copies of a content may "
        "be on them.",
        fix="Write them as one host with several `addresses`; where cloned machines share "
        "/etc/machine-id, give each its own.",
    ),
    "ephemeral-port": CodeInfo(
        title="an outgoing connection may hold a mirror's port when it is to start",
        why="The port lies in the host's range for outgoing connections (ip_local_port_range) and "
        "is not reserved.",
        fix="Reserve the ports with the sysctl line of the message, or choose lower ones.",
    ),
    PAUSED_EXPANSION: CodeInfo(
        title="mirrors are added or moved while an expansion pauses, its tables still to be "
        "redistributed",
        why="gpexpand goes on later with the layout that it began with.",
        fix="End the expansion first (`gpexpand`), or bring back only what is down (`--content`).",
    ),
}
"""Hazards that only a look at the live cluster or its hosts finds; the names may be allowed in the
plan already.
"""

LOW_SPACE = "low-space"
DEAD_LOCK = "dead-lock"

OVERRIDES = {
    LOW_SPACE: CodeInfo(
        title="go on although a file system has too little room, or too few inodes, for the copies",
        why="The checks `space` and `inodes` count with a reserve; you may know better what will "
        "be free.",
        fix="Make room, or choose a root on another file system.",
    ),
    DEAD_LOCK: CodeInfo(
        title="remove, before the first wave, the lock of a native utility that is proved not to run",
        why="With a lock in its way gprecoverseg does nothing and exits 0.",
        fix="Look first whether the utility in the message still runs, on the coordinator's host "
        "(`ps -ef`). If a lock cannot be proved dead and nothing runs, remove the lock yourself.",
    ),
}
"""Failed host checks that may be overridden, by what --allow takes; `preflight` and `apply` then show
the figures. Every other failed check stands."""

COMMAND_HAZARDS = {
    "connection-from-plan": CodeInfo(
        title="a plan file, not the operator, says how the cluster is reached",
        why="Whoever wrote the file would decide which server gets your password, and which "
        "programs SSH starts.",
        fix="Run the command where the spec is, or set PGHOST, PGPORT, PGUSER and PGDATABASE.",
    ),
}
"""Hazards that are allowed on the command line alone: in a plan the names allow nothing."""

ALLOWABLE = {**HAZARDS, **HOST_HAZARDS, **COMMAND_HAZARDS, **OVERRIDES}
"""What --allow takes by its own name, each with its page; guards and checks stand behind a word."""

_UNCHECKED = re.compile(r"unchecked:[a-z][a-z-]*")

GUARDS = {
    "moves_percent": CodeInfo(
        title="moves and full recoveries as a share of all contents, in percent",
        why="A slip in a spec moves the mirrors of a whole cluster. It is judged in clusters of at "
        "least `policy.guards.min_contents` contents.",
        fix="Read the plan; do it in parts with `--content`, raise `policy.guards.moves_percent`, or "
        "allow it.",
    ),
    "bytes": CodeInfo(
        title="bytes that moves and full recoveries copy",
        why="Copying takes hours of network and disk. An unknown size counts as too much.",
        fix="Do it in parts with `--content`, raise `policy.guards.bytes`, or allow it.",
    ),
}
"""Limits on how much a plan may touch, each with its page."""

PROTECTED = CodeInfo(
    title="the spec's `protect` forbids the move",
    why="Somebody wrote down that this content, or what is on this host, is to stay where it is.",
    fix="Ask why; lift it for one plan with `--unprotect content:N` or `--unprotect host:H`.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Everything hazards are found in."""

    site: Site
    request: Request
    changes: Sequence[Change]
    waves: Sequence[Wave]
    verdicts: Sequence[Verdict]
    contents: int
    same_host: tuple[int, ...] = field(default=())


def check_names(request: Request, site: Site) -> None:
    """Raises InvalidInput (GPM-P303) for --allow and --unprotect names that do not exist."""
    protected = [item.name for item in site.protect]
    problems = [
        *_unknown_allow(request.allow),
        *_unknown("--unprotect", request.unprotect, protected),
    ]
    if problems:
        raise InvalidInput(problems)


def check_allow(allow: Iterable[str]) -> None:
    """Raises InvalidInput (GPM-P303) for --allow names that do not exist. The checks that
    `unchecked:NAME` names are told apart only where hosts are checked.
    """
    problems = [*_unknown_allow(allow)]
    if problems:
        raise InvalidInput(problems)


def check_unprotect(names: Iterable[str], protected: Sequence[str]) -> None:
    """Raises InvalidInput (GPM-P303) for names that the spec does not protect."""
    problems = [*_unknown("--unprotect", names, protected)]
    if problems:
        raise InvalidInput(problems)


def _unknown_allow(allow: Iterable[str]) -> Iterator[Diagnostic]:
    named = [name for name in allow if not _UNCHECKED.fullmatch(name)]
    known = [*ALLOWABLE, *(f"guard:{name}" for name in GUARDS)]
    return _unknown("--allow", named, known)


def _unknown(flag: str, given: Iterable[str], known: Sequence[str]) -> Iterator[Diagnostic]:
    for name in given:
        if name not in known:
            choices = ", ".join(known) if known else "nothing is protected in this spec"
            yield Diagnostic(
                code="GPM-P303",
                message=f"{flag} {name}: there is no such name",
                place=Place(file="command line"),
                hint=f"{flag} takes: {choices}" if known else choices,
            )


def allowed_names(request: Request) -> tuple[str, ...]:
    """What the plan records as allowed."""
    unprotected = {f"unprotect:{name}" for name in request.unprotect}
    return tuple(sorted({*request.allow, *unprotected}))


def find_hazards(found: Judgement) -> tuple[Hazard, ...]:
    """All hazards, sorted by name, contents sorted."""
    hazards = [*_same_host(found), *_hostnames(found), *_deletions(found), *_cancels(found)]
    hazards += [*_policy(found), *_protected(found)]
    return tuple(sorted(hazards, key=lambda hazard: (hazard.name, hazard.message)))


def _hazard(found: Judgement, name: str, message: str, contents: Iterable[int]) -> Hazard:
    return Hazard(
        name=name,
        message=message,
        flag=f"--allow {name}",
        contents=tuple(sorted(contents)),
        allowed=name in found.request.allow,
    )


def _same_host(found: Judgement) -> Iterator[Hazard]:
    if not found.same_host:
        return
    message = (
        f"{len(found.same_host)} mirrors share their primary's host: losing it loses both copies"
    )
    if not found.site.allow_same_host:
        yield _hazard(found, "same-host", message, found.same_host)
        return
    place = found.site.place_of(*SAME_HOST_PATH)
    yield Hazard(
        name="same-host",
        message=message,
        flag=f"allow_same_host: true ({place.line_text})",
        contents=found.same_host,
        allowed=True,
    )


def _hostnames(found: Judgement) -> Iterator[Hazard]:
    renamed = [change for change in found.changes if change.hostname_after is not None]
    if renamed:
        first = renamed[0]
        host = first.to.host if first.to is not None else ""
        yield _hazard(
            found,
            "hostname-becomes-address",
            f"{counted(len(renamed), 'mirror')} will have the address as hostname in the catalog "
            f"(content "
            f"{first.content}: {first.hostname_after} instead of {host}); gpstate, gpstart and "
            "gpexpand will see a host of that name; copies work all the same: allow it unless "
            "something groups segments by hostname",
            (change.content for change in renamed),
        )


def _deletions(found: Judgement) -> Iterator[Hazard]:
    steps = [step for wave in found.waves if wave.action is Action.MOVE for step in wave.steps]
    # a copy in a temporary slot is the plan's own: where it came from stands untouched
    aside = {(step.content, step.to) for step in steps if step.temporary}
    reused = {
        step.content
        for step in steps
        if reuses_directory(step) and (step.content, step.from_) not in aside
    }
    if reused:
        yield _hazard(
            found,
            "deletes-old-directory",
            f"{counted(len(reused), 'mirror')} will be copied again into the directory where the old "
            "copy stands, whose files go first; there is no way back to them",
            reused,
        )
    contents = [
        step.content
        for wave in found.waves
        if any(run.utility == "gpmovemirrors" for run in wave.native)
        for step in wave.steps
        if deletes_directory(step)
    ]
    if contents:
        yield _hazard(
            found,
            "deletes-old-directory",
            f"gpmovemirrors deletes the old directories of {len(set(contents))} mirrors by itself; "
            "there is no way back to them",
            set(contents),
        )


def _cancels(found: Judgement) -> Iterator[Hazard]:
    rebalances = [wave for wave in found.waves if wave.action is Action.REBALANCE]
    contents = [content for wave in rebalances for content in wave.contents]
    if contents:
        yield _hazard(
            found,
            "cancels-queries",
            "a rebalance cancels the queries that run then; all switched contents go back in one run",
            contents,
        )


def _policy(found: Judgement) -> Iterator[Hazard]:
    for verdict in found.verdicts:
        if not verdict.after:
            yield _hazard(
                found, "policy", f"{verdict.rule}: no ({verdict.source}): {verdict.evidence}", ()
            )


def _protected(found: Judgement) -> Iterator[Hazard]:
    for item in found.site.protect:
        contents = [c.content for c in found.changes if _touches(c, item)]
        if contents:
            yield Hazard(
                name=f"protected:{item.name}",
                message=f"{item.name} is protected against moves "
                f"({found.site.file}:{item.place.line}); {len(contents)} would move",
                flag=f"--unprotect {item.name}",
                contents=tuple(sorted(contents)),
                allowed=item.name in found.request.unprotect,
            )


def _touches(change: Change, item: Protection) -> bool:
    if not _moves(change):
        return False
    if item.content is not None:
        return change.content == item.content
    return any(slot is not None and slot.host == item.host for slot in (change.from_, change.to))


def _moves(change: Change) -> bool:
    """A move, or a recovery that leaves its place."""
    if change.action is Action.MOVE:
        return True
    return change.action is Action.RECOVER and change.to != change.from_


def find_guards(found: Judgement) -> tuple[Guard, ...]:
    """The guards with this plan's figures."""
    limits = found.site.policy.guards
    heavy = [c for c in found.changes if _moves(c) or c.method is Method.FULL]
    percent = -(-100 * len(heavy) // found.contents) if found.contents else 0
    judged = found.contents >= limits.min_contents
    guards = [
        _guard(found, "moves_percent", percent, limits.moves_percent, "percent", judged=judged)
    ]
    if limits.max_bytes is not None:
        sizes = [change.size for change in heavy]
        known = [size for size in sizes if size is not None]
        total = sum(known) if len(known) == len(sizes) else None
        guards.append(_guard(found, "bytes", total, limits.max_bytes, "bytes", judged=bool(heavy)))
    return tuple(guards)


def _guard(
    found: Judgement, name: str, value: int | None, limit: int, unit: str, *, judged: bool
) -> Guard:
    return Guard(
        name=name,
        value=value,
        limit=limit,
        unit=unit,
        exceeded=judged and (value is None or value > limit),
        flag=f"--allow guard:{name}",
        allowed=f"guard:{name}" in found.request.allow,
    )
