"""Reading any native file: which utility it is for, its lines, or everything wrong with it."""

from collections.abc import Iterable

from gpmirror.cluster.dialect import Dialect
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.gputils import colon_reader, pipe_reader
from gpmirror.gputils.characters import shown
from gpmirror.gputils.clashes import add_clashes, expand_clashes, move_clashes
from gpmirror.gputils.colon import HEADER
from gpmirror.gputils.expand import read_expand_line
from gpmirror.gputils.initsystem import InitSystem, read_initsystem
from gpmirror.gputils.lines import AddFile, AddLine, ExpandFile, Grammar, MoveFile, MoveLine
from gpmirror.gputils.recognise import (
    Shape,
    is_beta,
    is_initsystem,
    shape_of_file,
    split_entries,
)
from gpmirror.gputils.source import Findings, Span, read_text, significant_lines

NativeFile = AddFile | MoveFile | ExpandFile | InitSystem


def read_native(data: bytes, name: str, dialect: Dialect | None = None) -> NativeFile:
    """What the file says, for whichever utility it is. `name` is for messages. Raises InvalidInput
    with every problem when the file is not exactly what its utility reads.
    """
    findings = Findings()
    text = read_text(data, name, findings)
    if is_initsystem(text):
        return read_initsystem(data, name)
    spans = split_entries(significant_lines(text, name, findings), findings)
    shape = shape_of_file(spans)
    if shape is None:
        raise InvalidInput([_unknown(spans, name)])
    if _is_beta(spans, shape, dialect):
        _report_beta(spans, findings)
    else:
        _check_dialect(spans[0], shape, dialect, findings)
    found = _read(spans, shape, name, findings)
    findings.raise_if_any()
    return found


def _is_beta(spans: list[Span], shape: Shape, dialect: Dialect | None) -> bool:
    old = dialect is not None and dialect.file_replication
    return not old and shape == Shape("add", Grammar.COLON) and is_beta(spans)


def _report_beta(spans: list[Span], findings: Findings) -> None:
    first = spans[0]
    fixed = first.text.partition("=")[2].replace(":", "|")
    message = (
        f"`mirror<number>=content:address:port:directory` ({len(spans)} lines) is the syntax of a "
        'development version of 6; every release stops with "expected 4 parts, obtained 1"'
    )
    findings.report("GPM-N013", message, first.place(), f"write {shown(fixed)}")
    findings.raise_if_any()


def _check_dialect(first: Span, shape: Shape, dialect: Dialect | None, findings: Findings) -> None:
    if dialect is None or dialect.separator == shape.grammar.value:
        return
    message = (
        f"the file is in the form of {shape.grammar.releases}, with `{shape.grammar}` between fields; "
        f"{dialect.title} reads `{dialect.separator}`"
    )
    hint = "write it for this server, or name the dialect it was written for"
    findings.report("GPM-N005", message, first.place(), hint)


def _unknown(spans: list[Span], name: str) -> Diagnostic:
    real = [span for span in spans if not span.text.startswith(HEADER)]
    if not real:
        message = f"{name} has no line that names a mirror"
        hint = "was the file written completely?"
        return Diagnostic(code="GPM-N009", message=message, place=Place(file=name), hint=hint)
    message = (
        f"{name} is no file of gpaddmirrors, gpmovemirrors, gprecoverseg, gpexpand or gpinitsystem"
    )
    hint = "their lines have fields separated by `:` (4.3 and 5) or `|` (6 and later)"
    return Diagnostic(code="GPM-N004", message=message, place=real[0].place(), hint=hint)


def _read(
    spans: list[Span], shape: Shape, name: str, findings: Findings
) -> AddFile | MoveFile | ExpandFile:
    if shape.purpose == "expand":
        return _read_expand(spans, shape.grammar, name, findings)
    if shape.grammar is Grammar.COLON:
        return _read_colon(spans, shape, name, findings)
    return _read_pipe(spans, shape, name, findings)


def _read_expand(spans: list[Span], grammar: Grammar, name: str, findings: Findings) -> ExpandFile:
    read = (read_expand_line(s, grammar, findings) for s in spans if not findings.full)
    lines = tuple(line for line in read if line is not None)
    findings.extend(expand_clashes(lines))
    return ExpandFile(name=name, grammar=grammar, lines=lines)


def _read_colon(
    spans: list[Span], shape: Shape, name: str, findings: Findings
) -> AddFile | MoveFile:
    header = colon_reader.read_header(spans[0], findings)
    rest = spans[1:] if spans[0].text.startswith(HEADER) else spans
    known = header or colon_reader.Header()
    names = tuple(sorted(known.names))
    if shape.purpose == "add":
        adds = (colon_reader.read_add_line(s, known, findings) for s in rest if not findings.full)
        return _add_file(name, Grammar.COLON, names, adds, findings)
    moves = (colon_reader.read_move_line(s, known, findings) for s in rest if not findings.full)
    return _move_file(name, Grammar.COLON, names, moves, findings)


def _read_pipe(
    spans: list[Span], shape: Shape, name: str, findings: Findings
) -> AddFile | MoveFile:
    if shape.purpose == "add":
        adds = (pipe_reader.read_add_line(s, findings) for s in spans if not findings.full)
        return _add_file(name, Grammar.PIPE, (), adds, findings)
    moves = (pipe_reader.read_move_line(s, findings) for s in spans if not findings.full)
    return _move_file(name, Grammar.PIPE, (), moves, findings)


def _add_file(
    name: str,
    grammar: Grammar,
    filespaces: tuple[str, ...],
    read: Iterable[AddLine | None],
    findings: Findings,
) -> AddFile:
    lines = tuple(line for line in read if line is not None)
    findings.extend(add_clashes(lines))
    return AddFile(name=name, grammar=grammar, lines=lines, filespaces=filespaces)


def _move_file(
    name: str,
    grammar: Grammar,
    filespaces: tuple[str, ...],
    read: Iterable[MoveLine | None],
    findings: Findings,
) -> MoveFile:
    lines = tuple(line for line in read if line is not None)
    findings.extend(move_clashes(lines))
    return MoveFile(name=name, grammar=grammar, lines=lines, filespaces=filespaces)
