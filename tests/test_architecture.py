"""The shape of the code: every module says what it is, stays small and knows its neighbours."""

import ast
import re
import subprocess
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from gpmirror.model.dialect import DialectName

ROOT = Path(__file__).parents[1] / "gpmirror"
MODULES = sorted(ROOT.rglob("*.py"))
MOST_LINES = 700  # one idea stays in one file; beyond this it is surely two
MOST_FILES = 18  # a folder that is read at one look, its `__init__` included
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "manager", "core"}
OUTER = {"cli", "adapters", "lab", "__main__.py"}


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def test_there_are_modules() -> None:
    assert len(MODULES) > 50


def test_modules_open_with_a_docstring() -> None:
    assert [name(one) for one in MODULES if not ast.get_docstring(tree(one))] == []


def test_modules_stay_small() -> None:
    lines = {name(one): one.read_text(encoding="utf-8").count("\n") for one in MODULES}
    assert {one: count for one, count in lines.items() if count > MOST_LINES} == {}


def test_values_are_made_the_cheap_way() -> None:
    """A frozen dataclass of the standard library costs every start a third of a millisecond."""
    found = [
        name(one)
        for one in MODULES
        if one.name != "values.py"
        for node in ast.walk(tree(one))
        if isinstance(node, ast.ImportFrom) and node.module == "dataclasses"
        if "dataclass" in {each.name for each in node.names}
    ]
    assert found == []


def test_folders_stay_small() -> None:
    """A command has a file of its own, and so has a stand-in for a utility."""
    folders = Counter(one.parent for one in MODULES)
    crowded = {name(one): count for one, count in folders.items() if count > MOST_FILES}
    assert set(crowded) == {"cli", "lab/utilities"}, crowded


def test_module_names_say_what_is_inside() -> None:
    assert [name(one) for one in MODULES if one.stem in EMPTY_WORDS] == []


def test_core_reads_no_clock_and_no_files() -> None:
    """Import contracts see modules; this sees the built-ins and methods that they cannot."""
    core = [one for one in MODULES if one.relative_to(ROOT).parts[0] not in OUTER]
    found = {name(one): sorted(worldly(tree(one))) for one in core}
    assert {one: what for one, what in found.items() if what} == {}


def worldly(module: ast.Module) -> set[str]:
    """What a module uses of the world: built-ins, methods, imported names."""
    nodes = list(ast.walk(module))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    builtins = {func.id for func in calls if isinstance(func, ast.Name)}
    methods = {func.attr for func in calls if isinstance(func, ast.Attribute)}
    paths = {each.name for node in imports if node.module == "pathlib" for each in node.names}
    streams = {each.name for node in imports if node.module == "io" for each in node.names}
    return (
        (builtins & {"open", "print", "input", "breakpoint", "exec", "eval"})
        | (methods & {"now", "today", "getenv", "read_text", "write_text", "read_bytes"})
        | (paths - {"PurePath", "PurePosixPath"})
        | (streams - {"StringIO", "BytesIO"})
    )


def test_what_is_looked_for_in_the_core_is_found() -> None:
    text = "from pathlib import Path\nfrom io import open_code\nprint(Path('x').read_text())\n"
    assert worldly(ast.parse(text)) == {"Path", "open_code", "print", "read_text"}


def test_what_sets_dialects_apart_stands_in_their_table() -> None:
    """The practice cluster has releases of its own, each with the family it is of."""
    own = {"model/dialect.py", "cli/lab.py"}
    asked = [one for one in MODULES if name(one) not in own and not name(one).startswith("lab/")]
    found = {name(one): sorted(dialects_named(tree(one))) for one in asked}
    assert {one: what for one, what in found.items() if what} == {}


def dialects_named(module: ast.Module) -> set[str]:
    """Dialects that a module names: as members, or as texts; prose may speak of them."""
    nodes = list(ast.walk(module))
    members = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "DialectName"
    }
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return members | (texts & {one.value for one in DialectName})


def test_a_named_dialect_is_found() -> None:
    text = "from x import DialectName\nold = {DialectName.GP4, 'gp5', 'an old gp5'}\n"
    assert dialects_named(ast.parse(text)) == {"GP4", "gp5"}


def test_the_map_names_every_place_and_package() -> None:
    """docs/architecture.md: what lies at the top of the repository, and each package and module of ours."""
    page = (ROOT.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    said = set(re.findall(r"`([^`\n]+)`", page))
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(git, cwd=ROOT.parent, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is no checkout")
    files = [file.split("/") for file in done.stdout.splitlines()]
    top = {first if not rest else f"{first}/" for first, *rest in files}
    parts = [rest for first, *rest in files if first == ROOT.name]
    ours = {rest[0] if len(rest) == 1 else f"{rest[0]}/" for rest in parts}
    assert sorted((top | ours) - {"__init__.py"} - said) == []
    tables = re.findall(r"^\| (?:\d+ \| )?((?:`[^`]+`(?:, )?)+) \|", page, re.M)
    named = {one for cell in tables for one in re.findall(r"`([^`]+)`", cell)}
    assert sorted(named - top - ours) == []
    modules = {file[-1] for file in files if file[0] == ROOT.name} | {"server*.py", "ssh*.py"}
    folders = {f"{part}/" for file in files for part in file[:-1]}
    gone = [
        word
        for text in re.findall(r"^### \w+\n(.*?)(?=^##)", page, re.M | re.S)
        for word in re.findall(r"`([\w/*]+(?:\.py|/))`", text)
        if word.rpartition("/")[2] not in modules and word not in folders
    ]
    assert gone == []
