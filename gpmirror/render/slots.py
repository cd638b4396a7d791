"""A slot in words, and how a copy is brought back."""

from gpmirror.cluster.segment import Slot
from gpmirror.plan.model import Change, Method

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


def method_text(change: Change) -> str:
    """How a copy is brought back, with the remark: `incremental (directory not inspected)`."""
    word = "" if change.method is None else change.method.value
    if change.note is None:
        return word
    return f"{word} ({change.note})" if isinstance(change.method, Method) else change.note
