"""The entry point: settles the interpreter before anything heavy is imported."""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

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
    try:
        from gpmirror.cli.main import main

        status = main(sys.argv[1:])
    except KeyboardInterrupt:  # while the program was still being loaded
        status = 130
    gc.freeze()
    sys.exit(status)


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
