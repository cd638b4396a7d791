"""How cost grows with the number of contents: plans of moves and drains, import, simulate, and what
`apply` asks of a plan before and after its waves.
"""

import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.clusters import (  # noqa: E402
    catalog_text,
    crowded_spec_text,
    mirrored_catalog_text,
    spec_text,
)
from gpmirror.adapters.ssh_target import KnownHosts  # noqa: E402
from gpmirror.catalog import read_catalog  # noqa: E402
from gpmirror.errors import Infeasible, InvalidInput  # noqa: E402
from gpmirror.model.layout import Layout, Pair  # noqa: E402
from gpmirror.model.observed import Observed  # noqa: E402
from gpmirror.native.reader import read_native  # noqa: E402
from gpmirror.native.source import MAX_BYTES  # noqa: E402
from gpmirror.placement.place import place  # noqa: E402
from gpmirror.plan.build import build_plan  # noqa: E402
from gpmirror.plan.remaining import stale_rows, what_is_left  # noqa: E402
from gpmirror.plan.request import Request  # noqa: E402
from gpmirror.render.svg import plan_svg, whatif_svg  # noqa: E402
from gpmirror.simulate import survey  # noqa: E402
from gpmirror.spec import load  # noqa: E402
from gpmirror.whatif import Question, compare  # noqa: E402

PRIMARIES = 8
SMALL, LARGE = 1000, 4000
WHATIF = 100
ROUNDS = 3
ALLOWED = ("--allow", "guard:moves_percent", "--allow", "policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Processor seconds of one command for 8,000 and for 32,000 contents (medians), and the peak
    resident bytes of the larger one.
    """

    name: str
    small: float
    large: float
    peak: int

    @property
    def ratio(self) -> float:
        """How many times the cost four times the contents have."""
        return self.large / self.small


def measure() -> list[Growth]:
    """Every command on both sizes, in turn."""
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as folder:
        cases = {hosts: _commands(Path(folder), hosts) for hosts in (SMALL, LARGE)}
        samples = [
            {name: (_run(cases[SMALL][name]), _run(cases[LARGE][name])) for name in cases[SMALL]}
            for _ in range(ROUNDS)
        ]
    return [
        Growth(
            name=name,
            small=median(each[name][0][0] for each in samples),
            large=median(each[name][1][0] for each in samples),
            peak=max(each[name][1][1] for each in samples),
        )
        for name in samples[0]
    ]


def gate() -> float:
    """Processor seconds of what `apply` asks of a plan of 8,000 contents beyond reading the catalog:
    whether it still holds, and at the end what is left of it.
    """
    spec = load(spec_text(SMALL).encode(), "gpmirror.yaml")
    before = read_catalog(catalog_text(SMALL, PRIMARIES).encode(), "before")
    after = read_catalog(mirrored_catalog_text(SMALL, PRIMARIES).encode(), "after")
    plan = build_plan(spec, before, place(spec, before), Request())
    return _processor(lambda: (stale_rows(plan, before), what_is_left(plan, after)))


def single() -> dict[str, float]:
    """Processor seconds of single functions on the largest input that they take or draw."""
    spec = load(spec_text(SMALL).encode(), "gpmirror.yaml")
    observed = read_catalog(catalog_text(SMALL, PRIMARIES).encode(), "catalog")
    plan = build_plan(spec, observed, place(spec, observed), Request())
    names = [f"h{number:04}" for number in range(SMALL)]
    layout = Layout(
        pairs=tuple(
            Pair(host * PRIMARIES + n, names[host], names[(host + 1 + n) % SMALL])
            for host in range(SMALL)
            for n in range(PRIMARIES)
        ),
        hosts=tuple(names),
    )
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as folder:
        known = Path(folder) / "known_hosts"
        key = b64encode(b"\0\0\0\x0bssh-ed25519key").decode()
        known.write_text("".join(f"host{n} ssh-ed25519 {key}\n" for n in range(3500)))
        trusted = _processor(lambda: _judge_all(known))
    return {
        "the worst of the hostile specs": max(
            _processor(partial(_refused, load, d)) for d in _SPECS
        ),
        "the worst of the hostile native files": max(
            _processor(partial(_refused, read_native, d)) for d in _NATIVES
        ),
        "survey of 1,000 hosts": _processor(lambda: survey(layout, pairs=False)),
        "picture of 8,000 contents": _processor(lambda: plan_svg(plan)),
        "whatif of 100 hosts x 8": _whatif(),
        "what is in the way of 8,000 balanced mirrors": _crowded(observed),
        "64 hosts in a known_hosts of 3,500 lines": trusted,
    }


def _whatif() -> float:
    """Every strategy of 100 hosts with group mirrors, and the pictures of them."""
    spec = load(spec_text(WHATIF).encode(), "gpmirror.yaml")
    observed = read_catalog(mirrored_catalog_text(WHATIF, PRIMARIES).encode(), "catalog")
    return _processor(lambda: whatif_svg(compare(spec, observed, Question())))


def _crowded(observed: Observed) -> float:
    """The lines that conflict where no mirror has a place."""
    spec = load(crowded_spec_text(SMALL).encode(), "gpmirror.yaml")

    def refused() -> None:
        try:
            place(spec, observed)
        except Infeasible:
            return
        raise SystemExit("error: a layout was found where there is none")

    return _processor(refused)


_SPECS = (
    b"[" * 3_900_000,
    b"a:\n" * 1_000_000,
    b'"\\"' * 1_000_000,
    b"[a," * 20 + b"a," * 1_900_000,
)
_NATIVES = (
    b"0|" * (MAX_BYTES // 2),
    b"0|a|b|/m\n" * (MAX_BYTES // 9),
    b"PORT_BASE=" + b"$" * 1_000_000,
    b"PORT_BASE=1\n" * 80_000,
)


def _refused(read: Callable[[bytes, str], object], data: bytes) -> None:
    try:
        read(data, "hostile")
    except InvalidInput:
        return
    raise SystemExit(f"error: a hostile input was taken: {data[:20]!r}...")


def _judge_all(file: Path) -> None:
    known = KnownHosts()
    for number in range(64):
        names = (f"[sdw{number}]:2200", f"sdw{number}")
        known.judge([str(file)], names, "ssh-ed25519", b"\0\0\0\x0bssh-ed25519key")


def bare() -> float:
    """Processor seconds of an interpreter that does nothing."""
    return median(_run([sys.executable, "-c", "pass"])[0] for _ in range(15))


def _commands(folder: Path, hosts: int) -> dict[str, list[str]]:
    texts = {
        "group": spec_text(hosts),
        "spread": spec_text(hosts).replace("strategy: group", "strategy: spread"),
        "drain": _drained(hosts),
    }
    specs = {name: folder / f"{name}-{hosts}.yaml" for name in texts}
    for name, text in texts.items():
        specs[name].write_text(text)
    mirrored = folder / f"mirrored-{hosts}.txt"
    mirrored.write_text(mirrored_catalog_text(hosts, PRIMARIES))
    program = [sys.executable, "-m", "gpmirror"]
    saved = ["--catalog", str(mirrored)]
    native = [*saved, "--format", "native", *ALLOWED]
    return {
        "plan, nothing to do": [*program, "plan", str(specs["group"]), *saved],
        "plan, 7 of 8 mirrors move": [*program, "plan", str(specs["spread"]), *native],
        "plan, every host drained": [*program, "plan", str(specs["drain"]), *native],
        "import": [*program, "import", *saved],
        "simulate, pairs of hosts": [*program, "simulate", str(mirrored), "--k", "2"],
        "simulate, pairs as JSON": [*program, "simulate", str(mirrored), "--k", "2", "--json"],
    }


def _drained(hosts: int) -> str:
    """All mirrors leave for as many new hosts."""
    roots = "    roots: [/data1/mirror, /data2/mirror]\n"
    old = f"  - name: sdw[1-{hosts}]\n{roots}"
    return spec_text(hosts).replace(old, f"{old}    weight: 0\n  - name: new[1-{hosts}]\n{roots}")


def _run(command: list[str]) -> tuple[float, int]:
    """Processor seconds and peak resident bytes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    child = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=kept | {"PYTHONPATH": str(ROOT)},
    )
    said = child.stderr.read() if child.stderr else b""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"error: {' '.join(command)}: {said.decode()}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _processor(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return median(taken)
