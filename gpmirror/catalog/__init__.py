"""A saved catalog as the observed cluster: psql output of any shape, lists, snapshots."""

from gpmirror.catalog.snapshot import snapshot_schema, snapshot_text
from gpmirror.catalog.text import read_catalog

__all__ = ["read_catalog", "snapshot_schema", "snapshot_text"]
