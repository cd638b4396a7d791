"""The one thing a killed PostgreSQL leaves outside its folder: a small shared memory segment."""

import os
import subprocess
from pathlib import Path

_TABLE = Path("/proc/sysvipc/shm")


def free_memory(state: Path) -> None:
    """Remove the segments of the lab's servers that nobody uses any more; call before their
    directories go: a segment's key is the inode number of its data directory.
    """
    keys = {str(folder.stat().st_ino) for folder in _data_directories(state)}
    rows = [row.split() for row in _TABLE.read_text(encoding="ascii").splitlines()]
    for row in rows[1:]:
        segment = dict(zip(rows[0], row, strict=False))
        unused = segment["nattch"] == "0" and segment["uid"] == str(os.geteuid())
        if unused and segment["key"] in keys:
            argv = ["ipcrm", "-m", segment["shmid"]]
            subprocess.run(argv, capture_output=True, check=False)


def _data_directories(state: Path) -> list[Path]:
    found = [state / "template", *state.glob("hosts/*/data/*/*")]
    return [folder for folder in found if folder.is_dir()]
