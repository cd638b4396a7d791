"""Plan <-> canonical JSON, and the plan's id.

Canonical: sorted keys, no blanks after separators, a key or an item a line for reviewable diffs,
LF, UTF-8, no time stamps. The id is the sha256 of the body without the id itself, on one line.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from gpmirror.plan.codes import file_refusal
from gpmirror.plan.model import FORMAT_VERSION, Plan, compact, lines, plain

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_SHOWN = 60


def plan_text(plan: Plan) -> str:
    """The plan file's text, final newline included; the same plan gives the same bytes."""
    body = plain(plan)
    return lines({**body, "plan_id": _digest(body)})


def plan_id(plan: Plan) -> str:
    """sha256 (hex) of the canonical body."""
    return _digest(plain(plan))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPlan:
    """A plan as a file states it, nothing of it proved. `stated_id` is the id that the file tells,
    `true_id` that of its text; `odd` are the places of values that gpmirror writes in another form,
    a number as a text for example.
    """

    plan: Plan
    stated_id: str
    true_id: str
    odd: tuple[str, ...]


def read_plan(data: bytes, name: str) -> Plan:
    """The plan in a plan file. Raises InvalidInput: not a plan, newer major version, changed after
    it was written (the id does not match), or not what the planner makes of its own beginnings.
    """
    body = _body(data, name)
    stated = body.pop("plan_id", None)
    if stated != _digest(body):
        raise file_refusal(
            "GPM-P801",
            f"plan file {name} was changed after it was written: plan_id does not match its text",
            name,
            "make the plan again with `gpmirror plan -o`",
        )
    plan, _ = _typed(body, name)
    from gpmirror.plan.rebuild import check_plan  # planning writes such files and reads none

    return replace(plan, unproved=check_plan(plan, name))


def read_stated(data: bytes, name: str) -> StatedPlan:
    """The same without proof, for whoever judges a plan file by other means: the id need not match,
    and nothing is made again. Raises InvalidInput: not a plan, or newer major version.
    """
    body = _body(data, name)
    stated = body.pop("plan_id", None)
    plan, known = _typed(body, name)
    return StatedPlan(
        plan=plan,
        stated_id=stated if isinstance(stated, str) else "",
        true_id=_digest(body),
        odd=() if known is None else tuple(_oddities(body, known, "")),
    )


def _body(data: bytes, name: str) -> dict[str, Any]:
    """The file's JSON. Raises InvalidInput: it is none, or of a newer major version."""
    body = _parse(data, name)
    _check_version(body, name)
    return body


def _typed(body: dict[str, Any], name: str) -> tuple[Plan, dict[str, Any] | None]:
    """The plan of a body, and the body that gpmirror would write of it where that is another one.
    Raises InvalidInput: wrong types, missing or unknown keys.
    """
    from pydantic import ValidationError

    try:
        plan = _adapter().validate_python(_renamed(body, "from", "from_"))
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise file_refusal(
            "GPM-P802",
            f"plan file {name} is not a plan: {where}: {first['msg']}",
            name,
            "make the plan again with `gpmirror plan -o`",
        ) from None
    except RecursionError:
        raise file_refusal(
            "GPM-P802",
            f"plan file {name} is not a plan: it nests too deeply",
            name,
            "make the plan again with `gpmirror plan -o`",
        ) from None
    known = plain(plan)
    if compact(known) == compact(body):
        return plan, None
    strange = next(_strangers(body, known, ""), None)
    if strange is not None:
        raise file_refusal(
            "GPM-P802",
            f"plan file {name} is not a plan: {strange[:_SHOWN]}: format {FORMAT_VERSION} has no such "
            "key, and a reviewer might believe it",
            name,
            "make the plan again with `gpmirror plan -o`, and ask who changed this one",
        )
    return plan, known


def plan_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the plan file."""
    schema = _adapter().json_schema(mode="serialization")
    change_steps = ("Change", "Step")
    for part in change_steps:
        properties = schema["$defs"][part]["properties"]
        properties["from"] = properties.pop("from_")
        required = schema["$defs"][part].get("required", [])
        schema["$defs"][part]["required"] = ["from" if x == "from_" else x for x in required]
    del schema["$defs"]["Segment"]["properties"]["line"]  # no file keeps these two
    del schema["properties"]["unproved"]
    schema["properties"]["plan_id"] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    schema["required"] = sorted([*schema["required"], "plan_id"])
    schema["title"] = "gpmirror plan"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@cache
def _adapter() -> "TypeAdapter[Plan]":
    from pydantic import TypeAdapter

    return TypeAdapter(Plan)


def _strangers(stated: Any, known: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Keys that this version does not write: a reader of the file cannot tell that they say nothing,
    and one of two names of a key would win unseen (`from_` beside `from`).
    """
    if isinstance(stated, dict) and isinstance(known, dict):
        for key in sorted(stated):
            where = f"{path}.{key}".lstrip(".")
            if key in known:
                yield from _strangers(stated[key], known[key], where)
            else:
                yield where
    elif isinstance(stated, list) and isinstance(known, list):
        for number, (one, other) in enumerate(zip(stated, known, strict=False)):
            yield from _strangers(one, other, f"{path}[{number}]")


def _oddities(stated: Any, known: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Values in another form than gpmirror writes them: another reader may read them otherwise. A key
    that is left out says the default.
    """
    if isinstance(stated, dict) and isinstance(known, dict):
        for key in sorted(stated):
            yield from _oddities(stated[key], known[key], f"{path}.{key}".lstrip("."))
    elif isinstance(stated, list) and isinstance(known, list) and len(stated) == len(known):
        for number, (one, other) in enumerate(zip(stated, known, strict=True)):
            yield from _oddities(one, other, f"{path}[{number}]")
    elif stated != known or type(stated) is not type(known):
        yield path


def _renamed(value: Any, old: str, new: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
    if isinstance(value, dict):
        return {new if key == old else key: _renamed(item, old, new) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(item, old, new) for item in value]
    return value


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(compact(body).encode()).hexdigest()


def _parse(data: bytes, name: str) -> dict[str, Any]:
    try:
        text = data.decode()
        body = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        compact(body).encode()  # a lone surrogate is in no text, and nests end somewhere
    except (ValueError, RecursionError) as problem:
        raise file_refusal(
            "GPM-P802",
            f"plan file {name} is not JSON: {_why(problem)}",
            name,
            "pass a file written by `gpmirror plan -o`",
        ) from None
    if not isinstance(body, dict) or "format_version" not in body or "waves" not in body:
        raise file_refusal(
            "GPM-P802",
            f"{name} is not a plan file: it has no format_version and waves",
            name,
            "pass a file written by `gpmirror plan -o`",
        )
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What a reviewer reads at the first of two keys is not what counts at the second."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"key {json.dumps(twice[:_SHOWN])} stands there twice")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _why(problem: Exception) -> str:
    match problem:
        case UnicodeError():
            return "it is not UTF-8 text"
        case RecursionError():
            return "it nests too deeply"
        case _ if "set_int_max_str_digits" in str(problem):
            return "a number has too many digits"
        case _:
            return str(problem)


def _check_version(body: dict[str, Any], name: str) -> None:
    major = str(body["format_version"]).partition(".")[0]
    supported = FORMAT_VERSION.partition(".")[0]
    if major != supported:
        raise file_refusal(
            "GPM-P803",
            f"plan file {name} has format_version {str(body['format_version'])[:_SHOWN]}; "
            f"this gpmirror reads {supported}.x",
            name,
            "use the gpmirror that wrote it, or make the plan again",
        )
