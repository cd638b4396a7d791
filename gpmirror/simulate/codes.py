"""The stable codes of failure simulation."""

from gpmirror.diagnostics import CodeInfo

UNKNOWN_HOST = "GPM-P901"
BAD_TARGET = "GPM-P902"
UNKNOWN_RACK = "GPM-P903"
AMBIGUOUS_HOST = "GPM-P904"
NO_WHOLE_RACKS = "GPM-P905"

CODES: dict[str, CodeInfo] = {
    UNKNOWN_HOST: CodeInfo(
        title="a host to lose, to stop or to give up is not known",
        why="Losing a host that holds nothing would look harmless and prove nothing.",
        fix="Name a host as the spec or the catalog does, for example `--lose host:sdw3` or "
        "`ok-to-stop sdw3`; `prune RUN --forget` takes hosts on which the run left directories.",
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
    AMBIGUOUS_HOST: CodeInfo(
        title="a name of a host to stop belongs to several hosts",
        why="An answer about the wrong host would be worse than none.",
        fix="Name the host by its own name, as the spec or the catalog does.",
    ),
    NO_WHOLE_RACKS: CodeInfo(
        title="whole racks cannot be maintenance groups",
        why="A rack can be down as a whole only if every content has a copy elsewhere, and the load "
        "that its hosts leave fits on the others.",
        fix="Leave `--by rack` out, or do what the message says first.",
    ),
}
