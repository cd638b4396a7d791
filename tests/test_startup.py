"""What a command loads: start-up is a feature, so heavy libraries stay out until they serve."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpmirror.cli.commands import COMMANDS

EXAMPLES = Path(__file__).parents[1] / "examples"

PROBE = """
import sys
from gpmirror.cli.main import main
code = main(sys.argv[1:])
own = (name for name in sys.modules if name.startswith("gpmirror."))
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}), *own)
sys.exit(code)
"""


def loaded_by(arguments: Sequence[str]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, 3}, done.stderr
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = {"pydantic", "ruamel", "rich", "psycopg", "fabric", "paramiko"}
    assert not heavy & loaded_by(arguments)


@pytest.mark.skipif("plan" not in COMMANDS, reason="the plan command is not there yet")
def test_planning_from_a_file_loads_no_network_library() -> None:
    folder = EXAMPLES / "two-hosts"
    loaded = loaded_by(
        ["plan", str(folder / "gpmirror.yaml"), "--catalog", str(folder / "catalog.txt")]
    )
    assert "pydantic" in loaded
    assert not {"psycopg", "fabric", "paramiko", "rich"} & loaded
    runs = {"gpmirror.events", "gpmirror.run.record", "gpmirror.preflight", "gpmirror.plan.rebuild"}
    runs |= {"gpmirror.infer", "gpmirror.native.initsystem", "gpmirror.placement.balanced"}
    runs |= {"gpmirror.placement.conflict", "gpmirror.simulate.stopping", "gpmirror.plan.compare"}
    assert not runs & loaded, "a plan is made without what reads one, or runs one"
