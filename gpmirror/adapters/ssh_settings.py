"""The SSH settings of hosts, asked from OpenSSH itself by `ssh -G`: Include, Match, patterns count.

Where there is no `ssh` program, the configuration is read by paramiko, which knows no Include.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Silence

Settings = Mapping[str, list[str]]
"""Keyword in lower case -> its values, in order; a keyword may stand on several lines."""

_SSH_SECONDS = 20.0  # Match exec may run programs
_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "~/.ssh/known_hosts")

LookUp = Callable[[str, str | None], Settings]
"""The settings of one host, logging in as the user, if one is given. Raises Unanswered."""


def settings_source(config: str | None) -> LookUp:
    """The best source on this machine; `config` is an absolute path, None: OpenSSH's own files."""
    if ssh := shutil.which("ssh"):
        return partial(_ask_ssh, ssh, config)
    return partial(_read_config, config)


def _ask_ssh(ssh: str, config: str | None, name: str, user: str | None) -> Settings:
    file = ["-F", config] if config else []
    login = ["-l", user] if user else []
    try:
        # LC_ALL: its complaint is quoted to the reader of an English message
        done = subprocess.run(  # noqa: S603
            [ssh, "-G", *file, *login, "--", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SSH_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise unusable(name, f"`ssh -G` did not answer: {error}") from error
    if done.returncode:
        complaint = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise unusable(name, f"ssh says: {' / '.join(complaint) or done.returncode}")
    return parse_settings(done.stdout.decode("utf-8", "surrogateescape"))


def _read_config(config: str | None, name: str, user: str | None) -> Settings:
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    del user  # who resolves puts it first
    path = Path(config) if config else Path("~/.ssh/config").expanduser()
    try:
        read = SSHConfig.from_path(str(path)) if path.exists() else SSHConfig()
        looked_up = dict(read.lookup(name))
    except (OSError, ValueError, ConfigParseError) as error:
        raise unusable(name, f"{path}: {error}") from error
    found: dict[str, list[str]] = {
        keyword: value if isinstance(value, list) else [str(value)]
        for keyword, value in looked_up.items()
    }
    keys = [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")]
    return {"identityfile": keys, "userknownhostsfile": [" ".join(_KNOWN_HOSTS)]} | found


def parse_settings(text: str) -> Settings:
    """The output of `ssh -G`: a keyword and a value a line."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def unusable(name: str, reason: str) -> Unanswered:
    """A host of which nobody can say how to reach it."""
    return Unanswered(
        Silence.UNREACHABLE,
        f"cannot work out how to reach {name!r}: {reason}",
        f"`ssh -G -- {shlex.quote(name)}` must print its settings: mend the spec's `hosts` or "
        "`ssh`, or the SSH configuration",
    )
