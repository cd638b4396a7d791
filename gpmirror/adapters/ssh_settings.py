"""How hosts are reached: their settings asked of `ssh -G`, tokens expanded, names to targets."""

import getpass
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread, Timer
from typing import Protocol

from gpmirror.adapters.operator import ssh_environment
from gpmirror.adapters.ssh_failures import Unanswered
from gpmirror.adapters.ssh_target import SshTarget
from gpmirror.boundary import Silence
from gpmirror.errors import Unreadable
from gpmirror.spec.model import SshOptions
from gpmirror.values import dataclass

# --- Ask OpenSSH for the settings of many hosts from a few shells, while the first are connected to.
#
# Starting a program from a process with many threads stops them all for a moment; with one program
# a host that is the largest part of the time until all hosts have answered.


_MOST_SHELLS = 8
_SECONDS = 20.0

# names are arguments, never text of the script
_LOOP = (
    'for name; do echo "gpmirror-host $name"; '
    '{ssh} -- "$name" 2>/dev/null && echo gpmirror-end || echo gpmirror-none; done'
)

Ahead = Mapping[str, "Future[str | None]"]
"""Name -> what `ssh -G` prints of it, or None: ask it alone, for it had something to complain of."""


def ask_ahead(command: Sequence[str], names: Sequence[str]) -> Ahead:
    """Start asking; `command` lacks only the name. Each answer comes within some 20 s."""
    answers: dict[str, Future[str | None]] = {name: Future() for name in names}
    for first in range(min(_MOST_SHELLS, len(names))):
        part = names[first::_MOST_SHELLS]
        Thread(target=_ask, args=(command, part, answers), daemon=True).start()
    return answers


def _ask(
    command: Sequence[str], names: Sequence[str], answers: "Mapping[str, Future[str | None]]"
) -> None:
    try:
        with suppress(OSError):
            _read(command, names, answers)
    finally:
        for name in names:
            if not answers[name].done():
                answers[name].set_result(None)


def _read(
    command: Sequence[str], names: Sequence[str], answers: "Mapping[str, Future[str | None]]"
) -> None:
    loop = _LOOP.format(ssh=shlex.join(command))
    with subprocess.Popen(  # noqa: S603
        ["sh", "-c", loop, "sh", *names],  # noqa: S607
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        encoding="utf-8",
        errors="surrogateescape",
        env=ssh_environment(),
    ) as process:
        # Match exec may hang
        guard = Timer(_SECONDS, _end, [process.pid])
        guard.daemon = True
        guard.start()
        name, text = "", ""
        for line in process.stdout or ():
            match line.split():
                case ["gpmirror-host", name]:
                    text = ""
                case ["gpmirror-end"]:
                    answers[name].set_result(text)
                case ["gpmirror-none"]:
                    answers[name].set_result(None)
                case _:
                    text += line
        guard.cancel()


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


# --- The SSH settings of hosts, asked from OpenSSH itself by `ssh -G`: Include, Match, patterns count.
#
# Where there is no `ssh` program, the configuration is read by paramiko, which knows no Include.


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


# --- The %-tokens of SSH configuration values: `ssh -G` prints them as written.


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the tokens of one host stand for."""

    name: str
    address: str
    port: int
    user: str
    key_alias: str = ""

    def value(self, letter: str) -> str | None:
        """The text behind a token's letter; None: not one of ours."""
        here = socket.gethostname()
        known = {
            "%": "%",
            "h": self.address,
            "n": self.name,
            "p": str(self.port),
            "r": self.user,
            "k": self.key_alias or self.name,
            "d": str(Path.home()),
            "i": str(os.getuid()),
            "u": pwd.getpwuid(os.getuid()).pw_name,
            "l": here,
            "L": here.partition(".")[0],
        }
        return known.get(letter)


def expand(text: str, tokens: Tokens) -> str:
    """Replace the tokens of a value; an unknown one stays as it is."""
    if "%" not in text:
        return text
    return re.sub(r"%(.)", lambda found: tokens.value(found[1]) or found[0], text)


# --- Turn host names into targets: what the SSH settings of a host mean, tokens expanded.


DEFAULT_CONNECT_SECONDS = 10.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*\$?")


class Resolver:
    """Turns host names into targets; safe to call from several threads.

    Raises Unreadable at once: the named configuration file is not there.
    """

    def __init__(self, options: SshOptions) -> None:
        self._user = options.user
        self._config = _config_file(options.config)
        self._settings = settings_source(self._config)
        self._jumps: dict[str, SshTarget] = {}

    def prepare(self, names: Iterable[str]) -> None:
        """Begin to look many hosts up together; each one's trouble is told when it is asked for."""
        if self._user is None or _USER.fullmatch(self._user):
            self._settings.prepare([n for n in names if _NAME.fullmatch(n)], self._user)

    def host(self, name: str) -> SshTarget:
        """The target of a spec host; the spec's user wins over the configuration's.

        Raises Unanswered: the name or the configuration cannot be used.
        """
        return self._resolve(name, self._user, None)

    def jump(self, hop: str) -> SshTarget:
        """The target of one hop of a ProxyJump, `[user@]host[:port]`."""
        if hop in self._jumps:
            return self._jumps[hop]
        user, _, place = hop.removeprefix("ssh://").rpartition("@")
        name, port = _split_port(place)
        self._jumps[hop] = found = self._resolve(name, user or None, port)
        return found

    def _resolve(self, name: str, user: str | None, port: int | None) -> SshTarget:
        if not _NAME.fullmatch(name):
            raise unusable(name, "the name holds characters that no host name has")
        if user is not None and not _USER.fullmatch(user):
            raise unusable(name, f"the user name {user!r} holds characters that no login has")
        try:
            found = target_of(name, self._settings.of(name, user), user, port)
            return replace(found, config=self._config)
        except ValueError as error:  # paramiko passes on a port that is no number
            raise unusable(name, str(error)) from error


def target_of(name: str, settings: Settings, user: str | None, port: int | None) -> SshTarget:
    """What the settings say of one host. `user` and `port`, where given, win over them."""

    def first(keyword: str, default: str) -> str:
        return settings.get(keyword, [default])[0]

    def paths(keyword: str, split: bool) -> tuple[str, ...]:  # noqa: FBT001
        values = settings.get(keyword, [])
        words = [word for value in values for word in (value.split() if split else [value])]
        found = (expand(word.strip('"'), tokens) for word in words if word.lower() != "none")
        return tuple(str(Path(path).expanduser()) for path in found)

    tokens = Tokens(
        name=name,
        address=first("hostname", name),
        port=port or int(first("port", "22")),
        user=user or first("user", _me()),
        key_alias=first("hostkeyalias", ""),
    )
    proxy, jumps = first("proxycommand", "none"), first("proxyjump", "none")
    return SshTarget(
        alias=name,
        address=tokens.address,
        port=tokens.port,
        user=tokens.user,
        identities=paths("identityfile", split=False),
        identities_only=first("identitiesonly", "no") in {"yes", "true"},
        agent=first("identityagent", "SSH_AUTH_SOCK") != "none",
        known_hosts=paths("userknownhostsfile", split=True)
        + paths("globalknownhostsfile", split=True),
        key_alias=tokens.key_alias or None,
        jumps=() if jumps == "none" else tuple(hop.strip() for hop in jumps.split(",")),
        proxy_command=None if proxy == "none" else expand(proxy, tokens),
        connect_seconds=_seconds(first("connecttimeout", "none")),
        family=first("addressfamily", "any"),
    )


def _config_file(config: str | None) -> str | None:
    """The absolute path of the configuration; readable, or there is no sense in going on."""
    if config is None:
        return None
    path = Path(config).expanduser().absolute()
    try:
        with path.open("rb"):
            return str(path)
    except OSError as error:
        raise Unreadable(
            f"cannot read {path}, the SSH configuration: {error.strerror}",
            hint="fix `ssh.config` in the spec, or leave it out for ~/.ssh/config",
        ) from error


def _split_port(place: str) -> tuple[str, int | None]:
    if match := re.fullmatch(r"\[(.+)\](?::(\d+))?/?|([^:]+)(?::(\d+))?/?", place):
        port = match[2] or match[4]
        return match[1] or match[3], int(port) if port else None
    return place, None


def _seconds(value: str) -> float:
    return float(value) if value.isdigit() and int(value) else DEFAULT_CONNECT_SECONDS


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return getpass.getuser()
