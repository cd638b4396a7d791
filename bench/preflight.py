"""Host checks on 64 real SSH servers against bare fabric connections that run the same scripts,
and the processor time that one host's script takes.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gpmirror.adapters.ssh import open_hosts  # noqa: E402
from gpmirror.model.observed import Observed  # noqa: E402
from gpmirror.plan.model import Plan  # noqa: E402
from gpmirror.preflight.script import scripts  # noqa: E402
from gpmirror.run.preflight import run_preflight  # noqa: E402
from gpmirror.spec.model import SshOptions  # noqa: E402
from tests.clusters import host, observed, planned, row, spec  # noqa: E402
from tests.sshd import Farm, farm  # noqa: E402

HOSTS = 64
AT_ONCE = 32
SLOTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Wall seconds of both ways (medians), and processor seconds of a script for 64 slots."""

    checks: float
    bare: float
    script: float

    @property
    def ratio(self) -> float:
        """Checks against bare connections."""
        return self.checks / self.bare


def measure(rounds: int = 3) -> Figures:
    """Both ways in turn, new connections each time; a warm-up round is thrown away."""
    # what somebody's start-up files cost is not ours: another shell here, another home there
    os.environ["SHELL"] = "/bin/sh"
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as name, farm(Path(name)) as servers:
        names = [f"sdw{number + 1}" for number in range(HOSTS)]
        # numeric addresses: how fast somebody's name server fails is not measured here
        home = f"SetEnv HOME={servers.folder}"
        addresses = {each: servers.start(each, home).address for each in names}
        plan, seen = _cluster(servers.folder / "data", addresses, 1)
        asked = scripts(plan, seen)
        ways: dict[str, Callable[[], None]] = {
            "checks": lambda: _checks(plan, seen, servers),
            "bare": lambda: _bare(asked, servers),
        }
        walls = _in_turn(ways, rounds)
    return Figures(checks=walls["checks"], bare=walls["bare"], script=script_seconds())


def script_seconds(repeats: int = 10) -> float:
    """Processor seconds of one run on a host with 64 primaries that gets 64 mirrors."""
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as name:
        plan, seen = _cluster(Path(name), {"sdw1": "127.0.0.1", "sdw2": "127.0.0.2"}, SLOTS)
        text = scripts(plan, seen)["sdw2"].encode()
        spent = []
        for _ in range(repeats):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(["sh", "-s"], input=text, capture_output=True, check=True)  # noqa: S607 - as on a host
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(spent)


def _in_turn(ways: Mapping[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    walls: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            if turn:
                walls[name].append(time.perf_counter() - began)
    return {name: median(found) for name, found in walls.items()}


def _cluster(folder: Path, addresses: Mapping[str, str], primaries: int) -> tuple[Plan, Observed]:
    """Primaries with directories, no mirrors; the coordinator stands on the first host."""
    names = list(addresses)
    rows = [row(1, -1, "p", addresses[names[0]], 5432, str(folder / "gpseg-1"))]
    for content in range(len(names) * primaries):
        name = names[content // primaries]
        place = folder / name / "primary" / f"gpseg{content}"
        (place / "global").mkdir(parents=True)
        (place / "global" / "pg_control").write_bytes(bytes(296))
        port = 6000 + content % primaries
        rows.append(row(content + 2, content, "p", addresses[name], port, str(place)))
    for name in names:
        (folder / name / "mirror").mkdir(mode=0o700)
    seen = observed(rows, sizes=dict.fromkeys(range(len(names) * primaries), 1_000_000))
    hosts = [
        host(name, roots=[str(folder / name / "mirror")], addresses=(addresses[name],))
        for name in names
    ]
    return planned(spec(hosts), seen), seen


def _checks(plan: Plan, seen: Observed, servers: Farm) -> None:
    with open_hosts(SshOptions(config=str(servers.config)), at_once=AT_ONCE) as hosts:
        found = run_preflight(plan, seen, hosts)
    silent = [check.detail for check in found.checks if check.name == "reachable" if check.remedy]
    if silent:
        raise SystemExit(f"error: {silent[0]}")


def _bare(asked: Mapping[str, str], servers: Farm) -> None:
    import paramiko
    from fabric import Connection

    key = paramiko.Ed25519Key.from_private_key_file(str(servers.key))

    def one(name: str) -> None:
        server = servers.servers[name]
        given = {"pkey": key, "look_for_keys": False, "allow_agent": False}
        with Connection(server.address, port=server.port, connect_kwargs=given) as connection:
            connection.run(f"sh -c {quote(asked[name])}", hide=True, in_stream=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, asked))


if __name__ == "__main__":
    figures = measure()
    print(f"checks of {HOSTS} hosts: {figures.checks:.2f} s, bare fabric {figures.bare:.2f} s,")
    print(
        f"ratio {figures.ratio:.2f}; script for {SLOTS} slots: {figures.script * 1000:.0f} ms CPU"
    )
