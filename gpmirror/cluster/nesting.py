"""Whether one directory lies in another, as far as their names tell.

A data directory inside another copy's is moved, and deleted, with it.
"""

from collections.abc import Iterator


def lies_in(inner: str, outer: str) -> bool:
    """Whether `inner` is strictly below `outer`; both absolute."""
    return _normal(outer) in ancestors(inner)


def ancestors(path: str) -> Iterator[str]:
    """The directories above an absolute path, the nearest first, without the root."""
    above = _normal(path).rpartition("/")[0]
    while above:
        yield above
        above = above.rpartition("/")[0]


def _normal(path: str) -> str:
    """One slash between names, none at the end: a catalog tells paths as they were typed."""
    return "/" + "/".join(part for part in path.split("/") if part)
