"""The one table of host checks: what each looks at, why, and what to do; the order is the order of
the report.
"""

from collections.abc import Callable, Iterable

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.preflight.competing import judge_backup_mode, judge_competing
from gpmirror.preflight.directories import judge_directories, judge_parents, judge_tablespaces
from gpmirror.preflight.login import judge_identity, judge_login, judge_reachable, judge_shell
from gpmirror.preflight.model import Finding, Visit
from gpmirror.preflight.ports import judge_ports
from gpmirror.preflight.software import (
    judge_checksums,
    judge_names,
    judge_software,
    judge_utility_names,
    judge_utility_options,
)
from gpmirror.preflight.space import judge_inodes, judge_space
from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckInfo:
    """A check with its page: what is looked at, why it matters, what to do. `judge` returns a
    finding per subject, none where the check does not concern the host.
    """

    what: str
    why: str
    remedy: str
    judge: Callable[[Visit], list[Finding]]


def _tried_elsewhere(_: Visit) -> list[Finding]:
    """The utilities run after all hosts have answered (`run/rehearsal.py`)."""
    return []


def _asked_apart(visit: Visit) -> list[Finding]:
    """Nothing of a plan's own hosts: all hosts are asked about all copies, see `copies.py`."""
    del visit
    return []


CHECKS: dict[str, CheckInfo] = {
    "reachable": CheckInfo(
        what="The host answers over SSH, and its answer is complete. A host that copies only leave "
        "may be silent. Whether the utility carries copies away from it is learnt from the native dry "
        "run; where the release has none, its name is asked on the coordinator's host.",
        why="A host that goes silent in the middle of a run leaves half-made copies. gprecoverseg of "
        "6 leaves out copies whose old host does not answer it, and exits with 0; that of 7 does not.",
        remedy="Fix what the message names: address, host key, login, load; where it is asked "
        "for, let the name of a lost host lead to its successor while copies are made there.",
        judge=judge_reachable,
    ),
    "shell": CheckInfo(
        what="A fresh shell that runs no command prints nothing.",
        why="The native utilities read each other's output over SSH; a greeting becomes data.",
        remedy="Let start-up files print for terminals only.",
        judge=judge_shell,
    ),
    "identity": CheckInfo(
        what="The acting primaries' directories are where the catalog says, so the name leads to the "
        "right host; the machine-id is `GPMIRROR_MACHINE_ID` from the environment, else "
        "/etc/machine-id.",
        why="A name may lead to another machine. Two hosts of the spec that are one machine fall "
        "together (hazard `same-machine`). Machines and containers cloned from one image share "
        "the file.",
        remedy="Give each machine its own /etc/machine-id, or set the variable for the login user.",
        judge=judge_identity,
    ),
    "login": CheckInfo(
        what="The login user owns the primaries' directories, on this host or on the others.",
        why="Directories of another owner keep a server from starting.",
        remedy="Set `ssh.user` in the spec.",
        judge=judge_login,
    ),
    "parents": CheckInfo(
        what="The nearest existing ancestor of each new directory is a directory that the login "
        "user may write and enter.",
        why="gpaddmirrors finds out only after it has changed the catalog.",
        remedy="Create the parent for that user, mode 0700.",
        judge=judge_parents,
    ),
    "directories": CheckInfo(
        what="Each new directory is absent, or empty with mode 0700 and our own; no two are one "
        "place by symbolic links, none lies in a data directory. A copy recovered where it is must be that copy by its system "
        "identifier, and complete enough for an incremental recovery unless a full one is planned: "
        "on 4.3 and 5 with the directory of each filespace.",
        why="An empty directory with mode 0755 fails at the start of the mirror, after the copy; "
        "gpmovemirrors writes into a full one without asking; an incremental recovery of a partial "
        "base backup cannot work; where the directory of a filespace is gone gprecoverseg of 5 says "
        "that it succeeded, and the mirror is down again at once.",
        remedy="`chmod 0700`, move the old content away, or plan a full recovery.",
        judge=judge_directories,
    ),
    "ports": CheckInfo(
        what="No socket holds a new port or replication port on a wildcard or on the host's own "
        "addresses, IPv4 and IPv6, as /proc/net/tcp and tcp6 tell.",
        why="A port taken on IPv4 alone lets the mirror start, in sync, and refuse every IPv4 "
        "connection; on 5 a taken port hangs gpaddmirrors for minutes after the catalog changed.",
        remedy="Stop what listens there, or change the ports in the spec.",
        judge=judge_ports,
    ),
    "space": CheckInfo(
        what="What lands on one file system fits into it together, with a tenth more: data and WAL "
        "of each primary as `du` measures them on its host, filespaces (4.3, 5) and tablespaces on "
        "their own file systems. A full copy in the place of its old one gets the room that was "
        "measured there; what moves leave is kept and frees nothing. Where `du` takes too long, the "
        "size of the databases as the server tells it and the measured WAL stand in, else all that "
        "the primaries' file systems hold must fit.",
        why="A disk that fills ends a base backup after hours and leaves the mirror down; on 5 "
        "gpaddmirrors then reports success.",
        remedy="Make room, or choose a root on another file system. `--allow low-space` goes on all "
        "the same, and the figures are told.",
        judge=judge_space,
    ),
    "inodes": CheckInfo(
        what="At least 5,000 inodes are free for each copy on a file system.",
        why="A segment has thousands of small files.",
        remedy="Remove small files, or choose another file system.",
        judge=judge_inodes,
    ),
    "tablespaces": CheckInfo(
        what="Tablespace locations of the primaries are in use on the new host already, or there and "
        "writable.",
        why="A base backup writes tablespaces to the same paths as on the primary's host.",
        remedy="Mount or create the location on the new host.",
        judge=judge_tablespaces,
    ),
    "names": CheckInfo(
        what="The addresses and hostnames that the copies meet under resolve to the same addresses "
        "on all touched hosts.",
        why="A name that means another machine here copies from, or to, the wrong one.",
        remedy="Fix /etc/hosts or DNS.",
        judge=judge_names,
    ),
    "software": CheckInfo(
        what="The server software is there and reports the same version on all touched hosts: that "
        "of a running server, else in GPHOME, the usual places, PATH.",
        why="A mirror on another release does not start, or starts and differs.",
        remedy="Install one release on all hosts.",
        judge=judge_software,
    ),
    "checksums": CheckInfo(
        what="Data checksums of a server on each host have one version.",
        why="gpaddmirrors refuses a mixture, and such servers are not of one cluster.",
        remedy="Compare `pg_controldata` of the servers.",
        judge=judge_checksums,
    ),
    "utility-options": CheckInfo(
        what="The installed utilities take the options of the plan that not every release has: -b, "
        "--hba-hostnames, --max-rate, --replay-lag. They are asked themselves, by these options and "
        "`--help`, on the coordinator's host; a plan without such options asks nothing.",
        why="A utility ends at an option that it does not know, and so does every attempt to resume.",
        remedy="Leave the key of the spec out that asks for it, and plan again.",
        judge=judge_utility_options,
    ),
    "utility-names": CheckInfo(
        what="A hostname that a line of a gprecoverseg file tells beside an address has, on the "
        "coordinator's host, the same first IP as the address, and a name leads back from that IP.",
        why="gprecoverseg of 7 and Greengage leaves such a line out otherwise, with a warning and "
        "exit 0.",
        remedy="Plan again; or fix /etc/hosts or DNS on the coordinator's host.",
        judge=judge_utility_names,
    ),
    "copies": CheckInfo(
        what="With `preflight --all` and `status --hosts` every copy of the cluster, up or down: its "
        "directory is where the catalog says; of one that is up a server runs in it, "
        "postmaster.pid names it, and it listens on the catalog's port; `gp_dbid` in "
        "internal.auto.conf (before 6 `dbid` in gp_dbid) is the catalog's.",
        why="A catalog that was edited by hand looks sound, because a mirror that streams counts as "
        "in sync, and the next failover then fails.",
        remedy="What each finding says; a wrong row is put right by the vendor's support.",
        judge=_asked_apart,
    ),
    "backup-mode": CheckInfo(
        what="No acting primary of a content that is recovered or moved is in backup mode (holds a "
        "backup_label), unless its differential recovery is under way; from 6.25 and 7.0 on.",
        why="gprecoverseg takes it for a differential recovery, leaves the content out and ends with "
        "0. A differential recovery that was cut off leaves the primary so for good.",
        remedy="`SELECT pg_stop_backup()` in utility mode on that primary; the message has the "
        "command.",
        judge=judge_backup_mode,
    ),
    "competing": CheckInfo(
        what="No native utility of this cluster runs on the coordinator's host, none holds or left "
        "a lock there that keeps one of the plan's from running, nothing copies into a planned "
        "directory, and no table or session of the cluster tells of other work (gpexpand, gpshrink, "
        "ggrebalance, base backups); on 4.3 and 5 gpexpand keeps its tables in any database, so all "
        "that take connections are looked into. Locks are directories (6 and later) or files with a number "
        "(4.3, 5).",
        why="With a lock in its way gprecoverseg does nothing and exits 0; gpaddmirrors takes no "
        "lock at all. 4.3, 5, 7 and Greengage remove the lock of a process that does not run, 6 does "
        "not; a number that another program bears by now stops all of them.",
        remedy="Wait until it ends. A lock whose owner is proved to be gone (nothing runs under its "
        "number, or a program that started after the lock was left) is removed with `--allow "
        "dead-lock`; one that proves nothing is removed by hand. A database that this user may not "
        "look into is unknown.",
        judge=judge_competing,
    ),
    "dry-run": CheckInfo(
        what="gpaddmirrors and gprecoverseg try the plan's files, those that the catalog allows "
        "already, with the run's own options and `-a -i FILE -o OUT`: OUT must hold every line. Only "
        "releases that are known to change nothing then are asked; others are `not rehearsed`.",
        why="Whether a line is skipped, an option is unknown or the name of a lost host must answer "
        "differs from release to release, and a utility that skips lines exits with 0.",
        remedy="What the refusal says: it quotes the line and the utility's own warning.",
        judge=_tried_elsewhere,
    ),
}
"""Name -> check. `--allow unchecked:NAME` accepts that a check could not be made."""


def check_unchecked(allow: Iterable[str]) -> None:
    """Raises InvalidInput (GPM-P303): `unchecked:NAME` of a check that does not exist."""
    problems = [
        Diagnostic(
            code="GPM-P303",
            message=f"--allow {name}: there is no such check",
            place=Place(file="command line"),
            hint=f"the checks are: {', '.join(CHECKS)}",
        )
        for name in allow
        if name.startswith("unchecked:") and name.removeprefix("unchecked:") not in CHECKS
    ]
    if problems:
        raise InvalidInput(problems)
