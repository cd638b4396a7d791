"""What one run of a utility works with: the lab, its console, its faults, its folders."""

import os
from dataclasses import dataclass
from pathlib import Path

from gpmirror.lab.faults import Faults, read_faults
from gpmirror.lab.layout import Lab, read_lab
from gpmirror.lab.utilities.console import Console
from gpmirror.lab.utilities.failures import Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run. `logs` is `~/gpAdminLogs` on the coordinator's host."""

    lab: Lab
    console: Console
    faults: Faults
    logs: Path

    @property
    def old(self) -> bool:
        """Whether the cluster is of the file-replication generation (5)."""
        return self.lab.release.old

    def data_directory(self, option: str | None) -> Path:
        """The coordinator's, from `-d` or the environment. Raises Broken as the native tools."""
        variable = f"{self.lab.release.coordinator_word.upper()}_DATA_DIRECTORY"
        named = option or os.environ.get(variable)
        if not named:
            raise Broken(f"Environment Variable {variable} not set!")
        file = Path(named) / "postgresql.conf"
        if not file.is_file():
            raise Broken(f"[Errno 2] No such file or directory: '{file}'")
        return Path(named)


def open_session(program: str) -> Session:
    """The lab this process runs in: GPM_LAB_STATE, else the folder GPHOME lies in. Raises Failure
    when there is no lab there.
    """
    lab = read_lab(_state())
    home = Path(os.environ.get("HOME") or lab.coordinator.home)
    logs = home / "gpAdminLogs"
    console = Console(program, lab.coordinator.name, lab.user, logs)
    return Session(lab=lab, console=console, faults=read_faults(lab.state), logs=logs)


def _state() -> Path:
    named = os.environ.get("GPM_LAB_STATE")
    return Path(named) if named else Path(os.environ.get("GPHOME", "gphome")).parent
