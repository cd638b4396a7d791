"""Measure gpmirror against the bare interpreter, all cases interleaved in one run.

Ratios travel between machines, milliseconds do not; both are written down.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.clusters import (  # noqa: E402
    catalog_text,
    mirrored_catalog_text,
    replacing_spec_text,
    spec_text,
)
from gpmirror.cli.commands import COMMANDS  # noqa: E402

# processor time of 32,000 contents against the bare interpreter
GROWTH = {
    "plan, nothing to do": 500,
    "plan, 7 of 8 mirrors move": 800,
    "plan, every host drained": 800,
    "import": 1000,
    "simulate, pairs of hosts": 400,
    "simulate, pairs as JSON": 400,
}

# the same of single functions
SINGLE = {
    "the worst of the hostile specs": 250,
    "the worst of the hostile native files": 60,
    "survey of 1,000 hosts": 8,
    "picture of 8,000 contents": 60,
    "whatif of 100 hosts x 8": 160,
    "what is in the way of 8,000 balanced mirrors": 300,
    "64 hosts in a known_hosts of 3,500 lines": 10,
}

GPMIRROR = [sys.executable, "-m", "gpmirror"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of a program: wall seconds and peak resident bytes."""

    wall: float
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Medians over the runs of one case."""

    wall: float
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What must hold: a measured figure and its bound, both in `unit`."""

    name: str
    measured: float
    bound: float
    unit: str
    timed: bool = True


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-") as folder:
        results = measure(cases(Path(folder)), repeats=5 if options.light else 15)
    found = limits(results)
    if not options.light:
        found += host_limits()
        found += ssh_limits()
        found += growth_limits()
    # last: a program's peak memory is never less than that of the one which starts it
    found += single_limits()
    page = report(results, found)
    print(page)
    if options.write:
        options.write.write_text(page, encoding="utf-8")
    # a busy machine may be slow; what a change made slower shows up beyond this
    slack = 1.5 if options.light else 1.0
    broken = [each for each in found if each.measured > each.bound * (slack if each.timed else 1.0)]
    for each in broken:
        print(
            f"error: {each.name}: {each.measured:.2f} {each.unit}, limit {each.bound}",
            file=sys.stderr,
        )
    return 1 if broken and options.check else 0


def cases(folder: Path) -> dict[str, list[str]]:
    """Name to command line; inputs are written into `folder`. Commands not there are left out."""
    found = {"bare interpreter": [sys.executable, "-c", "pass"], "--help": [*GPMIRROR, "--help"]}
    if "plan" in COMMANDS:
        example = ROOT / "examples" / "single-host"
        found["plan, founding example"] = [
            *(*GPMIRROR, "plan", str(example / "gpmirror.yaml")),
            *("--catalog", str(example / "catalog.txt")),
        ]
        for hosts in (125, 1000):
            spec, catalog = folder / f"{hosts}.yaml", folder / f"{hosts}.txt"
            spec.write_text(spec_text(hosts))
            catalog.write_text(catalog_text(hosts, 8))
            found[f"plan, {hosts * 8} contents"] = [
                *(*GPMIRROR, "plan", str(spec), "--catalog", str(catalog), "--format", "native")
            ]
        for hosts in (100, 1000):
            spec, catalog = folder / f"balanced-{hosts}.yaml", folder / f"balanced-{hosts}.txt"
            spec.write_text(replacing_spec_text(hosts))
            catalog.write_text(mirrored_catalog_text(hosts, 8, spread=True))
            found[_balanced(hosts)] = [
                *(*GPMIRROR, "plan", str(spec), "--catalog", str(catalog), "--format", "native"),
                *("-o", str(folder / "plan.json")),
            ]
    if "simulate" in COMMANDS:
        catalog = folder / "simulate.txt"
        catalog.write_text(mirrored_catalog_text(200, 10))
        found["simulate, 200 hosts x 10"] = [*GPMIRROR, "simulate", str(catalog)]
    if "maintenance" in COMMANDS:
        spec, scattered = folder / "maintenance.yaml", folder / "maintenance.txt"
        spec.write_text(f"{spec_text(200)}policy:\n  max_load_factor: 1.5\n")
        scattered.write_text(mirrored_catalog_text(200, 8, scattered=True))
        found["maintenance, 200 hosts x 8"] = [
            *(*GPMIRROR, "maintenance", str(spec), "--catalog", str(scattered))
        ]
    return found


def _balanced(hosts: int) -> str:
    return f"plan, balanced, {hosts} hosts x 8, a twentieth replaced"


def measure(commands: dict[str, list[str]], repeats: int) -> dict[str, Result]:
    """Run every case `repeats` times in turn; a warm-up round is thrown away."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, command in commands.items():
            sample = _run(command)
            if turn:
                samples[name].append(sample)
    return {
        name: Result(wall=median(s.wall for s in runs), peak=max(s.peak for s in runs))
        for name, runs in samples.items()
    }


def limits(results: dict[str, Result]) -> list[Limit]:
    """The promises, as far as their cases were measured."""
    bare = results["bare interpreter"].wall
    checks: dict[str, Callable[[Result], list[Limit]]] = {
        "--help": lambda r: [
            Limit(name="`--help` against bare", measured=r.wall / bare, bound=8, unit="x")
        ],
        "plan, founding example": lambda r: [
            Limit(name="founding plan against bare", measured=r.wall / bare, bound=18, unit="x")
        ],
        "plan, 8000 contents": lambda r: [
            # against the bare interpreter, as everything: machines differ, and so do their hours
            Limit(
                name="plan of 8,000 contents against bare",
                measured=r.wall / bare,
                bound=76,  # 0.7 s where the bare interpreter takes 9.2 ms
                unit="x",
            ),
            Limit(name="its peak memory", measured=r.peak / 1e6, bound=250, unit="MB", timed=False),
            Limit(
                name="8 times the contents",
                measured=r.wall / results["plan, 1000 contents"].wall,
                bound=9,
                unit="x",
            ),
        ],
        _balanced(100): lambda r: [
            Limit(name="proven fewest moves, 100 hosts x 8", measured=r.wall, bound=1, unit="s")
        ],
        _balanced(1000): lambda r: [
            Limit(name="proven fewest moves, 1,000 hosts x 8", measured=r.wall, bound=5, unit="s"),
            Limit(name="its peak memory", measured=r.peak / 1e6, bound=600, unit="MB", timed=False),
        ],
        "simulate, 200 hosts x 10": lambda r: [
            Limit(
                name="simulate over start-up",
                measured=(r.wall - results["--help"].wall) / bare,
                bound=100,
                unit="x",
            )
        ],
        "maintenance, 200 hosts x 8": lambda r: [
            Limit(name="groups of 200 hosts", measured=r.wall, bound=2, unit="s")
        ],
    }
    return [each for name, of in checks.items() if name in results for each in of(results[name])]


def host_limits() -> list[Limit]:
    """The promises about host checks; they take 64 SSH servers and most of a minute."""
    from bench.preflight import HOSTS, SLOTS, measure

    figures = measure()
    return [
        Limit(
            name=f"checks of {HOSTS} hosts against bare fabric running the same scripts",
            measured=figures.ratio,
            bound=1.3,
            unit="x",
        ),
        Limit(
            name=f"one host's script for {SLOTS} slots, processor time",
            measured=figures.script * 1000,
            bound=60,
            unit="ms",
        ),
    ]


def ssh_limits() -> list[Limit]:
    """The promises about scripts on hosts; they take 64 SSH servers and half a minute."""
    from bench.ssh import HOSTS, measure

    figures = measure()
    ways = {
        f"a script on {HOSTS} hosts, connecting included, against bare fabric": figures.ratio,
        f"a further script on {HOSTS} hosts against bare fabric": figures.ratio_again,
    }
    return [Limit(name=name, measured=way, bound=1.3, unit="x") for name, way in ways.items()]


def single_limits() -> list[Limit]:
    """The promises about inputs of the largest size; they take some seconds."""
    from bench.scale import bare, single

    unit = bare()
    return [
        Limit(name=f"{name} against bare", measured=took / unit, bound=SINGLE[name], unit="x")
        for name, took in single().items()
    ]


def growth_limits() -> list[Limit]:
    """The promises about large clusters; they take two minutes."""
    from bench.scale import bare, gate, measure

    unit = bare()
    found = [
        Limit(
            name="gate of apply, 8,000 contents, against bare",
            measured=gate() / unit,
            bound=60,
            unit="x",
        )
    ]
    for each in measure():
        found += [
            Limit(
                name=f"{each.name}: 32,000 contents against 8,000",
                measured=each.ratio,
                bound=4.6,  # 4 to the power of 1.1
                unit="x",
            ),
            Limit(
                name=f"{each.name}: 32,000 contents against bare",
                measured=each.large / unit,
                bound=GROWTH[each.name],
                unit="x",
            ),
            Limit(
                name=f"{each.name}: peak memory of 32,000 contents",
                measured=each.peak / 1e6,
                bound=500 if "simulate" not in each.name else 200,
                unit="MB",
                timed=False,
            ),
        ]
    return found


def report(results: dict[str, Result], found: Sequence[Limit]) -> str:
    """The page: one table of cases, one of promises."""
    bare = results["bare interpreter"].wall
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`: medians of one interleaved run, inputs generated on the spot.",
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores.",
        "Peak memory is the kernel's figure and never less than the measuring program's own.",
        "",
        "| case | wall | against bare | peak memory |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {r.wall * 1000:.0f} ms | {r.wall / bare:.1f}x | {r.peak / 1e6:.0f} MB |"
        for name, r in results.items()
    ]
    lines += ["", "| promise | measured | limit |", "| --- | ---: | ---: |"]
    lines += [f"| {e.name} | {e.measured:.2f} {e.unit} | {e.bound:g} {e.unit} |" for e in found]
    return "\n".join([*lines, ""])


def _run(command: list[str]) -> Sample:
    """Start a program, wait for it, and read its peak memory from the kernel."""
    silence = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, silence, fd) for fd in (0, 1)]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, _environment(), file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    os.close(silence)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"error: exit status {code} from {' '.join(command)}")
    return Sample(wall=wall, peak=usage.ru_maxrss * 1024)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONPATH": str(ROOT)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when a limit is broken")
    parser.add_argument("--light", action="store_true", help="fewer runs, for every change")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page here")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
