"""PostgreSQL's programs as the segment's side runs them."""

import subprocess

from gpmirror.lab.layout import DATABASE, Lab


def sql(lab: Lab, where: tuple[str, int], statement: str) -> subprocess.CompletedProcess[str]:
    """A statement on a server, by IP and port."""
    ip, port = where
    words = ["-X", "-w", "-h", ip, "-p", str(port), "-U", lab.user, "-d", DATABASE]
    return program(lab, "psql", *words, "-Atc", statement)


def program(lab: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A server program; a started server must not hold a pipe of ours, so output is a file's."""
    argv = [str(lab.pg_bin / name), *words]
    if name == "pg_ctl":
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
