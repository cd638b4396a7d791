"""Every code that the package reports has its page, and every page its code."""

import re
from pathlib import Path

import gpmirror.placement
from gpmirror.placement.codes import CODES


def test_codes_and_pages_agree() -> None:
    folder = Path(gpmirror.placement.__file__).parent
    used = {
        code
        for file in folder.glob("*.py")
        if file.name != "codes.py"
        for code in re.findall(r'"(GPM-P\d{3})"', file.read_text())
    }
    assert used <= set(CODES)
    elsewhere = "".join(
        file.read_text() for file in folder.parent.rglob("*.py") if file.name != "codes.py"
    )
    assert [code for code in CODES if code not in elsewhere] == []
    assert all(page.title and page.why and page.fix for page in CODES.values())
