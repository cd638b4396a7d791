"""A small suite of tests, run by a pytest of its own."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def run_suite(suite: Path, *words: str) -> tuple[int, str]:
    """The exit status and everything that is said."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words],
        cwd=suite,
        env={"PYTHONPATH": str(_ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
