"""Text that is safe inside Markdown: cells, code spans and fenced blocks."""

import re

from gpmirror.render.spans import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]<|#])")
_MENTION = re.compile(r"@(?=\w)")


def escaped(text: str) -> str:
    """Text inside a line: no markup, no HTML, no mention of a person, no table border."""
    quoted = _SPECIAL.sub(r"\\\1", visible(text)).replace("\\<", "&lt;")
    return _MENTION.sub("@&#8203;", quoted)


def name_only(text: str) -> str:
    """What of a cluster name may stand in a hidden marker."""
    return re.sub(r"[^A-Za-z0-9._-]|--", "_", text)


def code(text: str) -> str:
    """A code span that holds any text, inside a table too."""
    shown = visible(text).replace("|", "\\|")
    ticks = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fenced(text: str) -> list[str]:
    """A fenced block whose fence is longer than any run of backticks inside."""
    lines = [visible(line) for line in text.splitlines()]
    fence = "`" * max(3, max(map(_longest_run, lines), default=0) + 1)
    return [f"{fence}text", *lines, fence]


def row(*cells: str) -> str:
    """A table row of cells that are escaped already."""
    return f"| {' | '.join(cells)} |"


def folded_away(title: str, lines: list[str]) -> list[str]:
    """Lines behind a title that opens on a click."""
    return ["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
