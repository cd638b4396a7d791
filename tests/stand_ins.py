"""The stand-ins for the native utilities, as a test calls them on a practice cluster."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpmirror.lab.layout import Lab, LabHost
from tests.labs import Practice

ENVIRONMENT = '. "$GPHOME/greenplum_path.sh"; '

Row = tuple[int, str, str, str, str, int]
"""content, role, mode, status, address, port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command on the coordinator's host ended; `out` is both streams."""

    code: int
    out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A practice cluster, and the utilities on its coordinator's host."""

    practice: Practice

    @property
    def lab(self) -> Lab:
        return self.practice.lab

    def host(self, name: str) -> LabHost:
        return self.lab.host_of(name)

    def place(self, host: str, name: str) -> Path:
        """A directory for a mirror."""
        return self.host(host).data / "mirror" / name

    def on(self, host: str, command: str, text: str | None = None) -> Ended:
        """Run a command on a host with the Greenplum environment."""
        done = subprocess.run(
            self.argv(host, command),
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=180,
        )
        return Ended(code=done.returncode, out=done.stdout)

    def mdw(self, command: str, text: str | None = None) -> Ended:
        return self.on("mdw", command, text)

    def argv(self, host: str, command: str) -> list[str]:
        return ["ssh", "-F", str(self.lab.ssh_config), host, ENVIRONMENT + command]

    def write(self, name: str, text: str) -> None:
        """A file in the user's home on the coordinator's host."""
        assert self.mdw(f"cat > {name}", text).code == 0

    def group_file(self) -> str:
        """Eight mirrors on four hosts, each on the next host, as a file of the dialect."""
        rows = []
        for content in range(len(self.lab.hosts) * 2):
            host = f"sdw{(content // 2 + 1) % len(self.lab.hosts) + 1}"
            port = self.lab.primary_port + 1000 + content % 2
            path = self.place(host, f"gpseg{content}")
            if self.lab.dialect == "gp5":
                primary = port + 2000
                rows.append(
                    f"mirror{content}={content}:{host}:{port}:{port + 1000}:{primary}:{path}"
                )
            else:
                rows.append(f"{content}|{host}|{port}|{path}")
        header = ["filespaceOrder="] if self.lab.dialect == "gp5" else []
        return "".join(f"{row}\n" for row in header + rows)

    def sql(self, statement: str, host: str = "mdw", port: int | None = None) -> list[Any]:
        """Rows of a statement on the coordinator, or on a segment."""
        where = {} if port is None else {"host": self.host(host).ip, "port": port}
        return self.practice.sql(statement, **where)

    def rows(self) -> list[Row]:
        return self.sql(
            "SELECT content, role, mode, status, address, port FROM gp_segment_configuration"
            " WHERE content >= 0 ORDER BY content, role DESC"
        )

    def mirror(self, content: int) -> Row:
        return next(row for row in self.rows() if row[0] == content and row[1] == "m")

    def out_of_sync(self) -> set[int]:
        """Contents without two copies in sync."""
        rows = self.rows()
        mirrored = {row[0] for row in rows if row[1] == "m"}
        bad = {row[0] for row in rows if row[2:4] != ("s", "u")}
        return bad | ({row[0] for row in rows} - mirrored)

    def wait(self, ready: Callable[[], bool]) -> None:
        """Poll until it is so."""
        self.practice.wait(ready)

    def wait_in_sync(self) -> None:
        self.wait(lambda: not self.out_of_sync())

    def reset(self) -> None:
        """No mirrors any more, nothing of them, and the file that asks for them anew."""
        self.practice.reset()
        self.write("m.cfg", self.group_file())

    def crash(self, directory: Path) -> None:
        """Kill a server as a power cut does."""
        pid = (directory / "postmaster.pid").read_text().splitlines()[0]
        self.on("mdw", f"kill -9 {pid}")
