"""The recipes of CONTRIBUTING.md, each carried out in a copy of the tree and seen to work."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpmirror.spec.model import Strategy
from tests.clusters import mirrorless
from tests.shapes import aligned_text

ROOT = Path(__file__).parents[1]
HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4", "sdw5")
SPEC = """\
apiVersion: gpmirror/v1
cluster: {{name: prod{more}}}
hosts: [{{name: "sdw[1-5]", roots: [/data/mirror]}}]
mirrors: {{strategy: {strategy}, ports: {{offset: 1000}}}}
"""


class Tree:
    """A copy of the program in which a recipe is followed; `changed` are the files it touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changed: set[str] = set()
        shutil.copytree(
            ROOT / "gpmirror", folder / "gpmirror", ignore=shutil.ignore_patterns("__pycache__")
        )

    def insert(self, name: str, before: str, text: str) -> None:
        """Put text before the only line that begins so."""
        file = self.folder / name
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (at,) = (number for number, line in enumerate(lines) if line.startswith(before))
        lines.insert(at, text)
        file.write_text("".join(lines), encoding="utf-8")
        self.changed.add(name)

    def run(self, *words: str) -> str:
        """What the changed program prints; it must end well."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.folder), "HOME": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, strategy: str = "group", more: str = "", before: str = "") -> None:
        """A spec and a catalog to try it with."""
        (self.folder / "s.yaml").write_text(SPEC.format(strategy=strategy, more=more))
        (self.folder / "c.txt").write_text(before + aligned_text(mirrorless(HOSTS, 2)))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


DIALECT = """\
        Dialect(
            name=DialectName.ACME8,
            title="AcmeDB 8",
            product=".*acmedb",
            major="8",
            backend="15",
            file_replication=False,
            coordinator_word="coordinator",
            hostnames=(8, 2),
        ),
"""


def test_add_a_dialect(tree: Tree) -> None:
    table = "gpmirror/model/dialect.py"
    tree.insert(table, "    GREENGAGE7 =", '    ACME8 = "acme8"\n')
    text = (tree.folder / table).read_text(encoding="utf-8")
    start = text.index("        Dialect(\n            name=DialectName.GREENGAGE7")
    (tree.folder / table).write_text(text[:start] + DIALECT + text[start:], encoding="utf-8")
    version = " PostgreSQL 15.4 (AcmeDB 8.2.1 build 7) on x86_64, 64-bit compiled on Jan 1\n"
    tree.write(more=", dialect: acme8", before=version)
    told = tree.run("-m", "gpmirror", "plan", "s.yaml", "--catalog", "c.txt", "-o", "p.json")
    assert "acme8 (8.2.1)" in told
    assert '"acme8"' in (tree.folder / "p.json").read_text()
    assert "10 to add" in tree.run("-m", "gpmirror", "show", "p.json")
    (tree.folder / "s.yaml").write_text(SPEC.format(strategy="group", more=""))
    assert "acme8 (8.2.1)" in tree.run("-m", "gpmirror", "plan", "s.yaml", "--catalog", "c.txt")
    schema = "from gpmirror.spec.document import spec_schema as s; print('acme8' in str(s()))"
    assert tree.run("-c", schema) == "True\n"
    tree.run("-m", "gpmirror", "init")
    assert "acme8" in (tree.folder / "gpmirror.yaml").read_text()
    assert len(tree.changed) <= 3


STRATEGY = '''\
def leap(ring: Ring, host: str, count: int) -> list[Placement]:
    """The k-th primary's mirror 2k + 1 hosts on, around and around."""
    others = list(ring.after(host)) or [None]
    return [_target(ring, host, others[2 * k % len(others)], "leap") for k in range(count)]


'''
CONTRACT = """\
from gpmirror.placement.strategies import STRATEGIES
from gpmirror.spec.model import MEANINGS, Strategy
print({*STRATEGIES, Strategy.BALANCED} == set(MEANINGS) == set(Strategy))
"""


def test_add_a_strategy(tree: Tree) -> None:
    model, ring = "gpmirror/spec/model.py", "gpmirror/placement/strategies.py"
    tree.insert(model, "    PINNED =", '    LEAP = "leap"\n')
    tree.insert(
        model,
        "    Strategy.PINNED:",
        '    Strategy.LEAP: "leaping over one host more each time.",\n',
    )
    tree.insert(ring, "def pinned(", STRATEGY)
    tree.insert(ring, "    Strategy.PINNED:", "    Strategy.LEAP: leap,\n")
    tree.write(strategy="leap")
    told = tree.run("-m", "gpmirror", "plan", "s.yaml", "--catalog", "c.txt", "-o", "p.json")
    assert "sdw1 -> sdw4" in told
    assert tree.run("-c", CONTRACT) == "True\n"
    assert "leap: leaping over one host more each time." in tree.run(
        "-c", "from gpmirror.spec.document import spec_schema as s; print(s())"
    )
    (tree.folder / "after.py").write_text(AFTER)
    assert "strategy: leap" in tree.run("after.py")
    assert len(tree.changed) <= 3


AFTER = """\
from dataclasses import replace
from pathlib import Path
from gpmirror.catalog import read_catalog
from gpmirror.model.segment import Mode, Role, Segment
from gpmirror.placement.place import place
from gpmirror.spec import load
from gpmirror.infer import infer_spec
spec = load(Path("s.yaml").read_bytes(), "s.yaml")
seen = read_catalog(Path("c.txt").read_bytes(), "c.txt")
rows = [replace(row, mode=Mode.SYNCED) for row in seen.segments]
for number, one in enumerate(place(spec, seen).contents):
    primary = next(row for row in rows if row.content == one.content)
    rows.append(replace(primary, dbid=100 + number, role=Role.MIRROR, preferred_role=Role.MIRROR,
        hostname=one.mirror.host, address=one.mirror.address, port=one.mirror.port,
        directory=one.mirror.directory))
print("strategy:", infer_spec(replace(seen, segments=tuple(rows)), name="prod").strategy.value)
"""


@pytest.mark.parametrize("strategy", Strategy)
def test_every_strategy_is_in_every_table(strategy: Strategy) -> None:
    from gpmirror.infer.rings import _ORDER
    from gpmirror.placement.strategies import STRATEGIES
    from gpmirror.spec.model import MEANINGS

    assert strategy in {*STRATEGIES, Strategy.BALANCED}  # which looks at all hosts at once
    assert strategy in MEANINGS
    assert strategy in _ORDER


CHECK = '''\
def judge_clock(visit: Visit) -> list[Finding]:
    """The clock is set."""
    return [ok("the clock is set") if visit.facts.clock else unknown("no clock", "run `date`")]


'''
LINE = """\
    "clock": CheckInfo(
        what="The clock of a host is set.",
        why="Logs are compared by their times.",
        remedy="Set it.",
        judge=judge_clock,
    ),
"""
REPORT = """\
from gpmirror.preflight.checks import CHECKS
from gpmirror.preflight.login import judge_clock
from types import SimpleNamespace as N
print(CHECKS["clock"].judge(N(facts=N(clock=1)))[0].detail)
"""


def test_add_a_check(tree: Tree) -> None:
    """Over what hosts tell already; a question of its own goes to shell, script and reading too."""
    table, theme = "gpmirror/preflight/checks.py", "gpmirror/preflight/login.py"
    tree.insert(theme, "def judge_login(", CHECK)
    tree.insert(table, '    "shell": CheckInfo(', LINE)
    text = (tree.folder / table).read_text(encoding="utf-8")
    told = "from gpmirror.preflight.login import "
    (tree.folder / table).write_text(text.replace(told, f"{told}judge_clock, "))
    assert tree.run("-c", REPORT) == "the clock is set\n"
    assert "Logs are compared" in tree.run("-m", "gpmirror", "explain", "unchecked:clock")
    assert len(tree.changed) <= 2
