"""The programs in a practice host's own PATH, and the practice GPHOME.

All hosts share one machine, so what a program says of the machine is wrong for a host: `hostname`,
`getent` and `ssh` answer for the host instead.
"""

import shlex
from pathlib import Path

from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.programs import find_client

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
