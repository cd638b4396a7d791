"""The server families gpmirror speaks to, and what each of them knows.

Facts: catalog shapes and file grammars of 4.3, 5, 6, 7, Cloudberry and Greengage as read in their
sources; 5.8.1, 6.24.3 and 7.0.0 also as recorded live.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from gpmirror.values import dataclass


class DialectName(StrEnum):
    """Names as written in a spec."""

    GP4 = "gp4"
    GP5 = "gp5"
    GP6 = "gp6"
    GP7 = "gp7"
    CLOUDBERRY = "cloudberry"
    GREENGAGE6 = "greengage6"
    GREENGAGE7 = "greengage7"


Release = tuple[int, int]
Since = Release | bool
"""A trait of the utilities that came with a release: from which on, major and minor; or whether the
family has it at all, whatever its release is.
"""
_LSN, _GROUPS, _REPORTS = 10, 11, 12
"""The PostgreSQL that calls a place in the WAL an LSN, lets a group read, reports base backups."""
MoveEngine = Literal["gprecoverseg", "gpmovemirrors"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one family's catalog, files and utilities look like. Whatever sets families apart stands
    here and in the table below, and nowhere else.

    How a family is told: `product` is a pattern of what version() calls it in small letters, `major`
    its first number ("": any), `backend` the PostgreSQL it is built on, `columns` of catalog tables
    that no other generation has; `fork_of` is the family of the same catalog from which it comes.

    `file_replication` is the 4.3/5 generation: replication ports, filespaces, colon-separated
    files with a `filespaceOrder=` header, and hostnames looked up over SSH. The later generation
    separates with `|`, has neither, and sets hostname to the address of an `-i` line.
    `coordinator_word` is the family's own word for the coordinator in options and variables.
    `move_engine` is the utility that moves a mirror which is up: gprecoverseg with two groups
    keeps the old directory and was recorded on 5.8.1 (inside gpmovemirrors), 6.24.3, 7.0.0 and
    Greengage 6.27.1; in Cloudberry gpmovemirrors calls it and then deletes (source). gpmovemirrors
    is used where neither is known.
    `dry_run_from` is the release on which a run of gpaddmirrors and gprecoverseg with -o was seen to
    change nothing: recorded live, and read in the source of the same release. Later releases of the
    same major count as proved: -o ends the program before it starts anything. None: not proved.
    `hostnames`: gprecoverseg takes `host|address|port|directory`; not known of Cloudberry, whose own
    version numbers say nothing about it. `differential`: it recovers the copies of a file so (gpdb
    pull requests 16719 and 17257; Greengage 6.27.1, recorded). `backup_mode`: it takes a primary in
    backup mode for a sign of a differential recovery; Cloudberry has that of 7.
    `limits_rate`: some release has `--max-rate` (WarehousePG 7.4, Greengage 7).
    `removes_dead_locks`: a utility itself removes the lock of a number under which nothing runs
    (7.0.0 and Greengage 6.27.1, recorded; 5.8.1, source); 6.24.3 exits with 0 and does nothing
    (recorded). `needs_old_name`: a copy whose old host does not answer is left out where it is to go
    elsewhere (6.24.3, recorded; not by 7.0.0, recorded); None: on no record.
    """

    name: DialectName
    title: str
    product: str
    major: str
    backend: str
    file_replication: bool
    coordinator_word: Literal["master", "coordinator"]
    move_engine: MoveEngine = "gprecoverseg"
    columns: tuple[str, ...] = ()
    fork_of: DialectName | None = None
    dry_run_from: tuple[int, int, int] | None = None
    hostnames: Since = False
    differential: Since = False
    backup_mode: Since = False
    limits_rate: bool = False
    removes_dead_locks: bool = False
    needs_old_name: bool | None = None

    # What goes with the generation in every family so far, each under its own name: where one parts
    # from it, its trait becomes a field.

    @property
    def has_replication_ports(self) -> bool:
        """Whether a copy has a second port, for replication."""
        return self.file_replication

    @property
    def has_filespaces(self) -> bool:
        """Whether directories stand in filespaces, not in the segments' own rows."""
        return self.file_replication

    @property
    def tells_replication(self) -> bool:
        """Whether a server tells who streams from it, beside what the catalog says."""
        return not self.file_replication

    @property
    def probes_on_request(self) -> bool:
        """Whether the fault prober looks when it is asked, not only once in its interval."""
        return not self.file_replication

    @property
    def sets_hostname(self) -> bool:
        """Whether an `-i` file says what the catalog's hostname becomes; else it is looked up."""
        return not self.file_replication

    @property
    def knows_per_host(self) -> bool:
        """Whether utilities have `-b`, segments of one host at once."""
        return not self.file_replication

    @property
    def asks_anyway(self) -> bool:
        """Whether gpaddmirrors may ask a question in spite of `-a`."""
        return self.file_replication

    @property
    def starts_before_copy(self) -> bool:
        """Whether a mirror is started before it is filled."""
        return self.file_replication

    @property
    def expansion_database(self) -> str | None:
        """The database in which gpexpand and its kind keep their schema (6.24.3, 7.0.0 and Greengage
        6.27.1: source); None: in whichever they are told, but not in one that every server has
        (5.8.1: recorded).
        """
        return None if self.file_replication else "postgres"

    @property
    def separator(self) -> str:
        """What separates the fields of a line in the utilities' files."""
        return ":" if self.file_replication else "|"

    @property
    def _postgres(self) -> int:
        return int(self.backend.partition(".")[0])

    @property
    def wal_word(self) -> Literal["location", "lsn"]:
        """What a place in the WAL is called in pg_stat_replication."""
        return "lsn" if self._postgres >= _LSN else "location"

    @property
    def tells_copies(self) -> bool:
        """Whether the server tells its system identifier and the base backups that run."""
        return self._postgres >= _REPORTS

    @property
    def group_may_read(self) -> bool:
        """Whether a server starts in a data directory of mode 0750."""
        return self._postgres >= _GROUPS

    @property
    def utility_role(self) -> Literal["gp_session_role", "gp_role"]:
        """The setting with which one segment is spoken to alone."""
        return "gp_role" if self._postgres >= _REPORTS else "gp_session_role"


_RELEASE = re.compile(r"(?:^|Database )(\d{1,4})\.(\d{1,4})")


def release_of(server_version: str | None) -> Release | None:
    """Major and minor of a number such as "6.25.1", or of what version() says; None: not told."""
    found = _RELEASE.search(server_version or "")
    return None if found is None else (int(found[1]), int(found[2]))


def has(trait: Since, server_version: str | None) -> bool:
    """Whether a server of this release has a trait of its family; not where it depends on a release
    that is not told.
    """
    if isinstance(trait, bool):
        return trait
    release = release_of(server_version)
    return release is not None and release >= trait


DIALECTS: dict[DialectName, Dialect] = {
    found.name: found
    for found in (
        Dialect(
            name=DialectName.GP4,
            title="Greenplum 4.3",
            product="greenplum",
            major="4",
            backend="8.2",
            columns=("san_mounts",),
            file_replication=True,
            coordinator_word="master",
            move_engine="gpmovemirrors",
            removes_dead_locks=True,
        ),
        Dialect(
            name=DialectName.GP5,
            title="Greenplum 5",
            product="greenplum",
            major="5",
            backend="8.3",
            columns=("replication_port", "fselocation", "fsname"),
            file_replication=True,
            coordinator_word="master",
            dry_run_from=(5, 8, 1),
            removes_dead_locks=True,
        ),
        Dialect(
            name=DialectName.GP6,
            title="Greenplum 6",
            product="greenplum",
            major="6",
            backend="9.4",
            file_replication=False,
            coordinator_word="master",
            dry_run_from=(6, 24, 3),
            hostnames=(6, 25),
            differential=(6, 27),
            backup_mode=(6, 25),
            needs_old_name=True,
        ),
        Dialect(
            name=DialectName.GP7,
            title="Greenplum 7",
            product="greenplum",
            major="7",
            backend="12",
            file_replication=False,
            coordinator_word="coordinator",
            dry_run_from=(7, 0, 0),
            hostnames=(7, 0),
            differential=(7, 1),
            backup_mode=(7, 0),
            limits_rate=True,
            removes_dead_locks=True,
            needs_old_name=False,
        ),
        Dialect(
            name=DialectName.CLOUDBERRY,
            title="Apache Cloudberry",
            product=".*cloudberry",
            major="",
            backend="14",
            columns=("warehouseid",),
            file_replication=False,
            coordinator_word="coordinator",
            backup_mode=True,
            limits_rate=True,
        ),
        Dialect(
            name=DialectName.GREENGAGE6,
            title="Greengage 6",
            product=".*greengage",
            major="6",
            backend="9.4",
            fork_of=DialectName.GP6,
            file_replication=False,
            coordinator_word="master",
            dry_run_from=(6, 27, 1),
            hostnames=(6, 25),
            differential=(6, 27),
            backup_mode=(6, 25),
            removes_dead_locks=True,
        ),
        Dialect(
            name=DialectName.GREENGAGE7,
            title="Greengage 7",
            product=".*greengage",
            major="7",
            backend="12",
            fork_of=DialectName.GP7,
            file_replication=False,
            coordinator_word="coordinator",
            hostnames=(7, 0),
            differential=(7, 1),
            backup_mode=(7, 0),
            limits_rate=True,
            removes_dead_locks=True,
        ),
    )
}

USUAL = {True: DialectName.GP5, False: DialectName.GP6}
"""By `file_replication`: what a text is taken for that proves its generation and no more."""


def families(of: Callable[[Dialect], bool]) -> frozenset[DialectName]:
    """The names of those that answer yes."""
    return frozenset(name for name, one in DIALECTS.items() if of(one))


def family(product: str, major: str, backend: str) -> DialectName | None:
    """The family that version() tells of: by product (small letters) and its major version, a product
    of no known family by the PostgreSQL it is built on; None: unknown.
    """
    named = [one for one in DIALECTS.values() if re.match(one.product, product)]
    if named:
        last = named[-1].product
        fitting = (one.name for one in named if one.product == last and one.major in {"", major})
        return next(fitting, None)
    backends = {one.backend: one.name for one in DIALECTS.values() if one.fork_of is None}
    return backends.get(backend) or backends.get(backend.partition(".")[0])
