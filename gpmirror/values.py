"""Frozen values at half the price: `dataclass` as the standard library's, for classes that are made
at every start.

A frozen dataclass takes a third of a millisecond to make on CPython 3.11 to 3.14, and a plan of four
mirrors needs a hundred and fifty of them: a quarter of its time, most of it for methods that only
refuse assignments and for texts that only a debugger reads. That no value is assigned to is proved
by the type checker, which sees the standard library's `dataclass` here; at run time the methods are
left out, which also makes an instance of ten fields in a third of the time.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, eq: bool = True, **options: bool) -> Callable:
        """As `dataclasses.dataclass`; of `frozen` it keeps that equal values have equal hashes."""

        def made(cls: type) -> type:
            made = dataclasses.dataclass(
                cls, repr=False, eq=eq, unsafe_hash=frozen and eq, **options
            )
            if made.__repr__ is object.__repr__:
                made.__repr__ = _repr
            return made

        return made

    def _repr(value: object) -> str:
        told = (one for one in dataclasses.fields(value) if one.repr)
        inside = ", ".join(f"{one.name}={getattr(value, one.name)!r}" for one in told)
        return f"{type(value).__qualname__}({inside})"
