"""What the lock names, as wheels for machines and Pythons that are not this one's.

pip fetches and checks them by hash. Which lines of the lock hold for a Python is decided here: pip
would judge their conditions by the Python that it runs in.
"""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename

GLIBC_MOST = (2, 28)
"""The newest glibc a wheel may ask for: that of RHEL 8. RHEL 7 has 2.17."""

_GLIBC_LEAST = (2, 5)
_OLD_NAMES = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """A machine (`x86_64`) and a Python (`3.11`) to bring wheels for."""

    machine: str
    python: str

    @property
    def tag(self) -> str:
        """The Python as wheels write it: `311`."""
        return self.python.replace(".", "")

    def platforms(self) -> Iterator[str]:
        """Platform tags, the ones that run on the oldest systems first: pip takes the first."""
        oldest = [(2, 17), *((2, minor) for minor in range(_GLIBC_LEAST[1], 17))]
        for version in (*oldest, *((2, minor) for minor in range(18, GLIBC_MOST[1] + 1))):
            yield f"manylinux_{version[0]}_{version[1]}_{self.machine}"
            if version in _OLD_NAMES:
                yield f"{_OLD_NAMES[version]}_{self.machine}"

    def holds(self, pin: Requirement) -> bool:
        """Whether a line of the lock holds for this target."""
        return pin.marker is None or pin.marker.evaluate(
            {
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "os_name": "posix",
                "sys_platform": "linux",
                "platform_system": "Linux",
                "platform_machine": self.machine,
                "python_version": self.python,
                "python_full_version": f"{self.python}.99",
                "implementation_version": f"{self.python}.99",
                "extra": "",
            }
        )


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on disk."""

    path: Path

    def files(self) -> dict[str, bytes]:
        """What it puts beside the other packages; commands and manuals stay in it."""
        with zipfile.ZipFile(self.path) as archive:
            found = {
                item.filename: archive.read(item)
                for item in archive.infolist()
                if not item.is_dir()
            }
        return {
            place: content
            for name, content in found.items()
            if (place := re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name))
            and not re.match(r"[^/]+\.data/", place)
        }

    def metadata(self) -> Message:
        """Its METADATA: name, version, licence."""
        with zipfile.ZipFile(self.path) as archive:
            names = archive.namelist()
            (name,) = (one for one in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
            return HeaderParser().parsestr(archive.read(name).decode())

    def glibc(self) -> tuple[int, int]:
        """The oldest glibc it runs with; (0, 0) where it has nothing compiled."""
        tags = parse_wheel_filename(self.path.name)[3]
        asked = [_glibc(tag.platform) for tag in tags if tag.platform != "any"]
        return min(asked, default=(0, 0))


def fetch(lock: Path, targets: list[Target], store: Path) -> dict[Target, list[Wheel]]:
    """Fetch what the lock names for each target, two at a time, and say which wheels each takes.

    Raises SystemExit: pip cannot fetch one, or has no wheel of it for a target.
    """
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(targets, pool.map(lambda one: _fetch(lock, one, store), targets), strict=True)
        )


def _fetch(lock: Path, target: Target, store: Path) -> list[Wheel]:
    folder = store / target.machine / target.tag
    folder.mkdir(parents=True, exist_ok=True)
    wanted = "".join(
        f"{head} {' '.join(hashes)}\n"
        for head, hashes in _pins(lock.read_text(encoding="utf-8"))
        if target.holds(Requirement(head))
    )
    wanted = re.sub(r" ; [^\n]*?(?= --hash)", "", wanted)
    stamp = folder / "requirements.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        for wheel in folder.glob("*.whl"):
            wheel.unlink()
        asked = folder / "wanted.txt"
        asked.write_text(wanted, encoding="utf-8")
        _pip(target, asked, folder)
        asked.replace(stamp)  # written last: what was cut off is fetched again
    return [Wheel(path) for path in sorted(folder.glob("*.whl"))]


def _pip(target: Target, wanted: Path, folder: Path) -> None:
    words = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "--no-input"]
    words += ["download", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(wanted)]
    words += ["--implementation", "cp", "--python-version", target.tag, "--abi", f"cp{target.tag}"]
    words += ["--abi", "abi3", "--abi", "none"]
    for platform in target.platforms():
        words += ["--platform", platform]
    done = subprocess.run([*words, "-d", str(folder)], check=False)
    if done.returncode:
        raise SystemExit(
            f"error: pip cannot fetch the locked packages for {target.machine}, Python "
            f"{target.python}\nhint: see what pip says above; a package without a wheel for it "
            "needs an older or a newer release: make lock"
        )


def _pins(lock: str) -> Iterator[tuple[str, list[str]]]:
    """Each line of the lock with its hashes."""
    for pin in re.findall(r"^[a-z0-9](?:.*\\\n)*.*$", lock, flags=re.M):
        yield pin.partition(" \\")[0], re.findall(r"--hash=\S+", pin)


def _glibc(platform: str) -> tuple[int, int]:
    if found := re.match(r"manylinux_(\d+)_(\d+)_", platform):
        return int(found[1]), int(found[2])
    named = {name: version for version, name in _OLD_NAMES.items()}
    return named[platform.partition("_")[0]]
