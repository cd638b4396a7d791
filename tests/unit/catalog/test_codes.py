"""Every code is explained, and used."""

from pathlib import Path

from gpmirror.catalog import codes


def test_every_code_is_explained() -> None:
    named = {value for name, value in vars(codes).items() if name.isupper() and name != "CODES"}
    assert {value for value in named if str(value).startswith("GPM-C")} == set(codes.CODES)
    assert all(info.title and info.why and info.fix for info in codes.CODES.values())


def test_every_code_is_used() -> None:
    folder = Path(codes.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    names = [name for name, value in vars(codes).items() if value in list(codes.CODES)]
    assert [name for name in names if f"codes.{name}" not in text] == []
