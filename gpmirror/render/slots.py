"""A slot in words, and what differs between two of them."""

from gpmirror.cluster.segment import Slot
from gpmirror.plan.model import Action, Change, Method
from gpmirror.render.spans import BLANK, Line, Span, Style, line, styled

UNKNOWN_DIRECTORY = "directory unknown"


def slot_text(slot: Slot) -> str:
    """`sdw3:7007 /data1/mirror/gpseg7`, with the address and the replication port if special."""
    return f"{place_text(slot)} {storage_text(slot)}"


def place_text(slot: Slot) -> str:
    """Host and ports: `sdw3:7007`, `sdw3:7007 at sdw3-2`, `sdw3:7007 replication 8007`."""
    address = "" if slot.address == slot.host else f" at {slot.address}"
    replication = "" if slot.replication_port is None else f" replication {slot.replication_port}"
    return f"{slot.host}:{slot.port}{address}{replication}"


def storage_text(slot: Slot) -> str:
    """The directory and those of further filespaces."""
    own = UNKNOWN_DIRECTORY if slot.directory is None else slot.directory
    return " ".join((own, *(f"{name}={path}" for name, path in slot.filespaces)))


def arrow_cells(change: Change) -> tuple[Line, Line]:
    """Where the copy is and where it goes, as two table cells; the second starts with `->`."""
    match change.action:
        case Action.ADD:
            return BLANK, _added(change)
        case Action.MOVE | Action.RECOVER:
            return _old(change), _new(change)
        case Action.REBALANCE:
            return _old(change), line("-> roles return")
        case Action.BLOCKED:
            return _old(change), BLANK


def _old(change: Change) -> Line:
    return BLANK if change.from_ is None else line(slot_text(change.from_))


def _added(change: Change) -> Line:
    return BLANK if change.to is None else line("-> ", slot_text(change.to))


def _new(change: Change) -> Line:
    old, new = change.from_, change.to
    if old is None or new is None:
        return _added(change)
    if old == new:
        return line("-> in place")
    return line("-> ", *_differing(old, new))


def _differing(old: Slot, new: Slot) -> tuple[Span, ...]:
    if storage_text(old) == storage_text(new):
        storage = Span("same directory", Style.FAINT)
    else:
        storage = styled(storage_text(new), Style.STRONG)
    if place_text(old) == place_text(new):
        return (Span("same host and port ", Style.FAINT), storage)
    return (*_place_spans(old, new), Span(" "), storage)


def _place_spans(old: Slot, new: Slot) -> tuple[Span, ...]:
    pieces = (
        (new.host, old.host != new.host),
        (f":{new.port}", old.port != new.port),
        ("" if new.address == new.host else f" at {new.address}", old.address != new.address),
        (_replication(new), old.replication_port != new.replication_port),
    )
    return tuple(
        styled(text, Style.STRONG if differs else Style.PLAIN) for text, differs in pieces if text
    )


def _replication(slot: Slot) -> str:
    return "" if slot.replication_port is None else f" replication {slot.replication_port}"


def method_text(change: Change) -> str:
    """How a copy is brought back, with the remark: `incremental (directory not inspected)`."""
    word = "" if change.method is None else change.method.value
    if change.note is None:
        return word
    return f"{word} ({change.note})" if isinstance(change.method, Method) else change.note
