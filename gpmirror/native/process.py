"""A native utility started detached on the coordinator's host: how it is doing, and why copies failed.

Shell texts and the parsing of their answers; every value is quoted. A run has a name (the wave and
the utility) and leaves in the run directory: NAME.sh (what was started), NAME.log (all it printed),
NAME.pid (and the boot it is of), NAME.started (a directory: who makes it may start the run, so it starts once, ever) and
NAME.status (its exit status, written when it ended). The Greenplum environment is sourced for the
utility alone: it exports PYTHONHOME and PYTHONPATH for a Python of its own (6.24.3, recorded).
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from enum import StrEnum

from gpmirror.model.dialect import Dialect
from gpmirror.model.segment import Segment
from gpmirror.native.dryrun import answer_text
from gpmirror.native.fields import lines_of
from gpmirror.values import dataclass

RUNS = ".gpmirror/runs"
"""Where run directories lie, below the login user's home on the coordinator's host."""

_NUMBER = "number"

_MOST_LOG = 262_144
"""Bytes of a log read in one poll."""

_NAP = 0.5
"""Seconds between two looks for the end of a utility, on its host."""

_BOOT = "cat /proc/sys/kernel/random/boot_id 2>/dev/null"


class ProcessStage(StrEnum):
    """How far a detached run came. `lost`: it was started, is gone and left no exit status."""

    ABSENT = "absent"
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """An answer: the stage, the exit status once known, new log text and where to read on (bytes)."""

    stage: ProcessStage
    status: int | None
    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Utility:
    """What is to run: its name within the run, argv, its input file if it has one, and what it is
    given on standard input.
    """

    name: str
    argv: tuple[str, ...]
    file_name: str | None
    file_text: str | None
    answer: str = ""


TRUSTED = r"""
trusted() {
  [ -O "/proc/$2" ] && [ "/proc/$2/exe" -ef "$3" ] && return 0
  owners=" 0 $(id -u) $(stat -L -c %u "$1" 2>/dev/null) "; shift 3
  for each; do
    uid=$(stat -L -c %u "$each" 2>/dev/null)
    case $owners in *" ${uid:--} "*) ;; *) return 1 ;; esac
  done
}
"""
"""Shell function (POSIX) `trusted DIRECTORY PID PROGRAM FILE...`: whether what a server of this
directory runs may be run by us too. It may where our account runs that very program, or where each
of the files belongs to root, to us or to the directory's owner. The one rule for that, here and
in preflight.
"""


def environment_text(dialect: Dialect, coordinator: Segment) -> str:
    """Shell text (bash) that makes the Greenplum environment: of the running server if it can be
    told (the number in postmaster.pid counts where that process works in the directory, and its
    software where our account runs that very program, or where it belongs to root, to us or to the
    directory's owner), else $GPHOME, else the usual places. Ends with status 127 where none is found.

    What the login sets for libpq (host, database, options) does not reach the utilities: it is meant
    for that person's own sessions. Who connects, and with which password, stays the login's.
    """
    data = shlex.quote(coordinator.directory or "")
    words = dict.fromkeys((dialect.coordinator_word.upper(), "MASTER"))
    directories = " ".join(f'{word}_DATA_DIRECTORY="$data"' for word in words)
    return f"""{TRUSTED}
for name in $(env | sed -n 's/^\\(PG[A-Z]*\\)=.*/\\1/p'); do
  case $name in
    PGUSER|PGPASSWORD|PGPASSFILE) ;;
    *) unset "$name" ;;
  esac
done
data={data}
pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null)
case $pid in ''|*[!0-9]*) pid=0 ;; esac
own=
if [ "/proc/$pid/cwd" -ef "$data" ]; then
  own=$(readlink "/proc/$pid/exe" 2>/dev/null)
  own=${{own%" (deleted)"}}
  own=${{own%/bin/postgres}}
  if [ -n "$own" ]; then
    for file in "$own" "$own"/greenplum_path.sh "$own"/cloudberry-env.sh "$own"/greengage_path.sh
    do
      [ ! -e "$file" ] || trusted "$data" "$pid" "$own/bin/postgres" "$file" || {{ own=; break; }}
    done
  fi
fi
found=
for home in "$own" "$GPHOME" /usr/local/greenplum-db /usr/local/cloudberry-db \\
  /usr/local/gpdb /opt/greengage
do
  for file in greenplum_path.sh cloudberry-env.sh greengage_path.sh
  do
    [ -z "$found" ] && [ -n "$home" ] && [ -r "$home/$file" ] && found=$home/$file
  done
done
if [ -z "$found" ]; then
  echo "gpmirror: no greenplum_path.sh beside the running server, in GPHOME or in /usr/local" >&2
  exit 127
fi
. "$found"
export {directories} PGPORT={coordinator.port}
"""


def start_script(run: str, utility: Utility, environment: str) -> str:
    """Write the input file, start the utility detached, once; prints `started` or `already`."""
    name = shlex.quote(utility.name)
    parts = [
        _enter(run),
        f"n={name}\n",
        _RUN_FILES,
        '[ ! -d "$n.started" ] || { echo already; exit 0; }\n',
    ]
    if utility.file_name is not None:
        parts.append(_write(utility.file_name, utility.file_text or ""))
    parts.append(_write(f"{utility.name}.sh", _runner(utility, environment)))
    parts.append(
        'mkdir "$n.started" 2>/dev/null || { echo already; exit 0; }\n'
        'setsid nohup bash "$PWD/$n.sh" >/dev/null 2>&1 </dev/null &\n'
        "i=0\n"
        'while [ ! -s "$n.pid" ] && [ "$i" -lt 100 ]; do sleep 0.05; i=$((i + 1)); done\n'
        "echo started\n"
    )
    return "".join(parts)


def forestall_script(run: str, name: str) -> str:
    """See to it that a start still under way comes too late; prints `forestalled` or `already`."""
    started = shlex.quote(f"{name}.started")
    return (
        f"{_make(run)}mkdir {started} 2>/dev/null && echo forestalled && exit 0\n"
        f"[ -d {started} ] && echo already\n"
    )


def poll_script(run: str, name: str, offset: int, *, wait: float = 0.0) -> str:
    """Ask for the stage, the status and the log from a byte offset on; changes nothing. The answer
    comes at once when the utility has ended, else after `wait` seconds: one shell that sleeps costs
    the host less than a dozen processes each second.
    """
    folder = _folder(run)
    looks = int(wait / _NAP)
    return f"""\
cd "$HOME" || exit 125
cd {folder} 2>/dev/null || {{ echo absent; exit 0; }}
{_OURS}n={shlex.quote(name)}
{_RUN_FILES}[ -d "$n.started" ] || {{ echo absent; exit 0; }}
read -r pid <"$n.pid" 2>/dev/null || pid=0
i=0; while [ $i -lt {looks} ] && [ ! -s "$n.status" ] && [ -d "/proc/$pid" ]; do
  sleep {_NAP}; i=$((i + 1)); done
pid=
# a number of before a reboot is somebody else's now
[ "$(tail -n +2 "$n.pid" 2>/dev/null)" = "$({_BOOT})" ] && pid=$(head -n 1 "$n.pid")
stage=lost
if [ -s "$n.status" ]; then
  stage="ended $(cat "$n.status")"
elif [ -n "$pid" ] && tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$n.sh"; then
  stage=running
elif [ -n "$pid" ] && pgrep -s "$pid" >/dev/null 2>&1; then
  stage=running
elif [ -s "$n.status" ]; then
  stage="ended $(cat "$n.status")"
fi
end=$(wc -c <"$n.log" 2>/dev/null || echo {offset})
[ "$end" -gt {offset + _MOST_LOG} ] && end={offset + _MOST_LOG}
[ "$end" -lt {offset} ] && end={offset}
echo "$stage"
echo $((end))
tail -c +{offset + 1} "$n.log" 2>/dev/null | head -c $((end - {offset}))
"""


def read_poll(answer: str, offset: int) -> Poll | None:
    """What a poll answered; None for an answer that makes no sense."""
    first, _, rest = answer.partition("\n")
    end, _, text = rest.partition("\n")
    word, _, status = first.partition(" ")
    if word not in set(ProcessStage):
        return None
    return Poll(
        stage=ProcessStage(word),
        status=int(status) if status.strip().isdigit() else None,
        text=text,
        offset=int(end) if end.strip().isdigit() else offset,
    )


def dry_run_script(utility: Utility, environment: str) -> str:
    """Run the utility to its end in a directory of its own that is removed afterwards; prints what
    `dryrun.read_tried` reads. The utility's last argument is the file that it writes. It has a
    session of its own: cut off, it would leave its lock behind, and on 6 nothing would run after it.
    """
    assert utility.file_name is not None  # noqa: S101 - only runs with a file can be tried
    return (
        "umask 077\n"
        'd=$(mktemp -d) || exit 125\ntrap \'rm -rf "$d"\' EXIT\ncd "$d" || exit 125\n'
        + _write(utility.file_name, utility.file_text or "")
        + _write("try.sh", f"{environment}{_answered(utility)}\n")
        + "setsid bash ./try.sh >try.log 2>&1 </dev/null &\ns=0; wait $! || s=$?\n"
        + answer_text(shlex.quote(utility.argv[-1]), "try.log")
        + "exit $s\n"
    )


def keep_script(run: str, files: Sequence[tuple[str, str]]) -> str:
    """Make the run directory, open to its owner alone, and put files there. The run gets a number,
    one more than any run before: names tell the times of machines whose clocks may differ. Who does
    this holds the cluster's lock, so no other run of it takes a number meanwhile.
    """
    number = (
        f"[ -s {_NUMBER} ] || {{ n=$(cat ../*/{_NUMBER} 2>/dev/null | sort -n | tail -n 1); "
        f'case $n in *[!0-9]*|"") n=0;; esac; echo $((n + 1)) >{_NUMBER}.part && '
        f"mv {_NUMBER}.part {_NUMBER}; }} || exit 125\n"
    )
    return _make(run) + number + "".join(_write(name, text) for name, text in files)


def replace_script(run: str, name: str, text: str) -> str:
    """Put a whole file there, unless the one that is there has a line that the new one lacks."""
    part, whole = shlex.quote(f"{name}.part"), shlex.quote(name)
    return (
        f"{_make(run)}{_check_files(whole)}rm -f {part}\n"
        f"printf %s {shlex.quote(text)} | dd {shlex.quote(f'of={name}.part')} "
        "conv=fsync 2>/dev/null || exit 125\n"
        f"[ -s {whole} ] && grep -qvxFf {part} {whole} && exit 1\n"
        f"mv {part} {whole}\n"
    )


def append_script(run: str, name: str, text: str) -> str:
    """Append text to a file of the run directory and see it to disk."""
    quoted = shlex.quote(f"of={name}")
    return (
        f"{_make(run)}{_check_files(shlex.quote(name))}printf %s {shlex.quote(text)} "
        f"| dd {quoted} oflag=append conv=notrunc,fsync 2>/dev/null\n"
    )


def read_script(run: str, name: str) -> str:
    """Print a file of the run directory."""
    quoted = shlex.quote(name)
    return f"{_enter(run)}{_check_files(quoted)}cat {quoted}\n"


def list_script() -> str:
    """Print the names of all runs that have a run directory, a line each, with their numbers."""
    return (
        f'cd "$HOME"/{RUNS} 2>/dev/null || exit 1\n{_check(".")}'
        f'for d in *; do echo "$d $(cat "./$d/{_NUMBER}" 2>/dev/null)"; done\n'
    )


def read_list(answer: str) -> dict[str, int | None]:
    """The runs that a list tells, by name: their numbers, None for those without one."""
    found: dict[str, int | None] = {}
    for line in lines_of(answer):
        name, _, number = line.partition(" ")
        found[name] = int(number) if re.fullmatch(r"[0-9]{1,18}", number) else None
    return found


def errors_of(log: str, most: int = 12) -> tuple[str, ...]:
    """The last lines of a utility's log that tell of trouble, without time stamp and host
    (`YYYYMMDD:HH:MM:SS:pid util:host:user-[LEVEL]:-text`, 4.3 to 7), each once; among them the list
    of failed segments and a full disk, which bear no such level.
    """
    told = dict.fromkeys(_trouble(line) for line in log.split("\n"))
    return tuple(line for line in told if line)[-most:]


def _trouble(line: str) -> str:
    marks = ("[ERROR]:-", "[CRITICAL]:-", "[FATAL]:-", "[WARNING]:-")
    if any(mark in line for mark in marks) and not is_noise(line):
        return shortened(cleaned(line).partition(":-")[2].strip())
    return told_without_level(line)


def last_words(log: str, most: int = 12) -> tuple[str, ...]:
    """What a utility that failed said last: its errors and warnings, and what it wrote beside them
    to standard error (`gprecoverseg: error: no such option: -b`, which bears no level). Where there
    is neither, its last three lines.
    """
    found = [
        text for line in lines_of(log) if (text := _marked(line)) or (text := _complaint(line))
    ]
    plain = [shortened(text) for line in lines_of(log) if (text := unstamped(line))]
    return tuple(found[-most:] or plain[-3:])


def _marked(line: str) -> str:
    return next((text for text in errors_of(line)), "")


def _complaint(line: str) -> str:
    """A line that a program of Python's optparse, or the shell, ends with."""
    name, found, rest = line.partition(": ")
    known = name.startswith(("gp", "bash", "gpmirror")) or name.endswith(".sh")
    return line.strip() if found and rest and known and " " not in name else ""


def says_done(log: str) -> bool:
    """Whether a utility says that it did its work, not only exits with 0, as it also does where a
    lock, an unreachable host or a copy that still runs kept it from doing anything (4.3 to 7).
    """
    return any(words in log for words in _DONE)


def waits_for_prober(log: str) -> bool:
    """Whether a utility waits until the fault prober has marked the mirrors down that it stopped
    (6.24.3 and 7.0.0, recorded): the prober does so at its next look once 30 s have passed
    (gp_fts_mark_mirror_down_grace_period), and so long commits wait too.
    """
    return log.rfind("Waiting for segments to be marked down") > log.rfind(
        "Setting up the required segments"
    )


def left_out(log: str) -> tuple[str, ...]:
    """What a utility says of copies that it did not make, whatever its exit status is: as it ends,
    nothing more comes of them.
    """
    told = (line.partition(":-")[2].strip() or line.strip() for line in lines_of(log))
    return tuple(line for line in told if any(words in line for words in _LEFT_OUT))


def not_started(log: str) -> frozenset[int]:
    """Contents whose mirror did not start, as the utility says while it still works on the others
    (5.8.1: it may then hang for long, and the catalog says up and resynchronising).
    """
    return frozenset(int(found[1]) for found in _NOT_STARTED.finditer(log))


_LEFT_OUT = (
    "No segments to recover",  # 5.8.1, 6.24.3, 7.0.0: with exit 0
    "is already running with PID",  # 6.24.3: with exit 0
    "skipping recovery of these segments",  # a base backup runs: 6.24.3, 7.0.0; Greengage 6
    "Skipping recovery for segments with contentId",  # names without a common IP: 7.0.0, Greengage 6
    "Not recovering segment",  # its host is not reached: 6.24.3
)

_NOT_STARTED = re.compile(r"Failed to start segment\..*?:content=(\d+):")

_DONE = (
    "Mirror segments have been added",
    "Segments successfully recovered",
    "Updating segments for resynchronization is completed",
    "The rebalance operation has completed",
)


def _runner(utility: Utility, environment: str) -> str:
    name = shlex.quote(utility.name)
    return (
        f'n={name}\ncd "${{0%/*}}" || exit 125\n{{ echo $$; {_BOOT}; }} >"$n.pid.part"\n'
        'mv "$n.pid.part" "$n.pid"\n'
        f"(\n{environment}{_answered(utility)}\n"
        ') >"$n.log" 2>&1 </dev/null\n'
        'echo $? | dd of="$n.status.part" conv=fsync 2>/dev/null\n'
        'mv "$n.status.part" "$n.status"\n'
    )


def _answered(utility: Utility) -> str:
    """The last command of a script: the utility, and what it reads."""
    command = " ".join(shlex.quote(word) for word in utility.argv)
    if not utility.answer:
        return f"exec {command} </dev/null"
    return f"printf %s {shlex.quote(utility.answer)} | {command}"


def _folder(run: str) -> str:
    return f'"$HOME"/{RUNS}/{shlex.quote(run)}'


NOT_OURS = "is not this account's alone"
"""What a host says of a folder that others may have written."""


def _check(folders: str) -> str:
    """What others may have written there is neither run nor believed."""
    return (
        f'for d in {folders}; do case $(ls -ldn "$d") in d????-??-*) [ -O "$d" ];; *) false;; esac '
        f'|| {{ echo "$(cd "$d" && pwd) {NOT_OURS}: $(ls -ld "$d"); look at what is in it, '
        'then \\`chmod go-w\\` or \\`chown\\` it" >&2; exit 125; }; done\n'
    )


_OURS = _check(". ..")


def _check_files(*names: str) -> str:
    """Shell words: a file there that is a link, or that others may have written, is neither read,
    written to nor run; one that is not there yet is as good.
    """
    files = " ".join(names)
    return (
        f'for f in {files}; do [ -e "$f" ] || [ -L "$f" ] || continue; case $(ls -ldn "$f") in '
        '[-d]????-??-*) [ -O "$f" ];; *) false;; esac '
        f'|| {{ echo "$PWD/$f {NOT_OURS}: $(ls -ld "$f"); look at what is in it, then '
        '\\`chmod go-w\\` or \\`chown\\` it" >&2; exit 125; }; done\n'
    )


_RUN_FILES = _check_files('"$n.started"', '"$n.sh"', '"$n.log"', '"$n.pid"', '"$n.status"')


def _enter(run: str) -> str:
    return f"umask 077\ncd {_folder(run)} || exit 125\n{_OURS}"


def _make(run: str) -> str:
    folder = _folder(run)
    return f"umask 077\nmkdir -p {folder} && cd {folder} || exit 125\n{_OURS}"


def _write(name: str, text: str) -> str:
    """Whole or not at all. dd, because `sync FILE` of coreutils before 8.24 syncs the machine."""
    part = shlex.quote(f"{name}.part")
    whole = shlex.quote(name)
    return (
        f"rm -f {part} && printf %s {shlex.quote(text)} "
        f"| dd {shlex.quote(f'of={name}.part')} conv=fsync 2>/dev/null && mv {part} {whole} || exit 125\n"
    )


# --- Why copies failed: what a utility's log says of each, and the last words of the logs on the hosts.
#
# The list of failed segments is of level INFO, and its log files lie on the segments' hosts (6.24.3 and
# 7.0.0, recorded); before 6 only the mirror's own server log knows, while the utility claims success
# (5.8.1, recorded).


_FAILED = re.compile(
    r"hostname: (?P<host>\S+); port: (?P<port>\d{1,5}); logfile: (?P<file>/\S+?); recoverytype: (?P<kind>\w+)"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STAMP = re.compile(r"^\d{8}:[\d:]+ \S+-\[(?P<level>\w+)\]:-|^\S+ \(dbid \d+\):\s*")
_SERVER = re.compile(r'"(?P<level>PANIC|FATAL|ERROR)","\w{5}","(?P<text>(?:[^"]|"")*)"')
_TELLING = re.compile(
    r"error|fatal|panic|could not|cannot|no space|denied|refused|timed out|no route|failed",
    re.IGNORECASE,
)
_NOISE = (
    "Command gppkg not found",
    "Syncing of Greenplum Database extensions has failed",
    "gppkg --clean",
    "/share/packages",
)
"""What a utility warns of when a host is new to the catalog, or has no packages; no copy fails of it."""

_FULL = "No space left on device"
_MOST_COLUMNS = 240
_MOST_BYTES = 8192
_MOST_FILES = 16
"""Log files that are read on one host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSegment:
    """A line of a utility's list of failed segments: catalog hostname, port, log file on that host."""

    host: str
    port: int
    file: str


def failed_segments(log: str) -> tuple[FailedSegment, ...]:
    """The utility's list, each once."""
    found = (
        FailedSegment(host=one["host"], port=int(one["port"]), file=one["file"])
        for one in _FAILED.finditer(log)
    )
    return tuple(dict.fromkeys(found))


def is_noise(line: str) -> bool:
    """Whether a warning says nothing about the copies."""
    return any(words in line for words in _NOISE)


def told_without_level(line: str) -> str:
    """A line that bears no warning's level and yet tells of trouble: a full disk, a failed segment.
    Empty: it does not.
    """
    if failed := _FAILED.search(line):
        return f"failed: {failed['host']}:{failed['port']}, log {failed['host']}:{failed['file']}"
    if _FULL in line:
        return shortened(unstamped(line))
    return ""


def cleaned(line: str) -> str:
    """Without control characters; of text that a terminal would have overwritten, the last."""
    return _CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).strip()


def unstamped(line: str) -> str:
    """A line without control characters, time stamp, program and level."""
    return _STAMP.sub("", cleaned(line))


def shortened(line: str) -> str:
    """At most some columns: warnings of a thousand characters hide what matters."""
    if len(line) <= _MOST_COLUMNS:
        return line
    return f"{line[:_MOST_COLUMNS].rstrip()} ... ({len(line):,} characters)"


def last_words_script(files: Iterable[str], directories: Iterable[str]) -> str:
    """Print the last bytes of log files, and of each data directory the newest server log and what is
    free on its file system. Changes nothing; bounded.
    """
    given = " ".join(shlex.quote(path) for path in list(dict.fromkeys(files))[:_MOST_FILES])
    folders = " ".join(shlex.quote(path) for path in list(dict.fromkeys(directories))[:_MOST_FILES])
    return f"""\
say() {{ echo "gpmirror-log $1"; tail -c {_MOST_BYTES} "$1" 2>/dev/null; echo; }}
for f in {given}; do [ -f "$f" ] && say "$f"; done
for d in {folders}; do
  f=$(ls -1t "$d"/pg_log/*.csv "$d"/log/*.csv "$d"/pg_log/*.log "$d"/log/*.log 2>/dev/null | head -n 1)
  [ -f "$f" ] && say "$f"
  p=$d; while [ -n "$p" ] && [ ! -d "$p" ]; do p=${{p%/*}}; done
  df -P -k "${{p:-/}}" 2>/dev/null | {{ read -r _; read -r _ _ _ k _ m; echo "gpmirror-free $k $m"; }}
done
exit 0
"""


def read_last_words(answer: str, most: int = 2) -> tuple[str, ...]:
    """What the logs say of trouble, with the file; and file systems that are full."""
    found: list[str] = []
    file, lines = "", list[str]()
    for line in [*answer.split("\n"), "gpmirror-log "]:
        key, _, rest = line.partition(" ")
        if key == "gpmirror-log":
            found += [f"{file}: {words}" for words in _words(lines)[-most:]]
            file, lines = cleaned(rest), []
        elif key == "gpmirror-free":
            kilobytes, _, mount = rest.partition(" ")
            if kilobytes.isdigit() and int(kilobytes) < _LITTLE:
                found.append(f"{cleaned(mount)} has {int(kilobytes):,} kB free")
        else:
            lines.append(line)
    return tuple(dict.fromkeys(found))


_LITTLE = 1024
"""Kilobytes: a file system with less is full."""


def _words(lines: Sequence[str]) -> list[str]:
    """The telling lines of a log: of a server's those of level ERROR and worse."""
    server = [
        f"{m['level']}: {m['text']}".replace('""', '"')
        for line in lines
        for m in _SERVER.finditer(line)
    ]
    plain = [unstamped(line) for line in lines]
    telling = server or [line for line in plain if _TELLING.search(line) and not is_noise(line)]
    full = [line for line in telling if _FULL in line]
    return [shortened(cleaned(line)) for line in dict.fromkeys(full or telling)]
