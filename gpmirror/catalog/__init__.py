"""A saved catalog as the observed cluster: psql output of any shape, lists, snapshots."""

from gpmirror.catalog.reading import read_catalog
from gpmirror.catalog.snapshot import snapshot_schema, snapshot_text

__all__ = ["read_catalog", "snapshot_schema", "snapshot_text"]
