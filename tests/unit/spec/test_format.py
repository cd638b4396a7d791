"""`fmt`: comments kept, meaning kept, a second run changes nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmirror.errors import InvalidInput
from gpmirror.spec.format import format_text
from gpmirror.spec.reader import read
from gpmirror.spec.source import decode
from gpmirror.spec.writing import starter_text

UGLY = """\
# top
apiVersion: 'gpmirror/v1' # version
hosts:
# the first rack
- name:  'sdw[1-4]'   # four
  roots:
  - "/data1/mirror"   # fast
  -   /data2/mirror

  # the second
- {name:   "x",  roots: [ /a , "{host}/b" ]}
mirrors:
      strategy: "group"
      k: "010"
protect: [{content: 0}, {host: sdw1}]
# end"""

PRETTY = """\
# top
apiVersion: gpmirror/v1   # version
hosts:
# the first rack
  - name: "sdw[1-4]"  # four
    roots:
      - /data1/mirror # fast
      - /data2/mirror

  # the second
  - {name: x, roots: [/a, "{host}/b"]}
mirrors:
  strategy: group
  k: "010"
protect: [{content: 0}, {host: sdw1}]
# end
"""


def test_ugly_becomes_pretty() -> None:
    assert format_text(UGLY, "x") == PRETTY


@pytest.mark.parametrize("text", [PRETTY, starter_text()])
def test_pretty_stays(text: str) -> None:
    assert format_text(text, "x") == text


def test_line_ends_are_tidied() -> None:
    assert format_text("\ufeffa: 1\r\nb: 2\r\n\r\n", "x") == "a: 1\nb: 2\n"


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\na: 2\n", "a: \uff1a\n", "- a\n", "a: \udcff"])
def test_invalid_yaml_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        format_text(text, "x")


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "<<: 4\na: 2001-99-99\n", "a: |+\n  x\n\n\nb: 1\n"]
)
def test_odd_yaml_keeps_its_meaning(text: str) -> None:
    _check(text)


_LINES = st.sampled_from(
    ["a: 1", "b:", "  c: 'x'", "  - y", "  - \"z\"", "- q", "# note", "  # inner", "", "d: [1, 'e', {f: g}] # h",
     "e: |", "    text", "f: >-", "g: \"it's\"", "h: 'a # b' # c", "i: &x v", "j: *x", "k: don't # it's", "l: 2001-01-01",
     "? m", "n: {}", "o: []", "p: ~", "---", "...", "q: 0o17", "'r': 1", "\"s\": 010"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_LINES, max_size=10).map("\n".join))
def test_formatting_is_idempotent_and_keeps_meaning(text: str) -> None:
    _check(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_formatted_or_refused(text: str) -> None:
    _check(text)


def _check(text: str) -> None:
    try:
        once = format_text(text, "x")
    except InvalidInput:
        return
    assert format_text(once, "x") == once
    assert read(decode(once.encode(), "x")).data == read(decode(text.encode(), "x")).data
    for comment in ("# note", "# inner", "# h", "# it's"):
        assert once.count(comment) == text.count(comment)
