"""`gpmirror --version --json`: what a bug report and an inventory need."""

import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from gpmirror import __version__


def version_json() -> str:
    """The version, the Python that runs it, the libraries in use, and what servers it speaks to."""
    from gpmirror.model.dialect import DialectName

    return json.dumps(
        {
            "format_version": "1.0",
            "gpmirror": __version__,
            "python": {
                "version": platform.python_version(),
                "implementation": sys.implementation.name,
                "executable": sys.executable,
            },
            "system": {
                "machine": os.uname().machine,
                "kernel": os.uname().release,
                "libc": " ".join(platform.libc_ver()),
            },
            "libraries": _libraries(),
            "dialects": [name.value for name in DialectName],
        },
        indent=2,
    )


def _libraries() -> dict[str, str]:
    """The packages that gpmirror asks for, as they are installed."""
    found = {}
    for line in requires("gpmirror") or ():
        wanted, _, condition = line.partition(";")
        name = wanted.rstrip("0123456789.,<>=!~ ").partition("[")[0]
        if "extra" in condition:
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
