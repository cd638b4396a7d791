"""Is it so: copies judged in sync from the catalog and replication, never from an exit status."""

from gpmirror.verify.disagreement import disagreements
from gpmirror.verify.model import ContentHealth, CopyState, Health
from gpmirror.verify.sync import judge

__all__ = ["ContentHealth", "CopyState", "Health", "disagreements", "judge"]
