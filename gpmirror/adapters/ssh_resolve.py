"""Turn host names into targets: what the SSH settings of a host mean, tokens expanded."""

import getpass
import os
import pwd
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gpmirror.adapters.ssh_settings import Settings, settings_source, unusable
from gpmirror.adapters.ssh_target import Target
from gpmirror.adapters.ssh_tokens import Tokens, expand
from gpmirror.errors import Unreadable
from gpmirror.spec.model import SshOptions

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
        self._jumps: dict[str, Target] = {}

    def prepare(self, names: Iterable[str]) -> None:
        """Begin to look many hosts up together; each one's trouble is told when it is asked for."""
        if self._user is None or _USER.fullmatch(self._user):
            self._settings.prepare([n for n in names if _NAME.fullmatch(n)], self._user)

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
            raise unusable(name, "the name holds characters that no host name has")
        if user is not None and not _USER.fullmatch(user):
            raise unusable(name, f"the user name {user!r} holds characters that no login has")
        try:
            found = target_of(name, self._settings.of(name, user), user, port)
            return replace(found, config=self._config)
        except ValueError as error:  # paramiko passes on a port that is no number
            raise unusable(name, str(error)) from error


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
