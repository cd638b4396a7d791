"""Plan files that somebody changed and gave the right checksum."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

from gpmirror.plan.planfile import _digest

Field = tuple[str | int, ...]

_STRANGE: tuple[object, ...] = (
    "", "/", "..", "../../.bashrc", "/etc/cron.d/x", "a\0b", "-oProxyCommand=touch /tmp/x", "$(x)",
    "add", "bash", 0, -1, 1, 70_000, 2**70, 1.5, None, True, False, [], {}, ["bash", "-c", "true"],
    "\u202e/", "\x1b[2J", "a\nb", "~", "-", "9" * 30, "x" * 70_000, 10**400, [None], [[[[]]]], {"a": 1},
)  # fmt: skip


def sealed(body: dict[str, Any]) -> bytes:
    """The plan's bytes with the right checksum."""
    body = {key: value for key, value in body.items() if key != "plan_id"}
    return json.dumps({**body, "plan_id": _digest(body)}).encode()


def fields(value: Any, path: Field = ()) -> Iterator[Field]:
    """Where each value of a plan's body stands."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from fields(item, (*path, key))


def mutated(
    body: dict[str, Any], where: list[Field], rng: random.Random
) -> tuple[dict[str, Any], Field]:
    """The plan with one field changed, taken away, doubled or put in another's place, and which one
    it was; `where` are its fields.
    """
    body = copy.deepcopy(body)
    path = rng.choice(where)
    owner: Any = body
    for step in path[:-1]:
        owner = owner[step]
    key = path[-1]
    match rng.randrange(5):
        case 0:
            del owner[key]
        case 1 if isinstance(owner, list):
            owner.insert(int(key), copy.deepcopy(owner[int(key)]))
        case 2:
            owner[key] = _near(owner[key], rng)
        case _:
            owner[key] = copy.deepcopy(rng.choice(_STRANGE))
    return body, path


def _near(value: object, rng: random.Random) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1, 100))
    if isinstance(value, str):
        return value + rng.choice(("x", "0", " ", "/..", "\n", "'"))
    return value
