"""Dataclasses that share their methods behave as those that Python compiles."""

import subprocess
import sys

PROGRAM = """
import dataclasses, sys
from dataclasses import FrozenInstanceError, dataclass, field, replace

if sys.argv[1] == "lean":
    from gpmirror.cli.start import spare_compiling
    spare_compiling()

@dataclass(frozen=True, slots=True, kw_only=True)
class None_:
    pass

@dataclass(frozen=True, slots=True)
class One:
    a: object

@dataclass(frozen=True, slots=True, kw_only=True)
class Many(One):
    b: int = 2
    c: list = field(default_factory=list, compare=False, repr=False)

@dataclass(order=True)
class Ordered:
    x: int
    y: int = 0

@dataclass(frozen=True)
class Own:
    a: int
    def __repr__(self):
        return "own"
    def __hash__(self):
        return 5

def tried(work):
    try:
        return work()
    except Exception as error:
        return type(error).__name__, str(error)

one, many = One(1), Many(a=1, b=3, c=[1])
loop = []
loop.append(One(loop))
for found in (
    None_(), one, many, Ordered(1), Own(1), loop[0],
    None_() == None_(), one == One(1), one == One(2), one == many, one == 1, one != One(1),
    many == Many(a=1, b=3), many == Many(a=1, b=4), Ordered(1) < Ordered(2), Ordered(2, 1) >= Ordered(2),
    hash(one) == hash((1,)), hash(many) == hash((1, 3)), hash(None_()) == hash(()), hash(Own(1)),
    tried(lambda: hash(One([]))), tried(lambda: hash(Ordered(1))),
    tried(lambda: setattr(one, "a", 2)), tried(lambda: delattr(one, "a")),
    tried(lambda: setattr(many, "b", 2)), tried(lambda: setattr(Own(1), "z", 2)),
    tried(lambda: setattr(Ordered(1), "x", 3)), replace(many, b=9), dataclasses.astuple(many),
    One.__eq__.__qualname__, Many.__repr__.__qualname__, One.__setattr__.__qualname__,
    Many.__match_args__, sorted({One(3): 1, One(3): 2}.values()),
):
    print(found)
"""


def _told(how: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_lean_dataclasses_are_as_those_of_python() -> None:
    compiled = _told("compiled")
    assert len(compiled) == 34
    assert _told("lean") == compiled
