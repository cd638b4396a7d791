"""Pieces of an HTML page: everything that is not ours is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from gpmirror.render.spans import visible


def text(words: str) -> str:
    """Words as HTML; control characters are written out."""
    return escape(visible(words))


def code(words: str) -> str:
    """A name, path or command."""
    return f"<code>{text(words)}</code>" if words else ""


def block(words: str) -> str:
    """A file as it is."""
    lines = "\n".join(map(visible, words.rstrip("\n").split("\n")))
    return f"<pre>{escape(lines)}</pre>"


def section(title: str, body: Iterable[str]) -> list[str]:
    """A heading with what belongs to it; nothing for no body."""
    found = list(body)
    return [f"<h2>{text(title)}</h2>", *found] if found else []


def items(texts: Iterable[tuple[str, str]]) -> list[str]:
    """A list of (class, words); nothing for no words."""
    found = [f'<li class="{kind}">{text(words)}</li>' for kind, words in texts]
    return ["<ul>", *found, "</ul>"] if found else []


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose cells are HTML already; nothing for no rows."""
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" for cells in rows]
    if not body:
        return []
    heading = "".join(f"<th>{text(word)}</th>" for word in head)
    return ['<div class="wide"><table>', f"<tr>{heading}</tr>", *body, "</table></div>"]


def folded(summary: str, lines: Iterable[str]) -> list[str]:
    """A part that opens on a click, without a script."""
    return [f"<details><summary>{text(summary)}</summary>", *lines, "</details>"]
