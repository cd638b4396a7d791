"""From the text of a catalog or of a native file to a spec, and what kind of file an input is."""

import re
from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum
from shlex import quote

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput, Unreadable
from gpmirror.infer import Inferred, infer_from_native, infer_spec
from gpmirror.model.observed import Observed
from gpmirror.native.colon import HEADER
from gpmirror.native.initsystem import read_initsystem
from gpmirror.native.reader import NativeFile, is_initsystem, read_native
from gpmirror.spec.model import CoordinatorAddress

# --- From the text of a catalog or of a native file to a spec.


_NO_TABLE = {"GPM-C002"}
_NO_NATIVE_FILE = {"GPM-N004", "GPM-N009"}
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._-]+")
_LONGEST_NAME = 63
_ENTRY = re.compile(r"(?:mirror[^=\s]*=)?[^\s/]*[|:][0-9]+[^\s/]*[|:]/")
_FULL_WIDTH = str.maketrans("\uff1a\uff5c\uff0f", ":|/")


def import_spec(data: bytes, file: str, *, table: int | None, name: str | None) -> Inferred:
    """The smallest spec of what `data` holds, recognised by its content.

    `name` of the cluster defaults to the file's name. Raises InvalidInput: neither a catalog nor a
    native file, or a faulty one; and as `infer_spec`.
    """
    cluster = name or default_name(file)
    native = _settings(data, file)
    if native is None:
        try:
            observed = read_catalog(data, file, table=table)
        except InvalidInput as problem:
            native = _native_instead(data, file, problem)
        else:
            return infer_spec(observed, name=cluster)
    return infer_from_native(native, name=cluster)


def import_live(observed: Observed, used: CoordinatorAddress, *, name: str | None) -> Inferred:
    """The smallest spec of a live catalog, with the coordinator that was `used`, which without a
    host was reached through a socket. `name` defaults to the coordinator's host. Raises as
    `infer_spec`.
    """
    host = "" if observed.coordinator is None else observed.coordinator.hostname
    inferred = infer_spec(observed, name=name or default_name(host), coordinator=used)
    if used.host is not None and not used.host.startswith("/"):
        return inferred
    elsewhere = f"`host: {host}`" if host else "its host"
    remark = (
        f"reached through a socket on this machine: for others add {elsewhere} to `coordinator`"
    )
    return replace(inferred, remarks=(*inferred.remarks, remark))


def default_name(file: str) -> str:
    """A cluster's name from a file's: small letters, digits and `._-`."""
    stem = file.rpartition("/")[2].partition(".")[0].lower()
    cleaned = _NOT_IN_A_NAME.sub("-", stem).strip("._-")
    return cleaned[:_LONGEST_NAME] or "imported"


def _settings(data: bytes, file: str) -> NativeFile | None:
    """A gpinitsystem file, told by its assignments."""
    if is_initsystem(data.decode("utf-8", "replace")):
        return read_initsystem(data, file)
    return None


def _looks_native(data: bytes) -> bool:
    """Whether a header, or at least half of the lines, can only come from a native file: an
    address, a port and a path in one word, separators full-width or not.
    """
    text = data.decode("utf-8", "replace").translate(_FULL_WIDTH)
    lines = [line.strip() for line in text.split("\n")]
    filled = [line for line in lines if line and not line.startswith(("#", HEADER))]
    if len(filled) < len(lines) and any(line.startswith(HEADER) for line in lines):
        return True
    return sum(_ENTRY.match(line) is not None for line in filled) * 2 >= max(1, len(filled))


def _native_instead(data: bytes, file: str, problem: InvalidInput) -> NativeFile:
    """The native file where there is no catalog table. Raises whichever complaint is to the point."""
    if {found.code for found in problem.diagnostics} != _NO_TABLE or not _looks_native(data):
        raise problem
    try:
        return read_native(data, file)
    except InvalidInput as other:
        if {found.code for found in other.diagnostics} <= _NO_NATIVE_FILE:
            raise problem from None
        raise


# --- What kind of file an input is, told by its content, and what to do with one of the wrong kind.


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
