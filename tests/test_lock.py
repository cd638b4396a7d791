"""The lock files hold all that pip asks for, in the form in which every supported pip takes it.

pip 23.0 refuses by hash what is asked for with an extra (`coverage[toml]`) and pinned without.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEV = PROJECT["optional-dependencies"]["dev"]
FILES = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-dev.lock": PROJECT["dependencies"] + DEV,
}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES)
def test_whatever_is_asked_for_is_pinned(file: str, python: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert list(unpinned(text, FILES[file], python)) == []


def test_every_pin_has_an_exact_version_and_hashes() -> None:
    for file in FILES:
        for pin in _pins((ROOT / file).read_text(encoding="utf-8")):
            assert re.search(r"^[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[^\s=*]+", pin), pin
            assert re.search(r"--hash=sha256:[0-9a-f]{64}(\s|$)", pin), pin


@pytest.mark.parametrize(
    ("pin", "instead", "missed"),
    [
        (r"coverage\[toml\]==", "coverage==", "coverage[toml]"),
        (r"coverage\[toml\]==", "covered==", "coverage[toml]"),
        (r"psycopg-binary==", "psycopg-other==", "psycopg-binary"),
        (r"iniconfig==[0-9.]+", "iniconfig==0.0.1", "iniconfig"),
        (r"iniconfig==", "iniconfig>=", "iniconfig"),
        (r"(iniconfig==[^ ]+)", r"\1 ; sys_platform == 'win32'", "iniconfig"),
    ],
)
def test_a_gap_is_found(pin: str, instead: str, missed: str) -> None:
    file = "requirements-dev.lock"
    text = (ROOT / file).read_text(encoding="utf-8")
    spoilt, times = re.subn(f"^{pin}", instead, text, flags=re.M)
    assert times == 1
    found = list(unpinned(spoilt, FILES[file], "3.11"))
    assert any(gap.startswith(missed) for gap in found), found


def unpinned(lock: str, wanted: Sequence[str], python: str) -> Iterator[str]:
    """What is asked for, by the project or by a package of the lock, and is not pinned in it."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    pins = list(_applying(lock, here))
    yield from _missing("gpmirror", map(Requirement, wanted), pins, here, extras={""})
    for name in sorted({canonicalize_name(pin.name) for pin in pins}):
        extras = {
            extra for pin in pins if canonicalize_name(pin.name) == name for extra in pin.extras
        }
        try:
            asked = map(Requirement, distribution(name).requires or ())
        except ModuleNotFoundError:
            continue  # a gap of its own, found where it is asked for, or nothing for this machine
        yield from _missing(name, asked, pins, here, extras={"", *extras})


def _missing(
    by: str,
    asked: Iterator[Requirement],
    pins: Sequence[Requirement],
    here: Mapping[str, str],
    *,
    extras: set[str],
) -> Iterator[str]:
    for one in asked:
        if not any(_applies(one, here, extra) for extra in extras):
            continue
        fitting = [
            pin
            for pin in pins
            if canonicalize_name(pin.name) == canonicalize_name(one.name)
            and one.extras <= pin.extras
            and all(
                one.specifier.contains(exact.version, prereleases=True) for exact in pin.specifier
            )
        ]
        if not fitting:
            yield f"{one} of {by}"


def _applying(lock: str, here: Mapping[str, str]) -> Iterator[Requirement]:
    for pin in _pins(lock):
        found = Requirement(pin.partition(" \\")[0])
        if _applies(found, here, "") and all(part.operator == "==" for part in found.specifier):
            yield found


def _pins(lock: str) -> list[str]:
    return re.findall(r"^[a-z0-9](?:.*\\\n)*.*$", lock, flags=re.M)


def _applies(one: Requirement, here: Mapping[str, str], extra: str) -> bool:
    return one.marker is None or one.marker.evaluate({**here, "extra": extra})
