"""Orders to the lab's account: a process of its own does the work and answers in JSON."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gpmirror.errors import Failure, Locked
from gpmirror.lab.account import Account
from gpmirror.lab.launch import as_account
from gpmirror.lab.programs import Python


def give(
    command: str, state: Path, account: Account, python: Python, more: Mapping[str, object]
) -> list[str]:
    """Have a command carried out; its result as words. Talk of the work goes to our stderr.

    Raises Failure or Locked: what the other side says.
    """
    argv = [str(python.program), "-m", "gpmirror.lab", command]
    with _deaf():
        worker = as_account(argv, account, python.path, state)
    order = json.dumps({"state": str(state), "python_path": python.path, **more})
    try:
        told, _ = worker.communicate(order.encode())
    except KeyboardInterrupt:
        worker.terminate()
        worker.wait()
        raise
    return _result(told, worker.returncode, command)


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started meanwhile is not interrupted from the terminal before it is ready to clear
    away what it began: we are, and tell it.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _result(told: bytes, status: int, command: str) -> list[str]:
    try:
        result = json.loads(told)
    except ValueError:
        raise Failure(
            f"`lab {command}` ended with status {status} and no answer",
            hint="`gpmirror lab down` clears away what was begun",
        ) from None
    if "error" in result:
        kind = Locked if result.get("code") == Locked.exit_code else Failure
        raise kind(result["error"], hint=result["hint"])
    return [str(word) for word in result["done"]]


def remove_empty(state: Path) -> None:
    """Remove the lab's folder and the one around it, as far as they are empty and ours."""
    for folder in (state, state.parent):
        try:
            folder.rmdir()
        except OSError:
            return
