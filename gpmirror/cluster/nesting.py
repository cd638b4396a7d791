"""Whether one directory lies in another, as far as their names tell.

A data directory inside another copy's is moved, and deleted, with it.
"""

from collections.abc import Iterator


def lies_in(inner: str, outer: str) -> bool:
    """Whether `inner` is strictly below `outer`; both absolute."""
    return normal(outer) in ancestors(inner)


def ancestors(path: str) -> Iterator[str]:
    """The directories above an absolute path, the nearest first, without the root."""
    above = normal(path).rpartition("/")[0]
    while above:
        yield above
        above = above.rpartition("/")[0]


def is_tree_of_others(path: str) -> bool:
    """Whether a name cannot be that of one copy alone: the root, what stands right below it, and what
    the system keeps under `/usr`, `/var` and the like. A look through it would take hours, and to
    rename it would take more than a copy away.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if not path.startswith("/") or ".." in parts or len(parts) < 2:  # noqa: PLR2004
        return True
    return len(parts) == 2 and parts[0] in _SYSTEM  # noqa: PLR2004


_SYSTEM = frozenset(
    [
        "bin",
        "boot",
        "dev",
        "etc",
        "home",
        "lib",
        "lib64",
        "proc",
        "root",
        "run",
        "sbin",
        "sys",
        "usr",
        "var",
    ]
)


def normal(path: str) -> str:
    """One slash between names, none at the end: a catalog tells paths as they were typed."""
    if path[:1] == "/" and path[-1:] != "/" and "//" not in path:  # nearly all are
        return path
    return "/" + "/".join(part for part in path.split("/") if part)
