"""The native dry run, `UTILITY -a -i FILE -o OUT`: which releases have it, and what OUT says.

With -o a utility reads and checks FILE as it always does, writes to OUT the lines that it would
carry out, and stops before it changes anything. `-a` must be there: without it gpaddmirrors asks
whether to go on wherever hosts are uneven or addresses irregular, reads the end of its input and
fails (6.24.3 and 7.0.0, recorded).
"""

import re
from collections.abc import Iterable, Sequence

from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.native.colon import HEADER
from gpmirror.native.fields import lines_of
from gpmirror.native.lines import AddFile, AddLine, MoveFile, MoveLine
from gpmirror.native.reader import read_native
from gpmirror.values import dataclass

_VERSION = re.compile(r"(?:^|Database )(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?")

_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?=\|)")
"""Put around an IPv6 address in OUT."""

_REFUSES_ITSELF = "Invalid -i provided with -o"
"""What Greengage 7 says (source); a later release of another family may follow."""

_OUT = "gpmirror-dry-run out"
_NONE = "gpmirror-dry-run none"
_SAID = "gpmirror-dry-run said"


def trier_of(utility: str) -> str:
    """The utility that can try a file: gpmovemirrors has no -o, and hands its file to gprecoverseg
    with the same options (6.24.3, recorded).
    """
    return "gprecoverseg" if utility == "gpmovemirrors" else utility


def dry_run_argv(argv: Sequence[str], output: str) -> tuple[str, ...]:
    """A real run's command line as a dry run. `--differential` is left out: it forbids -o (7.0.0 and
    Greengage 6.27.1, source), and chooses how bytes travel, not which lines are carried out.
    """
    utility, *words = argv
    kept = [word for word in words if word != "--differential"]
    if utility == "gpmovemirrors":
        kept.insert(0, "-a")
    return (trier_of(utility), *kept, "-o", output)


def why_not_tried(utility: str, name: DialectName, server_version: str | None) -> str | None:
    """Why a utility of this server is not tried; None: it is."""
    utility, title = trier_of(utility), DIALECTS[name].title
    first = DIALECTS[name].dry_run_from
    if first is None:
        known = ", ".join(
            f"{one.title} {'.'.join(map(str, one.dry_run_from))}"
            for one in DIALECTS.values()
            if one.dry_run_from is not None
        )
        return (
            f"that -o changes nothing is not proved of {utility} of {title} (it is from {known} on)"
        )
    found = _VERSION.search(server_version or "")
    if found is None:
        return f"the server does not show its release, and not every {utility} of {title} has it"
    release = (int(found[1]), int(found[2]), int(found[3] or 0))
    if release < first:
        told = ".".join(part for part in found.groups() if part)
        return (
            f"that -o changes nothing is proved of {utility} from {'.'.join(map(str, first))} on, "
            f"this is {told}"
        )
    return None


def joined(texts: Sequence[str]) -> str:
    """Files of one utility as one; before 6 each begins with the same header."""
    lines = [f"{line}\n" for text in texts for line in lines_of(text)]
    header = [line for line in lines if line.startswith(HEADER)][:1]
    return "".join((*header, *(line for line in lines if not line.startswith(HEADER))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a dry run left: OUT (None: there is none) and what the utility printed."""

    out: str | None
    said: str

    @property
    def refuses_itself(self) -> bool:
        """Whether the utility does not take -i with -o."""
        return _REFUSES_ITSELF in self.said


def answer_text(out: str, said: str) -> str:
    """Shell text that prints both files (quoted names) as `read_tried` reads them."""
    return (
        f"if [ -e {out} ]; then echo '{_OUT}'; cat {out}; echo; else echo '{_NONE}'; fi\n"
        f"echo '{_SAID}'\ntail -c 65536 {said}\n"
    )


def read_tried(answer: str) -> Tried:
    """What a dry run's script printed. What came before its own lines counts as said."""
    head, found, said = answer.partition(f"{_SAID}\n")
    if not found:
        return Tried(out=None, said=answer)
    _, wrote, out = head.partition(f"{_OUT}\n")
    return Tried(out=out if wrote else None, said=said)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunLine:
    """A line of FILE: its text, and the copy that it is about (None for a line of gpaddmirrors)."""

    text: str
    content: int | None
    old: tuple[str, int, str] | None
    elsewhere: bool


def left_out(file_text: str, out: str, dialect: DialectName) -> tuple[DryRunLine, ...]:
    """The lines of FILE that OUT does not hold, compared by meaning: OUT has three fields a group
    whatever FILE has. Greengage writes a comment for a copy whose host does not answer; where it
    goes to another host it is carried out all the same (6.27.1, recorded), else it is not.
    """
    wanted = _read(file_text, dialect)
    try:
        kept = {_meaning(line) for line in _read(_with_commented(out), dialect)}
    except InvalidInput:
        kept = set()  # it names no mirror
    texts = file_text.split("\n")
    return tuple(_line(one, texts[one.line - 1]) for one in wanted if _meaning(one) not in kept)


def _read(text: str, dialect: DialectName) -> tuple[AddLine | MoveLine, ...]:
    text = _BRACKETS.sub(r"\1", text)
    found = read_native(text.encode("utf-8", "surrogateescape"), "OUT", DIALECTS[dialect])
    return found.lines if isinstance(found, AddFile | MoveFile) else ()


def _with_commented(out: str) -> str:
    return "\n".join(
        line.removeprefix("#") if _is_commented_move(line) else line for line in lines_of(out)
    )


def _is_commented_move(line: str) -> bool:
    groups = line.removeprefix("#").split()
    return (
        line.startswith("#")
        and not line.startswith("# ")
        and len(groups) == 2  # noqa: PLR2004 the old and the new place
        and all(group.count("|") in {2, 3} for group in groups)
    )


def _meaning(line: AddLine | MoveLine) -> tuple[object, ...]:
    if isinstance(line, AddLine):
        return (line,)
    return tuple(
        place and (place.address, place.port, place.directory, place.filespaces)
        for place in (line.old, line.new)
    )


def _line(line: AddLine | MoveLine, text: str) -> DryRunLine:
    if isinstance(line, AddLine):
        return DryRunLine(text=text, content=line.content, old=None, elsewhere=True)
    old = line.old
    moved = line.new is not None and line.new.address != old.address
    return DryRunLine(
        text=text,
        content=None,
        old=(old.address, old.port, old.directory),
        elsewhere=moved,
    )


def unreachable_hosts(warnings: Iterable[str]) -> tuple[str, ...]:
    """The hosts that a utility says it cannot reach, as the catalog names them."""
    found = [re.fullmatch(r"Host (\S+) is unreachable", line.strip()) for line in warnings]
    return tuple(dict.fromkeys(match[1] for match in found if match))


def warning_about(warnings: Sequence[str], content: int, dbid: int | None, host: str) -> str | None:
    """The utility's own words about one copy; `host` is its hostname in the catalog."""
    wanted = (
        rf"segment {dbid} because",
        rf"contentIds? \[?[^\]]*\b{content}\b",
        rf"Host {re.escape(host)} is unreachable",
    )
    return next((line for pattern in wanted for line in warnings if re.search(pattern, line)), None)
