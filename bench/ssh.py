"""One script on 64 real SSH servers through gpmirror against bare fabric connections.

Ours resolves every host by `ssh -G`, checks host keys, sees that the script arrived whole and takes
its output apart; bare fabric does none of that. Both bound the script by timeout(1) on the far side,
which is this machine too: what that costs would be counted 64 times on two processors.
"""

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gpmirror.adapters.ssh import SshHosts, open_hosts  # noqa: E402
from gpmirror.boundary import Answered  # noqa: E402
from gpmirror.spec.model import SshOptions  # noqa: E402
from tests.sshd import USER, Farm, farm  # noqa: E402

HOSTS = 64
AT_ONCE = 32
SECONDS = 60
SCRIPT = "mkdir -p /tmp && test -w /tmp && df -P /tmp"
BOUNDED = shlex.join(["timeout", "-k", "5", str(SECONDS), "sh", "-c", SCRIPT])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Wall seconds over all hosts, medians: with new connections, and once more over them."""

    ours: float
    bare: float
    ours_again: float
    bare_again: float

    @property
    def ratio(self) -> float:
        """The first script, connecting included, against bare connections."""
        return self.ours / self.bare

    @property
    def ratio_again(self) -> float:
        """A further script over open connections."""
        return self.ours_again / self.bare_again


def measure(rounds: int = 5) -> Figures:
    """Both ways in turn, new connections each time; a warm-up round is thrown away."""
    os.environ.pop("SSH_AUTH_SOCK", None)
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as name, farm(Path(name)) as made:
        for number in range(HOSTS):
            made.start(f"sdw{number + 1}")
        ways: dict[str, Callable[[Farm], tuple[float, float]]] = {"ours": _ours, "bare": _bare}
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for turn in range(rounds + 1):
            for way, run in ways.items():
                walls = run(made)
                if turn:
                    spent[way].append(walls)
    return Figures(
        ours=median(first for first, _ in spent["ours"]),
        bare=median(first for first, _ in spent["bare"]),
        ours_again=median(second for _, second in spent["ours"]),
        bare_again=median(second for _, second in spent["bare"]),
    )


def _ours(made: Farm) -> tuple[float, float]:
    with open_hosts(SshOptions(config=str(made.config)), at_once=AT_ONCE) as hosts:
        return _timed(lambda: _ask(hosts, made)), _timed(lambda: _ask(hosts, made))


def _ask(hosts: SshHosts, made: Farm) -> None:
    replies = hosts.ask(dict.fromkeys(made.servers, SCRIPT), seconds=SECONDS)
    for reply in replies.values():
        if not isinstance(reply, Answered) or reply.status:
            raise SystemExit(f"error: {reply}")


def _bare(made: Farm) -> tuple[float, float]:
    from fabric import Config, Connection

    config = Config(overrides={"load_ssh_configs": False})
    keys = {"key_filename": str(made.key), "look_for_keys": False, "allow_agent": False}
    connections = [
        Connection(each.address, USER, each.port, config=config, connect_kwargs=dict(keys))
        for each in made.servers.values()
    ]

    def run() -> None:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(
                lambda each: each.run(BOUNDED, hide=True, in_stream=False), connections
            ):
                pass

    try:
        return _timed(run), _timed(run)
    finally:
        for each in connections:
            each.close()


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    found = measure()
    print(f"{HOSTS} hosts, {AT_ONCE} at once, first script with connecting, then a second one")
    print(f"gpmirror {found.ours:.2f} s, {found.ours_again:.2f} s")
    print(f"fabric   {found.bare:.2f} s, {found.bare_again:.2f} s")
    print(f"ratio    {found.ratio:.2f}, {found.ratio_again:.2f}")
