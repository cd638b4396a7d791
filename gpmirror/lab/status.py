"""What of a practice cluster runs now: hosts, servers, prober, utilities."""

import json
from dataclasses import asdict, dataclass

import psycopg

from gpmirror.lab import ssh
from gpmirror.lab.control import prober
from gpmirror.lab.faults import EVERY, read_faults
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.processes import utilities
from gpmirror.lab.servers import is_ready

_ROWS = """SELECT content, role, preferred_role, mode, status, port, address
 FROM gp_segment_configuration WHERE content >= 0 ORDER BY content, role DESC"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host: whether SSH answers, and a few words on each of its servers."""

    name: str
    ips: tuple[str, ...]
    ssh: bool
    servers: tuple[str, ...]


def lab_status(lab: Lab) -> tuple[HostStatus, ...]:
    """Every host, the coordinator's first."""
    servers = _servers(lab)
    return tuple(
        HostStatus(
            name=host.name,
            ips=host.ips,
            ssh=ssh.sshd_process(host) is not None,
            servers=tuple(servers.get(host.name, ())),
        )
        for host in lab.everywhere
    )


def status_text(lab: Lab) -> str:
    """The status as a table and a few lines."""
    spares = {host.name for host in lab.spares}
    rows = [("HOST", "ADDRESS", "SSH", "SERVERS")]
    for host in lab_status(lab):
        state = "up" if host.ssh else "down"
        none = "none, spare" if host.name in spares else "none"
        rows.append((host.name, " ".join(host.ips), state, "; ".join(host.servers) or none))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join((*map(str.ljust, row[:3], widths), row[3])) for row in rows]
    running = utilities(lab.state)
    return "\n".join(
        (
            *lines,
            f"prober: {'running' if prober(lab) else 'not running'}",
            f"utilities running: {'; '.join(running) or 'none'}",
            *_slowness(lab),
            f"state: {lab.state} (account {lab.account}, {lab.release.name})",
        )
    )


def status_json(lab: Lab) -> str:
    """The same facts as JSON."""
    spares = {host.name for host in lab.spares}
    body = {
        "format_version": "1.0",
        "hosts": [{**asdict(host), "spare": host.name in spares} for host in lab_status(lab)],
        "prober": bool(prober(lab)),
        "utilities": utilities(lab.state),
        "slow_copies": dict(read_faults(lab.state).slow_copy),
        "state": str(lab.state),
        "account": lab.account,
        "release": lab.release.name,
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _slowness(lab: Lab) -> list[str]:
    """A line where copies are slowed down."""
    told = {EVERY: "every host"}
    slow = [
        f"{told.get(key) or (f'content {key}' if key.isdecimal() else key)} {seconds:g} s"
        for key, seconds in sorted(read_faults(lab.state).slow_copy.items())
    ]
    return [f"base backups take longer: {', '.join(slow)}"] if slow else []


def _servers(lab: Lab) -> dict[str, list[str]]:
    """Words on each server by host name; those of segments as the catalog has them."""
    up = "up" if is_ready(lab.coordinator_data) else "down"
    words = {lab.coordinator.name: [f"coordinator {lab.coordinator_port} {up}"]}
    try:
        with psycopg.connect(**lab.conninfo(connect_timeout=3)) as server:  # type: ignore[arg-type]
            rows = server.execute(_ROWS).fetchall()
    except psycopg.Error:
        return words
    for row in rows:
        host = _host(lab, row[6])
        if host is not None:
            words.setdefault(host.name, []).append(_words(*row[:6]))
    return words


def _host(lab: Lab, address: str) -> LabHost | None:
    return next((host for host in lab.everywhere if address in (*host.names, *host.ips)), None)


def _words(*row: object) -> str:
    content, role, preferred, mode, status, port = row
    kind = {"p": "primary", "m": "mirror"}[str(role)]
    switched = "" if role == preferred else ", role switched"
    return f"{kind} {content} on {port} ({status} {mode}{switched})"
