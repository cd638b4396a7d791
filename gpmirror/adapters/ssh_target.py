"""How one host is reached: its target, the keys to log in with, the keys it must show."""

import base64
import binascii
import fnmatch
import hmac
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from functools import cached_property, lru_cache
from pathlib import Path
from shlex import quote
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import Agent, ECDSAKey, Ed25519Key, PKey, RSAKey, SSHException

from gpmirror.values import dataclass

# --- How one host is reached, once the SSH configuration has had its say.


@dataclass(frozen=True, slots=True, kw_only=True)
class SshTarget:
    """One end of an SSH connection. `alias` is the name asked for, `address` what is dialled.

    `identities` and `known_hosts` are paths, in the order they are tried. `jumps` are the hosts
    of ProxyJump from the first hop to the last, as written. `connect_seconds` bounds the TCP
    connection and, once more, the server's greeting. `family` is `any`, `inet` or `inet6`.
    `config` is the configuration file that the spec names.
    """

    alias: str
    address: str
    port: int
    user: str
    identities: tuple[str, ...] = ()
    identities_only: bool = False
    agent: bool = True
    known_hosts: tuple[str, ...] = ()
    key_alias: str | None = None
    jumps: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_seconds: float = 10.0
    family: str = "any"
    config: str | None = None

    def __str__(self) -> str:
        """What was tried, for messages: `sdw1 (gpadmin@10.0.0.1 port 22 through bastion)`."""
        via = f" through {', '.join(self.jumps)}" if self.jumps else ""
        via = " through its ProxyCommand" if self.proxy_command else via
        return f"{self.alias} ({self.user}@{self.address} port {self.port}{via})"

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names under which known-hosts files may hold its key, the foremost first."""
        if self.key_alias:
            return (self.key_alias.lower(),)
        plain = self.address.lower()
        return (plain,) if self.port == 22 else (f"[{plain}]:{self.port}", plain)  # noqa: PLR2004

    @property
    def command(self) -> str:
        """The plain SSH command that must work before gpmirror can."""
        if self.config is not None:
            return f"ssh -F {quote(self.config)} {self.alias}"
        return f"ssh {self.alias}" if self.port == 22 else f"ssh -p {self.port} {self.alias}"  # noqa: PLR2004


# --- The keys to log in with: each file is read once for the whole run, as RSA keys are slow to read.
#
# A key that only an agent can use is taken from the agent, which is asked only where SSH_AUTH_SOCK
# is set. Nobody is ever asked for a passphrase.


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedKey:
    """A key file: the key, or why there is none (`trouble`; empty: there is no such file)."""

    path: str
    key: PKey | None = None
    public: bytes | None = None
    trouble: str = ""


@dataclass(slots=True)
class Offered:
    """What was tried in one login, for the message when all is refused."""

    tried: list[str] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)


class KeyStore:
    """Private keys by path; safe to use from several threads."""

    def __init__(self) -> None:
        self._keys: dict[str, LoadedKey] = {}
        self._lock = Lock()

    def load(self, path: str) -> LoadedKey:
        """The key in a file; read on the first call."""
        with self._lock:
            if path not in self._keys:
                self._keys[path] = _read(path)
            return self._keys[path]

    def offers(self, target: SshTarget, agent: Agent | None, offered: Offered) -> Iterator[PKey]:
        """The keys for a host in the order they are tried: its files, then the agent's others.

        Every key yielded is noted as tried, every file that is of no use as unusable.
        """
        held = {key.asbytes(): key for key in agent.get_keys()} if agent else {}
        for path in target.identities:
            loaded = self.load(path)
            if key := loaded.key or held.get(loaded.public or b""):
                held.pop(key.asbytes(), None)
                offered.tried.append(path)
                yield key
            elif loaded.trouble:
                offered.unusable.append(f"{path} ({loaded.trouble})")
        for key in () if target.identities_only else held.values():
            offered.tried.append(f"the agent's {key.get_name()} key")
            yield key


def open_agent(target: SshTarget) -> Agent | None:
    """The caller's agent, or None. One for each login: its socket serves one thread at a time."""
    if not target.agent or not os.environ.get("SSH_AUTH_SOCK"):
        return None
    try:
        return Agent()
    except (OSError, SSHException):
        return None


def _read(path: str) -> LoadedKey:
    file = Path(path)
    try:
        if not file.exists():
            return LoadedKey(path=path)
        key = _parsed(file)
    except TypeError:  # how the library below says that a passphrase is missing
        return LoadedKey(
            path=path,
            public=_public_half(Path(f"{path}.pub")),
            trouble="encrypted, and no agent holds it",
        )
    except OSError as error:
        return LoadedKey(path=path, trouble=error.strerror or "cannot be read")
    except Exception as error:  # noqa: BLE001 - a key file may break its parsers in many ways
        return LoadedKey(path=path, trouble=f"not a usable private key: {type(error).__name__}")
    return LoadedKey(path=path, key=key, public=key.asbytes())


def _parsed(file: Path) -> PKey:
    """The key and, beside it, its certificate.

    Not `PKey.from_path`: it reads every key twice, which is slow for RSA, and cannot read some
    that have no comment.
    """
    data = file.read_bytes()
    modern = b"BEGIN OPENSSH PRIVATE KEY" in data
    parsed = (load_ssh_private_key if modern else load_pem_private_key)(data, None)
    match parsed:
        case RSAPrivateKey():
            key: PKey = RSAKey(key=parsed)
        case EllipticCurvePrivateKey():
            key = ECDSAKey(vals=(parsed, parsed.public_key()))
        case _:
            with file.open(encoding="ascii") as text:
                key = Ed25519Key.from_private_key(text)
    certificate = Path(f"{file}-cert.pub")
    if certificate.exists():
        key.load_certificate(str(certificate))
    return key


def _public_half(path: Path) -> bytes | None:
    try:
        return base64.b64decode(path.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None


# --- Known-hosts files as OpenSSH reads them: which key a host must show, and which never.
#
# Plain, hashed and pattern names, `[host]:port`, and the marks @revoked and @cert-authority. Each
# file is read once, however many hosts are looked up.


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
            salt, digest = _salt_and_digest(self.names)
            return bool(digest) and hmac.digest(salt, name.encode(), "sha1") == digest
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


@lru_cache(maxsize=100_000)
def _salt_and_digest(names: str) -> tuple[bytes, bytes]:
    """The parts of a hashed name; empty where they cannot be read."""
    _, _, salt, digest = [*names.split("|"), "", "", ""][:4]
    try:
        return base64.b64decode(salt), base64.b64decode(digest)
    except (binascii.Error, ValueError):
        return b"", b""
