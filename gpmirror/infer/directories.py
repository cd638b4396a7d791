"""The directory template that most mirrors follow, and the root that it leaves of a path."""

from collections import Counter
from collections.abc import Iterable, Iterator

from gpmirror.placement.names import DirectoryTemplate

DEFAULT = "{root}/{prefix}{content}"


def template_of(places: Iterable[tuple[str, int]], prefix: str) -> DirectoryTemplate:
    """The template that fits most (path, content); of equals the default, then the shortest."""
    counted = Counter(
        text for path, content in places for text in set(_texts(path, content, prefix))
    )
    best = min(counted, key=lambda text: (-counted[text], *_rank(text)), default=DEFAULT)
    return DirectoryTemplate(best, prefix)


def root_of(template: DirectoryTemplate, path: str, content: int, host: str) -> str | None:
    """The root under which the template gives `path`; None where none does."""
    tail = template.path("", content, host)
    root = path.removesuffix(tail)
    return root if root and root != path else None


def _rank(text: str) -> tuple[bool, int, str]:
    return (text != DEFAULT, len(text), text)


def _texts(path: str, content: int, prefix: str) -> Iterator[str]:
    """Templates that give this path; the root keeps at least one directory."""
    head, _, base = path.rpartition("/")
    above, _, middle = head.rpartition("/")
    if head and base == f"{prefix}{content}":
        yield DEFAULT
    if head and (stem := _stem(base, content)) is not None:
        yield f"{{root}}/{stem}{{content}}"
    if above and (stem := _stem(middle, content)) is not None:
        yield f"{{root}}/{stem}{{content}}/{base}"


def _stem(name: str, content: int) -> str | None:
    """What stands before the content id at the end of a name."""
    number = str(content)
    return name[: -len(number)] if name.endswith(number) else None
