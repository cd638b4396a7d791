"""A native file's bytes as numbered stretches of text, with every finding at its place."""

import re
from collections.abc import Iterable

from gpmirror.diagnostics import Diagnostic, Place, Related, Source
from gpmirror.errors import InvalidInput
from gpmirror.native.fields import Field, ascii_twin, flaws, named, shown
from gpmirror.native.lines import Grammar
from gpmirror.values import dataclass

MAX_BYTES = 4 * 1024 * 1024
MAX_LINES = 65_536
"""Far above any real file: 8,000 contents take less than a megabyte."""

MAX_FINDINGS = 100

_BLANKS = " \t\r\f\v"
_COMMENT = re.compile(r"[ \t\f\v]#")
_GROUP = re.compile(r"[^ \t\f\v]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class LinePart:
    """A stretch of one physical line. `column` counts from 1; `line` is where it stands in the file
    and as it stands there, while `text` may have look-alike characters replaced one for one.
    """

    text: str
    column: int
    line: Place

    def part(self, start: int, end: int | None = None) -> "LinePart":
        """The stretch between two offsets of this one."""
        return LinePart(self.text[start:end], self.column + start, self.line)

    def groups(self) -> list["LinePart"]:
        """What blanks separate."""
        return [self.part(*found.span()) for found in _GROUP.finditer(self.text)]

    def place(self, offset: int = 0, width: int | None = None) -> Place:
        """The place of the stretch, or of a part of it."""
        return Place(
            file=self.line.file,
            line=self.line.line,
            column=self.column + offset,
            width=max(len(self.text) if width is None else width, 1),
            text=self.line.text,
        )


class Findings:
    """Collects diagnostics until there are too many to be of use."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    @property
    def full(self) -> bool:
        """Whether reading on would only add to a long list."""
        return len(self._found) >= MAX_FINDINGS

    def __bool__(self) -> bool:
        return bool(self._found)

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Keeps them all."""
        self._found.extend(found)

    def report(
        self,
        code: str,
        message: str,
        place: Place,
        hint: str | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        """Keeps a finding with these parts."""
        found = Diagnostic(code=code, message=message, place=place, hint=hint, related=related)
        self._found.append(found)

    def check(self, fields: Iterable[Field], spans: list[LinePart], grammar: Grammar) -> bool:
        """Judges spans by the fields in the same order; reports flaws; says whether all hold."""
        good = True
        for index, field, value, flaw in flaws(fields, (span.text for span in spans), grammar):
            message = (
                f"{field.name} {shown(value)} {flaw.reason}"
                if value
                else (f"{field.name} {flaw.reason}")
            )
            place = spans[index].place(flaw.offset, flaw.width)
            self.report(flaw.code, message, place, flaw.hint)
            good = False
        return good

    def raise_if_any(self) -> None:
        """Raises InvalidInput with what was found, in the order of the file."""
        if not self._found:
            return
        found = sorted(self._found, key=_by_place)
        if self.full:
            found = [*found[:MAX_FINDINGS], _more(found[MAX_FINDINGS - 1])]
        raise InvalidInput(found)


def read_text(data: bytes, name: str, findings: Findings, limit: int = MAX_BYTES) -> str:
    """The bytes as text without a byte order mark; `limit` in bytes. Raises InvalidInput when there
    are more, or when it is no text.
    """
    if len(data) > limit:
        raise _refusal(name, "GPM-N006", f"{name} has {len(data)} bytes; the limit is {limit}")
    text = _decoded(data, name)
    if text.startswith("\ufeff"):
        text = text[1:]
        reason = "the utilities would take it for part of the first line"
        message = f"{name} begins with U+FEFF BYTE ORDER MARK; {reason}"
        findings.report("GPM-N002", message, Place(file=name, line=1, column=1), "save it without")
    return text


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = error.start
    line = data.count(b"\n", 0, wrong) + 1
    column = wrong - data.rfind(b"\n", 0, wrong)
    where = f"byte 0x{data[wrong]:02X} at byte {column} of line {line}"
    raise _refusal(name, "GPM-N001", f"{name} is not UTF-8 text: {where}", line)


def significant_lines(text: str, name: str, findings: Findings) -> list[LinePart]:
    """Lines that are neither blank nor comment: stripped, trailing comments cut off and reported,
    look-alikes of ASCII characters reported and replaced.
    """
    spans: list[LinePart] = []
    source = Source(file=name, lines=[line.rstrip("\r") for line in text.split("\n")])
    for number, line in enumerate(source.lines, start=1):
        stripped = line.strip(_BLANKS)
        if not stripped or stripped[0] == "#":
            continue
        if findings.full:
            break
        if len(spans) == MAX_LINES:
            message = f"{name} has more lines than {MAX_LINES}, the limit"
            raise _refusal(name, "GPM-N006", message, number)
        span = LinePart(stripped, line.find(stripped) + 1, source.place(number))
        spans.append(_without_look_alikes(_without_comment(span, findings), findings))
    return spans


def _without_comment(span: LinePart, findings: Findings) -> LinePart:
    found = _COMMENT.search(span.text)
    if found is None:
        return span
    comment = span.text[found.start() + 1 :]
    message = f"trailing comment {shown(comment)} would become part of the line's last field"
    hint = "move the comment to a line of its own"
    findings.report("GPM-N018", message, span.place(found.start() + 1, len(comment)), hint)
    text = span.text[: found.start()].rstrip(_BLANKS)
    return span.part(0, len(text))


def _without_look_alikes(span: LinePart, findings: Findings) -> LinePart:
    if span.text.isascii():
        return span
    first: dict[str, int] = {}
    for found in _NOT_ASCII.finditer(span.text):
        first.setdefault(found.group(), found.start())
    twins = {character: twin for character in first if (twin := ascii_twin(character)) is not None}
    for character, twin in twins.items():
        times = span.text.count(character)
        again = "" if times == 1 else f" ({times} times in this line)"
        message = (
            f"{named(character)} where `{twin}` is meant{again}; the utility does not see it as one"
        )
        hint = f"replace `{character}` with `{twin}`"
        findings.report("GPM-N003", message, span.place(first[character], 1), hint)
    text = span.text.translate({ord(old): new for old, new in twins.items()})
    return LinePart(text, span.column, span.line)


def _by_place(found: Diagnostic) -> tuple[int, int]:
    return (0, 0) if found.place is None else (found.place.line, found.place.column)


def _more(last: Diagnostic) -> Diagnostic:
    message = f"the first {MAX_FINDINGS} problems are shown; there may be more"
    return Diagnostic(code="GPM-N007", message=message, place=last.place, hint="fix these first")


def _refusal(name: str, code: str, message: str, line: int = 0) -> InvalidInput:
    return InvalidInput([Diagnostic(code=code, message=message, place=Place(file=name, line=line))])
