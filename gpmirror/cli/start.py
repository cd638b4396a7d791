"""The entry point: settles the interpreter before anything heavy is imported."""

import gc
import os
import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the program on this process's arguments and exit."""
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
