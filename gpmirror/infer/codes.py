"""The diagnostics of import, for `gpmirror explain`."""

from gpmirror.diagnostics import CodeInfo

CODES = {
    "GPM-P401": CodeInfo(
        title="a catalog value that no spec can carry",
        why="Host names and directories end up in the native utilities' files and in shells; a "
        "value with spaces, separators or control characters would be misread there.",
        fix="Correct the catalog text if it was damaged in copying; else write the spec by hand.",
    ),
    "GPM-P402": CodeInfo(
        title="nothing to import",
        why="A spec places mirrors of segments; the source names none.",
        fix="Save the whole output of `SELECT * FROM gp_segment_configuration`.",
    ),
    "GPM-P403": CodeInfo(
        title="no spec gives back this catalog",
        why="Import writes a spec only after a plan from the same catalog proved that it adds "
        "nothing and moves nothing. For this catalog no candidate passed.",
        fix="Start from `gpmirror init` and let `gpmirror plan` show what differs.",
    ),
    "GPM-P404": CodeInfo(
        title="a native file that does not show content IDs",
        why="A line of gpmovemirrors or gprecoverseg names a mirror by address, port and "
        "directory. Its content ID can be read from the directory's name only where that ends in "
        "the content ID, as gpseg12 does.",
        fix="Import a saved catalog instead: `gpmirror import --catalog FILE`.",
    ),
}
