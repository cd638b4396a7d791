"""Building a practice cluster from nothing: keys, servers, catalog, prober."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psycopg

from gpmirror.errors import Failure
from gpmirror.lab import servers, shims, ssh
from gpmirror.lab.addresses import place_hosts
from gpmirror.lab.launch import environment
from gpmirror.lab.layout import Lab, LabHost, write_lab
from gpmirror.lab.memory import free_memory
from gpmirror.lab.processes import end, lab_processes
from gpmirror.lab.releases import RELEASES, Release
from gpmirror.lab.schema import SEARCH_PATH, primaries, write_schema

_USER = "gpadmin"
_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
_PROBE_SECONDS = 20.0
Item = TypeVar("Item")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a lab is to be: segment hosts, primaries and interfaces on each, the release. `uneven`:
    every second host holds one primary more. `spares` hosts hold none.
    """

    hosts: int = 4
    primaries: int = 2
    interfaces: int = 1
    uneven: bool = False
    spares: int = 0
    release: Release = RELEASES["6.24.3"]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many primaries each host holds, the spare ones last."""
        own = (self.primaries + (self.uneven and n % 2) for n in range(self.hosts))
        return (*own, *(0 for _ in range(self.spares)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What it is built with: programs, the interpreter and PYTHONPATH, the account's name."""

    pg_bin: Path
    python: Path
    python_path: str
    account: str


def shape_of(lab: Lab) -> Shape:
    """What an existing lab is."""
    return Shape(
        hosts=len(lab.hosts),
        primaries=lab.hosts[0].primaries,
        interfaces=len(lab.hosts[0].addresses),
        uneven=len({host.primaries for host in lab.hosts}) > 1,
        spares=len(lab.spares),
        release=lab.release,
    )


def build(state: Path, shape: Shape, means: Means, say: Say) -> Lab:
    """Build and start a lab in its empty folder. Raises Failure."""
    lab = _laid_out(state, shape, means)
    write_lab(lab)
    _folders(lab)
    say(f"Making {len(lab.everywhere)} hosts in {state}")
    with ThreadPoolExecutor(max_workers=2) as pool:
        keys = pool.submit(_hosts, lab)
        template = pool.submit(servers.make_template, lab)
        template.result()
        keys.result()
    count = sum(host.primaries for host in lab.hosts)
    say(f"Starting {count} primaries and the coordinator, one SSH server on each host")
    _start_all(lab)
    say("Writing the catalog and starting the prober")
    _bring_to_life(lab)
    return lab


def rebuild(lab: Lab) -> None:
    """Every server of an existing lab anew, without mirrors, as `build` left them; addresses,
    ports, keys and SSH servers stay. Raises Failure.
    """
    kept = {pid for pid in map(ssh.sshd_process, lab.everywhere) if pid is not None}
    end(lambda: lab_processes(lab.state) - kept)
    free_memory(lab.state)
    for host in lab.everywhere:
        for folder in (host.data, host.disk_aside, host.sock, host.log, host.home):
            servers.remove(folder)
    (lab.state / "faults.json").unlink(missing_ok=True)
    _folders(lab)
    for host in lab.everywhere:
        shims.write_host_programs(lab, host)
        if ssh.sshd_process(host) is None:
            ssh.start_sshd(lab, host)
    _start_all(lab)
    _bring_to_life(lab)


def _bring_to_life(lab: Lab) -> None:
    write_schema(lab)
    start_prober(lab)
    _await_probe(lab)


def start_prober(lab: Lab) -> None:
    """Start the prober in a session of its own."""
    with (lab.state / "prober.log").open("ab") as log:
        prober = subprocess.Popen(
            [str(lab.python), "-m", "gpmirror.lab.prober", str(lab.state)],
            cwd="/",
            env=environment(lab.python_path, lab.state),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (lab.state / "prober.pid").write_text(f"{prober.pid}\n", encoding="ascii")
    prober.returncode = 0  # it outlives us: nobody here waits for it


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Work on all items, several at once. Raises what the first failed one raised."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        for done in [pool.submit(work, item) for item in items]:
            done.result()


def _laid_out(state: Path, shape: Shape, means: Means) -> Lab:
    (coordinator, *hosts), ports = place_hosts(
        state, interfaces=shape.interfaces, primaries=shape.counts
    )
    return Lab(
        release=shape.release,
        state=state,
        gphome=state / "gphome",
        pg_bin=means.pg_bin,
        coordinator=coordinator,
        hosts=tuple(hosts[: shape.hosts]),
        spares=tuple(hosts[shape.hosts :]),
        coordinator_port=ports.coordinator,
        user=_USER,
        account=means.account,
        primary_port=ports.primary,
        python=means.python,
        python_path=means.python_path,
    )


def _folders(lab: Lab) -> None:
    for host in lab.everywhere:
        for folder in (host.home, host.bin, host.sock, host.log):
            folder.mkdir(parents=True, exist_ok=True)
    for host in (*lab.hosts, *lab.spares):
        for role in ("primary", "mirror"):
            (host.data / role).mkdir(parents=True, mode=0o700)


def _hosts(lab: Lab) -> None:
    shims.write_gphome(lab)
    shims.write_hosts_table(lab)
    ssh.write_keys(lab)
    for host in lab.everywhere:
        shims.write_host_programs(lab, host)
        ssh.write_server(lab, host)
        ssh.start_sshd(lab, host)


def _start_all(lab: Lab) -> None:
    made = [(host, data, port) for _, host, _, port, data in primaries(lab)]
    made.insert(0, (lab.coordinator, lab.coordinator_data, lab.coordinator_port))

    def start(numbered: tuple[int, tuple[LabHost, Path, int]]) -> None:
        number, (host, data, port) = numbered
        servers.make_server(lab, host, data, port, number=number)
        if host is lab.coordinator:
            servers.write_instance(host, data, port, f"search_path = '{SEARCH_PATH}'")
        servers.start(lab, host, data)

    in_parallel(start, enumerate(made, start=1))
    for host, data, _ in made:
        servers.wait_ready(host, data)
    for host in lab.everywhere:
        ssh.wait_sshd(host)


def _await_probe(lab: Lab) -> None:
    """Wait for the first probe: from then on the catalog is kept true."""
    deadline = time.monotonic() + _PROBE_SECONDS
    with psycopg.connect(**lab.conninfo(connect_timeout=10), autocommit=True) as server:  # type: ignore[arg-type]
        while True:
            row = server.execute("SELECT is_called FROM gp.lab_probe_done").fetchone()
            if row and row[0]:
                return
            if time.monotonic() > deadline:
                raise Failure(
                    "the prober of the practice cluster does not begin",
                    hint=f"read {lab.state / 'prober.log'}, then `gpmirror lab down`",
                )
            time.sleep(0.03)
