"""Plan <-> canonical JSON, and the plan's id.

Canonical: sorted keys, no blanks after separators, a key or an item a line for reviewable diffs,
LF, UTF-8, no time stamps. The id is the sha256 of the body without the id itself, on one line.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from gpmirror.plan.codes import file_refusal
from gpmirror.plan.model import FORMAT_VERSION, Plan, compact, lines, plain
from gpmirror.values import dataclass

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
    file = _parse(data, name)
    if file.stated_id != file.true_id:
        raise file_refusal(
            "GPM-P801",
            f"plan file {name} was changed after it was written: plan_id does not match its text",
            name,
            "make the plan again with `gpmirror plan -o`",
        )
    plan, _ = _typed(file, name)
    from gpmirror.plan.rebuild import checked  # planning writes such files and reads none

    return checked(plan, name)


def read_stated(data: bytes, name: str) -> StatedPlan:
    """The same without proof, for whoever judges a plan file by other means: the id need not match,
    and nothing is made again. Raises InvalidInput: not a plan, or newer major version.
    """
    file = _parse(data, name)
    plan, known = _typed(file, name)
    return StatedPlan(
        plan=plan,
        stated_id=file.stated_id if isinstance(file.stated_id, str) else "",
        true_id=file.true_id,
        odd=() if known is None else tuple(_oddities(file.body, known, "")),
    )


@dataclass(frozen=True, slots=True)
class _PlanBody:
    """A plan file's JSON without the id, its canonical text, and the id that the file tells."""

    body: dict[str, Any]
    text: str
    stated_id: object

    @property
    def true_id(self) -> str:
        """The id of this text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _typed(file: _PlanBody, name: str) -> tuple[Plan, dict[str, Any] | None]:
    """The plan of a body, and the body that gpmirror would write of it where that is another one.
    Raises InvalidInput: wrong types, missing or unknown keys.
    """
    from pydantic import ValidationError

    try:
        plan = _adapter().validate_python(_with_names(file.body))
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
    if compact(known) == file.text:
        return plan, None
    strange = next(_strangers(file.body, known, ""), None)
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
    del schema["$defs"]["Segment"]["properties"]["line"]  # no file keeps these three
    del schema["$defs"]["WaveExposure"]["properties"]["worst_hosts"]
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


def _with_names(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the names of fields: `from` of changes and steps is a word of Python."""
    found = dict(body)
    found["changes"] = _each(body.get("changes"), _from_named)
    found["waves"] = _each(body.get("waves"), _steps_named)
    return found


def _steps_named(wave: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(wave, dict):
        return wave
    return {**wave, "steps": _each(wave.get("steps"), _from_named)}


def _from_named(one: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(one, dict):
        return one
    return {"from_" if key == "from" else key: value for key, value in one.items()}


def _each(items: Any, rename: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - JSON
    return [rename(one) for one in items] if isinstance(items, list) else items


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(compact(body).encode()).hexdigest()


def _parse(data: bytes, name: str) -> _PlanBody:
    """The file's JSON. Raises InvalidInput: it is none, no plan's, or of a newer major version."""
    try:
        body = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        stated = body.pop("plan_id", None) if isinstance(body, dict) else None
        text = compact(body)
        text.encode()  # a lone surrogate is in no text, and nests end somewhere
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
    _check_version(body, name)
    return _PlanBody(body=body, text=text, stated_id=stated)


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
