"""Ports as numbers with their arithmetic, so that an illegal one can explain itself."""

from dataclasses import dataclass

MAX_PORT = 65535
EPHEMERAL = range(32768, 61000)
"""The usual net.ipv4.ip_local_port_range of Linux; an outgoing connection may hold such a port."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A computed port: base + index + times x offset, or a given number (times 0, index 0)."""

    base: int
    index: int = 0
    times: int = 0
    offset: int = 0

    @property
    def value(self) -> int:
        """The port."""
        return self.base + self.index + self.times * self.offset

    @property
    def is_legal(self) -> bool:
        """Whether TCP knows it."""
        return 1 <= self.value <= MAX_PORT

    def arithmetic(self) -> str:
        """`40000 + 3 x 10000 = 70000`, leaving out what adds nothing."""
        if not self.index and not self.times:
            return str(self.value)
        parts = [str(self.base)]
        if self.index:
            parts.append(str(self.index))
        if self.times == 1:
            parts.append(str(self.offset))
        elif self.times:
            parts.append(f"{self.times} x {self.offset}")
        return f"{' + '.join(parts)} = {self.value}".replace("+ -", "- ")
