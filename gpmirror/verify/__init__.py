"""Is it so: copies judged in sync from the catalog and replication, never from an exit status."""

from gpmirror.verify.disagreement import disagreements
from gpmirror.verify.model import TAKES_OVER, ContentHealth, CopyState, Health, revival, way_back
from gpmirror.verify.sync import BACKUP_RUNS, judge, resynchronising, without

__all__ = [
    "BACKUP_RUNS",
    "TAKES_OVER",
    "ContentHealth",
    "CopyState",
    "Health",
    "disagreements",
    "judge",
    "resynchronising",
    "revival",
    "way_back",
    "without",
]
