"""Pages in another language: the prose is written by people, what commands print is the original's."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TRANSLATIONS = {
    "docs/zh-CN/README.md": "README.md",
    "docs/zh-CN/first-hour.md": "docs/how-to/first-hour.md",
}
"""Page -> the page that it translates, both below the repository."""

FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


def translated(page: str) -> str:
    """The page with its fenced blocks as the original has them, one for one.

    Raises ValueError: it has more of them, or fewer.
    """
    text = (ROOT / page).read_text("utf-8")
    blocks = FENCED.findall((ROOT / TRANSLATIONS[page]).read_text("utf-8"))
    found = len(FENCED.findall(text))
    if found != len(blocks):
        original = TRANSLATIONS[page]
        raise ValueError(f"{page} has {found} fenced blocks, {original} has {len(blocks)}")
    rest = iter(blocks)
    return FENCED.sub(lambda _: next(rest), text)
