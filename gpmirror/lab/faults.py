"""Faults of the practice cluster: delays and failures the stand-ins show on demand.

They lie in `faults.json` of the lab's state folder and are read when a utility starts:

- `slow_copy`: seconds a base backup takes, for every content or as {content: seconds}; on gp5 the
  utility returns before it.
- `fail_copy`: contents whose base backup breaks off and leaves half a directory.
- `fail_start`: contents whose copy succeeds and whose server then does not start.
- `exit_zero_do_nothing`: utilities print their first line, exit 0 and do nothing.
- `hang_before_catalog`: seconds of standing still just before rows are written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gpmirror.errors import Failure

FILE = "faults.json"
EVERY = "every"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. `slow_copy` maps contents, or "every", to seconds."""

    slow_copy: Mapping[str, float] = field(default_factory=dict)
    fail_copy: tuple[int, ...] = ()
    fail_start: tuple[int, ...] = ()
    exit_zero_do_nothing: bool = False
    hang_before_catalog: float = 0.0

    def delay(self, content: int) -> float:
        """Seconds that copying this content takes at least; 0 is as fast as it goes."""
        return self.slow_copy.get(str(content), self.slow_copy.get(EVERY, 0.0))


def slow(seconds: float, *contents: int) -> dict[str, float]:
    """A value for `slow_copy`: these contents, or every one."""
    return {str(c): seconds for c in contents} or {EVERY: seconds}


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
            exit_zero_do_nothing=bool(fields.get("exit_zero_do_nothing", False)),
            hang_before_catalog=float(fields.get("hang_before_catalog", 0)),
        )
    except FileNotFoundError:
        return Faults()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Failure(f"cannot read {file}: {error}", hint=f"mend or remove {file}") from error


def _delays(value: object) -> dict[str, float]:
    if isinstance(value, dict):
        return {str(content): float(seconds) for content, seconds in value.items()}
    return {EVERY: float(str(value))}
