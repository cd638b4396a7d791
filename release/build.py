"""`make dist` and `make wheelhouse`: what operators carry to a machine without internet.

    python -m release.build dist [FOLDER]         wheel, sdist, the single file and its papers
    python -m release.build wheelhouse [FOLDER]   wheels for `pip install --no-index --find-links`

The same commit gives the same bytes: ages of files are the commit's, pip checks the lock's hashes.
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from release import papers, single_file
from release.wheels import Target, Wheel, fetch

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
STORE = ROOT / "build" / "wheels"
MACHINES = ("x86_64", "aarch64")


def main(words: Sequence[str]) -> None:
    """Carry out one order."""
    kind, *more = words
    folder = Path(more[0] if more else ROOT / "dist").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    {"dist": dist, "wheelhouse": wheelhouse}[kind](folder)


def pythons() -> list[str]:
    """The Pythons that pyproject.toml names: `3.11` and so on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = (re.fullmatch(r".* :: (3\.\d+)", line) for line in project["classifiers"])
    return [one[1] for one in found if one]


def targets(machine: str) -> list[Target]:
    """Every supported Python on a machine."""
    return [Target(machine=machine, python=python) for python in pythons()]


def dist(folder: Path) -> None:
    """Wheel, sdist, the single file, its bill of materials, licences and checksums."""
    own = _build(folder)
    taken = fetch(LOCK, targets("x86_64"), STORE)
    inside = [wheel for wheels in taken.values() for wheel in wheels]
    name = f"gpmirror-{_version(own)}"
    program = folder / f"{name}-x86_64.pyz"
    whole = single_file.build({one: [*held, own] for one, held in taken.items()}, _version(own))
    program.write_bytes(whole)
    program.chmod(0o755)
    bill = folder / f"{name}.cdx.json"
    bill.write_text(papers.bill_of_materials(inside, own, _seconds()), encoding="utf-8")
    licences = folder / "THIRD-PARTY.txt"
    licences.write_text(papers.third_party(inside), encoding="utf-8")
    made = [own.path, folder / f"{name}.tar.gz", program, bill, licences]
    (folder / "SHA256SUMS").write_text(papers.checksums(made, folder), encoding="utf-8")
    _tell([*made, folder / "SHA256SUMS"])


def wheelhouse(folder: Path) -> None:
    """For each machine a tar file of a folder of wheels, its lock, licences and checksums."""
    own = _build(folder)
    for machine in MACHINES:
        name = f"gpmirror-{_version(own)}-wheelhouse-{machine}"
        house = folder / name
        shutil.rmtree(house, ignore_errors=True)
        house.mkdir()
        taken = fetch(LOCK, targets(machine), STORE)
        inside = [wheel for wheels in taken.values() for wheel in wheels]
        for path in {wheel.path.name: wheel.path for wheel in (*inside, own)}.values():
            shutil.copyfile(path, house / path.name)
        shutil.copyfile(LOCK, house / LOCK.name)
        bill = papers.bill_of_materials(inside, own, _seconds())
        (house / f"gpmirror-{_version(own)}.cdx.json").write_text(bill, encoding="utf-8")
        (house / "THIRD-PARTY.txt").write_text(papers.third_party(inside), encoding="utf-8")
        (house / "SHA256SUMS").write_text(
            papers.checksums(list(house.iterdir()), house), encoding="utf-8"
        )
        _pack(house)
        _tell([house.with_name(f"{house.name}.tar")])


def _build(folder: Path) -> Wheel:
    """Wheel and sdist of gpmirror itself."""
    for old in folder.glob("gpmirror-*-py3-none-any.whl"):
        old.unlink()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "-t",
            "wheel",
            "-t",
            "sdist",
            "-d",
            str(folder),
        ],
        cwd=ROOT,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(_seconds())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    (wheel,) = folder.glob("gpmirror-*-py3-none-any.whl")
    return Wheel(wheel)


def _version(own: Wheel) -> str:
    return str(own.metadata()["Version"])


def _seconds() -> int:
    """The time of the commit, or what SOURCE_DATE_EPOCH says."""
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    words = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 315532800  # 1980: sources without git


def _pack(house: Path) -> None:
    """A folder as a tar file that tells nothing of who packed it, and when."""
    with tarfile.open(house.with_name(f"{house.name}.tar"), "w") as archive:
        for file in sorted(house.iterdir()):
            entry = tarfile.TarInfo(f"{house.name}/{file.name}")
            entry.size, entry.mtime, entry.mode = file.stat().st_size, _seconds(), 0o644
            with file.open("rb") as content:
                archive.addfile(entry, content)


def _tell(made: Sequence[Path]) -> None:
    for file in made:
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {os.path.relpath(file)}")


if __name__ == "__main__":
    main(sys.argv[1:])
