"""`values.dataclass` is the standard library's, but for what costs a start and nobody calls."""

from dataclasses import field, fields, replace

import pytest

from gpmirror.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A value."""

    name: str
    port: int = 5432
    seen: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Named:
    """A value that says itself what it is called."""

    name: str

    def __repr__(self) -> str:
        """Its name."""
        return self.name


@dataclass(slots=True)
class Count:
    """What changes."""

    number: int = 0


@dataclass(frozen=True, eq=False)
class Once:
    """One of its own."""

    name: str


def test_equal_values_are_one_key() -> None:
    assert Host(name="sdw1", seen="a") == Host(name="sdw1", seen="b")
    assert len({Host(name="sdw1", seen="a"), Host(name="sdw1", seen="b"), Host(name="sdw2")}) == 2


def test_what_compares_is_made_once_and_goes_on_comparing() -> None:
    first, second = Named("sdw1"), Named("sdw1")
    for _ in range(3):
        assert first == second
        assert hash(first) == hash(second)
        assert first != Named("sdw2")
        assert first != object()


def test_values_of_other_classes_are_others() -> None:
    class Other(Named):
        """Another class with the same field."""

    assert Named("sdw1") != Other("sdw1")
    assert Other("sdw1") == Other("sdw1")
    assert Named("sdw1") == Named("sdw1")


@dataclass(frozen=True, order=True)
class Version:
    """What comes before another."""

    major: int
    minor: int


def test_values_in_order() -> None:
    assert sorted([Version(7, 0), Version(6, 27)]) == [Version(6, 27), Version(7, 0)]
    assert len({Version(7, 0), Version(7, 0)}) == 1


def test_a_value_shows_its_fields() -> None:
    assert repr(Host(name="sdw1")) == "Host(name='sdw1', port=5432)"
    assert repr(Named("sdw1")) == "sdw1"


def test_fields_are_kept_in_slots_and_known_by_name() -> None:
    assert [one.name for one in fields(Host)] == ["name", "port", "seen"]
    assert replace(Host(name="sdw1"), port=1) == Host(name="sdw1", port=1)
    with pytest.raises(AttributeError):
        object.__setattr__(Host(name="sdw1"), "other", 1)


def test_what_changes_is_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        {Count()}


def test_without_comparison_each_is_itself() -> None:
    assert Once("a") != Once("a")
    assert len({Once("a"), Once("a")}) == 2
