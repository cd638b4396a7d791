"""What the document model declares at a path: allowed keys, words, whether it is required."""

from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gpmirror.spec.document import Part, SpecPart
from gpmirror.spec.model import Path


def fields_at(path: Path) -> list[str]:
    """The keys that the mapping at `path` may have, as written in YAML."""
    part = _part_at(path)
    if part is None:
        return []
    return [found.alias or name for name, found in part.model_fields.items()]


def field_at(path: Path) -> FieldInfo | None:
    """The declaration of the key at `path`; None for free keys (filespaces) and list items."""
    part = _part_at(path[:-1])
    name = "api_version" if path[-1] == "apiVersion" else path[-1]
    return None if part is None else part.model_fields.get(str(name))


def literals(annotation: object) -> list[str]:
    """The words a field of this annotation may hold; none where it takes any text."""
    found: list[str] = []
    for inner in get_args(annotation):
        found += [inner] if isinstance(inner, str) else literals(inner)
    return found


def _part_at(path: Path) -> type[BaseModel] | None:
    part: type[BaseModel] | None = SpecPart
    for step in path:
        if isinstance(step, str) and part is not None:
            found = part.model_fields.get(step)
            part = None if found is None else _part_in(found.annotation)
    return part


def _part_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    for inner in get_args(annotation):
        found = _part_in(inner)
        if found is not None:
            return found
    return None
