"""A host may answer anything: what can be read is read, and nothing raises."""

import shlex
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.preflight import shell
from gpmirror.preflight.asking import questions
from gpmirror.preflight.facts import address_of, endpoint_of, number_of, text_of
from gpmirror.preflight.judge import judge, read_answers
from gpmirror.preflight.model import agreed, differs, read_names
from gpmirror.preflight.reading import read_facts
from tests.plans import adding, seen_before_add

PLAN, SEEN = adding(), seen_before_add()
ASKED = questions(PLAN, SEEN)

KEYS = st.sampled_from(
    [
        "hostname",
        "machine",
        "login",
        "clock",
        "shell",
        "range",
        "reserved",
        "socket",
        "sockets",
        "parent",
        "place",
        "server",
        "tablespace",
        "stat",
        "room",
        "control",
        "software",
        "version",
        "checksums",
        "names",
        "sizes",
        "process",
        "processes",
        "coordinator",
        "lock",
        "leftover",
    ]
)
WORDS = st.one_of(
    st.sampled_from(
        ["t", "x", "xzz", "x6", "x00ff", "t/data", "begin", "end", "-edr", "0", "9" * 50]
    ),
    st.text(max_size=12),
)
LINES = st.one_of(
    st.text(max_size=40),
    st.builds(lambda key, words: " ".join([key, *words]), KEYS, st.lists(WORDS, max_size=7)),
)


@given(st.lists(LINES, max_size=40))
def test_any_answer_ends_in_a_verdict(lines: list[str]) -> None:
    text = "\n".join([shell.VERSION, *lines, shell.END])
    found = judge(read_answers(PLAN, SEEN, dict.fromkeys(ASKED, text), {}))
    assert {check.host for check in found.checks} == set(ASKED)
    assert all(check.remedy for check in found.checks if check.result != "ok")


@given(st.text(max_size=200))
def test_text_that_is_no_answer_is_none(text: str) -> None:
    assert read_facts(text, ASKED["sdw1"]) is None


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda b: b"\0" not in b), max_size=12))
def test_words_come_back_from_a_real_shell(values: list[bytes]) -> None:
    calls = b"\n".join(
        b"w " + shlex.quote(value.decode("latin-1")).encode("latin-1") + b"; echo $e"
        for value in values
    )
    done = subprocess.run(
        ["sh", "-s"], input=shell.PRELUDE.encode() + calls, capture_output=True, check=True
    )
    words = done.stdout.decode("ascii").splitlines()[1:]
    assert [text_of(word) for word in words] == [
        value.decode("utf-8", "backslashreplace") for value in values
    ]


@pytest.mark.parametrize(
    ("word", "endpoint"),
    [
        ("0100007F:1770", ("127.0.0.1", 6000)),
        ("00000000:1B58", ("0.0.0.0", 7000)),
        ("00000000000000000000000000000000:1B58", ("::", 7000)),
        ("00000000000000000000000001000000:1B58", ("::1", 7000)),
        ("0000000000000000FFFF00000A4D000A:1B58", ("10.0.77.10", 7000)),
        ("B80D01200000000067452301EFCDAB89:FFFF", ("2001:db8::123:4567:89ab:cdef", 65535)),
        ("0100007F", None),
        ("0100007F:", None),
        ("0100007F:123456", None),
        ("01:1770", None),
        ("zz00007F:1770", None),
    ],
)
def test_endpoints_of_the_kernels_table(word: str, endpoint: tuple[str, int] | None) -> None:
    assert endpoint_of(word) == endpoint


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("sdw1", None),
        ("", None),
    ],
)
def test_addresses_of_getent(word: str, address: str | None) -> None:
    assert address_of(word) == address


@pytest.mark.parametrize("word", ["", "-1", "1.5", "²", "9" * 21, " 1"])
def test_what_is_no_number(word: str) -> None:
    assert number_of(word) is None


def test_names_are_told_apart_by_their_marks() -> None:
    lines = [
        "10.0.0.1 STREAM a", "10.0.0.1 DGRAM ", "fd00::1 STREAM ",
        "0.0.0.1 STREAM 0.0.0.1", "0.0.0.1 DGRAM ",
        "0.0.0.2 STREAM 0.0.0.2", "0.0.0.2 RAW ",
        "10.0.0.3 STREAM c",
    ]  # fmt: skip
    found = read_names({"names": lines}, ["a", "b", "c"])
    assert found == {"a": frozenset({"10.0.0.1", "fd00::1"}), "b": frozenset()}


def test_hosts_without_getent() -> None:
    assert read_names({"names": ["missing"]}, ["a"]) is None
    assert read_names({}, ["a"]) is None
    assert read_names({}, []) == {}


def test_most_hosts_decide_what_a_name_means() -> None:
    one, other = frozenset({"10.0.0.1"}), frozenset({"10.0.0.2"})
    assert agreed([{"a": other}, {"a": one}, {"a": one}, {"a": frozenset()}]) == {"a": one}


@pytest.mark.parametrize(
    ("here", "elsewhere", "differ"),
    [
        ({"10.0.0.1"}, {"10.0.0.1"}, False),
        ({"10.0.0.1"}, {"10.0.0.2"}, True),
        ({"10.0.0.1"}, {"10.0.0.1", "fd00::1"}, False),
        ({"10.0.0.1"}, {"fd00::1"}, True),
        ({"10.0.0.1", "10.0.0.2"}, {"10.0.0.1"}, True),
    ],
)
def test_answers_differ_in_a_family_that_both_know(
    here: set[str], elsewhere: set[str], differ: bool
) -> None:
    assert differs(frozenset(here), frozenset(elsewhere)) is differ


@pytest.mark.parametrize("name", ["x; reboot", "$(reboot)", "a b", "-R", ""])
def test_a_login_that_no_account_has_is_told_by_number(name: str) -> None:
    """It stands in commands that people copy, some of them as root."""
    facts = read_facts("\n".join([shell.VERSION, shell.END]), ASKED["sdw1"])
    assert facts is not None
    assert replace(facts, uid=1000, user=name).login == "1000"
    assert replace(facts, uid=1000, user="gpadmin").login == "gpadmin"
