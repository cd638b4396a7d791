"""Plain data to YAML text, in one fixed style: blocks outside, short lists and leaves in flow."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from gpmirror.spec.scalars import plain

_PLAIN_SAFE = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./~@%+=-]*(?: [A-Za-z0-9_./~@%+=()-]+)*")
_STEP = 2


def yaml_text(document: Mapping[str, object]) -> str:
    """`document` (dict, list, str, int, float, bool) as YAML, with a final newline."""
    return "\n".join(_mapping_lines(document, 0)) + "\n"


def scalar_text(value: object) -> str:
    """A scalar as YAML, quoted only where a reader would take it for something else."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            is_plain = _PLAIN_SAFE.fullmatch(value) is not None and plain(value) == value
            return value if is_plain else json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def flow_text(value: object) -> str:
    """Any value on one line: `{name: a, roots: [/x]}`."""
    match value:
        case Mapping():
            inner = (f"{scalar_text(key)}: {flow_text(one)}" for key, one in value.items())
            return f"{{{', '.join(inner)}}}"
        case list() | tuple():
            return f"[{', '.join(flow_text(one) for one in value)}]"
        case _:
            return scalar_text(value)


def _mapping_lines(mapping: Mapping[str, object], indent: int) -> Iterator[str]:
    for key, value in mapping.items():
        head = f"{' ' * indent}{scalar_text(key)}:"
        match value:
            case Mapping() if _is_deep(value):
                yield head
                yield from _mapping_lines(value, indent + _STEP)
            case list() if any(isinstance(one, Mapping) for one in value):
                yield head
                yield from _item_lines(value, indent + _STEP)
            case _:
                yield f"{head} {flow_text(value)}"


def _is_deep(mapping: Mapping[str, object]) -> bool:
    return any(isinstance(one, Mapping | list) for one in mapping.values()) or len(mapping) > _STEP


def _item_lines(items: Sequence[object], indent: int) -> Iterator[str]:
    for item in items:
        yield f"{' ' * indent}- {flow_text(item)}"
