"""What goes with a release: the bill of materials (CycloneDX), licences, checksums."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from release.wheels import Wheel

_LICENSE_FILE = re.compile(
    r"[^/]+\.dist-info/(licenses/.+|(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*)", re.I
)
_LIBRARY = re.compile(r"[^/]+\.libs/(.+)")
_CLASSIFIER = "License :: OSI Approved :: "


def bill_of_materials(wheels: Iterable[Wheel], own: Wheel, seconds: int) -> str:
    """CycloneDX 1.6, JSON: each wheel with version, hash and licence."""
    wheels = _sorted(wheels)
    components = [_component(wheel, "library") for wheel in wheels]
    about = _component(own, "application")
    seed = json.dumps([about, components], sort_keys=True)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, seed)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": about,
        },
        "components": components,
        "dependencies": [
            {"ref": about["bom-ref"], "dependsOn": sorted({one["bom-ref"] for one in components})}
        ],
    }
    return json.dumps(bill, indent=2, ensure_ascii=False) + "\n"


def third_party(wheels: Iterable[Wheel]) -> str:
    """The licences of all that is inside, word for word."""
    told: dict[str, str] = {}
    for wheel in _sorted(wheels):
        metadata, files = wheel.metadata(), wheel.files()
        name = f"{metadata['Name']} {metadata['Version']}"
        texts = {
            one: files[one].decode("utf-8", "replace")
            for one in sorted(files)
            if _LICENSE_FILE.fullmatch(one)
        }
        libraries = sorted(found[1] for one in files if (found := _LIBRARY.fullmatch(one)))
        lines = [name, "=" * len(name), f"License: {license_of(wheel)}"]
        if page := _page(wheel):
            lines.append(f"Home page: {page}")
        if libraries:
            lines.append(
                "It brings these compiled libraries, each under its own project's licence:"
            )
            lines += [f"  {library}" for library in libraries]
        if not texts:
            lines.append("The wheel holds no licence text; its home page has it.")
        for file, text in texts.items():
            lines += ["", f"--- {file.partition('/')[2]}", "", text.rstrip()]
        told.setdefault(name, "\n".join(lines))
    head = "gpmirror's single file and wheelhouse hold the packages below, each under its own licence.\n"
    return head + "".join(f"\n\n{text}\n" for text in told.values())


def license_of(wheel: Wheel) -> str:
    """What the wheel says of its licence: an expression, a classifier or words."""
    metadata = wheel.metadata()
    if expression := metadata["License-Expression"]:
        return str(expression)
    classifiers = metadata.get_all("Classifier", [])
    named = [one.removeprefix(_CLASSIFIER) for one in classifiers if one.startswith(_CLASSIFIER)]
    words = str(metadata["License"] or "").strip().splitlines()
    return " AND ".join(named) or (words[0] if words else "not told")


def checksums(files: Sequence[Path], folder: Path) -> str:
    """As `sha256sum -c` reads them."""
    return "".join(f"{_sha256(file)}  {file.relative_to(folder)}\n" for file in sorted(files))


def _component(wheel: Wheel, kind: str) -> dict[str, Any]:
    metadata = wheel.metadata()
    name = canonicalize_name(metadata["Name"])
    purl = f"pkg:pypi/{name}@{metadata['Version']}?file_name={wheel.path.name}"
    told = license_of(wheel)
    expression = metadata["License-Expression"] is not None
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": metadata["Version"],
        "hashes": [{"alg": "SHA-256", "content": _sha256(wheel.path)}],
        "licenses": [{"expression": told} if expression else {"license": {"name": told}}],
        "purl": purl,
    }


def _page(wheel: Wheel) -> str | None:
    metadata = wheel.metadata()
    pages = dict(
        line.split(", ", 1) for line in metadata.get_all("Project-URL", []) if ", " in line
    )
    named = {label.lower(): page for label, page in pages.items()}
    ways = (
        metadata["Home-page"],
        *(named.get(one) for one in ("homepage", "home", "source", "repository", "github")),
    )
    return next((str(page) for page in ways if page), None)


def _sorted(wheels: Iterable[Wheel]) -> list[Wheel]:
    """Each file once, whichever Pythons take it."""
    return [one for _, one in sorted({wheel.path.name: wheel for wheel in wheels}.items())]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
