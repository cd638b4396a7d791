"""Checks of the places where copies will stand."""

from collections.abc import Iterator
from shlex import quote

from gpmirror.cluster.dialect import DIALECTS
from gpmirror.cluster.observed import CopyFact
from gpmirror.gputils.leavings import set_aside_name
from gpmirror.plan.model import Action, Method
from gpmirror.preflight.copies import Look, copy_fact
from gpmirror.preflight.facts import Parent, Place
from gpmirror.preflight.questions import Landing
from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown

_RIGHTS = 0o777
"""Below a directory that hands its group on, every other has that bit too; servers do not mind."""
_PRIVATE = 0o700
_MODES_LATER = (_PRIVATE, 0o750)
"""From PostgreSQL 11 on the group may read."""


def judge_parents(visit: Visit) -> list[Finding]:
    """What is missing above every new directory can be created by the login user."""
    needed = {
        landing.parent: parent
        for landing, parent, place in visit.landings()
        if place is None or not place.exists
    }
    found = [finding for path, parent in needed.items() for finding in _parent(visit, path, parent)]
    if found or not visit.asked.landings:
        return found
    return [ok("every new directory can be created")]


def _parent(visit: Visit, path: str, parent: Parent | None) -> Iterator[Finding]:
    login = visit.facts.login or "the login user"
    if parent is None:
        yield unknown(f"{path} could not be looked at", f"look at it: `ls -ld {quote(path)}`")
    elif parent.is_link and not parent.is_directory:
        yield bad(f"{parent.path} is a symbolic link that leads to no directory", "mount or fix it")
    elif not parent.is_directory:
        yield bad(
            f"{parent.path} is not a directory, so {path} cannot be",
            "move that file away, or choose another root in the spec",
        )
    elif _is_read_only(visit, parent):
        yield bad(
            f"{login} cannot write in {parent.path} although owner and mode allow it: its file "
            "system is mounted read-only, or takes no directories",
            f"see how it is mounted: `findmnt -T {quote(parent.path)}`",
        )
    elif not (parent.writable and parent.searchable):
        who = "" if parent.status is None else f" (owner {parent.status.who})"
        mode = "" if parent.status is None else f", mode {parent.status.mode:04o}"
        what = "write in" if parent.path == path else f"create {path} below"
        yield bad(
            f"{login} cannot {what} {parent.path}{who}{mode}",
            f"as root: `install -d -o {login} -m 0700 {quote(path)}`",
        )


def _is_read_only(visit: Visit, parent: Parent) -> bool:
    status = parent.status
    return (
        not parent.writable
        and status is not None
        and status.uid == visit.facts.uid
        and bool(status.mode & 0o200)
    )


def judge_directories(visit: Visit) -> list[Finding]:
    """Every new directory is absent, or empty and private; one that is kept is our own."""
    found = [
        finding
        for landing, parent, place in visit.landings()
        for finding in _landing(visit, landing, parent, place)
    ]
    found += _nested(visit)
    found += _same_places(visit)
    if found or not visit.asked.landings:
        return found
    return [ok(f"{len(visit.asked.landings)} directories are absent, empty or our own")]


def _landing(
    visit: Visit, landing: Landing, parent: Parent | None, place: Place | None
) -> Iterator[Finding]:
    subject = f"content {landing.content}: {landing.path}"
    if place is None:
        yield unknown(
            f"{subject} could not be looked at", f"look at it: `ls -la {quote(landing.path)}`"
        )
    elif landing.in_place:
        yield from _in_place(visit, landing, parent, place) if landing.main else ()
    elif place.is_link:
        yield bad(
            f"{subject} is a symbolic link",
            "name the real directory as a root in the spec, or remove the link",
        )
    elif place.exists and not (landing.keeps or landing.freed):
        yield from _existing(visit, landing, place)


def _existing(visit: Visit, landing: Landing, place: Place) -> Iterator[Finding]:
    """A directory that is there already and that no copy of the plan leaves."""
    path = landing.path
    subject = f"content {landing.content}: {path}"
    if not place.is_directory:
        yield bad(f"{subject} exists and is not a directory", "move that file away")
    elif not place.readable:
        yield bad(
            f"{subject} exists and cannot be read by {visit.facts.login}",
            f"see what it is, then `chown` it or move it away: `ls -la {quote(path)}`",
        )
    elif place.entries:
        yield bad(
            f"{subject} is not empty: it holds {_few(place)}",
            _clearing(visit, landing),
        )
    elif place.status is None:
        yield unknown(
            f"{subject} exists; its owner and mode are not known", f"`ls -ld {quote(path)}`"
        )
    elif place.status.uid != visit.facts.uid:
        yield bad(
            f"{subject} is empty and belongs to {place.status.who}, not to {visit.facts.login}",
            f"`rmdir {quote(path)}`, or as root `chown {visit.facts.login} {quote(path)}`",
        )
    elif place.status.mode & _RIGHTS != _PRIVATE:
        yield bad(
            f"{subject} is empty with mode {place.status.mode:04o}; a server starts only in 0700",
            f"`chmod 0700 {quote(path)}`",
        )


def _clearing(visit: Visit, landing: Landing) -> str:
    """How to clear away what stands there; a prune proves before it deletes, but never a directory
    of a content that is not in sync.
    """
    run, path = visit.survey.plan.settings.reverts, quote(landing.path)
    if run is None:
        return (
            "if a move of gpmirror's left it, `gpmirror prune RUN` deletes it after proof; else make "
            f"sure that nobody needs it and move it away: `mv {path} {path}.old`"
        )
    if landing.action is Action.MOVE:
        return f"`gpmirror prune {run}` deletes it after proof"
    aside = quote(set_aside_name(landing.path, run))
    return (
        f"set it aside: `mv {path} {aside}`; `gpmirror prune {run}` deletes it once the content is "
        "in sync"
    )


def _few(place: Place) -> str:
    rest = place.entries - len(place.names)
    return ", ".join(place.names) + (f" and {rest} more" if rest > 0 else "")


def _in_place(
    visit: Visit, landing: Landing, parent: Parent | None, place: Place
) -> Iterator[Finding]:
    """A down copy is brought back where it is: the directory must be that copy's, and complete
    enough for the method.
    """
    subject = f"content {landing.content}: {landing.path}"
    closed = _closed(visit, subject, landing, place)
    if closed is not None:
        yield closed
        return
    fact = _fact(visit, landing, parent, place)
    full = f"`gpmirror plan --full --content {landing.content}`"
    match fact:
        case "foreign":
            yield bad(
                f"{subject} belongs to another system (its pg_control names {place.identifier})",
                "find out whose it is, move it away: "
                f"`mv {quote(landing.path)} {quote(landing.path)}.old`; "
                f"then {full}",
            )
        case "copying":
            yield bad(f"{subject}: a copy into it is still running", "wait until it ends")
        case "unknown":
            yield unknown(
                f"{subject}: whether it is this content's own cannot be told",
                "compare `pg_controldata` of it and of its primary's directory",
            )
        case "backup_label" if landing.method is Method.DIFFERENTIAL:
            return
        case "absent" | "backup_label" | "no_pg_control" if landing.method is not Method.FULL:
            how = landing.method.value if landing.method is not None else "incremental"
            yield bad(f"{subject} {_INCOMPLETE[fact]}: an {how} recovery would fail", full)
        case _:
            return


def _closed(visit: Visit, subject: str, landing: Landing, place: Place) -> Finding | None:
    """Owner or mode with which no server starts, however good the copy."""
    status, login = place.status, visit.facts.login
    if not (place.exists and place.is_directory) or status is None:
        return None
    if status.uid != visit.facts.uid:
        return bad(
            f"{subject} belongs to {status.who}, not to {login}",
            f"see whose it is, then as root `chown -R {login} {quote(landing.path)}`",
        )
    later = DIALECTS[visit.survey.plan.dialect].group_may_read
    modes = _MODES_LATER if later else (_PRIVATE,)
    if status.mode & _RIGHTS not in modes:
        return bad(
            f"{subject} has mode {status.mode:04o}; a server starts only in "
            f"{' or '.join(f'{mode:04o}' for mode in modes)}",
            f"`chmod 0700 {quote(landing.path)}`",
        )
    return None


def _fact(visit: Visit, landing: Landing, parent: Parent | None, place: Place) -> CopyFact:
    primary = visit.survey.sources.get(landing.content)
    return copy_fact(
        Look(
            path=landing.path,
            parent=parent,
            place=place,
            processes=visit.facts.processes or (),
            primary=None if primary is None else primary.server.identifier,
        )
    )


_INCOMPLETE = {
    "absent": "is not there",
    "backup_label": "holds a partial base backup (backup_label)",
    "no_pg_control": "has no global/pg_control",
}


def _nested(visit: Visit) -> Iterator[Finding]:
    """A new place in a data directory, whoever's that is and whatever links lead there."""
    for landing, parent, _ in visit.landings():
        if parent is not None and parent.within is not None and not landing.keeps:
            yield bad(
                f"content {landing.content}: {landing.path} would lie inside the data directory "
                f"{parent.within}",
                "choose roots in the spec that lead elsewhere",
            )


def _same_places(visit: Visit) -> Iterator[Finding]:
    """Two paths that symbolic links lead to one place, which no comparison of texts can see."""
    taken: dict[str, str] = {}
    for source, server in visit.sources():
        if server.exists:
            taken.setdefault(source.path, source.path)
    for landing, parent, _ in visit.landings():
        if parent is None or parent.physical is None:
            continue
        rest = landing.path[len(parent.path.rstrip("/")) :]
        physical = parent.physical.rstrip("/") + rest
        other = taken.setdefault(physical, landing.path)
        if other != landing.path:
            yield bad(
                f"content {landing.content}: {landing.path} and {other} are one place, {physical}, "
                "by symbolic links",
                "choose roots in the spec that lead to different places",
            )
