"""Sentences wrapped to the width at hand; words, and so paths, are never broken."""

import textwrap

from gpmirror.render.spans import Line, Span, Style, visible


def paragraph(
    text: str, *, width: int, indent: int = 2, hang: int = 0, style: Style = Style.PLAIN
) -> list[Line]:
    """The text in lines of at most `width` columns, where its words allow; continuation lines
    are indented by `hang` more.
    """
    wrapped = textwrap.wrap(
        visible(text),
        width=max(width, indent + hang + 20),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hang),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [(Span(found, style),) for found in wrapped]


def heading(text: str) -> list[Line]:
    """A blank line and a title."""
    return [(), (Span(visible(text), Style.STRONG),)]
