"""What programs that gpmirror starts here get to know: ssh, and whatever its configuration starts."""

import os


def ssh_environment() -> dict[str, str]:
    """The environment without libpq's variables: a ProxyCommand or `Match exec` has no use for the
    database's password, and may stand in a file that somebody else wrote.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
