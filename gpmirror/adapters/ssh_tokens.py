"""The %-tokens of SSH configuration values: `ssh -G` prints them as written."""

import os
import pwd
import re
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the tokens of one host stand for."""

    name: str
    address: str
    port: int
    user: str
    key_alias: str = ""

    def value(self, letter: str) -> str | None:
        """The text behind a token's letter; None: not one of ours."""
        here = socket.gethostname()
        known = {
            "%": "%",
            "h": self.address,
            "n": self.name,
            "p": str(self.port),
            "r": self.user,
            "k": self.key_alias or self.name,
            "d": str(Path.home()),
            "i": str(os.getuid()),
            "u": pwd.getpwuid(os.getuid()).pw_name,
            "l": here,
            "L": here.partition(".")[0],
        }
        return known.get(letter)


def expand(text: str, tokens: Tokens) -> str:
    """Replace the tokens of a value; an unknown one stays as it is."""
    if "%" not in text:
        return text
    return re.sub(r"%(.)", lambda found: tokens.value(found[1]) or found[0], text)
