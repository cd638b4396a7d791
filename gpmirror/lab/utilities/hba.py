"""Letting mirrors in: replication lines in the primaries' pg_hba.conf, as the native tools add."""

import shlex
from collections.abc import Iterable, Sequence

from gpmirror.cluster.segment import Segment
from gpmirror.lab.utilities.failures import Broken
from gpmirror.lab.utilities.recovery import Crew, Recovery
from gpmirror.lab.utilities.remote import in_parallel


def allow_replication(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Add the lines once, reload, and say so. Raises Broken at a host that does not answer; lines
    already written stay.
    """
    crew.session.console.info("Starting to create new pg_hba.conf on primary segments")
    add_lines(crew, recoveries)
    said = "Successfully modified pg_hba.conf on primary segments to allow replication connections"
    crew.session.console.info(said)


def add_lines(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """The same without a word."""
    _ask_interfaces(crew, recoveries)
    by_host: dict[str, list[Recovery]] = {}
    for recovery in recoveries:
        by_host.setdefault(recovery.source.address, []).append(recovery)

    def one(address: str) -> int:
        script = "; ".join(_lines(crew, r) for r in by_host[address])
        return crew.remote.run(address, script).returncode

    for address, code in zip(by_host, in_parallel(one, list(by_host), crew.hosts), strict=True):
        if code:
            raise Broken(f"pg_hba.conf on {address} could not be changed: exit status {code}")


def _ask_interfaces(crew: Crew, recoveries: Iterable[Recovery]) -> None:
    addresses = list(dict.fromkeys(r.target.address for r in recoveries))
    command = 'echo "START_CMD_OUTPUT";/usr/local/greenplum-db/libexec/ifaddrs --no-loopback'

    def one(address: str) -> str:
        done = crew.remote.run(address, "true")
        return done.stderr.strip() if done.returncode else ""

    answers = in_parallel(one, addresses, crew.hosts)
    for address, complaint in zip(addresses, answers, strict=True):
        if complaint:
            crew.session.console.stderr(complaint)
            argv = ["ssh", "-n", address, command]
            raise Broken(f"Command '{argv}' returned non-zero exit status 255")


def _lines(crew: Crew, recovery: Recovery) -> str:
    lab, primary = crew.session.lab, recovery.source
    host = crew.remote.host(recovery.target.address)
    own = crew.remote.host(primary.address)
    wanted = [f"host replication {lab.user} samehost trust"]
    for ip in host.ips if host else ():
        wanted += [
            f"host all {lab.user} {ip}/32 trust",
            f"host replication {lab.user} {ip}/32 trust",
        ]
    wanted += [f"host replication {lab.user} {ip}/32 trust" for ip in (own.ips if own else ())]
    return _script(crew, primary, wanted)


def _script(crew: Crew, primary: Segment, wanted: Sequence[str]) -> str:
    directory = shlex.quote(primary.directory or "")
    file = f"{directory}/pg_hba.conf"
    adding = "; ".join(
        f"grep -qxF {shlex.quote(line)} {file} || echo {shlex.quote(line)} >> {file}"
        for line in wanted
    )
    control = shlex.quote(str(crew.session.lab.pg_bin / "pg_ctl"))
    return f"{adding}; {control} -D {directory} reload >/dev/null 2>&1"
