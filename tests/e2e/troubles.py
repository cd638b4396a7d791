"""What befalls a practice cluster, between two commands or while one is at work on it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from gpmirror.lab.faults import Faults, set_faults, slow
from gpmirror.lab.processes import descendants
from tests.e2e.living import LivingCluster
from tests.e2e.rows import Row

_DEADLINE = 120.0
_COPY_SECONDS = 1.0

Process = subprocess.Popen[str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that happens `seconds` after a run's journal tells of a step."""

    kind: str
    step: str
    state: str
    seconds: float


MOMENTS = (
    ("wave-001/native", "begin"),
    ("wave-001/native", "begin"),
    ("wave-001/native", "begin"),
    ("wave-001/gate", "begin"),
    ("wave-001/sync", "begin"),
    ("wave-001/sync", "done"),
    ("host-actions", "begin"),
    ("preflight", "begin"),
    ("wave-002/native", "begin"),
    ("verify", "begin"),
)


def some_trouble(random: Random) -> Trouble:
    """Any of them at any moment."""
    kind = random.choice([*STRIKES, *FAILURES])
    step, state = random.choice(MOMENTS)
    return Trouble(kind, step, state, random.choice([0.0, 0.3, 0.8]))


def befall(cluster: LivingCluster, trouble: Trouble, running: Process, known: set[str]) -> bool:
    """Wait for the moment, then let it happen; False: the run ended before."""
    deadline = time.monotonic() + _DEADLINE
    while not _has_come(cluster, trouble, known):
        if running.poll() is not None:
            return False
        assert time.monotonic() < deadline, f"{trouble} does not come"
        time.sleep(0.01)
    time.sleep(trouble.seconds)
    if running.poll() is not None:
        return False
    strike = STRIKES.get(trouble.kind)
    if strike is not None:
        strike(cluster, running, Random(f"{trouble}"))
    return True


def _has_come(cluster: LivingCluster, trouble: Trouble, known: set[str]) -> bool:
    return any(
        (record.get("step"), record.get("state")) == (trouble.step, trouble.state)
        for run in set(cluster.runs()) - known
        for record in cluster.records(run)
    )


def prepare(cluster: LivingCluster, kind: str, random: Random) -> None:
    """Utilities started from now on show it; copies take a while, so that there is a while."""
    content = random.choice(sorted(cluster.contents()))
    set_faults(cluster.lab.state, FAILURES.get(kind, _slowly)(content))


def _slowly(_: int) -> Faults:
    return Faults(slow_copy=slow(_COPY_SECONDS))


FAILURES: Mapping[str, Callable[[int], Faults]] = {
    "a copy breaks off": lambda content: Faults(fail_copy=(content,)),
    "a copy does not start": lambda content: Faults(fail_start=(content,)),
    "the utility does nothing": lambda _: Faults(exit_zero_do_nothing=True),
}


def _kill(_: LivingCluster, running: Process, __: Random) -> None:
    running.kill()


def _interrupt(_: LivingCluster, running: Process, __: Random) -> None:
    running.send_signal(signal.SIGINT)


def _interrupt_twice(_: LivingCluster, running: Process, __: Random) -> None:
    running.send_signal(signal.SIGINT)
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)


def _kill_utility(cluster: LivingCluster, _: Process, random: Random) -> None:
    """The utility with all that it started here, and now and then the shell that waits for it."""
    for shell in _shells(cluster):
        family = descendants({shell})
        for pid in family - ({shell} if random.random() < 0.5 else set()):
            _signal(pid)


def _shells(cluster: LivingCluster) -> list[int]:
    """The shells that wait for a utility that runs."""
    return [
        int(file.read_text(encoding="ascii").split()[0])
        for file in cluster.far.glob("*/*.pid")
        if not file.with_suffix(".status").exists()
    ]


def _cut_ssh(cluster: LivingCluster, _: Process, __: Random) -> None:
    for pid in cluster.sessions_of("mdw"):
        _signal(pid)


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def host_dies(cluster: LivingCluster, random: Random) -> str:
    """Any of them, if none is dead yet."""
    name = random.choice([host.name for host in cluster.lab.hosts])
    if cluster.dead:
        return "nothing"
    cluster.strike_host(name)
    return f"{name} dies"


def mirror_dies(cluster: LivingCluster, random: Random) -> str:
    """Any of them."""
    rows = [row for row in cluster.segments() if row.role == "m"]
    return _strike(cluster, random, rows)


def primary_dies(cluster: LivingCluster, random: Random) -> str:
    """One whose mirror can take over."""
    rows = cluster.segments()
    safe = {row.content for row in rows if (row.role, row.status, row.mode) == ("m", "u", "s")}
    return _strike(cluster, random, [r for r in rows if r.role == "p" and r.content in safe])


def _strike(cluster: LivingCluster, random: Random, rows: list[Row]) -> str:
    if not rows:
        return "nothing"
    row = random.choice(rows)
    cluster.strike([row])
    return f"{row.hostname}:{row.port} ({row.role} of content {row.content}) dies"


def restart_coordinator(cluster: LivingCluster, _: Random) -> str:
    """In order, as after a change of its settings."""
    lab = cluster.lab
    cluster.ssh(
        "mdw", f"{lab.pg_bin}/pg_ctl -D {lab.coordinator_data} -m fast -w restart >/dev/null 2>&1"
    )
    return "the coordinator restarts"


def _meanwhile(
    happens: Callable[[LivingCluster, Random], str],
) -> Callable[[LivingCluster, Process, Random], None]:
    def strike(cluster: LivingCluster, _: Process, random: Random) -> None:
        happens(cluster, random)

    return strike


STRIKES: Mapping[str, Callable[[LivingCluster, Process, Random], None]] = {
    "gpmirror is killed": _kill,
    "gpmirror is interrupted": _interrupt,
    "gpmirror is interrupted twice": _interrupt_twice,
    "the utility is killed": _kill_utility,
    "SSH is cut": _cut_ssh,
    "a host dies": _meanwhile(host_dies),
    "a mirror dies": _meanwhile(mirror_dies),
    "a primary dies": _meanwhile(primary_dies),
    "the coordinator restarts": _meanwhile(restart_coordinator),
}


# --- other people ---------------------------------------------------------------------------------


def recover_by_hand(cluster: LivingCluster, _: Random) -> str:
    """All that is down, in place."""
    return _native(cluster, "gprecoverseg -a")


def rebalance_by_hand(cluster: LivingCluster, _: Random) -> str:
    return _native(cluster, "gprecoverseg -a -r")


def move_by_hand(cluster: LivingCluster, random: Random) -> str:
    """A mirror to another directory and port of its host."""
    mirrors = [row for row in cluster.segments() if row.role == "m"]
    if not mirrors or cluster.old:
        return recover_by_hand(cluster, random)
    row = random.choice(mirrors)
    port = random.randrange(9000, 9900)
    there = Path(row.directory).parent.parent / "elsewhere" / f"by-hand-{port}"
    line = f"{row.address}|{row.port}|{row.directory} {row.address}|{port}|{there}"
    cluster.ssh("mdw", f"mkdir -p -m 700 {there.parent}")  # one disk for all hosts
    return _native(cluster, f"echo '{line}' >by-hand; gprecoverseg -a -i by-hand")


def swap_preferred_roles(cluster: LivingCluster, random: Random) -> str:
    """As tools do that make a failover the new normal."""
    content = random.choice(sorted(cluster.contents()))
    for before, after in (("p", "x"), ("m", "p"), ("x", "m")):
        cluster.sql(
            f"UPDATE gp_segment_configuration SET preferred_role = '{after}'"
            f" WHERE content = {content} AND preferred_role = '{before}'"
        )
    return f"the preferred roles of content {content} are swapped"


def _native(cluster: LivingCluster, command: str) -> str:
    """Somebody at the shell of the coordinator's host."""
    script = f'. "$GPHOME/greenplum_path.sh"; {command} >by-hand.log 2>&1; echo $?'
    status = cluster.ssh("mdw", script).strip()
    return f"somebody runs `{command}`: exit {status}"


OTHERS = (recover_by_hand, rebalance_by_hand, move_by_hand, swap_preferred_roles)
LUCK = (mirror_dies, primary_dies, host_dies)
