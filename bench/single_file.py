"""How large the single-file program is and how fast it starts: `python bench/single_file.py FILE`.

Prints the rows of the table in docs/how-to/install-offline.md. All cases take turns; each row is the
fastest of them, the one that nothing else on the machine held up.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "examples" / "two-hosts"
PLAN = ("plan", str(SPEC / "gpmirror.yaml"), "--catalog", str(SPEC / "catalog.txt"))
PYTHON = Path(sys.base_prefix) / "bin" / "python3"


def main(file: str, turns: int = 25) -> None:
    """Measure and print."""
    program = Path(file).resolve()
    with tempfile.TemporaryDirectory(prefix="gpmirror-bench-", dir="/var/tmp") as name:
        warm, cold = Path(name) / "warm", Path(name) / "cold"
        cases: dict[str, tuple[Sequence[str], Path]] = {
            "`python3 -c pass`, for comparison": ([str(PYTHON), "-c", "pass"], warm),
            "`--version`, nothing unpacked yet": ([str(program), "--version"], cold),
            "`--version`": ([str(program), "--version"], warm),
            "`plan` of examples/two-hosts": ([str(program), *PLAN], warm),
            "the same, installed by pip": ([sys.executable, "-m", "gpmirror", *PLAN], warm),
        }
        spent: dict[str, list[float]] = {case: [] for case in cases}
        for turn in range(turns + 1):
            for case, (words, cache) in cases.items():
                shutil.rmtree(cold, ignore_errors=True)
                wall = _wall(words, cache)
                if turn:  # the first unpacks, and reads all from the disk
                    spent[case].append(wall)
        unpacked = sum(one.stat().st_size for one in warm.rglob("*") if one.is_file())
    print("| what | measured |\n| --- | ---: |")
    print(f"| the file | {program.stat().st_size / 1e6:.0f} MB |")
    print(f"| unpacked, for one Python | {unpacked / 1e6:.0f} MB |")
    for case, walls in spent.items():
        print(f"| {case} | {_time(min(walls))} |")


def _wall(words: Sequence[str], cache: Path) -> float:
    own = {"XDG_CACHE_HOME": str(cache), "GPMIRROR_PYTHON": str(PYTHON)}
    begun = time.perf_counter()
    subprocess.run(words, env=os.environ | own, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


if __name__ == "__main__":
    main(sys.argv[1])
