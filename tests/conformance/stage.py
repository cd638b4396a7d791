"""Where scenarios are played: a cluster, the names that stand for its places, and what came out.

A scenario knows no host, port or directory: `{a.m.address}` and the like are filled in here, and
in what is read back values are named again, so that outcomes of different clusters can be compared.
"""

import contextlib
import os
import re
import shlex
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.native.process import environment_text
from tests.conformance.kinds import kinds
from tests.e2e.clusters import Cluster, Ended
from tests.e2e.rows import Row

Step = Mapping[str, Any]
Outcome = dict[str, Any]
_NAME = re.compile(r"\{([a-z]+(?:\.[a-z_]+)*)\}")
_VERSION = re.compile(r"\((Greenplum|Greengage) Database (\d+)\.(\d+)")
_FOLDER = "gpmirror-conformance"
_SMALL = "small"
"""Below the roots: where a file system without room is."""
_SPARE_PORT = 700 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Above a mirror's port: where a mirror goes on the spare host.

Who takes a port takes it on every address, and practice clusters beside this one share them.
"""
_BESIDE = 900
"""Seconds that a utility beside the play may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a copy is or goes."""

    hostname: str
    address: str
    port: int
    directory: str
    replication_port: int | None = None


class Stage:
    """A cluster in one of two states, and the plays on it. `patience` is what a change of the
    catalog may take, in seconds.
    """

    def __init__(self, cluster: Cluster, *, patience: float) -> None:
        self.cluster = cluster
        version = cluster.sql("SELECT version()")[0][0]
        found = _VERSION.search(version)
        assert found, f"conformance is not recorded for {version}"
        product, major, _ = found.groups()
        self.dialect = DIALECTS[
            DialectName(f"greengage{major}" if product == "Greengage" else f"gp{major}")
        ]
        self._patience = patience
        self._state = ""
        self._names: dict[str, Place | str] = {}
        self._cut: ExitStack = ExitStack()
        self.version = version.split(" build")[0] + ")"
        self.told = ""
        """What the utilities printed in the play, for who compares."""

    # --- the cluster's two states

    def close(self) -> None:
        """Hosts that were cut off are back, small file systems gone."""
        self._cut.close()

    def set_up(self, state: str) -> None:
        """Bring the cluster to a state, if it is not there."""
        self.close()
        if state != self._state:
            if self._state != "fresh":
                self.cluster.reset()
                self.spoil()
            self._state = "fresh"
            self._names = self._learn()
            if state == "mirrored":
                self._mirror()
                self._state = state

    def spoil(self) -> None:
        """What the cluster is like is not known any more."""
        self._state = ""

    def look_after(self, scenario: Mapping[str, Any]) -> None:
        """See whether the play left the cluster in the state it began in."""
        rows = self.cluster.segments()
        if scenario["start"] == "fresh":
            whole = all(row.role == "p" for row in rows)
        else:
            there = {row.content: _place(row) for row in rows if row.preferred_role == "m"}
            whole = there == self._mirrors and self.cluster.segments_are_fine()
        touched = any(step.keys() & {"cut", "full", "filespace"} for step in scenario["steps"])
        if touched or not whole:
            self.spoil()

    def _learn(self) -> dict[str, "Place | str"]:
        """Content 0, one whose primary lies where content 0's mirror goes, and the new place."""
        rows = [row for row in self.cluster.segments() if row.preferred_role == "p"]
        ring = list(dict.fromkeys(row.hostname for row in rows))
        self._mirrors = {row.content: self._mirror_place(rows, ring, row) for row in rows}
        first = rows[0]
        other = next(r for r in rows if r.hostname == self._mirrors[first.content].hostname)
        names: dict[str, Place | str] = {}
        for label, row in (("a", first), ("b", other)):
            names[f"{label}.p"] = _place(row)
            names[f"{label}.m"] = self._mirrors[row.content]
        (data,) = self.cluster.sql(_OLD_DATA if self.cluster.old else _DATA)[0]
        names["data"] = data
        return names

    def _mirror_place(self, rows: Sequence[Row], ring: Sequence[str], row: Row) -> Place:
        """On the next host, by its name, 1000 above."""
        host = ring[(ring.index(row.hostname) + 1) % len(ring)]
        own = [r for r in rows if r.hostname == row.hostname]
        index = sorted(own, key=lambda r: r.port).index(row)
        low = min(r.port for r in rows)
        root = self.cluster.site.root.format(host=host)
        return Place(
            hostname=host,
            address=host,
            port=low + 1000 + index,
            directory=f"{root}/gpseg{row.content}",
            replication_port=low + 2000 + index if self.cluster.old else None,
        )

    def suits(self, scenario: Mapping[str, Any]) -> bool:
        """Whether it is of this cluster's generation."""
        return ("later" if self.cluster.old else "old") not in scenario.get("needs", [])

    @property
    def uneven(self) -> bool:
        """Whether hosts hold different numbers of primaries."""
        rows = [row for row in self.cluster.segments() if row.preferred_role == "p"]
        return len(set(Counter(row.hostname for row in rows).values())) > 1

    def meet(self, needs: Sequence[str]) -> None:
        """Skip where this cluster, in the state that is wanted, lacks what a scenario needs."""
        if "spare" in needs:
            self._find_spare()
        if "second address" in needs:
            spare = self._names["spare"]
            script = f"getent ahostsv4 {spare} {spare}-1 {spare}-2 | cut -d' ' -f1 | uniq"
            if len(self.session(self._coordinator, script).stdout.split()) != 2:
                pytest.skip(f"{spare}-1 and {spare}-2 do not lead to two addresses")

    def _find_spare(self) -> None:
        host = self.cluster.unused_host()
        mirror = self._names["a.m"]
        assert isinstance(mirror, Place)
        root = self.cluster.site.root.format(host=host)
        self._names["spare"] = host
        new = Place(
            hostname=host,
            address=host,
            port=mirror.port + _SPARE_PORT,
            directory=f"{root}/moved0",
            replication_port=mirror.port + 2 * _SPARE_PORT if self.cluster.old else None,
        )
        self._names["new"] = new
        self._names["small"] = replace(new, directory=f"{root}/{_SMALL}/moved0")

    def _mirror(self) -> None:
        """Mirrors by the cluster's own gpaddmirrors, all in sync."""
        self._write(self._add_lines({}))
        done = self._run("gpaddmirrors -a -i {file}")
        assert done.returncode == 0, done.stdout
        self.cluster.wait(lambda: self._probed() and self.cluster.segments_are_fine(), 600)

    # --- playing

    def play(self, steps: Sequence[Step]) -> list[Outcome]:
        """The outcomes of the steps that have one."""
        self.told = ""
        self.session(self._coordinator, f"rm -rf {_FOLDER}; mkdir {_FOLDER}")
        try:
            return [found for step in steps if (found := self._step(step))]
        finally:
            self.session(self._coordinator, f"rm -rf {_FOLDER}")

    def _step(self, step: Step) -> Outcome | None:
        match step:
            case {"file": what}:
                self._write(self._text(what))
            case {"run": command}:
                done = self._run(command, step.get("answers"))
                self.told += f"$ {command}\n{done.stdout}{done.stderr}[exit {done.returncode}]\n"
                return {"run": command, "exit": done.returncode, "says": kinds(done.stdout)}
            case {"ended": command}:
                done = self._ended()
                self.told += f"$ {command} (beside)\n{done.stdout}[exit {done.returncode}]\n"
                return {"ended": command, "exit": done.returncode, "says": kinds(done.stdout)}
            case {"read": "out"}:
                return {"out": self._read()}
            case {"on": host, "do": script}:
                if step.get("slow"):
                    self.cluster.hold_copies(20)
                done = self.session(self._host(host), self._filled(script))
                assert done.returncode == 0, done.stdout + done.stderr
            case {"on": host, "ask": script}:
                return {"host": self.session(self._host(host), self._filled(script)).stdout}
            case {"catalog": _}:
                return {"catalog": self._settled()}
            case _:
                self._arrange(step)
        return None

    def _arrange(self, step: Step) -> None:
        """A step without an outcome of its own."""
        match step:
            case {"beside": command}:
                self._run_beside(command)
            case {"cut": label}:
                self._cut.enter_context(self._cutting(label))
            case {"full": label}:
                self._cut.enter_context(self.cluster.small_disk(*self._disk(label)))
            case {"room": label}:
                self.cluster.make_room(*self._disk(label))
            case {"sql": statement, "in": database}:
                self.cluster.sql(statement, dbname=database)
            case {"sql": statement}:
                self.cluster.sql(statement)
            case {"filespace": name}:
                dbids = self.cluster.sql(_DIRECTORIES)
                self.cluster.make_filespace(name, {dbid: f"{path}.{name}" for dbid, path in dbids})
            case {"down": label}:
                self.cluster.wait_until_down([self._row(label)])
            case {"quiet": _}:
                self.cluster.hold_copies(0)
                self.cluster.wait(lambda: self._probed() and not self.cluster.sql(_COPYING))
            case _:
                raise AssertionError(f"unknown step {step}")

    def _cutting(self, label: str) -> AbstractContextManager[None]:
        place = self._names[label]
        assert isinstance(place, Place)
        return self.cluster.unplugged(place.hostname)

    def _disk(self, label: str) -> tuple[str, str]:
        """The host, and the folder that a file system is mounted on."""
        place = self._names[label]
        assert isinstance(place, Place)
        return place.hostname, place.directory.rpartition("/")[0]

    def _row(self, label: str) -> Row:
        """The row of a copy."""
        place = self._names[label]
        assert isinstance(place, Place)
        spot = (place.port, place.directory)
        return next(r for r in self.cluster.segments() if (r.port, r.directory) == spot)

    def session(self, host: str, script: str) -> Ended:
        """A script on a host, as its user's own shell runs it."""
        return self.cluster.session(host, script)

    @property
    def _coordinator(self) -> str:
        return str(self.cluster.sql(_COORDINATOR)[0][0])

    def _run(self, command: str, answers: str | None = None) -> Ended:
        """A native command, with the coordinator's environment, in the scenario's folder. What it
        asks is answered with a line, else its input is at its end.
        """
        source = "</dev/null" if answers is None else f"<<<{shlex.quote(answers)}"
        script = self._script(f"{command} {source} 2>&1")
        return self.session(self._coordinator, f"exec bash -c {shlex.quote(script)}")

    def _run_beside(self, command: str) -> None:
        """The same, and the play goes on."""
        noted = f"{{ {command} </dev/null >BESIDE 2>&1; echo $? >STATUS; }}"
        script = self._script(f"echo $$ >SHELL && {noted}")
        start = f"setsid bash -c {shlex.quote(script)} >/dev/null 2>&1 </dev/null &"
        assert self.session(self._coordinator, start).returncode == 0

    def _ended(self) -> Ended:
        """What runs beside, as soon as it ended."""
        wait = f"for i in $(seq {_BESIDE}); do [ -s STATUS ] && break; sleep 1; done"
        script = f"cd {_FOLDER} && {{ {wait}; cat BESIDE; exit $(cat STATUS); }}"
        return self.session(self._coordinator, script)

    def _script(self, command: str) -> str:
        row = Segment(
            dbid=1,
            content=-1,
            role=Role.PRIMARY,
            preferred_role=Role.PRIMARY,
            mode=Mode.SYNCED,
            status=Status.UP,
            port=self.cluster.site.port,
            hostname=self._coordinator,
            address=self._coordinator,
            directory=str(self._names["data"]),
        )
        environment = environment_text(self.dialect, row)
        return f"{environment}\ncd {_FOLDER} && {self._filled(command)}"

    def _host(self, host: str) -> str:
        return self._coordinator if host == "coordinator" else self._filled(host)

    def _filled(self, text: str) -> str:
        return _NAME.sub(self._value, text)

    def _value(self, match: "re.Match[str]") -> str:
        name = match[1]
        if name in ("file", "out"):
            return name.upper()
        if name == "folder":
            return _FOLDER
        label, _, field = name.rpartition(".")
        found = self._names[label] if label else self._names[name]
        return str(getattr(found, field) if isinstance(found, Place) else found)

    # --- files

    def _write(self, text: str) -> None:
        done = self.session(
            self._coordinator, f"mkdir -p {_FOLDER}; printf %s {shlex.quote(text)} >{_FOLDER}/FILE"
        )
        assert done.returncode == 0, done.stderr

    def _text(self, what: "str | Mapping[str, Any]") -> str:
        match what:
            case str():
                return self._filled(what)
            case {"add": "all"}:
                return self._add_lines(what.get("but", {}))
            case {"move": pairs}:
                return "".join(f"{self._group(old)} {self._group(new)}\n" for old, new in pairs)
            case _:
                raise AssertionError(what)

    def _add_lines(self, but: Mapping[int, str | int]) -> str:
        """Every mirror; `but` gives the lines of some contents, "" for none, or their ports."""
        lines = ["filespaceOrder="] if self.cluster.old else []
        for content, place in self._mirrors.items():
            line = but.get(content, place.port)
            line = self._add_line(content, place, line) if isinstance(line, int) else line
            lines += [self._filled(line)] if line else []
        return "".join(f"{line}\n" for line in lines)

    def _add_line(self, content: int, place: Place, port: int) -> str:
        if not self.cluster.old:
            return f"{content}|{place.address}|{port}|{place.directory}"
        ports = (port, place.replication_port, place.port + 2000)
        words = (content, place.address, *ports, place.directory)
        return f"mirror{content}={':'.join(map(str, words))}"

    def _group(self, label: str) -> str:
        place = self._names[label]
        assert isinstance(place, Place)
        return f"{place.address}|{place.port}|{place.directory}"

    def _read(self) -> list[str]:
        """OUT's lines without comments, places named."""
        text = self.session(self._coordinator, f"cat {_FOLDER}/OUT").stdout
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if lines == self._add_lines({}).splitlines():
            return ["<every mirror>"]
        return [self._named(line) for line in lines]

    def _named(self, line: str) -> str:
        """Values replaced by the names that stand for them, the longest first."""
        values: dict[str, str] = {}
        for label, found in self._names.items():
            if isinstance(found, Place):
                values.setdefault(f"{found.address}|{found.port}|{found.directory}", label)
                values.setdefault(f"{found.address}:{found.port}:{found.directory}", label)
                ports = f"{found.port}:{found.replication_port}"
                values.setdefault(f"{found.address}:{ports}:{found.directory}", label)
        for content, place in self._mirrors.items():
            values.setdefault(f"{place.address}|{place.port}|{place.directory}", f"m{content}")
            values.setdefault(self._add_line(content, place, place.port), f"add {content}")
        new = self._names.get("new")
        if isinstance(new, Place):
            values.setdefault(f"|{new.port}|{new.directory}", "new.port, new.directory")
            values.setdefault(new.hostname, "spare")
        for value in sorted(values, key=len, reverse=True):
            line = line.replace(value, f"<{values[value]}>")
        return line

    # --- the catalog

    def _settled(self) -> dict[str, str]:
        """Content a's rows as soon as they stay as they are."""
        deadline = time.monotonic() + self._patience
        quiet = min(20.0, self._patience / 4)
        seen, since = self._rows(), time.monotonic()
        while time.monotonic() < min(deadline, since + quiet):
            time.sleep(0.5)
            self._probed()
            now = self._rows()
            if now != seen or any(" r u" in row for row in now.values()):  # resynchronising (5)
                seen, since = now, time.monotonic()
        return seen

    def _probed(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            if not self.cluster.old:
                self.cluster.sql("SELECT gp_request_fts_probe_scan()")
        return True

    def _rows(self) -> dict[str, str]:
        """By preferred role: place, acting role, mode and status, in names."""
        content = min(self._mirrors)
        rows = [r for r in self.cluster.segments() if r.content == content]
        return {r.preferred_role: f"{self._place_of(r)} {r.role} {r.mode} {r.status}" for r in rows}

    def _place_of(self, row: Row) -> str:
        for label, found in self._names.items():
            spot = isinstance(found, Place) and (found.port, found.directory)
            if spot == (row.port, row.directory):
                assert isinstance(found, Place)
                same = (row.hostname, row.address) == (found.hostname, found.address)
                if same:
                    return label
                as_named = f"{label} as {row.hostname} {row.address}"
                return as_named.replace(found.hostname, f"<{label}.hostname>")
            if isinstance(found, Place) and found.directory == row.directory:
                return f"{label} at {row.port}"
        return f"{row.hostname} {row.port} {row.directory}"


_COPYING = "SELECT 1 FROM gp_stat_replication WHERE application_name = 'pg_basebackup'"
_COORDINATOR = "SELECT hostname FROM gp_segment_configuration WHERE content < 0 AND role = 'p'"
_DATA = "SELECT datadir FROM gp_segment_configuration WHERE content < 0 AND role = 'p'"
_OLD_DATA = """SELECT fselocation FROM pg_filespace_entry e JOIN gp_segment_configuration c
 ON c.dbid = e.fsedbid WHERE c.content < 0 AND c.role = 'p' AND e.fsefsoid = 3052"""


_DIRECTORIES = "SELECT fsedbid, fselocation FROM pg_filespace_entry WHERE fsefsoid = 3052"


def _place(row: Row) -> Place:
    return Place(
        hostname=row.hostname,
        address=row.address,
        port=row.port,
        directory=row.directory,
        replication_port=row.replication_port,
    )
