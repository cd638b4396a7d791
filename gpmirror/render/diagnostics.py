"""Findings as text for people; the forms for programs are exported beside it."""

from collections.abc import Iterable
from dataclasses import dataclass

from gpmirror.diagnostics import Diagnostic, Place, Severity
from gpmirror.render.diagnostics_machine import (
    diagnostics_github,
    diagnostics_json,
    diagnostics_sarif,
)
from gpmirror.render.excerpts import MAX_COLUMNS, excerpt, visible
from gpmirror.render.fitting import fitted

__all__ = ["diagnostics_github", "diagnostics_json", "diagnostics_sarif", "diagnostics_text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """ANSI sequences, all empty without colour."""

    severities: dict[Severity, str]
    frame: str
    hint: str
    bold: str
    end: str


_COLOURED = _Style(
    severities={
        Severity.ERROR: "\033[1;31m",
        Severity.WARNING: "\033[1;33m",
        Severity.NOTE: "\033[1;36m",
    },
    frame="\033[34m",
    hint="\033[32m",
    bold="\033[1m",
    end="\033[0m",
)
_BARE = _Style(severities=dict.fromkeys(Severity, ""), frame="", hint="", bold="", end="")


def diagnostics_text(
    diagnostics: Iterable[Diagnostic], *, color: bool, width: int | None = None
) -> str:
    """Each finding with excerpt, caret and hint, a blank line between two; no final newline.
    `width` are the columns of a terminal, None: sentences stay on their lines.
    """
    style = _COLOURED if color else _BARE
    return "\n\n".join("\n".join(_lines(found, style, width)) for found in diagnostics)


def _lines(found: Diagnostic, style: _Style, width: int | None) -> list[str]:
    places = [related.place for related in found.related]
    places += [] if found.place is None else [found.place]
    gutter = max((len(str(place.line)) for place in places), default=1)
    head = f"{style.severities[found.severity]}{found.severity}[{found.code}]{style.end}"
    lines = [_fit(f"{head}: {style.bold}{visible(found.message)}{style.end}", width)]
    if found.place is not None:
        lines += _place_lines(found.place, gutter, style, "", width)
    for related in found.related:
        lines += _place_lines(related.place, gutter, style, related.label, width)
    if found.hint is not None:
        margin = " " * gutter
        hint = f"{margin} {style.frame}={style.end} {_hint(style)} {visible(found.hint)}"
        lines.append(_fit(hint, width))
    return lines


def _fit(text: str, width: int | None) -> str:
    return text if width is None else fitted(text, width=width)


def _hint(style: _Style) -> str:
    return f"{style.hint}hint:{style.end}"


def _place_lines(
    place: Place, gutter: int, style: _Style, label: str, width: int | None
) -> list[str]:
    margin = " " * gutter
    arrow = ":::" if label else "-->"
    lines = [_fit(f"{margin}{style.frame}{arrow}{style.end} {visible(str(place))}", width)]
    if not (place.line and place.text):
        return [f"{lines[0]}: {visible(label)}"] if label else lines
    most = MAX_COLUMNS if width is None else min(MAX_COLUMNS, width - gutter - len(" | "))
    source, carets = excerpt(place, most=most)
    bar = f"{style.frame}|{style.end}"
    number = f"{style.frame}{place.line:>{gutter}}{style.end}"
    tone = style.frame if label else style.severities[Severity.ERROR]
    under = f"{carets} {visible(label)}" if label else carets
    return [
        *lines,
        f"{margin} {bar}",
        f"{number} {bar} {source}".rstrip(),
        f"{margin} {bar} {tone}{under}{style.end}",
    ]
