"""The shape of the code: every module says what it is, stays small and knows its neighbours."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "gpmirror"
MODULES = sorted(ROOT.rglob("*.py"))
MOST_LINES = 800  # one idea stays in one file; beyond this it is surely two

pytestmark = pytest.mark.parametrize(
    "module", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)


def test_module_opens_with_a_docstring(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{module} does not say what it is"


def test_module_stays_small(module: Path) -> None:
    lines = module.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{module} has {lines} lines: split it"


def test_module_name_says_what_is_inside(module: Path) -> None:
    assert module.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "core"}


def test_core_reads_no_clock_and_no_files(module: Path) -> None:
    """Import contracts see modules; this sees the built-ins and methods that they cannot."""
    if module.relative_to(ROOT).parts[0] in {"cli", "adapters", "lab", "__main__.py"}:
        return
    nodes = list(ast.walk(ast.parse(module.read_text(encoding="utf-8"))))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    builtins = {func.id for func in calls if isinstance(func, ast.Name)}
    methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}
    assert not builtins & {"open", "print", "input", "breakpoint", "exec", "eval"}
    assert not methods & {"now", "today", "getenv", "read_text", "write_text", "read_bytes"}
    paths = {name.name for node in imports if node.module == "pathlib" for name in node.names}
    assert paths <= {"PurePath", "PurePosixPath"}
    streams = {name.name for node in imports if node.module == "io" for name in node.names}
    assert streams <= {"StringIO", "BytesIO"}
