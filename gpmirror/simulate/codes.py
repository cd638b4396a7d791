"""The stable codes of failure simulation."""

from gpmirror.diagnostics import CodeInfo

UNKNOWN_HOST = "GPM-P901"
BAD_TARGET = "GPM-P902"
UNKNOWN_RACK = "GPM-P903"

CODES: dict[str, CodeInfo] = {
    UNKNOWN_HOST: CodeInfo(
        title="a host to lose is not part of the layout",
        why="Losing a host that holds nothing would look harmless and prove nothing.",
        fix="Name a host as the spec or the catalog does, for example `--lose host:sdw3`.",
    ),
    BAD_TARGET: CodeInfo(
        title="what to lose is neither a host nor a rack",
        why="A target says its kind and its name, so that a host and a rack may share a name.",
        fix="Write `--lose host:NAME` or `--lose rack:NAME`; repeat it to lose several together.",
    ),
    UNKNOWN_RACK: CodeInfo(
        title="a rack to lose is not part of the layout",
        why="Only racks that the spec gives to a host are known; a catalog knows none.",
        fix="Name a rack of the spec, or add `rack:` to the hosts that stand in it.",
    ),
}
