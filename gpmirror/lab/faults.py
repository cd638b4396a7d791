"""Faults of the practice cluster: delays and failures the stand-ins show on demand.

They lie in `faults.json` of the lab's state folder and are read when a utility starts:

- `slow_copy`: seconds a base backup takes, for every one or as {content or target host: seconds};
  on gp5 the utility returns before it.
- `fail_copy`: contents whose base backup breaks off and leaves half a directory.
- `fail_start`: contents whose copy succeeds and whose server then does not start.
- `fail_replication`: contents whose mirror starts and does not replicate (5).
- `exit_zero_do_nothing`: utilities print their first line, exit 0 and do nothing; a dry run
  (`-o`) says what it would say without the fault.
- `connect_timeout`: gp_segment_connect_timeout, the seconds for which a primary waits for a mirror
  that did not start (5).
- `hang_before_catalog`: seconds of standing still just before rows are written.
- `refuse_dispatch`: what is asked of all segments fails while a content has no live copy that acts.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from pathlib import Path

from gpmirror.errors import Failure
from gpmirror.values import dataclass

FILE = "faults.json"
EVERY = "every"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. `slow_copy` maps contents, host names, or "every", to seconds."""

    slow_copy: Mapping[str, float] = field(default_factory=dict)
    fail_copy: tuple[int, ...] = ()
    fail_start: tuple[int, ...] = ()
    fail_replication: tuple[int, ...] = ()
    exit_zero_do_nothing: bool = False
    connect_timeout: float = 600.0
    hang_before_catalog: float = 0.0
    refuse_dispatch: bool = False

    def delay(self, content: int, host: str = "") -> float:
        """Seconds that copying this content to a host takes at least; 0 is as fast as it goes."""
        known = (self.slow_copy.get(key) for key in (str(content), host, EVERY))
        return next((seconds for seconds in known if seconds is not None), 0.0)


def slow(seconds: float, *contents: int) -> dict[str, float]:
    """A value for `slow_copy`: these contents, or every one."""
    return {str(c): seconds for c in contents} or {EVERY: seconds}


def slow_host(state: Path, host: str, seconds: float) -> None:
    """Let copies to a host, or to "every" one, take some seconds; other faults stay."""
    faults = read_faults(state)
    set_faults(state, replace(faults, slow_copy={**faults.slow_copy, host: seconds}))


def end_slowness(state: Path) -> None:
    """Copies go as fast as they can; other faults stay."""
    set_faults(state, replace(read_faults(state), slow_copy={}))


def set_faults(state: Path, faults: Faults) -> None:
    """Make these the lab's faults; utilities already running keep the ones they started with."""
    staged = state / f"{FILE}.new"
    staged.write_text(json.dumps(asdict(faults)) + "\n", encoding="utf-8")
    staged.chmod(0o644)
    staged.replace(state / FILE)


def clear_faults(state: Path) -> None:
    """No faults any more."""
    (state / FILE).unlink(missing_ok=True)


def read_faults(state: Path) -> Faults:
    """The lab's faults; none when the file is absent. Raises Failure when it cannot be read."""
    file = state / FILE
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        return Faults(
            slow_copy=_delays(fields.get("slow_copy", {})),
            fail_copy=tuple(int(c) for c in fields.get("fail_copy", ())),
            fail_start=tuple(int(c) for c in fields.get("fail_start", ())),
            fail_replication=tuple(int(c) for c in fields.get("fail_replication", ())),
            connect_timeout=float(fields.get("connect_timeout", 600)),
            exit_zero_do_nothing=bool(fields.get("exit_zero_do_nothing", False)),
            hang_before_catalog=float(fields.get("hang_before_catalog", 0)),
            refuse_dispatch=bool(fields.get("refuse_dispatch", False)),
        )
    except FileNotFoundError:
        return Faults()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Failure(f"cannot read {file}: {error}", hint=f"fix or remove {file}") from error


def _delays(value: object) -> dict[str, float]:
    if isinstance(value, dict):
        return {str(content): float(seconds) for content, seconds in value.items()}
    return {EVERY: float(str(value))}
