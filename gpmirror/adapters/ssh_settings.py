"""The SSH settings of hosts, asked from OpenSSH itself by `ssh -G`: Include, Match, patterns count.

Where there is no `ssh` program, the configuration is read by paramiko, which knows no Include.
"""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from gpmirror.adapters.programs import ssh_environment
from gpmirror.adapters.ssh_settings_ahead import Ahead, ask_ahead
from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Silence

Settings = Mapping[str, list[str]]
"""Keyword in lower case -> its values, in order; a keyword may stand on several lines."""

_SSH_SECONDS = 20.0  # Match exec may run programs
_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "~/.ssh/known_hosts")


class SettingsSource(Protocol):
    """Where settings come from; safe to use from several threads."""

    def prepare(self, names: Sequence[str], user: str | None) -> None:
        """These hosts are asked for next: an opportunity to be quick."""
        ...

    def of(self, name: str, user: str | None) -> Settings:
        """The settings of one host, logging in as `user` if given. Raises Unanswered."""
        ...


def settings_source(config: str | None) -> SettingsSource:
    """The best source on this machine; `config` is an absolute path, None: OpenSSH's own files."""
    ssh = shutil.which("ssh")
    return _OpenSsh(ssh, config) if ssh else _Paramiko(config)


class _OpenSsh:
    def __init__(self, ssh: str, config: str | None) -> None:
        self._command = [ssh, "-G", *(["-F", config] if config else [])]
        self._ahead: dict[str | None, Ahead] = {}

    def prepare(self, names: Sequence[str], user: str | None) -> None:
        if len(names) > 1:
            self._ahead[user] = ask_ahead(self._as(user), names)

    def of(self, name: str, user: str | None) -> Settings:
        ahead = self._ahead.get(user, {}).get(name)
        text = ahead.result() if ahead else None
        return parse_settings(self._alone(name, user) if text is None else text)

    def _as(self, user: str | None) -> list[str]:
        return [*self._command, *(["-l", user] if user else [])]

    def _alone(self, name: str, user: str | None) -> str:
        try:
            # LC_ALL: its complaint is quoted to the reader of an English message
            done = subprocess.run(  # noqa: S603
                [*self._as(user), "--", name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SSH_SECONDS,
                check=False,
                env=ssh_environment() | {"LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise unusable(name, f"`ssh -G` did not answer: {error}") from error
        if done.returncode:
            complaint = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
            raise unusable(name, f"ssh says: {' / '.join(complaint) or done.returncode}")
        return done.stdout.decode("utf-8", "surrogateescape")


class _Paramiko:
    def __init__(self, config: str | None) -> None:
        self._config = config

    def prepare(self, names: Sequence[str], user: str | None) -> None:
        pass

    def of(self, name: str, user: str | None) -> Settings:
        del user  # who resolves puts it first
        return _read_config(self._config, name)


def _read_config(config: str | None, name: str) -> Settings:
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

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
        f"`ssh -G -- {shlex.quote(name)}` must print its settings: fix the spec's `hosts` or "
        "`ssh`, or the SSH configuration",
    )
