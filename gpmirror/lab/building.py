"""Building a practice cluster from nothing: keys, servers, catalog, programs, prober, its spec."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import sql

from gpmirror.errors import Failure
from gpmirror.lab import servers, ssh
from gpmirror.lab.account import environment
from gpmirror.lab.layout import DATABASE, MIRROR_OFFSET, Lab, LabHost, place_hosts, write_lab
from gpmirror.lab.processes import end, free_memory, lab_processes
from gpmirror.lab.programs import find_client
from gpmirror.lab.releases import RELEASES, Release
from gpmirror.model.dialect import DialectName
from gpmirror.model.segment import COORDINATOR_CONTENT
from gpmirror.values import dataclass

# --- The practice catalog: the tables and functions of a coordinator, and the first rows in them.


SEARCH_PATH = 'gp, pg_catalog, "$user", public'
"""Goes into the coordinator's settings, for every session of every user."""

_PARTS = {
    DialectName.GP5: ("gp5",),
    DialectName.GP6: ("gp6",),
    DialectName.GP7: ("gp6", "gp7"),
    DialectName.GREENGAGE6: ("gp6",),
}
_SQL = Path(__file__).parent / "sql"
_SYSTEM_FILESPACE = 3052
_ROW = """INSERT INTO gp.gp_segment_configuration
 (dbid, content, role, preferred_role, mode, status, port, hostname, address{column})
 VALUES (%s, %s, 'p', 'p', %s, 'u', %s, %s, %s{value})"""
_VERSION = """CREATE FUNCTION gp.version() RETURNS text LANGUAGE sql STABLE AS {}"""
_AT_INITDB = "INSERT INTO gp.gp_version_at_initdb VALUES (1, %s)"
_ENTRY = "INSERT INTO gp.pg_filespace_entry VALUES (%s, %s, %s)"


def write_schema(lab: Lab) -> None:
    """Make the catalog of a cluster without mirrors. Raises psycopg.Error."""
    with psycopg.connect(**lab.conninfo(connect_timeout=10)) as connection:  # type: ignore[arg-type]
        for name in ("common", *_PARTS[lab.dialect]):
            text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(text.encode())
        said = sql.Literal(f"SELECT {sql.Literal(lab.release.server_version).as_string()}::text")
        connection.execute(sql.SQL(_VERSION).format(said))
        connection.execute(_AT_INITDB, (f"{lab.release.number} {lab.release.build}",))
        fill(lab, connection)


def fill(lab: Lab, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Replace every row of the segments' table by the first ones: primaries without mirrors."""
    old = lab.release.old
    connection.execute("DELETE FROM gp.gp_segment_configuration")
    connection.execute("DELETE FROM gp.lab_never_started")
    if old:
        connection.execute("DELETE FROM gp.pg_filespace_entry")
    for dbid, (content, host, address, port, data) in enumerate(_servers(lab), start=1):
        mode = "s" if old else "n"
        row = (dbid, content, mode, port, host.name, address)
        if old:
            connection.execute(_ROW.format(column="", value="").encode(), row)
            connection.execute(_ENTRY, (_SYSTEM_FILESPACE, dbid, str(data)))
        else:
            text = _ROW.format(column=", datadir", value=", %s")
            connection.execute(text.encode(), (*row, str(data)))


def primaries(lab: Lab) -> list[tuple[int, LabHost, str, int, Path]]:
    """Content, host, address name, port and directory of every primary, in content order."""
    found: list[tuple[int, LabHost, str, int, Path]] = []
    for host in lab.hosts:
        for own in range(host.primaries):
            content = len(found)
            address = host.addresses[own % len(host.addresses)][0]
            data = host.data / "primary" / f"gpseg{content}"
            found.append((content, host, address, lab.primary_port + own, data))
    return found


def _servers(lab: Lab) -> list[tuple[int, LabHost, str, int, Path]]:
    own = lab.coordinator
    first = (COORDINATOR_CONTENT, own, own.name, lab.coordinator_port, lab.coordinator_data)
    return [first, *primaries(lab)]


# --- The programs in a practice host's own PATH, and the practice GPHOME.
#
# All hosts share one machine, so what a program says of the machine is wrong for a host: `hostname`,
# `getent` and `ssh` answer for the host instead.


UTILITIES = (
    "gpaddmirrors",
    "gprecoverseg",
    "gpmovemirrors",
    "gpstate",
    "gpstop",
    "gp_primarymirror",
)
_POSTGRES = ("postgres", "psql", "pg_ctl", "pg_basebackup", "pg_controldata", "pg_isready")

_SESSION = """\
#!/bin/sh
# Every session starts here: in the host's own home, whatever the account's real one is.
cd "$HOME" || exit 1
command=$SSH_ORIGINAL_COMMAND
unset SSH_ORIGINAL_COMMAND
[ -z "$command" ] || exec "${{SHELL:-/bin/sh}}" -c "$command"
. "$GPHOME/{path_file}"
exec /bin/bash --noprofile --rcfile "$HOME/.bashrc" -i
"""

_HOSTNAME = """\
#!/bin/sh
case "$1" in
  -i|-I|--ip-address|--all-ip-addresses) echo {ips} ;;
  *) echo {name} ;;
esac
"""

# The user's own settings come first, as everywhere; the lab's stand in for the system's.
_CLIENT = """\
#!/bin/sh
own=$HOME/.ssh/config
[ -r "$own" ] || exec {client} -F {config} "$@"
both=$(mktemp) && trap 'rm -f "$both"' EXIT && cat "$own" {config} >"$both" || exit 255
{client} -F "$both" "$@"
"""

# /etc/hosts is the machine's; the lab's names stand in a file of their own.
_GETENT = """\
#!/bin/sh
case "$1" in hosts|ahosts|ahostsv4) ;; *) exec /usr/bin/getent "$@" ;; esac
database=$1
shift
[ $# -gt 0 ] || exec cat {table}
status=0
for key in "$@"; do
  found=$(awk -v key="$key" -v database="$database" '
    {{ for (i = 1; i <= NF; i++) if ($i == key) {{
        if (database == "hosts") print
        else {{
          printf "%-15s STREAM %s\\n", $1, $2
          printf "%-15s DGRAM  \\n", $1
          printf "%-15s RAW    \\n", $1
        }}
        exit }} }}' {table})
  if [ -n "$found" ]; then
    printf '%s\\n' "$found"
  else
    /usr/bin/getent "$database" "$key" || status=$?
  fi
done
exit $status
"""

# As the real file: its Python 2.7 settings break the children of a Python 3 that sources it.
_PATH_FILE = """\
GPHOME={gphome}
PYTHONHOME="$GPHOME/ext/python"
PYTHONPATH="$GPHOME/lib/python"
PATH="$GPHOME/bin:$PYTHONHOME/bin:$PATH"
LD_LIBRARY_PATH="$GPHOME/lib:$PYTHONHOME/lib${{LD_LIBRARY_PATH+:$LD_LIBRARY_PATH}}"
export GPHOME PYTHONHOME PYTHONPATH PATH LD_LIBRARY_PATH
"""


def write_host_programs(lab: Lab, host: LabHost) -> None:
    """Write a host's session start, `hostname`, `getent`, `ssh` and `scp`, and its `.bashrc`."""
    host.bin.mkdir(parents=True, exist_ok=True)
    table = shlex.quote(str(hosts_table(lab)))
    _program(host.bin / "session", _SESSION.format(path_file=lab.release.path_file))
    _program(host.bin / "hostname", _HOSTNAME.format(ips=shlex.join(host.ips), name=host.name))
    _program(host.bin / "getent", _GETENT.format(table=table))
    for name in ("ssh", "scp"):
        client, config = shlex.quote(str(find_client(name))), shlex.quote(str(lab.ssh_config))
        _program(host.bin / name, _CLIENT.format(client=client, config=config))
    prompt = f"PS1='[{lab.user}@{host.name} \\W]$ '\n"
    (host.home / ".bashrc").write_text(prompt, encoding="utf-8")


def write_hosts_table(lab: Lab) -> None:
    """Write every name of the lab by its IP, in the form of /etc/hosts."""
    lines = []
    for host in lab.everywhere:
        for name, ip in host.addresses:
            names = dict.fromkeys((name, host.name) if ip == host.ip else (name,))
            lines.append(f"{ip:<15} {' '.join(names)}\n")
    hosts_table(lab).write_text("".join(lines), encoding="utf-8")


def hosts_table(lab: Lab) -> Path:
    """The file that `getent` on the hosts reads."""
    return lab.state / "hosts.txt"


def write_gphome(lab: Lab) -> None:
    """Write GPHOME: the file that sets the environment, the stand-ins, and PostgreSQL's programs; a host whose
    servers are all down is asked for its software there.
    """
    programs = lab.gphome / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    text = _PATH_FILE.format(gphome=shlex.quote(str(lab.gphome)))
    (lab.gphome / lab.release.path_file).write_text(text, encoding="utf-8")
    own = shlex.join([f"PYTHONPATH={lab.python_path}", str(lab.python)])
    for name in UTILITIES:
        run = f"exec env -u PYTHONHOME -u LD_LIBRARY_PATH {own} -m gpmirror.lab.utilities {name}"
        _program(programs / name, f'#!/bin/sh\n{run} "$@"\n')
    for name in _POSTGRES:
        if (lab.pg_bin / name).exists():
            (programs / name).symlink_to(lab.pg_bin / name)


def _program(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


# --- Building a practice cluster from nothing: keys, servers, catalog, prober.


_USER = "gpadmin"
_AT_ONCE = max(4, 2 * (os.cpu_count() or 1))
_PROBE_SECONDS = 60.0
Item = TypeVar("Item")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a lab is to be: segment hosts, primaries and interfaces on each, the release. `uneven`:
    every second host holds one primary more. `spares` hosts hold none.
    """

    hosts: int = 4
    primaries: int = 2
    interfaces: int = 1
    uneven: bool = False
    spares: int = 0
    release: Release = RELEASES["6.24.3"]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many primaries each host holds, the spare ones last."""
        own = (self.primaries + (self.uneven and n % 2) for n in range(self.hosts))
        return (*own, *(0 for _ in range(self.spares)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What it is built with: programs, the interpreter and PYTHONPATH, the account's name."""

    pg_bin: Path
    python: Path
    python_path: str
    account: str


def shape_of(lab: Lab) -> Shape:
    """What an existing lab is."""
    return Shape(
        hosts=len(lab.hosts),
        primaries=lab.hosts[0].primaries,
        interfaces=len(lab.hosts[0].addresses),
        uneven=len({host.primaries for host in lab.hosts}) > 1,
        spares=len(lab.spares),
        release=lab.release,
    )


def build(state: Path, shape: Shape, means: Means, say: Say) -> Lab:
    """Build and start a lab in its empty folder. Raises Failure."""
    lab = _laid_out(state, shape, means)
    write_lab(lab)
    _folders(lab)
    say(f"Making {len(lab.everywhere)} hosts in {state}")
    with ThreadPoolExecutor(max_workers=2) as pool:
        keys = pool.submit(_hosts, lab)
        template = pool.submit(servers.make_template, lab)
        template.result()
        keys.result()
    count = sum(host.primaries for host in lab.hosts)
    say(f"Starting {count} primaries and the coordinator, one SSH server on each host")
    _start_all(lab)
    say("Writing the catalog and starting the prober")
    _bring_to_life(lab)
    return lab


def rebuild(lab: Lab) -> None:
    """Every server of an existing lab anew, without mirrors, as `build` left them; addresses,
    ports, keys and SSH servers stay. Raises Failure.
    """
    kept = {pid for pid in map(ssh.sshd_process, lab.everywhere) if pid is not None}
    end(lambda: lab_processes(lab.state) - kept)
    free_memory(lab.state)
    for host in lab.everywhere:
        for folder in (host.data, host.disk_aside, host.sock, host.log, host.home):
            servers.remove(folder)
    (lab.state / "faults.json").unlink(missing_ok=True)
    _folders(lab)
    for host in lab.everywhere:
        write_host_programs(lab, host)
        if ssh.sshd_process(host) is None:
            ssh.start_sshd(lab, host)
    _start_all(lab)
    _bring_to_life(lab)


def _bring_to_life(lab: Lab) -> None:
    write_schema(lab)
    start_prober(lab)
    _await_probe(lab)


def start_prober(lab: Lab) -> None:
    """Start the prober in a session of its own."""
    with (lab.state / "prober.log").open("ab") as log:
        prober = subprocess.Popen(
            [str(lab.python), "-m", "gpmirror.lab.prober", str(lab.state)],
            cwd="/",
            env=environment(lab.python_path, lab.state),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (lab.state / "prober.pid").write_text(f"{prober.pid}\n", encoding="ascii")
    prober.returncode = 0  # it outlives us: nobody here waits for it


def in_parallel(work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Work on all items, several at once. Raises what the first failed one raised."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        for done in [pool.submit(work, item) for item in items]:
            done.result()


def _laid_out(state: Path, shape: Shape, means: Means) -> Lab:
    (coordinator, *hosts), ports = place_hosts(
        state, interfaces=shape.interfaces, primaries=shape.counts
    )
    return Lab(
        release=shape.release,
        state=state,
        gphome=state / "gphome",
        pg_bin=means.pg_bin,
        coordinator=coordinator,
        hosts=tuple(hosts[: shape.hosts]),
        spares=tuple(hosts[shape.hosts :]),
        coordinator_port=ports.coordinator,
        user=_USER,
        account=means.account,
        primary_port=ports.primary,
        python=means.python,
        python_path=means.python_path,
    )


def _folders(lab: Lab) -> None:
    for host in lab.everywhere:
        for folder in (host.home, host.bin, host.sock, host.log):
            folder.mkdir(parents=True, exist_ok=True)
    for host in (*lab.hosts, *lab.spares):
        for role in ("primary", "mirror"):
            (host.data / role).mkdir(parents=True, mode=0o700)


def _hosts(lab: Lab) -> None:
    write_gphome(lab)
    write_hosts_table(lab)
    ssh.write_keys(lab)
    for host in lab.everywhere:
        write_host_programs(lab, host)
        ssh.write_server(lab, host)
        ssh.start_sshd(lab, host)


def _start_all(lab: Lab) -> None:
    made = [(host, data, port) for _, host, _, port, data in primaries(lab)]
    made.insert(0, (lab.coordinator, lab.coordinator_data, lab.coordinator_port))

    def start(numbered: tuple[int, tuple[LabHost, Path, int]]) -> None:
        number, (host, data, port) = numbered
        servers.make_server(lab, host, data, port, number=number)
        if host is lab.coordinator:
            servers.write_instance(host, data, port, f"search_path = '{SEARCH_PATH}'")
        servers.start(lab, host, data)

    in_parallel(start, enumerate(made, start=1))
    for host, data, _ in made:
        servers.wait_ready(host, data)
    for host in lab.everywhere:
        ssh.wait_sshd(host)


def _await_probe(lab: Lab) -> None:
    """Wait for the first probe: from then on the catalog is kept true."""
    deadline = time.monotonic() + _PROBE_SECONDS
    with psycopg.connect(**lab.conninfo(connect_timeout=10), autocommit=True) as server:  # type: ignore[arg-type]
        while True:
            row = server.execute("SELECT is_called FROM gp.lab_probe_done").fetchone()
            if row and row[0]:
                return
            if time.monotonic() > deadline:
                raise Failure(
                    "the prober of the practice cluster does not begin",
                    hint=f"read {lab.state / 'prober.log'}, then `gpmirror lab down`",
                )
            time.sleep(0.03)


# --- The spec that `gpmirror lab up` writes: the practice cluster's hosts, ready to be mirrored.


_TEXT = """\
# A practice cluster on this machine: PostgreSQL behind Greenplum's catalog tables, not Greenplum.
# `gpmirror plan` shows what is missing, `gpmirror apply` makes it, `gpmirror lab down` removes all.
apiVersion: gpmirror/v1

cluster:
  name: practice
  dialect: {dialect}
  coordinator: {{host: {ip}, port: {port}, database: {database}, user: {user}}}

ssh: {{config: {ssh_config}}}

hosts:
  - name: {names}
{addresses}    roots: [{root}]

mirrors:
  strategy: group
  ports: {{offset: {offset}}}
{same_host}"""


def spec_text(lab: Lab) -> str:
    """A spec that mirrors the whole practice cluster, host by host on the next one."""
    count = len(lab.hosts)
    interfaces = len(lab.hosts[0].addresses)
    addresses = ", ".join(f'"{{host}}-{n}"' for n in range(1, interfaces + 1))
    return _TEXT.format(
        dialect=lab.dialect.value,
        ip=lab.coordinator.ip,
        port=lab.coordinator_port,
        database=DATABASE,
        user=lab.user,
        ssh_config=json.dumps(str(lab.ssh_config)),
        names=f"sdw[1-{count}]" if count > 1 else "sdw1",
        addresses=f"    addresses: [{addresses}]\n" if interfaces > 1 else "",
        root=json.dumps(f"{lab.state}/hosts/{{host}}/data/mirror"),
        offset=MIRROR_OFFSET,
        same_host="" if count > 1 else "  allow_same_host: true\n",
    )
