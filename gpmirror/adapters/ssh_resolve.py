"""Ask OpenSSH itself how a host is reached: `ssh -G`, so Include, Match and patterns all count.

Where there is no `ssh` program, the configuration is read by paramiko, which knows no Include.
"""

import getpass
import os
import pwd
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gpmirror.adapters.ssh_target import Target
from gpmirror.adapters.ssh_tokens import Tokens, expand
from gpmirror.adapters.ssh_unanswered import Unanswered
from gpmirror.boundary import Silence
from gpmirror.errors import Unreadable
from gpmirror.spec.model import SshOptions

Settings = Mapping[str, list[str]]
"""Keyword in lower case -> its values, in order; a keyword may stand on several lines."""

DEFAULT_CONNECT_SECONDS = 10.0
_SSH_SECONDS = 20  # Match exec may run programs
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]*\$?")
_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "~/.ssh/known_hosts")


class Resolver:
    """Turns host names into targets; safe to call from several threads.

    Raises Unreadable at once: the named configuration file is not there.
    """

    def __init__(self, options: SshOptions) -> None:
        self._user = options.user
        self._config = _config_file(options.config)
        ssh = shutil.which("ssh")
        self._jumps: dict[str, Target] = {}
        self._look_up: Callable[[str, str | None], Settings] = (
            (lambda name, user: _ask_ssh(ssh, self._config, name, user))
            if ssh
            else (lambda name, user: _read_config(self._config, name, user))
        )

    def host(self, name: str) -> Target:
        """The target of a spec host; the spec's user wins over the configuration's.

        Raises Unanswered: the name or the configuration cannot be used.
        """
        return self._resolve(name, self._user, None)

    def jump(self, hop: str) -> Target:
        """The target of one hop of a ProxyJump, `[user@]host[:port]`."""
        if hop in self._jumps:
            return self._jumps[hop]
        user, _, place = hop.removeprefix("ssh://").rpartition("@")
        name, port = _split_port(place)
        self._jumps[hop] = found = self._resolve(name, user or None, port)
        return found

    def _resolve(self, name: str, user: str | None, port: int | None) -> Target:
        if not _NAME.fullmatch(name):
            raise _unusable(name, "the name holds characters that no host name has")
        if user is not None and not _USER.fullmatch(user):
            raise _unusable(name, f"the user name {user!r} holds characters that no login has")
        return target_of(name, self._look_up(name, user), user, port)


def target_of(name: str, settings: Settings, user: str | None, port: int | None) -> Target:
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
    return Target(
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
            hint="mend `ssh.config` in the spec, or leave it out for ~/.ssh/config",
        ) from error


def _ask_ssh(ssh: str, config: str | None, name: str, user: str | None) -> Settings:
    file = ["-F", config] if config else []
    login = ["-l", user] if user else []
    try:
        # LC_ALL: the complaint is quoted to the reader of an English message
        done = subprocess.run(  # noqa: S603
            [ssh, "-G", *file, *login, "--", name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SSH_SECONDS,
            check=False,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unusable(name, f"`ssh -G` did not answer: {error}") from error
    if done.returncode:
        complaint = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise _unusable(name, f"ssh says: {' / '.join(complaint) or done.returncode}")
    return parse_settings(done.stdout.decode("utf-8", "surrogateescape"))


def parse_settings(text: str) -> Settings:
    """The output of `ssh -G`: a keyword and a value a line."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def _read_config(config: str | None, name: str, user: str | None) -> Settings:
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    del user  # target_of puts it first
    path = Path(config) if config else Path("~/.ssh/config").expanduser()
    try:
        read = SSHConfig.from_path(str(path)) if path.exists() else SSHConfig()
        looked_up = dict(read.lookup(name))
    except (OSError, ConfigParseError) as error:
        raise _unusable(name, f"{path}: {error}") from error
    found: dict[str, list[str]] = {
        keyword: value if isinstance(value, list) else [str(value)]
        for keyword, value in looked_up.items()
    }
    keys = [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")]
    return {"identityfile": keys, "userknownhostsfile": [" ".join(_KNOWN_HOSTS)]} | found


def _unusable(name: str, reason: str) -> Unanswered:
    return Unanswered(
        Silence.UNREACHABLE,
        f"cannot work out how to reach {name!r}: {reason}",
        f"`ssh -G -- {shlex.quote(name)}` must print its settings: mend the spec's `hosts` or `ssh`, or the "
        "SSH configuration",
    )


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
