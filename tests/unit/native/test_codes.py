"""Every code that the package reports has a page, and every page a code."""

import re
from pathlib import Path

from gpmirror.native import codes

PACKAGE = Path(codes.__file__).parent


def test_codes_and_pages_match() -> None:
    sources = [p.read_text() for p in PACKAGE.glob("*.py") if p.name != "codes.py"]
    used = set(re.findall(r"GPM-N\d{3}", "".join(sources)))
    assert used == set(codes.CODES)
