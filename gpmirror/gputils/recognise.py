"""Telling from a file's text which utility it is for and which generation wrote it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal

from gpmirror.gputils.colon import HEADER
from gpmirror.gputils.initsystem import KNOWN_NAMES
from gpmirror.gputils.lines import Grammar
from gpmirror.gputils.source import Findings, Span

Purpose = Literal["add", "move", "expand"]

MAX_JOINTS = 10_000

_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:(?:declare|typeset)[ \t]+-a[ \t]+|export[ \t]+)?([A-Z][A-Z_]*)=", re.MULTILINE
)
_LABEL = re.compile(r"mirror[^=:|/]*=")
_CONTENT = re.compile(r"-?[0-9]+(?:=[0-9]+)?")
_BETA = re.compile(r"mirror[^=:|/]*=[^:]*:[^:]*:[^:]*:/[^:]*")
_NEXT_LABEL = re.compile(r"[ \t\f\v](?=mirror[0-9]{0,9}=)")
_NEXT_CONTENT = re.compile(r"[ \t\f\v](?=[0-9]{1,9}\|[^|\s]+\|[0-9])")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a line, or most lines of a file, looks like."""

    purpose: Purpose
    grammar: Grammar


def is_initsystem(text: str) -> bool:
    """Whether some line assigns a setting that only gpinitsystem knows."""
    return any(found[1] in KNOWN_NAMES for found in _ASSIGNMENT.finditer(text))


def shape_of_file(spans: Iterable[Span]) -> Shape | None:
    """What most lines look like; of equals the first. None: no line looks like any."""
    votes = Counter(shape for span in spans if (shape := shape_of(span.text)) is not None)
    return votes.most_common(1)[0][0] if votes else None


def shape_of(text: str) -> Shape | None:
    """What one line looks like; None for the header and for lines without any sign."""
    if text.startswith(HEADER) or "/" not in text:
        return None
    if "|" not in text and ":" not in text:
        return None
    grammar = Grammar.PIPE if "|" in text else Grammar.COLON
    return Shape(_purpose(text, grammar), grammar)


def _purpose(text: str, grammar: Grammar) -> Purpose:
    fields = text.split(None, 1)[0].split(grammar.value)
    if len(fields) in {7, 8} and fields[6] in {"p", "m"}:
        return "expand"
    return "add" if _LABEL.match(text) or _CONTENT.fullmatch(fields[0]) else "move"


def is_beta(spans: Iterable[Span]) -> bool:
    """Whether the lines are `mirror0=content:address:port:directory` without a header: what a
    development version of 6 read and no release does.
    """
    return all(_BETA.fullmatch(span.text) for span in spans)


def split_entries(spans: Iterable[Span], findings: Findings) -> list[Span]:
    """One span an entry: where line ends were lost in copying, the line is reported and split."""
    return [entry for span in spans for entry in _entries(span, findings)]


def _entries(span: Span, findings: Findings) -> list[Span]:
    pattern = _NEXT_CONTENT if _CONTENT.match(span.text) else _NEXT_LABEL
    joints = [found.start() for found in islice(pattern.finditer(span.text), MAX_JOINTS)]
    if not joints:
        return [span]
    bounds = [*joints, len(span.text)]
    entries = [_trimmed(span.part(0, joints[0]))]
    entries += [_trimmed(span.part(a + 1, b)) for a, b in pairwise(bounds)]
    message = f"{len(entries)} lines have run into one: their line ends are lost"
    following = span.text[joints[0] + 1 :].split(None, 1)[0]
    hint = f"start a new line before each of them, first before `{following[:40]}`"
    findings.report("GPM-N012", message, span.place(joints[0] + 1, len(following)), hint)
    return entries


def _trimmed(span: Span) -> Span:
    return span.part(0, len(span.text.rstrip()))
