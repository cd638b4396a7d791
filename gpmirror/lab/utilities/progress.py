"""How copies go: lines redrawn on the terminal, and `recovery_progress.file` in the logs."""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from gpmirror.lab.utilities.session import Session
from gpmirror.lab.utilities.tasks import Task

_EVERY_SECONDS = 0.5
_FILE = "recovery_progress.file"


class Progress:
    """Tells, while entered, the last line of each task's log. 5 tells nothing but dots.

    `rows` are (who, task). The file is removed at a normal end; a killed run leaves it, and
    gpstate then goes on reporting segments in recovery. All hosts share this machine's disk, so
    the logs are read where they lie.
    """

    def __init__(self, session: Session, rows: Sequence[tuple[str, Task]]) -> None:
        self._session = session
        self._rows = rows
        self._file = session.logs / _FILE
        self._said: dict[int, str] = {}
        self._drawn = False
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()
        self._file.unlink(missing_ok=True)
        if self._session.old or not self._rows:
            self._session.console.raw(". \n")
            return
        self._draw(ended=True)

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            if not self._session.old:
                self._look()
                self._draw(ended=False)

    def _look(self) -> None:
        lines = []
        for _, task in self._rows:
            last = _last_line(Path(task.log))
            self._said[task.dbid] = last or self._said.get(task.dbid, "")
            if " kB (" in last:
                kind = "full" if task.full else "incremental"
                lines.append(f"{kind}:{task.dbid}:{last}\n")
        # a kill between truncating and writing would leave nothing
        whole = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            whole.write_text("".join(lines), encoding="utf-8")
            whole.replace(self._file)

    def _draw(self, *, ended: bool) -> None:
        up = f"\x1b[{len(self._rows)}A" if self._drawn else ""
        lines = (f"{who}: {self._line(task, ended=ended)}\x1b[K\n" for who, task in self._rows)
        self._drawn = True
        self._session.console.raw(up + "".join(lines))

    def _line(self, task: Task, *, ended: bool) -> str:
        """A log that is gone belongs to a copy that worked."""
        found = _last_line(Path(task.log))
        if found or not ended:
            return found or self._said.get(task.dbid, "")
        return "pg_basebackup: base backup completed" if task.full else "Done!"


def _last_line(file: Path) -> str:
    """The last line that says something; "" without a file."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.replace("\r", "\n").split("\n") if line.strip()]
    return lines[-1] if lines else ""
