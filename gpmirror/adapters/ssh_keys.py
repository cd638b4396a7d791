"""The keys to log in with: each file is read once for the whole run, as RSA keys are slow to read.

A key that only an agent can use is taken from the agent, which is asked only where SSH_AUTH_SOCK
is set. Nobody is ever asked for a passphrase.
"""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko import Agent, ECDSAKey, Ed25519Key, PKey, RSAKey, SSHException

from gpmirror.adapters.ssh_target import Target


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

    def offers(self, target: Target, agent: Agent | None, offered: Offered) -> Iterator[PKey]:
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


def open_agent(target: Target) -> Agent | None:
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
