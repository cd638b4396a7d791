"""From the text of a catalog or of a native file to a spec."""

import re
from dataclasses import replace

from gpmirror.catalog import read_catalog
from gpmirror.errors import InvalidInput
from gpmirror.infer import Inferred, infer_from_native, infer_spec
from gpmirror.model.observed import Observed
from gpmirror.native.colon import HEADER
from gpmirror.native.initsystem import read_initsystem
from gpmirror.native.reader import NativeFile, is_initsystem, read_native
from gpmirror.spec.model import CoordinatorAddress

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
