"""How one host is reached, once the SSH configuration has had its say."""

from dataclasses import dataclass
from shlex import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One end of an SSH connection. `alias` is the name asked for, `address` what is dialled.

    `identities` and `known_hosts` are paths, in the order they are tried. `jumps` are the hosts
    of ProxyJump from the first hop to the last, as written. `connect_seconds` bounds the TCP
    connection and, once more, the server's greeting. `family` is `any`, `inet` or `inet6`.
    `config` is the configuration file that the spec names.
    """

    alias: str
    address: str
    port: int
    user: str
    identities: tuple[str, ...] = ()
    identities_only: bool = False
    agent: bool = True
    known_hosts: tuple[str, ...] = ()
    key_alias: str | None = None
    jumps: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_seconds: float = 10.0
    family: str = "any"
    config: str | None = None

    def __str__(self) -> str:
        """What was tried, for messages: `sdw1 (gpadmin@10.0.0.1 port 22 through bastion)`."""
        via = f" through {', '.join(self.jumps)}" if self.jumps else ""
        via = " through its ProxyCommand" if self.proxy_command else via
        return f"{self.alias} ({self.user}@{self.address} port {self.port}{via})"

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names under which known-hosts files may hold its key, the foremost first."""
        if self.key_alias:
            return (self.key_alias.lower(),)
        plain = self.address.lower()
        return (plain,) if self.port == 22 else (f"[{plain}]:{self.port}", plain)  # noqa: PLR2004

    @property
    def command(self) -> str:
        """The plain SSH command that must work before gpmirror can."""
        if self.config is not None:
            return f"ssh -F {quote(self.config)} {self.alias}"
        return f"ssh {self.alias}" if self.port == 22 else f"ssh -p {self.port} {self.alias}"  # noqa: PLR2004
