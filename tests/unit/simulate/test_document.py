"""The JSON of a simulation."""

import json

from gpmirror.model.layout import Layout, Pair
from gpmirror.simulate import lose, survey, survey_json

LAYOUT = Layout(
    pairs=(Pair(0, "sdw1", "sdw2"), Pair(1, "sdw2", "sdw1"), Pair(2, "sdw3", None)),
    hosts=("sdw1", "sdw2", "sdw3"),
    racks={"sdw1": "a", "sdw2": "b"},
)
LOST_1 = {
    "contents_lost": [],
    "lost": ["sdw1"],
    "primaries_after": {"sdw2": 2},
    "worst_host": "sdw2",
    "worst_load_factor": 2.0,
}


def test_survey() -> None:
    body = survey_json(survey(LAYOUT, pairs=False), title="observed")
    assert body["format_version"] == "1.0"
    assert body["title"] == "observed"
    assert body["primaries"] == {"sdw1": 1, "sdw2": 1, "sdw3": 1}
    assert body["fatal_pairs"] == [["sdw1", "sdw2"], ["sdw1", "sdw3"], ["sdw2", "sdw3"]]
    assert (body["fatal_pair_count"], body["pair_count"]) == (3, 3)
    assert body["survives"] == {"any_host": False, "any_rack": True, "any_two_hosts": False}
    assert body["worst_load_after_one_host"] == {
        "after": 2,
        "before": 1,
        "factor": 2.0,
        "lost": "sdw1",
        "survivor": "sdw2",
    }
    assert json.loads(json.dumps(body["hosts"]))[0] == LOST_1
    assert json.loads(json.dumps(body["racks"]))[0] == {"rack": "a", **LOST_1}
    assert "pairs" not in body


def test_pairs_on_request() -> None:
    body = json.loads(json.dumps(survey_json(survey(LAYOUT), title="observed")))
    pairs = body["pairs"]
    assert [pair["lost"] for pair in pairs] == [
        ["sdw1", "sdw2"],
        ["sdw1", "sdw3"],
        ["sdw2", "sdw3"],
    ]
    assert pairs[0] == {
        "contents_lost": [0, 1],
        "lost": ["sdw1", "sdw2"],
        "primaries_after": {},
        "worst_host": None,
        "worst_load_factor": 1.0,
    }
    assert body["worst_pair"] == pairs[0]


def test_named_losses() -> None:
    assert survey_json([lose(LAYOUT, ["sdw1"])], title="lost") == {
        "format_version": "1.0",
        "title": "lost",
        "none": [],
        "losses": [LOST_1],
    }


def test_nothing_taken_over() -> None:
    body = survey_json(survey(Layout(pairs=(), hosts=("sdw1",))), title="empty")
    assert body["worst_load_after_one_host"] is None
