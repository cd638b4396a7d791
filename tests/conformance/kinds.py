"""What native utilities say, by meaning: releases word it differently, and mean the same."""

import re
from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "already mirrored": r"already configured with +(Mirrors|physical mirroring)",
    "not mirrored": r"mirroring replication is not configured|mirroring is not configured"
    r"|Mirroring replication is not configured|Mirror not used"
    r"|mirroring not used",
    "already running": r"indicates that an instance of \S+ is already running|is already running",
    "no such option": r"no such option: ",
    "option refused": r"Invalid [\w -]+ provided with|too many arguments"
    r"|should be used only with|Only one of .* may be specified",
    "asks for consent": r"Yy\|Nn \(default=N\)",
    "said no": r"User Aborted|User canceled",
    "end of input": r"EOF when reading a line",
    "odd array": r"not a standard array|non-standard|able to symmetrically distribute",
    "wrote its output": r"Configuration file output to .* successfully",
    "primary does not answer": r"failed to acquire resources on one or more segments",
    "host unreachable": r"Host \S+ is unreachable",
    "left out, host unreachable": r"Not recovering segment \d+ because",
    "stop left out, host unreachable": r"Skipping .*gpsegstop on unreachable host",
    "names not related": r"Not able to co-relate",
    "nothing to recover": r"No segments to recover",
    "nothing to rebalance": r"No segments are running in their non-preferred role",
    "not rebalanced": r"Not rebalancing primary|All segments must be (up|synchronized) to rebalance",
    "copy runs already": r"Found \S+ (recovery )?running for segments",
    "line not read": r"expected [\d, or]+ parts|expected 1 or 2 groups|expected equal parts"
    r"|%d format: a (real )?number is required|out of values|does not start with|only one or two groups|Invalid recovery type",
    "value not read": r"Invalid (port|content ID|address|directory) on line|invalid literal for int"
    r"|invalid number value in line",
    "relative path": r"must be a full path",
    "wrong number of lines": r"Wrong number of mirrors",
    "no such segment": r"A segment to recover was not found in configuration",
    "named twice": r"conflict: Cannot recover",
    "same port": r"cannot have the same port|conflicts with (a )?port",
    "same directory": r"cannot have the same data directory|directory \(base or filespace\)",
    "directory not empty": r"exists but is not empty",
    "parent missing": r"Parent directory for system data directory",
    "stops old copies": r"Ensuring \d+ failed segment\(s\) are stopped",
    "waits until marked down": r"Waiting for segments to be marked down",
    "catalog written": r"Updating configuration (for|with new) mirrors",
    "copy failed": r"Failed to (recover|add) the following segments",
    "setup failed": r"Failed to setup recovery for the following",
    "start failed": r"Failed to start the following segments|Failed to start segment",
    "disk full": r"No space left on device",
    "ended with failures": r"failed\. Please check the output",
    "added": r"Mirror segments have been added",
    "recovered": r"Segments successfully recovered|Updating segments for resynchronization is compl",
    "rebalanced": r"rebalance operation has completed successfully",
    "unexpected failure": r"failed\. \(Reason=|gpmovemirrors failed: ",
}
"""Meaning to pattern, in the order in which outcomes are written down."""


def kinds(text: str) -> list[str]:
    """What the text says, each once."""
    return [kind for kind, pattern in KINDS.items() if re.search(pattern, text)]
