"""Bytes of unknown form into the observed cluster."""

from gpmirror.catalog.snapshot import read_snapshot
from gpmirror.catalog.source import decoded
from gpmirror.catalog.text import read_text
from gpmirror.cluster.dialect import DialectName
from gpmirror.cluster.observed import Observed


def read_catalog(
    data: bytes, name: str, *, dialect: DialectName | None = None, table: int | None = None
) -> Observed:
    """The observed cluster in a saved catalog: a snapshot, or text with catalog tables.

    `name` is used in messages, `dialect` is what the spec says, `table` picks one of several
    tables of a text, counted from 1.

    Raises:
        InvalidInput: it cannot be read, contradicts itself or the dialect, or is no sane cluster.
    """
    text = decoded(data, name)
    if text.lstrip()[:1] == "{":
        return read_snapshot(text, name, dialect=dialect)
    return read_text(text, name, dialect=dialect, table=table)
