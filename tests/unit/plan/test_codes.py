"""Every code that a package reports has its page, and every page its code."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import gpmirror.placement.codes
import gpmirror.plan.codes
from gpmirror.diagnostics import CodeInfo


@pytest.mark.parametrize(
    ("file", "pages"),
    [
        (gpmirror.plan.codes.__file__, gpmirror.plan.codes.CODES),
        (gpmirror.placement.codes.__file__, gpmirror.placement.codes.CODES),
    ],
)
def test_codes_and_pages_agree(file: str, pages: Mapping[str, CodeInfo]) -> None:
    folder = Path(file).parent
    used = {
        code
        for module in folder.glob("*.py")
        if module.name != "codes.py"
        for code in re.findall(r'"(GPM-P\d{3})"', module.read_text())
    }
    assert used <= set(pages)
    elsewhere = "".join(
        module.read_text() for module in folder.parent.rglob("*.py") if module.name != "codes.py"
    )
    assert [code for code in pages if code not in elsewhere] == []
    assert all(page.title and page.why and page.fix for page in pages.values())
