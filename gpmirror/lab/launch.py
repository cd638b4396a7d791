"""Start programs as the lab's account, in an environment of their own that marks them as ours."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gpmirror.lab.account import Account

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


def as_account(
    argv: Sequence[str], account: Account, python_path: str, state: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Start a program as the account, in `/`. With a state folder it reads and answers through
    pipes and talks on our stderr, without one it is silent. Raises OSError: it cannot be started.
    """
    drops = os.geteuid() != account.uid
    stream = subprocess.PIPE if state else subprocess.DEVNULL
    return subprocess.Popen(
        argv,
        cwd="/",
        env=environment(python_path, state),
        stdin=stream,
        stdout=stream,
        stderr=None if state else subprocess.DEVNULL,
        user=account.uid if drops else None,
        group=account.gid if drops else None,
        extra_groups=[] if drops else None,
    )


def environment(python_path: str, state: Path | None) -> dict[str, str]:
    """What a process of the lab sees: nothing of the caller's. The state folder marks it as ours."""
    marks = {"GPM_LAB_STATE": str(state)} if state else {}
    return marks | {
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": python_path,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
