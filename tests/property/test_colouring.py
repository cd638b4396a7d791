"""Edge colouring is exact: König's bound, never more, every class within the limits."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gpmirror.plan.waves import Limits, bound, colour

_SMALL = st.integers(0, 7)
_EDGES = st.lists(
    st.tuples(_SMALL.map(lambda n: f"s{n}"), _SMALL.map(lambda n: f"t{n}")), max_size=45
)
_LIMITS = st.builds(
    Limits,
    total=st.integers(1, 10),
    per_source=st.integers(1, 3),
    per_target=st.integers(1, 3),
)


@given(_EDGES, _LIMITS)
@settings(max_examples=400)
def test_colouring_is_exact(edges: list[tuple[str, str]], limits: Limits) -> None:
    fewest = bound(edges, limits)
    chosen = colour(edges, limits)
    assert len(chosen) == len(edges)
    assert set(chosen) <= set(range(fewest))
    for number in range(fewest):
        mine = [edge for edge, found in zip(edges, chosen, strict=True) if found == number]
        assert 0 < len(mine) <= limits.total
        assert max(Counter(source for source, _ in mine).values()) <= limits.per_source
        assert max(Counter(target for _, target in mine).values()) <= limits.per_target


def test_nothing_needs_no_colour() -> None:
    limits = Limits(total=1, per_source=1, per_target=1)
    assert bound([], limits) == 0
    assert colour([], limits) == []
