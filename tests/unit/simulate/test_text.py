"""The lines that `simulate` prints."""

from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import lose, loss_text, survey, survey_text

GROUP = Layout(
    pairs=tuple(
        Pair(host * 4 + index, f"data0{host + 1}", f"data0{(host + 1) % 4 + 1}")
        for host in range(4)
        for index in range(4)
    ),
    hosts=("data01", "data02", "data03", "data04"),
    racks={"data01": "a", "data02": "b", "data03": "a", "data04": "b"},
)
SPREAD = Layout(
    pairs=tuple(
        Pair(host * 6 + index, f"sdw{host}", f"sdw{(host + 1 + index) % 7}")
        for host in range(7)
        for index in range(6)
    ),
    hosts=tuple(f"sdw{host}" for host in range(7)),
)


def test_survey_with_racks() -> None:
    assert survey_text(survey(GROUP, pairs=False), title="desired") == (
        "desired\n"
        "lose data01: 0 contents lost; data02 4 -> 8 primaries (x2.0)\n"
        "lose data02: 0 contents lost; data03 4 -> 8 primaries (x2.0)\n"
        "lose data03: 0 contents lost; data04 4 -> 8 primaries (x2.0)\n"
        "lose data04: 0 contents lost; data01 4 -> 8 primaries (x2.0)\n"
        "lose rack a: 0 contents lost; data02 4 -> 8 primaries (x2.0), "
        "data04 4 -> 8 primaries (x2.0)\n"
        "lose rack b: 0 contents lost; data01 4 -> 8 primaries (x2.0), "
        "data03 4 -> 8 primaries (x2.0)\n"
        "fatal host pairs: 4 of 6\n"
        "worst single host: data01, 0 contents lost; data02 4 -> 8 primaries (x2.0)"
        "; as bad: data[02-04]\n"
    )


def test_survey_with_pairs_lists_the_fatal_ones() -> None:
    lines = survey_text(survey(GROUP), title="desired").splitlines()
    assert (
        "lose data01 + data02: 4 contents lost (0, 1, 2, 3); data03 4 -> 8 primaries (x2.0)"
        in lines
    )
    assert not any(line.startswith("lose data01 + data03") for line in lines)
    assert lines[-3:] == [
        "worst pair: data01 + data02, 4 contents lost (0, 1, 2, 3); data03 4 -> 8 primaries (x2.0)",
        "fatal host pairs: 4 of 6",
        (
            "worst single host: data01, 0 contents lost; data02 4 -> 8 primaries (x2.0)"
            "; as bad: data[02-04]"
        ),
    ]


def test_long_lists_are_cut() -> None:
    text = survey_text(survey(SPREAD), title="spread")
    assert "fatal host pairs: 21 of 21\n" in text
    assert "+1 more fatal pairs\n" in text
    assert "sdw4 6 -> 7 primaries (x1.17), +2 more\n" in text
    assert "10 contents lost (0, 1, 2, 3, 4, 5, 6, 7, +2 more)" in loss_text(
        lose(bare(10), ["sdw1"])
    )


def bare(count: int) -> Layout:
    return Layout(
        pairs=tuple(Pair(content, "sdw1", None) for content in range(count)),
        hosts=("sdw1", "sdw2"),
    )


def test_a_loss_without_takeover() -> None:
    assert loss_text(lose(bare(1), ["sdw1"])) == "lose sdw1: 1 contents lost (0); no primaries move"
    assert loss_text(lose(bare(1), ["sdw2"])) == "lose sdw2: 0 contents lost; no primaries move"


def test_the_worst_load_comes_first() -> None:
    layout = Layout(
        pairs=(
            Pair(0, "a", "b"),
            Pair(1, "a", "c"),
            Pair(2, "b", "a"),
            Pair(3, "b", "a"),
            Pair(4, "c", "a"),
        ),
        hosts=("a", "b", "c"),
    )
    assert loss_text(lose(layout, ["a"])) == (
        "lose a: 0 contents lost; c 1 -> 2 primaries (x2.0), b 2 -> 3 primaries (x1.5)"
    )


def test_named_losses() -> None:
    one, two = lose(GROUP, ["data01"]), lose(GROUP, ["data01", "data02"])
    assert survey_text([one], title="lost") == f"lost\n{loss_text(one)}\n"
    assert survey_text([one, two], title="lost").splitlines()[-1] == (
        "worst: data01 + data02, 4 contents lost (0, 1, 2, 3); data03 4 -> 8 primaries (x2.0)"
    )


def test_an_empty_layout() -> None:
    text = survey_text(survey(Layout(pairs=(), hosts=())), title="empty")
    assert text == "empty\nfatal host pairs: 0 of 0\n"
