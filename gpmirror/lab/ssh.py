"""OpenSSH of the practice cluster: keys, one server a host, and a client that knows them all."""

import hashlib
import shlex
import socket
import time
from pathlib import Path

from gpmirror.errors import Failure
from gpmirror.lab.account import PATH
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.processes import alive, descendants, end
from gpmirror.lab.programs import find_client, find_sshd
from gpmirror.lab.servers import run

_START_SECONDS = 60.0


def write_keys(lab: Lab) -> None:
    """Make the user's key and every host's; write who is known and who is let in."""
    _key(lab, identity(lab), "practice-cluster")
    public = _public(identity(lab))
    (lab.state / "authorized_keys").write_text(f"{public}\n", encoding="utf-8")
    known = []
    for host in lab.everywhere:
        _key(lab, _host_key(host), host.name)
        known.append(f"{_patterns(host)} {_public(_host_key(host))}\n")
    (lab.state / "known_hosts").write_text("".join(known), encoding="utf-8")
    lab.ssh_config.write_text(_client(lab), encoding="utf-8")


def write_server(lab: Lab, host: LabHost) -> None:
    """Write the configuration of one host's SSH server."""
    listen = "".join(f"ListenAddress {ip}:{host.ssh_port}\n" for ip in host.ips)
    set_env = " ".join(
        f'"{name}={value}"' for name, value in session_environment(lab, host).items()
    )
    _config(host).write_text(
        f"{listen}"
        f"HostKey {_host_key(host)}\n"
        f"PidFile {_pid_file(host)}\n"
        f"AuthorizedKeysFile {lab.state / 'authorized_keys'}\n"
        f"AllowUsers {lab.account}\n"
        f"ForceCommand {shlex.quote(str(host.bin / 'session'))}\n"
        f"SetEnv {set_env}\n"
        "AuthenticationMethods publickey\n"
        "StrictModes no\n"
        "UsePAM no\n"
        "UseDNS no\n"
        "PrintMotd no\n"
        "PrintLastLog no\n"
        "X11Forwarding no\n"
        "MaxStartups 200\n"
        "MaxSessions 64\n"
        "LogLevel ERROR\n",
        encoding="utf-8",
    )


def session_environment(lab: Lab, host: LabHost) -> dict[str, str]:
    """What every session on a host sees. GPHOME's programs are not in PATH, as on a real host:
    the file beside them puts them there.
    """
    own = {
        "GPM_LAB_STATE": str(lab.state),
        "GPM_LAB_HOST": host.name,
        "GPMIRROR_MACHINE_ID": machine_id(lab, host),
        "HOME": str(host.home),
        "GPHOME": str(lab.gphome),
        "PATH": f"{host.bin}:{PATH}",
    }
    if host is not lab.coordinator:
        return own
    word = lab.release.coordinator_word.upper()
    return own | {
        f"{word}_DATA_DIRECTORY": str(lab.coordinator_data),
        "PGHOST": host.ip,
        "PGPORT": str(lab.coordinator_port),
        "PGUSER": lab.user,
        "PGDATABASE": "postgres",
    }


def machine_id(lab: Lab, host: LabHost) -> str:
    """The host's stand-in for /etc/machine-id: 32 hexadecimal digits."""
    return hashlib.sha256(f"{lab.state}\n{host.name}".encode()).hexdigest()[:32]


def identity(lab: Lab) -> Path:
    """The private key that opens every host."""
    return lab.state / "id_ed25519"


def start_sshd(lab: Lab, host: LabHost) -> None:
    """Start a host's SSH server and return at once; `wait_sshd` waits for it."""
    log = host.log / "sshd.log"
    run(lab, [str(find_sshd()), "-f", str(_config(host)), "-E", str(log)])


def wait_sshd(host: LabHost) -> None:
    """Wait until every address of the host answers. Raises Failure: one does not."""
    deadline = time.monotonic() + _START_SECONDS
    for ip in host.ips:
        while not _answers(ip, host.ssh_port):
            if time.monotonic() > deadline:
                raise Failure(
                    f"the SSH server of {host.name} does not answer on {ip}:{host.ssh_port}",
                    hint=f"read {host.log / 'sshd.log'}, then `gpmirror lab down`",
                )
            time.sleep(0.02)


def sshd_process(host: LabHost) -> int | None:
    """The process id of a host's SSH server, None where none runs."""
    try:
        pid = int(_pid_file(host).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if alive(pid) else None


def cut(host: LabHost) -> None:
    """End a host's SSH server with every session and what runs in it."""
    pid = sshd_process(host)
    family = descendants({pid}) if pid is not None else set()
    end(lambda: {pid for pid in family if alive(pid)})
    _pid_file(host).unlink(missing_ok=True)


def _client(lab: Lab) -> str:
    stanzas = [
        _stanza(lab, " ".join((*_names(host, name, ip), ip)), ip)
        for host in lab.everywhere
        for name, ip in host.addresses
    ]
    return "".join(
        (*stanzas, *(_lead(lab, host, name) for host in lab.hosts for name in host.names))
    )


def _names(host: LabHost, address: str, ip: str) -> tuple[str, ...]:
    """What leads to an IP: its address name, and for the first the host's own name."""
    return tuple(dict.fromkeys((host.name, address) if ip == host.ip else (address,)))


def _lead(lab: Lab, host: LabHost, name: str) -> str:
    """Where another host's `HostName` is this name: no resolver knows the names of the lab."""
    words = (str(find_client("ssh")), "-F", str(lab.ssh_config), "-W", f"{host.ip}:{host.ssh_port}")
    command = shlex.join((*words, host.ip)).replace("%", "%%")
    return f"Match host {name}\n  ProxyCommand {command}\n"


def _stanza(lab: Lab, names: str, ip: str) -> str:
    return (
        f"Host {names}\n"
        f"  HostName {ip}\n"
        f"  Port {lab.host_of(ip).ssh_port}\n"
        f"  User {lab.account}\n"
        f"  IdentityFile {identity(lab)}\n"
        "  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {lab.state / 'known_hosts'}\n"
        "  GlobalKnownHostsFile /dev/null\n"
        "  StrictHostKeyChecking yes\n"
        "  BatchMode yes\n"
        "  ConnectTimeout 10\n"
        "  KexAlgorithms curve25519-sha256\n"
        "  LogLevel ERROR\n"
    )


def _patterns(host: LabHost) -> str:
    """With their port as ssh looks for them, and alone as a `HostKeyAlias` names them."""
    ports = (f"[{name}]:{host.ssh_port}" for name in (*host.ips, *host.names))
    return ",".join((*ports, *host.names))


def _key(lab: Lab, file: Path, comment: str) -> None:
    keygen = str(find_client("ssh-keygen"))
    run(lab, [keygen, "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)])


def _public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text(encoding="ascii").split()[:2])


def _host_key(host: LabHost) -> Path:
    return host.folder / "ssh_host_ed25519_key"


def _config(host: LabHost) -> Path:
    return host.folder / "sshd_config"


def _pid_file(host: LabHost) -> Path:
    return host.folder / "sshd.pid"


def _answers(ip: str, port: int) -> bool:
    try:
        with socket.create_connection((ip, port), timeout=10) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
