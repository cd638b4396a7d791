"""What kind of file an input is, told by its content, and what to do with one of the wrong kind.

Every command asks, so this module loads no reader of any of them before it has to.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from shlex import quote

from gpmirror.errors import Unreadable

_SPEC_KEY = re.compile(r"^(apiVersion|cluster|hosts|mirrors)[ \t]*:", re.MULTILINE)
_CATALOG = re.compile(r"gp_segment_configuration|^[ \t|]*dbid[ \t]*\|", re.MULTILINE)
_LONGEST_NATIVE_START = 2000


class InputKind(StrEnum):
    """What an input is; the value is its name in a sentence."""

    PLAN = "plan file"
    SNAPSHOT = "snapshot"
    SPEC = "spec"
    CATALOG = "catalog text"
    NATIVE = "file of a native utility"
    JOURNAL = "journal of a run"
    OTHER = "unknown file"


_WHO_TAKES_IT = {
    InputKind.PLAN: "`gpmirror show {file}` prints it, `gpmirror apply {file}` carries it out",
    InputKind.SNAPSHOT: "`gpmirror plan --catalog {file}` plans over it, `gpmirror import --catalog "
    "{file}` makes a spec of it",
    InputKind.SPEC: "`gpmirror validate {file}` checks it, `gpmirror plan {file} -o plan.json` makes a "
    "plan file",
    InputKind.CATALOG: "`gpmirror plan --catalog {file}` plans over it, `gpmirror import --catalog "
    "{file}` makes a spec of it",
    InputKind.NATIVE: "`gpmirror import --catalog {file}` makes a spec of it",
    InputKind.JOURNAL: "`gpmirror runs` lists the runs, `gpmirror runs RUN` shows one",
    InputKind.OTHER: "",
}


def kind_of(data: bytes) -> InputKind:
    """The kind of a file, by its content alone; a spec with faults is still a spec."""
    text = data.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        return _kind_of_json(text)
    keys = {found[1] for found in _SPEC_KEY.finditer(text)}
    if "apiVersion" in keys or len(keys) > 1:
        return InputKind.SPEC
    if _CATALOG.search(text):
        return InputKind.CATALOG
    # every command that reads a spec comes by here, and hardly one gets as far
    from gpmirror.native.colon import HEADER
    from gpmirror.native.reader import is_initsystem

    start = text[:_LONGEST_NATIVE_START]
    return InputKind.NATIVE if start.startswith(HEADER) or is_initsystem(start) else InputKind.OTHER


def _kind_of_json(text: str) -> InputKind:
    if '"gpmirror-snapshot"' in text:
        return InputKind.SNAPSHOT
    if '"waves"' in text and ('"plan_id"' in text or '"format_version"' in text):
        return InputKind.PLAN
    if '"apiVersion"' in text:
        return InputKind.SPEC
    first = text.partition("\n")[0]
    return InputKind.JOURNAL if '"record"' in first and '"seq"' in first else InputKind.OTHER


def check_kind(
    data: bytes, file: str, wanted: InputKind, *, also: Collection[InputKind] = ()
) -> None:
    """See that a file is of the kind that a command takes, or of none that is known: then its own
    reader says what is wrong. Raises Unreadable (3) with the command that takes it.
    """
    found = kind_of(data)
    if found in {wanted, InputKind.OTHER, *also}:
        return
    name = "standard input" if file == "-" else file
    word = "FILE" if file == "-" else quote(file)
    raise Unreadable(
        f"{name} is a {found.value}, and a {wanted.value} is wanted here",
        hint=_WHO_TAKES_IT[found].format(file=word),
    )
