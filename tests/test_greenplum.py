"""Which end-to-end tests run with `--greenplum`: those of any cluster, and not one of practice's."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
ANY = {"add_from_plan", "add_from_spec", "life_places", "life_recovery", "life_replacing", "moves"}


def test_what_brings_a_practice_cluster_of_its_own_is_left_out() -> None:
    words = ["--greenplum=127.0.0.1:1", "--collect-only", "-qq", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "tests/e2e"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    files = {line.partition(":")[0] for line in done.stdout.splitlines() if ".py:" in line}
    assert files == {f"tests/e2e/test_{name}.py" for name in ANY}
