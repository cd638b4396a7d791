"""The single-file program: a shell script that finds a Python, and behind it a zip file.

In the zip file lie the first Python code to run (inside.py), for each Python a list of its files, and
the files in layers, themselves zip files. A file that several Pythons share is there once: a layer is
what the same Pythons hold. Python reads the small directory of the outer file alone at each start.
"""

import hashlib
import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from release.wheels import Target, Wheel

HERE = Path(__file__).parent
LAUNCHER = HERE.parent / "gpmirror" / "launcher.sh"
_CUT = "# The single-file program begins with what stands above"
_DIGITS = 12
"""The size of the file stands in the file, and takes as much room whatever it is."""

_SHOWN = (1980, 1, 1, 0, 0, 0)
"""The age of every file: the same input gives the same bytes."""


def build(wheels: Mapping[Target, Sequence[Wheel]], version: str) -> bytes:
    """The program, from what each Python takes of the wheels."""
    files = {target.tag: _laid_out(taken) for target, taken in wheels.items()}
    layers = _layers(files)
    glibc = max(wheel.glibc() for taken in wheels.values() for wheel in taken)
    key = f"{version}-{_digest(files)[:16]}"
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, "__main__.py", (HERE / "inside.py").read_bytes(), zipfile.ZIP_STORED)
        for tag, held in sorted(files.items()):
            own = [name for name, (tags, _) in layers.items() if tag in tags]
            lines = [" ".join((key, f"{glibc[0]}.{glibc[1]}", *own))]
            lines += [f"{len(content)} {name}" for name, content in sorted(held.items())]
            listed = "".join(f"{line}\n" for line in lines).encode()
            _put(archive, f"{tag}.txt", listed, zipfile.ZIP_DEFLATED)
        for name, (_, content) in layers.items():
            _put(archive, name, content, zipfile.ZIP_STORED)
    return _with_start(outer.getvalue(), [target.python for target in wheels])


def _laid_out(wheels: Sequence[Wheel]) -> dict[str, bytes]:
    """All files of a Python's wheels, beside one another."""
    files: dict[str, bytes] = {}
    for wheel in wheels:
        for name, content in wheel.files().items():
            if files.setdefault(name, content) != content:
                raise SystemExit(f"error: {wheel.path.name} brings {name}, as another wheel does")
    return files


def _layers(files: Mapping[str, Mapping[str, bytes]]) -> dict[str, tuple[list[str], bytes]]:
    """By name: which Pythons hold a layer, and the layer."""
    holders: defaultdict[tuple[str, bytes], list[str]] = defaultdict(list)
    for tag, held in sorted(files.items()):
        for one in held.items():
            holders[one].append(tag)
    parts: defaultdict[tuple[str, ...], dict[str, bytes]] = defaultdict(dict)
    for (name, content), tags in holders.items():
        parts[tuple(tags)][name] = content
    return {f"{'-'.join(tags)}.zip": (list(tags), _zipped(parts[tags])) for tags in sorted(parts)}


def _zipped(files: Mapping[str, bytes]) -> bytes:
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        for name, content in sorted(files.items()):
            _put(archive, name, content, zipfile.ZIP_DEFLATED)
    return layer.getvalue()


def _put(archive: zipfile.ZipFile, name: str, content: bytes, how: int) -> None:
    entry = zipfile.ZipInfo(name, _SHOWN)
    entry.external_attr = 0o100644 << 16
    entry.create_system = 3  # Unix
    archive.writestr(entry, content, how, 6)


def _digest(files: Mapping[str, Mapping[str, bytes]]) -> str:
    """What tells one content from another."""
    whole = hashlib.sha256()
    for tag, held in sorted(files.items()):
        for name, content in sorted(held.items()):
            whole.update(f"{tag} {name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def _with_start(carried: bytes, pythons: Sequence[str]) -> bytes:
    """Put the shell script in front; readers of zip files count from the end."""
    named = " ".join(pythons)
    length = len(start_text(named, 0).encode())
    return start_text(named, length + len(carried)).encode() + carried


def start_text(pythons: str, size: int) -> str:
    """The shell script, for Pythons of these versions and a file of this many bytes; its own length is
    the same whatever the size.
    """
    begun, cut, _ = LAUNCHER.read_text(encoding="utf-8").partition(_CUT)
    if not cut:
        raise SystemExit(f"error: {LAUNCHER} has no line `{_CUT}`")
    text = begun.rstrip("\n") + "\n" + (HERE / "start.sh").read_text(encoding="utf-8")
    return text.replace("@PYTHONS@", pythons).replace("@SIZE@", f"{size:<{_DIGITS}d}")
