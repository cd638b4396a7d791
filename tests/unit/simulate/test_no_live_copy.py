"""Contents without any live copy: told apart, and taken by no loss."""

from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import judge_policy, lose, survey, survey_json, survey_text

PAIRS = (Pair(0, "a", "b"), Pair(1, "b", "a"), Pair(2, "a", None, lives=False))
DEAD = Layout(pairs=PAIRS, hosts=("a", "b"), racks={"a": "x", "b": "y"})


def test_no_loss_takes_what_is_lost_already() -> None:
    found = survey(DEAD)
    assert [loss.contents_lost for loss in found.hosts] == [(), ()]
    assert [loss.gains for loss in found.hosts] == [{"b": 1}, {"a": 1}]
    assert found.fatal_pair_count == 1


def test_nothing_survives_what_has_happened() -> None:
    found = survey(DEAD)
    assert (found.survives_any_host, found.survives_any_rack) == (False, False)
    (verdict,) = judge_policy(DEAD, [(1, "host")], None)
    assert (verdict.ok, verdict.evidence) == (
        False,
        "no live copy: 1 content (2); fatal hosts: 0 of 2",
    )


def test_it_is_told_first() -> None:
    assert survey_text(survey(DEAD), title="now:").splitlines()[1] == "no live copy: 1 content (2)"
    assert survey_text([lose(DEAD, ["a"])], title="now:").splitlines() == [
        "now:",
        "no live copy: 1 content (2)",
        "lose a: 0 contents lost; b 1 -> 2 primaries (x2.0)",
    ]
    assert survey_json(survey(DEAD), title="now")["none"] == [2]
    assert survey_json([lose(DEAD, ["a"])], title="now")["none"] == [2]
