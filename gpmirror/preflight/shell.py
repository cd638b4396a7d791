"""The shell text that looks around on a host: POSIX sh, read-only, few processes, raw facts.

Every line is a key and its values; text of unknown content is written as `t` and itself where it
is harmless, else as `x` and its bytes in hexadecimal. All judgement is left to the reader. The text
runs with dash, bash and busybox; what a host lacks is left out of the answer.
"""

from gpmirror.native.process import TRUSTED

VERSION = "gpmirror-facts 1"
END = "gpmirror-facts end"

PRELUDE = rf"""
LC_ALL=C; export LC_ALL; unset CDPATH; IFS='{" "}{chr(9)}
'; I=$IFS
cd / || exit 1
j() {{ IFS=; e=x$*; IFS=$I; }}
w() {{
  case $1 in
    '') e=x ;;
    *[!-A-Za-z0-9_./:@%+,=~]*) j $(printf %s "$1" | od -A n -v -t x1 2>/dev/null) ;;
    *) e=t$1 ;;
  esac
}}
{TRUSTED}T=; L=; if command -v timeout >/dev/null 2>&1; then T='timeout 10'; L='timeout 20'; fi
echo '{VERSION}'
"""

HOST = r"""
w "$(hostname 2>/dev/null)"; echo "hostname $e"
m=${GPMIRROR_MACHINE_ID:-}
[ -n "$m" ] || { [ -r /etc/machine-id ] && read -r m </etc/machine-id; }
w "$m"; echo "machine $e"
u=$(id 2>/dev/null); u=${u#uid=}; n=${u%%" "*}
case $n in *"("*) n=${n#*"("}; n=${n%")"} ;; *) n= ;; esac
w "$n"
echo "login ${u%%[!0-9]*} $e"
echo "clock $(date +%s 2>/dev/null)"
r=0; n=$(SSH_CLIENT=${SSH_CLIENT:-127.0.0.1 9 22} SHLVL=0 $T "${SHELL:-/bin/sh}" -c : </dev/null 2>/dev/null) || r=$?
w "${n%%
*}"; echo "shell $r $e"
f=/proc/sys/net/ipv4/ip_local_port_range
[ -r $f ] && set -- $(cat $f) && echo "range $1 $2"
f=/proc/sys/net/ipv4/ip_local_reserved_ports
[ -r $f ] && { w "$(cat $f)"; echo "reserved $e"; }
"""
"""Who the host is, whom we log in as, whether its shell is quiet, its port settings. These with
`cat`: /proc/sys has nothing after the first byte for who reads byte by byte, as dash does.
"""

SOCKETS = r"""
set --
for f in /proc/net/tcp /proc/net/tcp6; do [ -r $f ] && set -- "$@" $f; done
[ $# -gt 0 ] && awk -v "P= $P " 'FNR > 1 { s = $4 == "0A" ? "L" : "C"; n = split($2, a, ":")
  if ($4 != "06" && index(P, " " a[n] " ")) print "socket", s, $2 }' "$@" 2>/dev/null && echo "sockets $#"
"""
"""Local endpoints on the ports `$P` (upper-case hexadecimal, four digits), but for those that only
wait for stray packets (06, TIME_WAIT), which keep nobody from listening."""

PARENT = r"""
p=$d
while [ -n "$p" ] && [ ! -e "$p" ] && [ ! -h "$p" ]; do p=${p%/*}; done
[ -n "$p" ] || p=/
k=-; [ -d "$p" ] && k=${k}d; [ -h "$p" ] && k=${k}h; [ -w "$p" ] && k=${k}w; [ -x "$p" ] && k=${k}x
[ -e "$p" ] && { k=${k}e; set -- "$@" "$p"; }
w "$p"; a=$e; e=x; q=; if cd -P "$p" 2>/dev/null; then q=$PWD; w "$q"; fi; cd /
c=$e; while [ -n "$q" ] && [ ! -e "$q/PG_VERSION" ]; do q=${q%/*}; done
w "$q"; echo "parent $k $a $c $e"
"""
"""The nearest existing ancestor of `$d` (itself included), and the data directory that it lies in."""

PLACE = r"""
k=-; n=0; a=
[ -h "$d" ] && k=${k}h
if [ -e "$d" ]; then
  k=${k}e; set -- "$@" "$d"
  [ -d "$d" ] && k=${k}d; [ -r "$d" ] && [ -x "$d" ] && k=${k}r
  [ -e "$d/backup_label" ] && k=${k}b
  if [ -e "$d/recovery.conf" ] || [ -e "$d/standby.signal" ]; then k=${k}s; fi
  q=; [ -r "$d/postmaster.pid" ] && read -r q <"$d/postmaster.pid"
  case $q in ''|*[!0-9]*) ;; *) [ "/proc/$q/cwd" -ef "$d" ] && k=${k}p ;; esac
  for f in "$d"/* "$d"/.[!.]* "$d"/..?*; do
    [ -e "$f" ] || [ -h "$f" ] || continue
    n=$((n+1)); [ $n -le 3 ] && { w "${f##*/}"; a="$a $e"; }
  done
fi
echo "place $k $n$a"
"""
"""What stands at `$d`."""

SERVER = r"""
k=-; q=0
if [ -d "$d" ]; then
  k=${k}e; set -- "$@" "$d"; [ -e "$d/backup_label" ] && k=${k}b
  [ -r "$d/postmaster.pid" ] && read -r q <"$d/postmaster.pid"
  case $q in ''|*[!0-9]*) q=0 ;; esac
  [ -d "/proc/$q" ] || q=0
  if [ "$q" -gt 0 ] && [ -z "$x" ] && [ "/proc/$q/cwd" -ef "$d" ]; then
    x=$(readlink "/proc/$q/exe" 2>/dev/null)
    case ${x##*/} in postgres*|postmaster*) ;; *) x= ;; esac
    b=${x%/*}
    [ -z "$x" ] || trusted "$d" "$q" "$b/postgres" "$b" "$b/postgres" || x=
  fi
fi
echo "server $k $q"
for t in "$d"/pg_tblspc/*; do
  [ -h "$t" ] && [ -d "$t" ] && { w "$(readlink "$t" 2>/dev/null)"; echo "tablespace $i $e ${t##*/}"; }
done
i=$((i+1))
"""
"""A running server's directory `$d`; leaves its program in `$x`. The number in postmaster.pid is a
file's word: it counts where that process works in `$d`, as servers do (4.3 to 7), and its program is run
only where it is `trusted`, with its folder."""

STATUS = r"""
if [ $# -gt 0 ]; then
  stat -L -c 'stat %u %f %d %U' "$@" 2>/dev/null
  stat -L -f -c 'room %S %b %f %a %c %d' "$@" 2>/dev/null
fi
"""
"""One line each for every path collected so far."""

CONTROL = r"""
k=-; [ -r "$d/global/pg_control" ] && { k=c; set -- "$@" "$d/global/pg_control"; }
echo "control $k"
"""
"""Notes whether `$d` has a pg_control that can be read."""

CONTROL_HEADS = r"""
[ $# -gt 0 ] && head -q -c 16 "$@" 2>/dev/null | od -A n -v -t x1 2>/dev/null
"""
"""The first 16 bytes of each pg_control: one line of hexadecimal bytes each."""

SOFTWARE = r"""
b=; x=${x%" (deleted)"}; [ -n "$x" ] && b=${x%/*}
for g in "${GPHOME:-}" /usr/local/greenplum-db /usr/local/cloudberry-db /usr/local/cbdb \
  /usr/local/greengage-db /usr/local/gpdb /opt/greenplum; do
  [ -n "$b" ] && break
  [ -n "$g" ] && [ -x "$g/bin/postgres" ] && b=$g/bin
done
if [ -z "$b" ]; then
  g=$([ -r "${GPHOME:-}/greenplum_path.sh" ] && . "$GPHOME/greenplum_path.sh" </dev/null >/dev/null 2>&1
    command -v postgres)
  case $g in /*) b=${g%/*} ;; esac
fi
w "$b"; echo "software $e"
if [ -n "$b" ]; then
  LD_LIBRARY_PATH=${b%/bin}/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}; export LD_LIBRARY_PATH
  o=--version; for f in "${b%/bin}"/*.sh; do [ -e "$f" ] && o=--gp-version; done
  v=$("$b/postgres" $o 2>/dev/null </dev/null) || v=$("$b/postgres" --version 2>/dev/null </dev/null)
  w "$v"; echo "version $e"
  if [ -n "$s" ] && [ -x "$b/pg_controldata" ]; then
    v=$("$b/pg_controldata" "$s" 2>/dev/null | grep -i 'checksum version'); w "${v##*[!0-9]}"
    echo "checksums $e"
  fi
fi
"""
"""The software of a server that runs, else where it is usually found; data checksums of `$s`."""

NAMES_MISSING = r"""
if ! command -v getent >/dev/null 2>&1; then echo "names missing"; else
"""

NAMES_BATCH = r"""
c=0; g=$($T getent ahosts {batch} 2>/dev/null) || c=$?
echo "names begin"
case $g in
  *"{last} "*) printf '%s\n' "$g" ;;
  *) [ $c -eq 124 ] || {{
    r() {{ $L getent ahosts "$1" 2>/dev/null; [ $? -eq 124 ] && exit 0; echo "$2 "; }}
    ({calls}) ;}} ;;
esac
echo "names end"
fi
"""
"""All names in one process, each followed by an address that cannot be (0.0.x.y) as a mark; name by
name where a host's getent takes one only."""

RELATED = r"""
n() {
  g=$($T getent ahosts "$1" 2>/dev/null); [ $? -ne 124 ] || return 0
  r=${g%%[!0-9A-Fa-f.:]*}; k=-
  [ -n "$r" ] && $T getent hosts "$r" >/dev/null 2>&1 && k=y
  w "$1"; echo "resolves $e ${r:--} $k"
}
if command -v getent >/dev/null 2>&1; then
"""
"""What names are to Python's gethostbyaddr, by which gprecoverseg relates a hostname to an address
(7.0.0 and Greengage 6.27.1, source): the first address alone, and only where a name leads back from
it. Several addresses of a name do not help (7.0.0, recorded)."""

PROCESSES = r"""
n=0
for f in $(grep -l -a -E '{pattern}' /proc/[0-9]*/cmdline 2>/dev/null); do
  q=${{f#/proc/}}; q=${{q%/cmdline}}; [ "$q" != $$ ] && [ -r "/proc/$q/environ" ] || continue
  n=$((n+1)); [ $n -le 40 ] || break
  a=$(tr '\0' '\n' 2>/dev/null <"/proc/$q/environ"); t=$a
  p=$(printf '%s\n' "$a" | sed -n 's/^PGPORT=\([0-9][0-9]*\)$/\1/p' | head -n 1)
  a=$(tr '\0' '\n' 2>/dev/null <"$f" | sed -n -e '/^-d$/{{n;/^\//p;}}' -e 's/^-d\(\/.*\)/\1/p')
  [ -n "$a" ] || a=$(printf '%s\n' "$t" | sed -n -E 's/^(MASTER|COORDINATOR)_DATA_DIRECTORY=//p')
  r=; [ "/proc/$q/ns/mnt" -ef /proc/self/ns/mnt ] || {{ [ -d "/proc/$q/root/" ] && r=/proc/$q/root; }}
  k=-; IFS='
'; for t in $a; do [ "$r$t" -ef "$c" ] && k=ours; [ $k = ours ] || k=other; done; IFS=$I
  j $(od -A n -v -t x1 -N 8192 "$f" 2>/dev/null)
  echo "process $q $e $k ${{p:--}}"
done
[ -r /proc/self/cmdline ] && echo "processes $n"
"""
"""Processes whose command line passes the first sieve. Those of other accounts are none of ours:
the utilities run as the owner of the cluster; they may belong to a container on the same machine,
whose paths are not this one's. `ours`: the coordinator's directory that a utility was given (-d, else
its environment) is `$c`, whatever name leads there; with it the port of its environment.
The command line is read last: a process that ended meanwhile has none and is left out, where it
would else seem to say nothing of its cluster."""

LOCKS = r"""
k=no; [ -d "$c" ] && [ -x "$c" ] && k=yes
w "$c"; echo "coordinator $k $e"
b=$(grep -s '^btime ' /proc/stat); b=${b#btime }; z=$(getconf CLK_TCK 2>/dev/null) || z=100
for f in "$c"/gp*.lock "$c"/gprecoverseg.pid "$c"/gpmovemirrors.pid \
  "$c"/gp[e]xpand*status* "$c"/gp[s]hrink.status "$c"/gp[s]hrink.pid; do
  [ -e "$f" ] || [ -h "$f" ] || continue
  p=$f; [ -d "$f" ] && p=$f/PID
  q=; [ -f "$p" ] && [ -r "$p" ] && read -r q <"$p"
  case $q in ''|*[!0-9]*) q=- ;; esac
  k=gone; t=-
  if [ "$q" != - ] && [ -d "/proc/$q" ]; then
    k=alive; t=; [ -r "/proc/$q/stat" ] && read -r t <"/proc/$q/stat"
    set -- ${t##*")"}; t=-
    [ $# -ge 20 ] && [ -n "$b" ] && t=$((b + ${20} / z))
  fi
  m=$(stat -c %Y "$p" 2>/dev/null) || m=-
  w "$f"; echo "lock $q $k $e $m $t"
done
f=${HOME:-/nonexistent}/gpAdminLogs/recovery_progress.file
[ -e "$f" ] && { w "$f"; echo "leftover $e"; }
"""
"""Locks and status files in the coordinator's directory `$c`, live or stale: a directory with a file
PID from 6 on, a file with the number before. With them when the number was written, and when what
runs under it was started (field 22 of its stat, in ticks since the machine was)."""

LOCKS_REMOVED = r"""
u() {
  printf '%s\n' "$o" | grep -qxF -e "$2" || { echo "stays $1"; return; }
  if [ -d "$3" ] && [ ! -h "$3" ]; then rm -f -- "$3/PID" && rmdir -- "$3" 2>/dev/null
  else rm -f -- "$3"; fi && echo "removed $1"
}
"""
"""Removes the lock `$3` if the lines about all locks (`$o`) still hold `$2`, whole."""

UTILITIES = r"""
a() {
  u=$1; shift
  s=$("$u" "$@" --help </dev/null 2>&1 >/dev/null); r=$?
  echo "utility $u $r x$(printf %s "$s" | tail -n 1 | head -c 300 | od -A n -v -t x1 | tr -d ' \n')" \
    $("$u" --help </dev/null 2>/dev/null | grep -oE -e '--?[A-Za-z][-A-Za-z_]*' | sort -u)
}
"""
"""For bash, in the environment of the utilities: does a utility's own parser take these options?
With `--help` behind them it reads them, then prints its help and ends (optparse, 4.3 to 7): it
names an option that it does not know, and never comes to work. Its help text tells what it offers.
"""

SIZES = r"""
m() {{ k=$1; q=$2; shift 2; [ $# -gt 0 ] || return 0
  echo "$k begin"; $q du -s -k "$@" 2>/dev/null; c=$?; echo "$k end"; [ $c -ne 124 ] || echo "$k-cut"; }}
set -- {copied}; n=$#
for d in "$@"; do for f in pg_xlog pg_wal; do
  [ -d "$d/$f" ] && set -- "$@" "$d/$f/"; done; done
shift $n; m logs "$T" "$@"
if [ -n "$L" ]; then
  set -- {copied}; n=$#
  for d in "$@"; do for f in pg_log log backups db_dumps db_analyze promote gpperfmon; do
    [ -d "$d/$f" ] && [ ! -h "$d/$f" ] && set -- "$@" "$d/$f/"; done; done
  shift $n; m spared "$T" "$@"
  set -- {copied}; n=$#
  for d in "$@"; do for f in "$d/pg_xlog" "$d/pg_wal" "$d"/pg_tblspc/*; do
    [ -h "$f" ] && [ -d "$f" ] && set -- "$@" "$f/"; done; done
  shift $n; m sizes "$L" {measured} "$@"
fi
"""
"""Kilobytes: WAL first, which takes no time; what no copy gets (basebackup.c of 6.24.3 and 7.0.0
leaves out pg_log, log and backups, the utilities' -E the rest); then all, as far as some seconds go,
with what links lead to: WAL and tablespaces."""
