"""Real OpenSSH servers on loopback, one a host, with their own host keys; for tests and benchmarks.

They run as the caller, root or not, and let exactly that account in by key. Addresses lie in
127/8, ports below the ephemeral range. Leftover the `with` block ends every server and session.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SSHD = "/usr/sbin/sshd"
USER = pwd.getpwuid(os.geteuid()).pw_name
_START_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Sshd:
    """One running server."""

    name: str
    address: str
    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def host_key(self) -> str:
        """Kind and key, as a known-hosts line has them after the name."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def known_line(self) -> str:
        return f"[{self.address}]:{self.port} {self.host_key}\n"

    def sessions(self) -> list[int]:
        """Process ids of everything below this server."""
        return _below(self.process.pid)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End the server and all its sessions."""
        below = self.sessions()
        self.process.terminate()
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)


@dataclass(slots=True)
class Farm:
    """A folder with servers, a user key, known hosts and a client configuration."""

    folder: Path
    servers: dict[str, Sshd] = field(default_factory=dict)
    extra: str = ""

    @property
    def key(self) -> Path:
        return self.folder / "id_user"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def config(self) -> Path:
        return self.folder / "ssh_config"

    def start(self, name: str, *options: str, known: bool = True) -> Sshd:
        """Start a server; `options` are sshd_config lines that win over ours."""
        server = _started(self.folder / name, name, self.key, options)
        self.servers[name] = server
        if known:
            with self.known_hosts.open("a") as file:
                file.write(server.known_line)
        self.write_config()
        return server

    def write_config(self, extra: str = "") -> None:
        """The client's configuration: `extra` first, so that it wins, then a block a server."""
        self.extra = extra or self.extra
        blocks = [self.extra]
        blocks += [
            f"Host {each.name}\n  HostName {each.address}\n  Port {each.port}"
            for each in self.servers.values()
        ]
        blocks.append(
            f"Host *\n  User {USER}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile none\n"
            "  ConnectTimeout 10\n"
        )
        self.config.write_text("\n".join(blocks))

    def close(self) -> None:
        for each in self.servers.values():
            each.stop()


@contextmanager
def farm(folder: Path) -> Iterator[Farm]:
    """An empty farm in `folder`; nothing of it runs on afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Farm(folder)
    make_key(made.key)
    made.known_hosts.write_text("")
    made.write_config()
    try:
        yield made
    finally:
        made.close()


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "", *options: str) -> None:
    """A key pair at `path` and `path.pub`."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "", "-f", str(path)]
    subprocess.run([*command, *options], check=True)


def available() -> bool:
    return Path(SSHD).exists() and shutil.which("ssh-keygen") is not None


def _started(folder: Path, name: str, user_key: Path, options: Sequence[str]) -> Sshd:
    folder.mkdir()
    make_key(folder / "host_key")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for _ in range(5):
        address, port = free_place()
        lines = [
            *options,
            f"ListenAddress {address}:{port}",
            f"HostKey {folder / 'host_key'}",
            f"AuthorizedKeysFile {user_key}.pub",
            f"PidFile {folder / 'pid'}",
            # the caller's own start-up files are none of the tests' business
            f"SetEnv HOME={folder}",
            *("StrictModes no", "UsePAM no", "PasswordAuthentication no"),
            *("KbdInteractiveAuthentication no", "PrintMotd no", "MaxStartups 200"),
            *("LogLevel VERBOSE", "UseDNS no"),
        ]
        (folder / "sshd_config").write_text("\n".join([*lines, ""]))
        with (folder / "log").open("ab") as log:
            process = _launch(folder, log)
        if _listens(address, port, process):
            return Sshd(name=name, address=address, port=port, folder=folder, process=process)
    raise AssertionError(f"sshd does not start: {(folder / 'log').read_text()}")


def _launch(folder: Path, log: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        start_new_session=True,
    )


def _listens(address: str, port: int, process: "subprocess.Popen[bytes]") -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False  # the port was taken meanwhile
        if _in_listener_table(address, port):
            return True
        time.sleep(0.01)
    process.kill()
    process.wait()
    return False


def _in_listener_table(address: str, port: int) -> bool:
    """Whether somebody listens; asking the table costs the server no login attempt."""
    packed = "".join(f"{part:02X}" for part in reversed(socket.inet_aton(address)))
    wanted = f"{packed}:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(line.split()[1] == wanted and line.split()[3] == "0A" for line in lines)


def free_place() -> tuple[str, int]:
    """A loopback address and a port below the ephemeral range that nobody has."""
    while True:
        address = f"127.0.{random.randint(1, 254)}.{random.randint(1, 254)}"
        port = random.randint(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
        return address, port


def _below(pid: int) -> list[int]:
    """All descendants of a process."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        waiting += (below := children.get(waiting.pop(), []))
        found += below
    return found
