"""What the lab does as its own account: `python -m gpmirror.lab COMMAND`, the rest as JSON on stdin.

Talk goes to stderr line by line; stdout holds one line of JSON: the result, or the error.
"""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from gpmirror.errors import ExitCode, GpmirrorError
from gpmirror.lab import control
from gpmirror.lab.account import claim, lab_account
from gpmirror.lab.building import Means, Shape, rebuild
from gpmirror.lab.control import fail_over, locked
from gpmirror.lab.faults import EVERY, end_slowness, slow_host
from gpmirror.lab.layout import read_lab
from gpmirror.lab.programs import remove_empty
from gpmirror.lab.releases import RELEASES

Order = dict[str, Any]


def main() -> None:
    """Carry out one order."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    order = json.load(sys.stdin)
    try:
        result: Order = {"done": _COMMANDS[sys.argv[1]](Path(order["state"]), order)}
    except GpmirrorError as error:
        result = {"error": error.message, "hint": error.hint, "code": int(error.exit_code)}
    except KeyboardInterrupt:
        sys.exit(int(ExitCode.INTERRUPTED))
    except OSError as error:
        result = {"error": str(error), "hint": "free space or fix that, then run this again"}
    sys.stdout.write(json.dumps(result) + "\n")


def _interrupted(*_: object) -> NoReturn:
    """Stop once; a second signal must not stop the clearing away."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _up(state: Path, order: Order) -> list[str]:
    shape = Shape(
        hosts=order["hosts"],
        primaries=order["primaries"],
        interfaces=order["interfaces"],
        uneven=order["uneven"],
        spares=order["spares"],
        release=RELEASES[order["release"]],
    )
    account = lab_account({})
    means = Means(
        pg_bin=Path(order["pg_bin"]),
        python=Path(sys.executable),
        python_path=order["python_path"],
        account=account.name,
    )
    with locked(state, lambda: claim(state, account)):
        try:
            control.up(state, shape, means, _say)
        finally:
            remove_empty(state)  # what failed has been cleared away
    return [str(state)]


def _down(state: Path, _order: Order) -> list[str]:
    account = lab_account({})
    with locked(state, lambda: claim(state, account)):
        control.clear(state)
        remove_empty(state)
    return [str(state)]


def _kill(state: Path, order: Order) -> list[str]:
    lab = read_lab(state)
    host = lab.host_of(order["host"])
    with locked(state, lambda: None):
        control.kill_host(lab, host)
    return [host.name]


def _restore(state: Path, order: Order) -> list[str]:
    lab = read_lab(state)
    host = lab.host_of(order["host"])
    with locked(state, lambda: None):
        return control.restore_host(lab, host)


def _slow(state: Path, order: Order) -> list[str]:
    lab = read_lab(state)
    name, seconds = order["host"], float(order["seconds"])
    host = name if name == EVERY else lab.host_of(name).name
    with locked(state, lambda: None):
        slow_host(state, host, seconds)
    return [host]


def _fast(state: Path, _order: Order) -> list[str]:
    read_lab(state)
    with locked(state, lambda: None):
        end_slowness(state)
    return []


def _fail_over(state: Path, order: Order) -> list[str]:
    lab = read_lab(state)
    with locked(state, lambda: None):
        return list(fail_over(lab, int(order["content"])))


def _reset(state: Path, _order: Order) -> list[str]:
    """Not offered on the command line: what is practised on would be gone without a word."""
    lab = read_lab(state)
    with locked(state, lambda: None):
        rebuild(lab)
    return [str(state)]


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


_COMMANDS: dict[str, Callable[[Path, Order], list[str]]] = {
    "up": _up,
    "down": _down,
    "kill": _kill,
    "restore": _restore,
    "slow": _slow,
    "fast": _fast,
    "fail-over": _fail_over,
    "reset": _reset,
}

if __name__ == "__main__":
    main()
