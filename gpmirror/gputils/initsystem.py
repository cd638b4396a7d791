"""A gpinitsystem configuration (`-c`) or input array file (`-I`), read without running it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gpmirror.diagnostics import Place, Related
from gpmirror.gputils.arrays import ArrayRow, read_array_row
from gpmirror.gputils.assignments import Assignment, Word, read_assignments
from gpmirror.gputils.characters import shown
from gpmirror.gputils.fields import Field, address_flaw, new_directory_flaw, port_flaw
from gpmirror.gputils.lines import Grammar
from gpmirror.gputils.source import Findings, Span, read_text

MAX_BYTES = 256 * 1024

_PORTS = {
    "PORT_BASE": "port_base",
    "MIRROR_PORT_BASE": "mirror_port_base",
    "REPLICATION_PORT_BASE": "replication_port_base",
    "MIRROR_REPLICATION_PORT_BASE": "mirror_replication_port_base",
    "MASTER_PORT": "coordinator_port",
    "COORDINATOR_PORT": "coordinator_port",
}
_TEXTS = {
    "SEG_PREFIX": "seg_prefix",
    "MASTER_HOSTNAME": "coordinator_hostname",
    "COORDINATOR_HOSTNAME": "coordinator_hostname",
    "MASTER_DIRECTORY": "coordinator_directory",
    "COORDINATOR_DIRECTORY": "coordinator_directory",
    "MACHINE_LIST_FILE": "machine_list_file",
    "MIRROR_TYPE": "mirror_type",
}
_DIRECTORIES = {
    "DATA_DIRECTORY": "data_directories",
    "MIRROR_DATA_DIRECTORY": "mirror_directories",
}
_ARRAYS = {
    "QD_PRIMARY_ARRAY": "coordinator",
    "PRIMARY_ARRAY": "primaries",
    "MIRROR_ARRAY": "mirrors",
}
KNOWN_NAMES = frozenset({*_PORTS, *_TEXTS, *_DIRECTORIES, *_ARRAYS, "ARRAY_NAME", "TRUSTED_SHELL"})
"""Names that tell a gpinitsystem file from any other."""

_PORT = Field("port", "port", port_flaw)
_ADDRESS = Field("hostname", "hostname", address_flaw)
_DIRECTORY = Field("directory", "directory", new_directory_flaw)
_CHECKED = {
    "coordinator_hostname": _ADDRESS,
    "coordinator_directory": _DIRECTORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InitSystem:
    """What the file sets; None or empty is what it leaves out. Ports are TCP ports, directories
    absolute paths in the order of the file. `settings` holds every further single value.
    """

    name: str
    seg_prefix: str | None = None
    coordinator_hostname: str | None = None
    coordinator_directory: str | None = None
    coordinator_port: int | None = None
    machine_list_file: str | None = None
    mirror_type: str | None = None
    port_base: int | None = None
    mirror_port_base: int | None = None
    replication_port_base: int | None = None
    mirror_replication_port_base: int | None = None
    data_directories: tuple[str, ...] = ()
    mirror_directories: tuple[str, ...] = ()
    coordinator: ArrayRow | None = None
    primaries: tuple[ArrayRow, ...] = ()
    mirrors: tuple[ArrayRow, ...] = ()
    settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class _Draft:
    """The values found so far, each under its place in `InitSystem`."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.directories: dict[str, tuple[str, ...]] = {}
        self.rows: dict[str, tuple[ArrayRow, ...]] = {}
        self.settings: dict[str, str] = {}


def read_initsystem(data: bytes, name: str) -> InitSystem:
    """What the file sets, without running it. `name` is for messages. Raises InvalidInput with
    every problem.
    """
    findings = Findings()
    text = read_text(data, name, findings, MAX_BYTES)
    assignments = read_assignments(text, name, findings)
    _report_repeats(assignments, findings)
    draft = _Draft()
    for assignment in assignments:
        if not findings.full:
            _take(assignment, draft, findings)
    _check_counts(assignments, findings)
    if not assignments and not findings:
        findings.report("GPM-N009", f"{name} sets nothing", Place(file=name))
    findings.raise_if_any()
    return _finished(name, draft)


def _take(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    name = assignment.name
    if name in _DIRECTORIES:
        draft.directories[_DIRECTORIES[name]] = _directories(assignment, findings)
    elif name in _ARRAYS:
        read = (read_array_row(_span(word), findings) for word in _filled(assignment.values))
        draft.rows[_ARRAYS[name]] = tuple(row for row in read if row is not None)
    elif assignment.is_array:
        message = f"{name} is not an array that gpinitsystem knows"
        findings.report("GPM-N041", message, assignment.place, f"write `{name}=value`")
    elif name in _PORTS:
        _take_port(assignment, draft, findings)
    elif name in _TEXTS:
        _take_text(assignment, draft, findings)
    else:
        draft.settings[name] = assignment.values[0].text


def _take_port(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    value = _value(assignment)
    port = Field(assignment.name, assignment.name, _PORT.judge)
    if findings.check([port], [value], Grammar.PIPE):
        draft.ports[_PORTS[assignment.name]] = int(value.text)


def _take_text(assignment: Assignment, draft: _Draft, findings: Findings) -> None:
    value = _value(assignment)
    target = _TEXTS[assignment.name]
    checked = _CHECKED.get(target)
    named = () if checked is None else (Field(assignment.name, "", checked.judge),)
    if findings.check(named, [value] if named else [], Grammar.PIPE):
        draft.texts[target] = value.text


def _directories(assignment: Assignment, findings: Findings) -> tuple[str, ...]:
    field = Field(f"{assignment.name} entry", "", _DIRECTORY.judge)
    spans = [_span(word) for word in _filled(assignment.values)]
    findings.check([field] * len(spans), spans, Grammar.PIPE)
    return tuple(span.text for span in spans)


def _filled(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return tuple(word for word in words if word.text)


def _value(assignment: Assignment) -> Span:
    span = _span(assignment.values[0])
    # The word's place is that of the name; the value follows the equals sign.
    return Span(span.text, span.file, span.number, span.column + len(assignment.name) + 1, span.raw)


def _span(word: Word) -> Span:
    place = word.place
    return Span(word.text, place.file, place.line, place.column, place.text)


def _report_repeats(assignments: list[Assignment], findings: Findings) -> None:
    first: dict[str, Assignment] = {}
    for assignment in assignments:
        name = assignment.name
        meaning = _PORTS.get(name) or _TEXTS.get(name) or name
        earlier = first.setdefault(meaning, assignment)
        if earlier is not assignment:
            message = f"{name} is set twice: on line {earlier.place.line} as {earlier.name}"
            related = (Related(place=earlier.place, label="first here"),)
            hint = "keep one; a shell would silently take the last"
            findings.report("GPM-N042", message, assignment.place, hint, related)


def _check_counts(assignments: list[Assignment], findings: Findings) -> None:
    found = {assignment.name: assignment for assignment in assignments}
    primary, mirror = found.get("DATA_DIRECTORY"), found.get("MIRROR_DATA_DIRECTORY")
    if primary is None or mirror is None or len(primary.values) == len(mirror.values):
        return
    counts = f"{len(mirror.values)} and {len(primary.values)}"
    message = f"MIRROR_DATA_DIRECTORY and DATA_DIRECTORY have {counts} entries; gpinitsystem stops"
    related = (Related(place=primary.place, label=shown("DATA_DIRECTORY")),)
    hint = "give one mirror directory for each primary directory"
    findings.report("GPM-N043", message, mirror.place, hint, related)


def _finished(name: str, draft: _Draft) -> InitSystem:
    ports, texts, directories, rows = draft.ports, draft.texts, draft.directories, draft.rows
    return InitSystem(
        name=name,
        seg_prefix=texts.get("seg_prefix"),
        coordinator_hostname=texts.get("coordinator_hostname"),
        coordinator_directory=texts.get("coordinator_directory"),
        coordinator_port=ports.get("coordinator_port"),
        machine_list_file=texts.get("machine_list_file"),
        mirror_type=texts.get("mirror_type"),
        port_base=ports.get("port_base"),
        mirror_port_base=ports.get("mirror_port_base"),
        replication_port_base=ports.get("replication_port_base"),
        mirror_replication_port_base=ports.get("mirror_replication_port_base"),
        data_directories=directories.get("data_directories", ()),
        mirror_directories=directories.get("mirror_directories", ()),
        coordinator=next(iter(rows.get("coordinator", ())), None),
        primaries=rows.get("primaries", ()),
        mirrors=rows.get("mirrors", ()),
        settings=MappingProxyType(draft.settings),
    )
