"""Copies as they stand on their hosts: what down ones hold, and each against its catalog row."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from shlex import quote
from types import MappingProxyType

from gpmirror.model.names import natural
from gpmirror.model.observed import CopyFact, Observed
from gpmirror.model.segment import Mode, Segment
from gpmirror.plan.model import Action
from gpmirror.preflight import shell
from gpmirror.preflight.competing import writers
from gpmirror.preflight.facts import (
    HostFacts,
    Landing,
    LandingPlace,
    Parent,
    Process,
    Questions,
    SourceDirectory,
    number_of,
    text_of,
)
from gpmirror.preflight.model import Check, Result
from gpmirror.preflight.reading import Lines, read_facts, sorted_lines
from gpmirror.spec.model import SiteHost
from gpmirror.values import dataclass
from gpmirror.verify import way_back

# --- What a look at a down copy's directory found: whose it is, and whether it can be caught up.


@dataclass(frozen=True, slots=True, kw_only=True)
class DownCopy:
    """What was seen of one down copy. `parent` is the nearest existing directory above `path`,
    None: not looked for; `processes` those of its host; `primary` the system identifier of the
    acting primary, None or empty: not known. `lost` are directories of its filespaces that are gone.
    """

    path: str
    parent: Parent | None
    place: LandingPlace
    processes: Sequence[Process]
    primary: str | None
    lost: tuple[str, ...] = ()


def copy_fact(look: DownCopy) -> CopyFact:
    """The fact."""
    place = look.place
    if writers(look.processes, look.path):
        return "copying"
    if not place.exists:
        return "absent" if _is_told_absent(look.parent) else "unknown"
    if not (place.readable and place.is_directory):
        return "unknown"
    if place.identifier is None:
        return "no_pg_control"
    found = _compared(place, look.primary)
    return "no_filespace" if look.lost and found == "rewindable" else found


def is_gone(parent: Parent | None, place: LandingPlace) -> bool:
    """Whether a directory is told not to be there."""
    return not place.exists and _is_told_absent(parent)


def _is_told_absent(parent: Parent | None) -> bool:
    """Below a directory that we may not search everything looks absent."""
    return parent is None or not parent.is_directory or parent.searchable


def _compared(place: LandingPlace, primary: str | None) -> CopyFact:
    """A copy and its primary share the system identifier; every content has its own."""
    if not primary:
        return "unknown"
    if primary != place.identifier:
        return "foreign"
    # a finished copy that never started has both files and needs no second one
    partial = place.backup_label and not place.standby_signal
    return "backup_label" if partial else "rewindable"


# --- A look at the directories of down copies, without a plan: what to ask, what the answers say.


Asked = Mapping[str, Questions]
"""By host."""


def homes_of(hosts: Iterable[SiteHost]) -> dict[str, str]:
    """Every name and address of the spec's hosts -> the host's name."""
    return {name: host.name for host in hosts for name in (*host.addresses, host.name)}


def copy_questions(
    observed: Observed, homes: Mapping[str, str], contents: Collection[int] | None = None
) -> dict[str, Questions]:
    """What to ask the hosts of down copies, and those of their acting primaries. `homes` names the
    host of a hostname or address; a row that it does not know stands on the host of its hostname.
    """
    landings: dict[str, list[Landing]] = {}
    sources: dict[str, list[SourceDirectory]] = {}
    for down, acting in _pairs(observed, contents):
        landings.setdefault(_home(homes, down), []).extend(_landings(down))
        sources.setdefault(_home(homes, acting), []).append(_source(acting))
    return {
        host: _questions(host, landings.get(host, ()), sources.get(host, ()))
        for host in sorted({*landings, *sources})
    }


def copy_facts(asked: Asked, outputs: Mapping[str, str]) -> dict[int, CopyFact]:
    """The facts by dbid, from what the hosts printed; copies that nobody told of are left out."""
    facts = {
        host: found
        for host, text in outputs.items()
        if (found := read_facts(text, asked[host])) is not None
    }
    identifiers = {
        source.content: server.identifier
        for host, found in facts.items()
        for source, server in zip(asked[host].sources, found.servers, strict=False)
    }
    looks = {
        dbid: look
        for host, found in facts.items()
        for dbid, look in _looks(asked[host], found, identifiers)
    }
    return {dbid: copy_fact(look) for dbid, look in sorted(looks.items())}


def _pairs(
    observed: Observed, contents: Collection[int] | None
) -> Iterator[tuple[Segment, Segment]]:
    """Every down copy whose directory is known, with its acting primary."""
    rows = [row for row in observed.segments if row.content >= 0 and row.directory is not None]
    acting = {row.content: row for row in rows if row.is_acting_primary}
    for row in rows:
        wanted = contents is None or row.content in contents
        if wanted and not row.is_up and not row.is_acting_primary and row.content in acting:
            yield row, acting[row.content]


def _home(homes: Mapping[str, str], row: Segment) -> str:
    return homes.get(row.hostname) or homes.get(row.address) or row.hostname


def _landings(row: Segment) -> Iterator[Landing]:
    """The data directory, then those of filespaces."""
    for filespace, path in ((None, row.directory or ""), *row.filespaces):
        yield Landing(
            content=row.content,
            dbid=row.dbid,
            path=path,
            main=filespace is None,
            keeps=True,
            freed=False,
            action=Action.RECOVER,
            method=None,
            filespace=filespace,
        )


def _source(row: Segment) -> SourceDirectory:
    return SourceDirectory(
        content=row.content, dbid=row.dbid, path=row.directory or "", copied=False
    )


def _questions(
    host: str, landings: Iterable[Landing], sources: Iterable[SourceDirectory]
) -> Questions:
    return Questions(
        host=host,
        only_left=False,
        landings=tuple(landings),
        bindings=(),
        sources=tuple(sources),
        names={},
        coordinator=None,
        measured=(),
    )


def _looks(
    asked: Questions, found: HostFacts, identifiers: Mapping[int, str | None]
) -> Iterator[tuple[int, DownCopy]]:
    parents = dict(zip(asked.parents, found.parents, strict=False))
    placed = list(zip(asked.landings, found.places, strict=False))
    for landing, place in placed:
        if not landing.main:
            continue
        look = DownCopy(
            path=landing.path,
            parent=parents.get(landing.parent),
            place=place,
            processes=found.processes or (),
            primary=identifiers.get(landing.content),
            lost=tuple(
                other.path
                for other, seen in placed
                if other.dbid == landing.dbid and not other.main
                if is_gone(parents.get(other.parent), seen)
            ),
        )
        if landing.dbid is not None:
            yield landing.dbid, look


# --- Every copy as it stands on its host against its row in the catalog: server, directory, port, dbid.
#
# A catalog that was edited by hand looks sound: a mirror that streams counts as in sync although the
# row names another port than the one it listens on, and the next failover then fails.


NAME = "copies"
"""The check's name, as `--allow unchecked:copies` takes it."""

Rows = tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOnHost:
    """What a host shows of one copy's directory. `pid` and `told_port` are those of postmaster.pid,
    `same` whether the directory that it names is this one, `runs` whether that process is a server of
    this directory, `ports` where it listens (None: not told). `dbid` is gp_dbid of internal.auto.conf
    (6.24.3, 7.0.0), before 6 dbid of the file gp_dbid (5.8.1); None: neither tells.
    """

    exists: bool
    readable: bool
    pid: int | None
    told_directory: str | None
    same: bool
    runs: bool
    told_port: int | None
    dbid: int | None
    ports: frozenset[int] | None


def copies_by_host(observed: Observed, homes: Mapping[str, str]) -> dict[str, Rows]:
    """Every copy whose directory is known, by host; `homes` as in `copy_questions`."""
    found: dict[str, list[Segment]] = {}
    for row in observed.segments:
        if row.content >= 0 and row.directory is not None:
            home = homes.get(row.hostname) or homes.get(row.address) or row.hostname
            found.setdefault(home, []).append(row)
    return {host: tuple(found[host]) for host in sorted(found, key=natural)}


def standing_script(rows: Rows) -> str:
    """A POSIX sh script that changes nothing and prints what `read_standing` reads."""
    paths = " ".join(quote(row.directory or "") for row in rows)
    loop = f"i=0; h=; for d in {paths}; do{_COPY}done\n"
    return f"{shell.PRELUDE}{loop}{_LISTENERS}echo '{shell.END}'\n"


_COPY = r"""
k=-; q=; n=; s=; p=
[ -d "$d" ] && { k=${k}e; [ -r "$d" ] && [ -x "$d" ] && k=${k}r; }
if [ -r "$d/postmaster.pid" ]; then
  { read -r q; read -r n; read -r s; read -r p; } <"$d/postmaster.pid"
  case $q in ''|*[!0-9]*) q= ;; esac
  case $p in ''|*[!0-9]*) p= ;; esac
  [ -n "$n" ] && [ "$n" -ef "$d" ] && k=${k}s
  [ -n "$q" ] && [ "/proc/$q/cwd" -ef "$d" ] && k=${k}p
fi
b=$(grep -h -s -E '^[[:space:]]*gp_dbid[[:space:]]*=' "$d/internal.auto.conf" | tail -n 1)
[ -n "$b" ] || b=$(grep -h -s -E '^[[:space:]]*dbid[[:space:]]*=' "$d/gp_dbid" | tail -n 1)
b=${b#*=}; b=${b#"${b%%[0-9]*}"}; b=${b%%[!0-9]*}
w "$n"; echo "copy $k ${q:--} ${p:--} ${b:--} $e"
case $k in *p*)
  o=$(ls -l "/proc/$q/fd" 2>/dev/null | sed -n 's/.*socket:\[\([0-9]*\)\]$/\1/p')
  o=$(echo $o); [ -n "$o" ] && { echo "holds $i $o"; h="$h $o"; } ;;
esac
i=$((i+1))
"""
"""One copy: its directory, its postmaster.pid, its dbid, the sockets of its server."""

_LISTENERS = r"""
set --
for f in /proc/net/tcp /proc/net/tcp6; do [ -r $f ] && set -- "$@" $f; done
[ $# -gt 0 ] && awk -v "I=$h " 'FNR > 1 && $4 == "0A" && index(I, " " $10 " ") {
  n = split($2, a, ":"); print "listens", $10, a[n] }' "$@" 2>/dev/null && echo "listeners $#"
"""
"""Where those sockets listen."""


def read_standing(text: str, rows: Rows) -> dict[int, CopyOnHost] | None:
    """What the host shows, by dbid; None: the text is no whole answer."""
    lines = text.split("\n")
    if shell.VERSION not in lines or shell.END not in lines:
        return None
    found = sorted_lines(lines[lines.index(shell.VERSION) :])
    copies = found.get("copy", ())
    if len(copies) != len(rows):
        return None
    held = _held(found)
    return {
        row.dbid: _standing(line, held.get(number))
        for number, (row, line) in enumerate(zip(rows, copies, strict=True))
    }


def _held(found: Lines) -> dict[int, frozenset[int]]:
    """The ports on which the server of each copy listens, by the copy's number."""
    if "listeners" not in found:
        return {}
    ports: dict[str, int] = {}
    for line in found.get("listens", ()):
        inode, _, port = line.partition(" ")
        ports[inode] = int(port, 16) if all(c in "0123456789ABCDEFabcdef" for c in port) else 0
    held: dict[int, frozenset[int]] = {}
    for line in found.get("holds", ()):
        number, *inodes = line.split(" ")
        if number.isdigit():
            held[int(number)] = frozenset(ports[one] for one in inodes if one in ports)
    return held


def _standing(line: str, ports: frozenset[int] | None) -> CopyOnHost:
    flags, pid, port, dbid, directory = [*line.split(" "), "", "", "", "", ""][:5]
    return CopyOnHost(
        exists="e" in flags,
        readable="r" in flags,
        pid=number_of(pid),
        told_directory=text_of(directory) or None,
        same="s" in flags,
        runs="p" in flags,
        told_port=number_of(port),
        dbid=number_of(dbid),
        ports=ports,
    )


def judge_standing(
    host: str,
    rows: Rows,
    found: Mapping[int, CopyOnHost] | None,
    lifeless: Mapping[int, str] = MappingProxyType({}),
) -> list[Check]:
    """One check for each thing that is not as the catalog says; one for all that is. `lifeless`: why
    nothing comes of mirrors that are called resynchronising, by content.
    """
    if found is None:
        told = f"{host} gave no whole answer about its {len(rows)} copies"
        return [_check(host, Result.UNKNOWN, told, "log in there and run `sh`: see what it prints")]
    checks = [
        check
        for row in rows
        for check in _copy(host, row, found[row.dbid], _why_lifeless(row, lifeless))
    ]
    good = len(rows) - len({check.detail.partition(":")[0] for check in checks})
    if good:
        copies = "1 copy stands" if good == 1 else f"{good} copies stand"
        checks.append(_check(host, Result.OK, f"{copies} as the catalog says", ""))
    return checks


def silent(host: str, rows: Sequence[Segment], reason: str, remedy: str) -> Check:
    """A host that did not answer."""
    copies = "1 copy was" if len(rows) == 1 else f"{len(rows)} copies were"
    return _check(host, Result.UNKNOWN, f"{copies} not looked at: {reason}", remedy)


def _check(host: str, result: Result, detail: str, remedy: str) -> Check:
    return Check(host=host, name=NAME, result=result, detail=detail, remedy=remedy)


def _why_lifeless(row: Segment, lifeless: Mapping[int, str]) -> str:
    return "" if row.is_acting_primary else lifeless.get(row.content, "")


def _copy(host: str, row: Segment, seen: CopyOnHost, lifeless: str) -> Iterator[Check]:
    what = "acting primary" if row.is_acting_primary else "mirror"
    subject = f"content {row.content}, {what} (dbid {row.dbid})"
    for detail, remedy in _differences(row, seen):
        yield _check(host, Result.BAD, f"{subject}: {detail}", remedy)
    if lifeless and seen.runs:
        detail = f"the catalog says up and resynchronising, but {lifeless}"
        yield _check(host, Result.BAD, f"{subject}: {detail}", way_back(row))
    if seen.exists and not seen.readable:
        detail = f"{row.directory} may not be entered"
        yield _check(host, Result.UNKNOWN, f"{subject}: {detail}", "set `ssh.user` in the spec")


def _differences(row: Segment, seen: CopyOnHost) -> Iterator[tuple[str, str]]:
    """What is otherwise, and the cure. Of a copy that the catalog calls down no server is asked for."""
    if not seen.exists:
        if row.is_up:
            detail = f"the catalog has it in {row.directory}, and there is no such directory"
            yield detail, "see where the host's name leads, and which file systems are mounted"
        return
    if seen.dbid is not None and seen.dbid != row.dbid:
        detail = f"the catalog says dbid {row.dbid}, {row.directory} says gp_dbid {seen.dbid}"
        yield detail, _made_anew(row, "that writes the file again")
    if row.is_up and seen.readable:
        yield from _server(row, seen)


def _server(row: Segment, seen: CopyOnHost) -> Iterator[tuple[str, str]]:
    if not seen.runs:
        pid = "no postmaster.pid" if seen.pid is None else f"pid {seen.pid} is not its server"
        detail = f"the catalog says up, and no server runs in {row.directory} ({pid})"
        yield detail, _dead(row)
        return
    if not seen.same:
        detail = (
            f"the catalog says {row.directory}, postmaster.pid there says {seen.told_directory}"
        )
        yield detail, "see whether the directory was copied or linked by hand"
    listens = frozenset({seen.told_port} - {None}) if seen.ports is None else seen.ports
    if listens and row.port not in listens:
        ports = ", ".join(str(port) for port in sorted(one for one in listens if one is not None))
        detail = f"the catalog says port {row.port}, its server listens on {ports}"
        yield detail, _other_port(row)


def _dead(row: Segment) -> str:
    if row.is_acting_primary:
        return "`gpmirror status` says what helps"
    if row.mode is Mode.RESYNCING:
        return way_back(row)
    return "in a minute the fault prober has seen it, then `gpmirror apply` brings it back"


def _other_port(row: Segment) -> str:
    if row.is_acting_primary:
        return (
            "have the row put right (the vendor's support does that): nobody can reach the server"
        )
    return (
        f"stop that server (`pg_ctl -D {quote(row.directory or '')} stop -m fast`), wait until the "
        "catalog calls it down, then `gpmirror apply` starts it on the catalog's port; where the row "
        "is wrong, have it put right first (the vendor's support does that)"
    )


def _made_anew(row: Segment, why: str) -> str:
    if row.is_acting_primary:
        return "have the file put right (the vendor's support does that) before the next failover"
    return (
        f"stop that server (`pg_ctl -D {quote(row.directory or '')} stop -m fast`), wait until the "
        f"catalog calls it down, then `gpmirror apply --full --content {row.content}`: {why}"
    )


def is_sound(checks: Iterable[Check]) -> bool:
    """Whether every copy was looked at and stands as the catalog says."""
    return all(check.result is Result.OK for check in checks)
