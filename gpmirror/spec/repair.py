"""A faulty document without its faults, so that one run can also judge the rest of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gpmirror.spec.complaints import Complaint
from gpmirror.spec.document import API_VERSION
from gpmirror.spec.fields import field_at
from gpmirror.spec.model import Path

_PLACEHOLDERS: dict[Path, Any] = {
    ("apiVersion",): API_VERSION,
    ("cluster",): {"name": "unnamed"},
    ("cluster", "name"): "unnamed",
    ("hosts",): [{"name": "unnamed", "weight": 0}],
    ("mirrors",): {"strategy": "group", "ports": {"offset": 1}},
    ("mirrors", "strategy"): "group",
    ("mirrors", "ports"): {"offset": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """`data` lacks what was faulty. `broken` are the original paths that were taken out or
    filled in; `kept` maps the path of a shortened list to the original indexes that stayed.
    """

    data: Any
    broken: frozenset[Path] = frozenset()
    kept: Mapping[Path, list[int]] = field(default_factory=dict)

    def original(self, path: Path) -> Path:
        """The path in the user's document of what is at `path` in `data`."""
        found: Path = ()
        for part in path:
            indexes = self.kept.get(found)
            moved = isinstance(part, int) and indexes is not None and part < len(indexes)
            found = (*found, indexes[part] if moved else part)  # type: ignore[index]
        return found


def repair(data: object, complaints: Iterable[Complaint]) -> Repaired:
    """`data` without what the complaints are about, required keys filled with placeholders."""
    drops: set[Path] = set()
    filled: set[Path] = set()
    unknown: set[Path] = set()
    for complaint in complaints:
        if complaint.kind == "extra_forbidden":
            unknown.add(complaint.path)
        else:
            path = _removable(complaint.path)
            (filled if path in _PLACEHOLDERS else drops).add(path)
    kept: dict[Path, list[int]] = {}
    rebuilt = _without(data, (), drops | unknown | filled, kept)
    for path in sorted(filled, key=len):
        _fill(rebuilt, path)
    return Repaired(data=rebuilt, broken=frozenset(drops | filled), kept=kept)


def _removable(path: Path) -> Path:
    """The shortest step up from `path` to something a document can do without."""
    for length in range(len(path), 0, -1):
        candidate = path[:length]
        if candidate in _PLACEHOLDERS or isinstance(candidate[-1], int):
            return candidate
        found = field_at(candidate)
        if found is None or not found.is_required():
            return candidate
    return path[:1]


def _without(value: object, path: Path, drops: set[Path], kept: dict[Path, list[int]]) -> object:
    if isinstance(value, dict):
        return {
            key: _without(inner, (*path, key), drops, kept)
            for key, inner in value.items()
            if (*path, key) not in drops
        }
    if not isinstance(value, list):
        return value
    stay = [index for index in range(len(value)) if (*path, index) not in drops]
    if len(stay) < len(value):
        kept[path] = stay
    return [_without(value[index], (*path, index), drops, kept) for index in stay]


def _fill(data: object, path: Path) -> None:
    target: Any = data
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = _PLACEHOLDERS[path]
