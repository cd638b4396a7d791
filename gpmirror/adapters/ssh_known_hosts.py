"""Known-hosts files as OpenSSH reads them: which key a host must show, and which never.

Plain, hashed and pattern names, `[host]:port`, and the marks @revoked and @cert-authority. Each
file is read once, however many hosts are looked up.
"""

import base64
import binascii
import fnmatch
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLine:
    """One line: `names` as written, `mark` empty or `@revoked` or `@cert-authority`."""

    file: str
    number: int
    mark: str
    names: str
    kind: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    def holds(self, name: str) -> bool:
        """Whether the line speaks of this host name."""
        if self.names.startswith("|1|"):
            return _hashed(self.names, name)
        patterns = self.names.lower().split(",")
        if any(p.startswith("!") and _like(name, p[1:]) for p in patterns):
            return False
        return any(_like(name, pattern) for pattern in patterns)


class KnownFile:
    """One file; lines that are no keys are skipped, as OpenSSH does."""

    def __init__(self, path: str) -> None:
        self.path = path

    @cached_property
    def lines(self) -> tuple[KnownLine, ...]:
        """Every key line; none where the file cannot be read."""
        try:
            text = Path(self.path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        read = (_line(self.path, n, line) for n, line in enumerate(text.splitlines(), 1))
        return tuple(line for line in read if line)

    @cached_property
    def _by_name(self) -> dict[str, list[KnownLine]]:
        found: dict[str, list[KnownLine]] = {}
        for line in self.lines:
            for name in _plain_names(line):
                found.setdefault(name, []).append(line)
        return found

    @cached_property
    def _others(self) -> list[KnownLine]:
        return [line for line in self.lines if not _plain_names(line)]

    def about(self, name: str) -> list[KnownLine]:
        """The lines that speak of this host name, in the file's order."""
        found = self._by_name.get(name, []) + [each for each in self._others if each.holds(name)]
        return sorted(found, key=lambda line: line.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The key is the host's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No line has a key of this kind; `others` hold keys of other kinds, or authorities'."""

    others: tuple[KnownLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A line holds another key of the same kind."""

    line: KnownLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A line says never to trust this key."""

    line: KnownLine


Verdict = Known | Unknown | Changed | Revoked


class KnownHosts:
    """All known-hosts files of a run, each read once; safe to use from several threads."""

    def __init__(self) -> None:
        self._files: dict[str, KnownFile] = {}
        self._lock = Lock()

    def kinds(self, files: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
        """The kinds of key known for a host, so that the server is asked for one of them."""
        lines = self._about(files, names[:1]) or self._about(files, names[1:])
        return tuple(dict.fromkeys(line.kind for line in lines if not line.mark))

    def judge(self, files: Sequence[str], names: Sequence[str], kind: str, key: bytes) -> Verdict:
        """Judge the key a server showed. `names`: foremost first; the others may only confirm."""
        lines = self._about(files, names)
        for line in lines:
            if line.mark == "@revoked" and line.key == key:
                return Revoked(line=line)
        if any(not line.mark and line.key == key for line in lines):
            return Known()
        foremost = self._about(files, names[:1])
        for line in foremost:
            if not line.mark and line.kind == kind:
                return Changed(line=line)
        return Unknown(others=tuple(line for line in foremost if line.mark != "@revoked"))

    def _about(self, files: Sequence[str], names: Iterable[str]) -> list[KnownLine]:
        wanted = list(names)
        with self._lock:
            read = [self._files.setdefault(path, KnownFile(path)) for path in files]
            return [line for file in read for name in wanted for line in file.about(name)]


def _line(path: str, number: int, text: str) -> KnownLine | None:
    words = text.split()
    if not words or words[0].startswith("#"):
        return None
    mark = words.pop(0) if words[0].startswith("@") else ""
    if len(words) < 3:  # noqa: PLR2004
        return None
    try:
        key = base64.b64decode(words[2], validate=True)
    except (binascii.Error, ValueError):
        return None
    return KnownLine(file=path, number=number, mark=mark, names=words[0], kind=words[1], key=key)


def _plain_names(line: KnownLine) -> list[str]:
    """The names of a line that can be looked up; none for hashes and patterns."""
    if line.names.startswith("|") or any(letter in line.names for letter in "*?!"):
        return []
    return line.names.lower().split(",")


def _like(name: str, pattern: str) -> bool:
    # brackets are part of `[host]:port`, not a set of characters
    shape = re.sub(r"\[", "[[]", pattern)
    return fnmatch.fnmatchcase(name, shape)


def _hashed(names: str, name: str) -> bool:
    salt, digest = _salt_and_digest(names)
    return bool(digest) and hmac.digest(salt, name.encode(), "sha1") == digest


@lru_cache(maxsize=100_000)
def _salt_and_digest(names: str) -> tuple[bytes, bytes]:
    """The parts of a hashed name; empty where they cannot be read."""
    _, _, salt, digest = [*names.split("|"), "", "", ""][:4]
    try:
        return base64.b64decode(salt), base64.b64decode(digest)
    except (binascii.Error, ValueError):
        return b"", b""
