"""How much is copied and how long that takes, in words; the rate is always said."""

from gpmirror.cluster.counting import about_text, remaining_text
from gpmirror.plan.model import Exposure, WaveExposure
from gpmirror.render.quantities import size_text


def copy_time(found: Exposure, stopping: int = 0) -> str:
    """What the whole plan copies and for how long; empty where it copies nothing. `stopping` seconds
    of it pass before waves of moves begin to copy.
    """
    whole = "size unknown, so the copy time is unknown too" if found.bytes is None else ""
    if found.bytes and found.seconds is not None:
        waits = f" and {about_text(stopping)} until old mirrors count as down" if stopping else ""
        whole = (
            f"{size_text(found.bytes)} to copy (an estimate: databases without WAL), "
            f"{about_text(found.seconds + stopping)} assuming that a host sends and receives "
            f"{size_text(found.rate)}/s{waits}; measured from the first wave on"
        )
    caught_up = ""
    if found.catching_up:
        ways = "recovery" if found.catching_up == 1 else "recoveries"
        caught_up = f"{found.catching_up:,} incremental {ways}, size unknown"
    return "; ".join(part for part in (whole, caught_up) if part)


def wave_copies(found: WaveExposure) -> str:
    """`1.0 TB`, `nothing`, `unknown`, `what changed`: what a wave copies, in a column."""
    if found.catching_up:
        return "what changed"
    if found.bytes is None:
        return "unknown"
    return size_text(found.bytes) if found.bytes else "nothing"


def wave_time(found: WaveExposure, stopping: int = 0) -> str:
    """`2 h 47 min`, `unknown`, nothing where nothing is copied: how long a wave takes, about, with
    the seconds until it begins to copy.
    """
    if found.catching_up or found.seconds is None:
        return "unknown"
    return remaining_text(found.seconds + stopping) if found.bytes else ""
