"""The server families gpmirror speaks to, and what each of them knows.

Facts: catalog shapes and file grammars of 4.3, 5, 6, 7, Cloudberry and Greengage as read in their
sources; 5.8.1, 6.24.3 and 7.0.0 also as recorded live.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class DialectName(StrEnum):
    """Names as written in a spec."""

    GP4 = "gp4"
    GP5 = "gp5"
    GP6 = "gp6"
    GP7 = "gp7"
    CLOUDBERRY = "cloudberry"
    GREENGAGE6 = "greengage6"
    GREENGAGE7 = "greengage7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one family's catalog, files and utilities look like.

    `file_replication` is the 4.3/5 generation: replication ports, filespaces, colon-separated
    files with a `filespaceOrder=` header, and hostnames looked up over SSH. The later generation
    separates with `|`, has neither, and sets hostname to the address of an `-i` line.
    `coordinator_word` is the family's own word for the coordinator in options and variables.
    `move_engine` is the utility that moves a mirror which is up: gprecoverseg with two groups
    keeps the old directory and was recorded on 5.8.1 (inside gpmovemirrors), 6.24.3, 7.0.0 and
    Greengage 6.27.1; in Cloudberry gpmovemirrors calls it and then deletes (source). gpmovemirrors
    is used where neither is known.
    """

    name: DialectName
    title: str
    file_replication: bool
    coordinator_word: Literal["master", "coordinator"]
    move_engine: Literal["gprecoverseg", "gpmovemirrors"]

    @property
    def separator(self) -> str:
        """What separates the fields of a line in the utilities' files."""
        return ":" if self.file_replication else "|"


def _old(
    name: DialectName, title: str, engine: Literal["gprecoverseg", "gpmovemirrors"]
) -> Dialect:
    return Dialect(
        name=name,
        title=title,
        file_replication=True,
        coordinator_word="master",
        move_engine=engine,
    )


def _new(
    name: DialectName,
    title: str,
    word: Literal["master", "coordinator"],
) -> Dialect:
    return Dialect(
        name=name,
        title=title,
        file_replication=False,
        coordinator_word=word,
        move_engine="gprecoverseg",
    )


_RELEASE = re.compile(r"(?:^|Database )(\d{1,4})\.(\d{1,4})")


def release_of(server_version: str | None) -> tuple[int, int] | None:
    """Major and minor of a number such as "6.25.1", or of what version() says; None: not told."""
    found = _RELEASE.search(server_version or "")
    return None if found is None else (int(found[1]), int(found[2]))


DIALECTS: dict[DialectName, Dialect] = {
    found.name: found
    for found in (
        _old(DialectName.GP4, "Greenplum 4.3", "gpmovemirrors"),
        _old(DialectName.GP5, "Greenplum 5", "gprecoverseg"),
        _new(DialectName.GP6, "Greenplum 6", "master"),
        _new(DialectName.GP7, "Greenplum 7", "coordinator"),
        _new(DialectName.CLOUDBERRY, "Apache Cloudberry", "coordinator"),
        _new(DialectName.GREENGAGE6, "Greengage 6", "master"),
        _new(DialectName.GREENGAGE7, "Greengage 7", "coordinator"),
    )
}
