"""The entry point: settles the interpreter before anything heavy is imported."""

import dataclasses
import gc
import os
import reprlib
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn

Field = dataclasses.Field[Any]
Names = dict[str, Any]

_compiled_comparison: Callable[..., Callable[..., Any]] = vars(dataclasses).get(
    "_cmp_fn", lambda *_, **__: NotImplemented
)

_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH")
"""What greenplum_path.sh, greengage_path.sh and cloudberry-env.sh export for the database's own
programs. OPENSSL_CONF is foreign only where it lies below their GPHOME.
"""


def run() -> NoReturn:
    """Run the program on this process's arguments and exit."""
    own = own_environment(os.environ)
    if own != dict(os.environ):
        # libraries are looked for where the variable pointed when the process began
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], own)  # noqa: S606
    # A command makes many objects that live to its end: collecting among them, and once more at
    # exit, costs a quarter of a small plan and frees nothing.
    gc.disable()
    # Pydantic looks for plugins in every installed distribution, which costs a tenth of it.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    spare_compiling()
    try:
        from gpmirror.cli.main import main

        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # while the program was still being loaded
        status = 130
    gc.freeze()
    sys.exit(status)


def spare_compiling() -> None:
    """Let dataclasses share their methods as closures. Up to 3.12 Python writes six functions of every
    class as text and compiles each, which is a third of a small plan; only `__init__` needs that.
    From 3.13 on it compiles them together, and nothing is changed here.
    """
    if sys.version_info < (3, 13):
        vars(dataclasses).update(
            _repr_fn=_repr, _hash_fn=_hash, _cmp_fn=_compare, _frozen_get_del_attr=_frozen
        )


def _repr(fields: Sequence[Field], _: Names) -> Callable[[Any], str]:
    names = [field.name for field in fields]

    @reprlib.recursive_repr()
    def __repr__(self: Any) -> str:  # noqa: ANN401, N807 - its name
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({values})"

    return __repr__


def _hash(fields: Sequence[Field], _: Names) -> Callable[[Any], int]:
    values = _values([field.name for field in fields])

    def __hash__(self: Any) -> int:  # noqa: ANN401, N807 - its name
        return hash(values(self))

    return __hash__


def _compare(name: str, op: str, one: str, other: str, *, globals: Names) -> Callable[..., Any]:
    """`one` is the text `(self.a,self.b,)`."""
    if op != "==":
        return _compiled_comparison(name, op, one, other, globals=globals)
    values = _values([part.partition(".")[2] for part in one.strip("()").split(",") if part])

    def __eq__(self: Any, other: Any) -> Any:  # noqa: ANN401, N807 - its name
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    return __eq__


def _frozen(cls: type[Any], fields: Sequence[Field], _: Names) -> tuple[Callable[..., None], ...]:
    own = frozenset(field.name for field in fields)

    def __setattr__(self: Any, name: str, value: object) -> None:  # noqa: ANN401, N807 - its name
        if type(self) is cls or name in own:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def __delattr__(self: Any, name: str) -> None:  # noqa: ANN401, N807 - its name
        if type(self) is cls or name in own:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return __setattr__, __delattr__


def _values(names: Sequence[str]) -> Callable[[Any], tuple[object, ...]]:
    """What reads these attributes of an object as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what leads Python and OpenSSL to the database's libraries. The
    launcher `gpmirror` sees to that before Python starts; this is for `python -m gpmirror`, which
    keeps a PYTHONPATH that it was found by.
    """
    own = {name: value for name, value in environment.items() if name not in _FOREIGN}
    home = own.get("GPHOME")
    if home and own.get("OPENSSL_CONF", "").startswith(f"{home}/"):
        del own["OPENSSL_CONF"]
    found_by = str(Path(__file__).parents[2])
    searched = environment.get("PYTHONPATH", "").split(os.pathsep)
    if found_by in map(os.path.abspath, filter(None, searched)):
        own["PYTHONPATH"] = found_by
    return own
