"""The snapshot file: the observed cluster as canonical JSON with a digest of its content."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gpmirror.catalog import codes
from gpmirror.catalog.cells import shown
from gpmirror.catalog.detect import Evidence, families_like, settle
from gpmirror.catalog.sanity import check_sane
from gpmirror.catalog.tables import source_of
from gpmirror.diagnostics import Diagnostic, Source, base_name
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Segment

if TYPE_CHECKING:
    from gpmirror.catalog.snapshot_model import SnapshotModel

KIND = "gpmirror-snapshot"
FORMAT_VERSION = "1.0"
_MAJOR = 1
_TAKE_ANOTHER = "take the file as it was written, or save psql's output as text"
_HINT = "the snapshot shows a damaged catalog: have it repaired before any mirror work"

_Json = dict[str, Any]  # what json.loads returns; pydantic gives it types


def snapshot_text(observed: Observed) -> str:
    """The snapshot of a cluster: same cluster, same bytes. A segment takes one line."""
    body = _body(observed)
    head = {"digest": _digest(body), **{k: v for k, v in body.items() if k != "segments"}}
    lines = [f"  {json.dumps(key)}: {_canonical(value)}" for key, value in sorted(head.items())]
    rows = ",\n".join(f"    {_canonical(row)}" for row in body["segments"])
    return "{\n" + ",\n".join(lines) + ',\n  "segments": [\n' + rows + "\n  ]\n}\n"


def snapshot_schema() -> dict[str, Any]:
    """JSON Schema of the snapshot file."""
    from gpmirror.catalog.snapshot_model import SnapshotModel

    schema = SnapshotModel.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_snapshot(text: str, name: str, *, dialect: DialectName | None = None) -> Observed:
    """The cluster in a snapshot; `dialect` is what the spec says.

    Raises:
        InvalidInput: it is no snapshot, newer, changed, contradicts the dialect, or not sane.
    """
    source = source_of(text, name)
    document = _document(source, text)
    _check_version(source, document)
    _check_digest(source, document)
    observed = _with_dialect(source, _model(source, document).observed(base_name(name)), dialect)
    problems = check_sane(source, observed.segments, _HINT)
    if problems:
        raise InvalidInput(problems)
    return observed


def _body(observed: Observed) -> _Json:
    names = [[*pair, shared] for pair, shared in sorted(observed.common_ip.items())]
    return {
        **({"common_ip": names} if names else {}),
        **({"taken": observed.taken} if observed.taken else {}),
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "dialect": observed.dialect.name.value,
        "dialect_assumed": observed.dialect_assumed,
        "server_version": observed.server_version and _one_line(observed.server_version),
        "system_identifier": observed.system_identifier,
        "filespaces": list(observed.filespaces),
        "sizes": {str(content): size for content, size in sorted(observed.sizes.items())},
        "copies": {str(dbid): fact for dbid, fact in sorted(observed.copies.items())},
        "notes": [_one_line(note) for note in observed.notes],
        "segments": [_row(segment) for segment in in_canonical_order(observed.segments)],
    }


def _one_line(text: str) -> str:
    """What a server says may hold lines; what a snapshot says shows itself as it is."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _row(segment: Segment) -> _Json:
    return {
        "dbid": segment.dbid,
        "content": segment.content,
        "role": segment.role.value,
        "preferred_role": segment.preferred_role.value,
        "mode": segment.mode.value,
        "status": segment.status.value,
        "port": segment.port,
        "hostname": segment.hostname,
        "address": segment.address,
        "directory": segment.directory,
        "replication_port": segment.replication_port,
        "filespaces": [list(entry) for entry in segment.filespaces],
    }


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _digest(body: _Json) -> str:
    """SHA-256 of the canonical body; lone surrogates in a broken file do not matter here."""
    encoded = _canonical(body).encode("utf-8", "surrogatepass")
    return hashlib.sha256(encoded).hexdigest()


def _document(source: Source, text: str) -> _Json:
    try:
        document = json.loads(text)
    except RecursionError:
        raise _refusal(source, codes.NOT_A_SNAPSHOT, "the JSON is nested too deeply") from None
    except json.JSONDecodeError as error:
        message = f"not valid JSON: {error.msg}"
        raise _refusal(source, codes.NOT_A_SNAPSHOT, message, error.lineno, error.colno) from None
    except ValueError as error:
        raise _refusal(source, codes.NOT_A_SNAPSHOT, f"not valid JSON: {error}") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        said = document.get("kind") if isinstance(document, dict) else None
        message = f"the JSON is no snapshot: its kind is {shown(str(said))}, not {shown(KIND)}"
        raise _refusal(source, codes.NOT_A_SNAPSHOT, message)
    return document


def _check_version(source: Source, document: _Json) -> None:
    version = str(document.get("format_version", ""))
    major = version.partition(".")[0]
    if not (major.isascii() and major.isdigit() and len(version) < len("9999.9999.")):
        message = f"format_version is {shown(version)}, not a version such as {FORMAT_VERSION}"
        raise _refusal(source, codes.BROKEN_SNAPSHOT, message)
    if int(major) > _MAJOR:
        message = f"the snapshot has format_version {version}, this gpmirror reads up to {_MAJOR}.x"
        hint = "read it with the gpmirror that wrote it, or a later one"
        raise InvalidInput(
            [
                Diagnostic(
                    code=codes.NEWER_SNAPSHOT, message=message, place=source.place(0), hint=hint
                )
            ]
        )


def _check_digest(source: Source, document: _Json) -> None:
    body = {key: value for key, value in document.items() if key != "digest"}
    actual = _digest(body)
    if document.get("digest") != actual:
        message = (
            "the snapshot was changed after it was written: its digest is "
            f"{shown(str(document.get('digest')))}, its content has {actual}"
        )
        raise _refusal(source, codes.CHANGED_SNAPSHOT, message)


def _model(source: Source, document: _Json) -> "SnapshotModel":
    from pydantic import ValidationError

    from gpmirror.catalog.snapshot_model import SnapshotModel

    try:
        return SnapshotModel.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(
            _misshapen(source, found["loc"], found["msg"])
            for found in error.errors(include_url=False)
        ) from None


def _misshapen(source: Source, where: Sequence[str | int], message: str) -> Diagnostic:
    path = ".".join(str(part) for part in where)
    return Diagnostic(
        code=codes.BROKEN_SNAPSHOT,
        message=f"{path}: {message}",
        place=source.place(0),
        hint="compare it with `gpmirror schema snapshot`, or " + _TAKE_ANOTHER,
    )


def _with_dialect(source: Source, observed: Observed, wanted: DialectName | None) -> Observed:
    """An assumed dialect gives way to the spec's; a known one must agree with it."""
    name = observed.dialect.name
    evidence = Evidence(
        allowed=families_like(name, assumed=observed.dialect_assumed),
        preferred=name,
        settled=not observed.dialect_assumed,
        proof=f"the snapshot was taken from {observed.dialect.title}",
    )
    verdict = settle(source, evidence, (), wanted)
    return replace(observed, dialect=DIALECTS[verdict.name], dialect_assumed=verdict.assumed)


def _refusal(
    source: Source, code: str, message: str, line: int = 0, column: int = 0
) -> InvalidInput:
    place = source.place(line, column)
    return InvalidInput([Diagnostic(code=code, message=message, place=place, hint=_TAKE_ANOTHER)])
