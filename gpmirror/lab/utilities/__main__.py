"""`python -m gpmirror.lab.utilities NAME args...`: run one stand-in and exit as the native one."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

from gpmirror.errors import Failure
from gpmirror.lab.utilities.console import BadOption, Broken, Refused, Session, Stop, open_session

NAMES = ("gpaddmirrors", "gprecoverseg", "gpmovemirrors", "gpstate", "gpstop", "gp_primarymirror")
_USAGE = 64


def main(argv: list[str]) -> int:
    """The exit status of the stand-in that the first word names."""
    if not argv or argv[0] not in NAMES:
        sys.stderr.write(f"usage: python -m gpmirror.lab.utilities {'|'.join(NAMES)} ...\n")
        return _USAGE
    try:
        session = open_session(argv[0])
    except Failure as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        return 2
    return _run(session, argv[0], argv[1:])


def _run(session: Session, name: str, argv: list[str]) -> int:
    program: Callable[[Session, list[str]], int]
    program = import_module(f"gpmirror.lab.utilities.{name}").run
    from psycopg import Error

    console = session.console
    try:
        return program(session, argv)
    except Stop as stop:
        return stop.code
    except Refused as error:
        console.error(f"{name} error: {error}")
    except BadOption as error:
        console.error(f"{name}: error: {error}")
    except (Broken, OSError, Error, Failure) as error:
        console.critical(f"{name} failed. (Reason='{error}') exiting...")
    except KeyboardInterrupt:
        # threads wait for copies that go on without us, as natively
        sys.stdout.flush()
        os._exit(2)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
