"""Pretended hosts for host checks: real directories, real sh, names and identities of their own."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.directories import locations_script, locations_to_ask, with_locations
from gpmirror.preflight.judge import Silent, judge, read_answers
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.preflight.script import scripts
from tests.clusters import EVERYTHING, host, observed, planned, row, spec

HOSTS = ("sdw1", "sdw2")
GETENT = """#!/bin/sh
shift
for key in "$@"; do
  case $key in
    0.0.*) printf '%s STREAM %s\\n' "$key" "$key" ;;
    *) while read -r address name; do
         case $key in "$name"|"$address") ;; *) continue ;; esac
         printf '%s STREAM %s\\n' "$address" "$name"; s=0
       done <"$NAMES" ;;
  esac
done
exit ${s:-2}
"""
BLIND = """#!/bin/sh
[ "$1" = -l ] && exit 1
exec /usr/bin/grep "$@"
"""
"""Sees no process: others may test native utilities on this machine at the same time."""


@dataclass
class Machines:
    """Hosts mdw, sdw1, sdw2 below one folder, two primaries on each segment host, no mirrors.

    A host's directories are `<folder>/<host>/...`; its name leads to a loopback address of its own.
    """

    folder: Path
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    shell: str = "sh"
    silent: dict[str, Silent] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, name in enumerate(("mdw", *HOSTS)):
            (self.folder / name / "bin").mkdir(parents=True)
            self.names[name] = f"127.66.0.{number + 10}"
            self.program(name, "getent", GETENT)
            self.program(name, "grep", BLIND)
            self.program(name, "hostname", f"#!/bin/sh\necho {name}\n")
            self.program(
                name, "postgres", "#!/bin/sh\necho 'postgres (Greenplum Database) 6.24.3'\n"
            )
            home = self.folder / name
            self.environment[name] = {
                "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
                "HOME": str(home),
                "SHELL": "/bin/sh",
                "GPMIRROR_MACHINE_ID": f"id-of-{name}",
            }
        for found in self.rows():
            self.server(found)
        for name in HOSTS:
            self.at(name, "mirror").mkdir(mode=0o700)

    def at(self, name: str, *parts: str) -> Path:
        """A path on a host."""
        return self.folder.joinpath(name, *parts)

    def program(self, name: str, program: str, text: str) -> None:
        """Put a program into a host's PATH."""
        file = self.at(name, "bin", program)
        file.write_text(text)
        file.chmod(0o755)

    def rows(self) -> list[Segment]:
        """The catalog."""
        rows = [row(1, -1, "p", "mdw", 5432, str(self.at("mdw", "gpseg-1")))]
        for content in range(4):
            name = HOSTS[content // 2]
            where = str(self.at(name, "primary", f"gpseg{content}"))
            rows.append(row(content + 2, content, "p", name, 6000 + content % 2, where))
        return rows

    def server(self, found: Segment, identifier: int | None = None) -> None:
        """Make a server's directory; a primary's identifier is 1000 + its content."""
        folder = Path(found.directory or "")
        (folder / "global").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        number = 1000 + found.content if identifier is None else identifier
        head = number.to_bytes(8, "little") + (942).to_bytes(4, "little") + bytes(100)
        (folder / "global" / "pg_control").write_bytes(head)
        (folder / "PG_VERSION").write_text("9.4\n")

    def seen(self, *more: Segment, **facts: Any) -> Observed:
        """The observed cluster."""
        return observed([*self.rows(), *more], **facts)

    def plan(self, seen: Observed, request: Request = EVERYTHING, **more: Any) -> Plan:
        """The plan: group mirroring below each host's mirror folder."""
        hosts = [host(name, roots=(str(self.at(name, "mirror")),)) for name in HOSTS]
        return planned(spec(hosts, **more), seen, request)

    def sees_processes(self, name: str) -> None:
        """From now on this host's scripts see what runs."""
        self.at(name, "bin", "grep").unlink()

    def answers(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """What each host prints for its script."""
        (self.folder / "names").write_text(
            "".join(
                f"{address} {name}\n"
                for name, found in self.names.items()
                for address in found.split()
            )
        )
        return {
            name: self._run(name, text) for name, text in wanted.items() if name not in self.silent
        }

    def _run(self, name: str, text: str) -> str:
        done = subprocess.run(
            [self.shell, "-s"],
            input=text.encode("utf-8", "surrogateescape"),
            capture_output=True,
            env={**self.environment[name], "NAMES": str(self.folder / "names")},
            timeout=300,
            check=False,
        )
        assert done.stderr == b"", done.stderr.decode()
        return done.stdout.decode("utf-8", "backslashreplace")

    def judged(self, plan: Plan, seen: Observed, allowed: Iterable[str] = ()) -> Preflight:
        """The whole way: scripts, sh, judgement."""
        answers = read_answers(plan, seen, self.answers(scripts(plan, seen)), self.silent)
        asked = locations_to_ask(answers.found)
        told = self.answers({host: locations_script(paths) for host, paths in asked.items()})
        answers = replace(answers, found=with_locations(answers.found, told))
        return judge(answers, allowed=tuple(allowed))


def troubles(found: Preflight) -> list[Check]:
    """What is not ok."""
    return [check for check in found.checks if check.result is not Result.OK]


def told(checks: Iterable[Check]) -> list[tuple[str, str, str]]:
    """Host, name and result of each."""
    return [(check.host, check.name, check.result.value) for check in checks]
