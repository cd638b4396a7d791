"""One bad spec per rule: the code, and where it points."""

from collections.abc import Iterator

import pytest

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.spec import load
from gpmirror.spec.codes import CODES

HEAD = "apiVersion: gpmirror/v1\ncluster: {name: demo}\n"  # lines 1 and 2
HOSTS = 'hosts: [{name: "sdw[1-3]", roots: [/data/mirror]}]\n'  # line 3
MIRRORS = "mirrors: {strategy: group, ports: {offset: 1000}}\n"  # line 4
GOOD = HEAD + HOSTS + MIRRORS
OLD = "apiVersion: gpmirror/v1\ncluster: {name: demo, dialect: gp4}\n"
NEW = "apiVersion: gpmirror/v1\ncluster: {name: demo, dialect: gp6}\n"


def hosts(*entries: str) -> str:
    """A spec with these host entries, the first on line 4."""
    return HEAD + "hosts:\n" + "".join(f"  - {entry}\n" for entry in entries) + MIRRORS


def mirrors(*lines: str, head: str = HEAD) -> str:
    """A spec with these lines under `mirrors`, the first on line 5."""
    return head + HOSTS + "mirrors:\n" + "".join(f"  {line}\n" for line in lines)


def pins(*entries: str, head: str = HEAD) -> str:
    """A spec with these pins, the first on line 8."""
    inner = [f"- {entry}" for entry in entries]
    return mirrors("strategy: group", "ports: {offset: 1000}", "pins:", *inner, head=head)


Case = tuple[str, str | bytes, str, int, int]

CASES: list[Case] = [
    ("latin-1", b"a: caf\xe9\n", "GPM-V001", 1, 7),
    ("utf-16", "a: b".encode("utf-16"), "GPM-V001", 1, 1),
    ("NUL", "cluster: a\x00b\n", "GPM-V002", 1, 11),
    ("escape in quotes", GOOD + 'ssh: {config: "\\e[2J"}\n', "GPM-V002", 5, 15),
    ("line separator", GOOD + "# a\u2028b\n", "GPM-V002", 5, 4),
    ("ten megabytes", b"x" * 10_000_000, "GPM-V003", 0, 0),
    ("deep", "[" * 100_000, "GPM-V003", 1, 33),
    ("many values", "[" + "a," * 300_000 + "]", "GPM-V003", 1, 500_000),
    ("unclosed quote", "a: 'x\n", "GPM-V004", 1, 4),
    ("range in flow", "hosts: [{name: sdw[1-4]}]\n", "GPM-V004", 1, 19),
    ("no blank after colon", "name:x\nb: c\n", "GPM-V004", 2, 2),
    ("mapping as key", "{[a]: b}\n", "GPM-V004", 1, 2),
    ("alias as key", "a: &a b\n*a : c\n", "GPM-V004", 2, 1),
    ("unsupported version", "%YAML 3.0\n---\na: b\n", "GPM-V004", 1, 1),
    ("tab", "hosts:\n\t- name: a\n", "GPM-V005", 2, 1),
    ("tab after blanks", "a:\n  b: c\n  \td: e\n", "GPM-V005", 3, 3),
    ("full-width colon", "apiVersion\uff1a gpmirror/v1\n", "GPM-V006", 1, 11),
    ("full-width colon breaks YAML", "a\uff1a b\nc: d: e\n", "GPM-V006", 1, 2),
    ("no-break space in a key", GOOD + "\u00a0ssh: {user: a}\n", "GPM-V006", 5, 1),
    ("curly quotes", mirrors("strategy: \u201cgroup\u201d", "ports: {offset: 1}"), "GPM-V006", 5, 13),
    ("duplicate key", GOOD + "cluster: {name: other}\n", "GPM-V007", 5, 1),
    ("duplicate key inside", HEAD + HOSTS + "mirrors: {ports: {offset: 1, offset: 2}, strategy: group}\n",
     "GPM-V007", 4, 30),
    ("empty", "# nothing\n", "GPM-V008", 0, 0),
    ("no bytes", b"", "GPM-V008", 0, 0),
    ("list", "\n- a\n", "GPM-V008", 2, 1),
    ("text", "gpmirror\n", "GPM-V008", 1, 1),
    ("two documents", GOOD + "---\na: b\n", "GPM-V009", 5, 1),
    ("alias loop", GOOD + "protect: &x [*x]\n", "GPM-V010", 5, 14),
    ("unknown alias", GOOD + "protect: *x\n", "GPM-V010", 5, 10),
    ("tag", GOOD + "apply: {hosts_at_once: !!int 3}\n", "GPM-V011", 5, 24),
    ("merge key", GOOD + "<<: {ssh: {user: a}}\n", "GPM-V011", 5, 1),
    ("unknown key", GOOD + "polcy: {}\n", "GPM-V012", 5, 1),
    ("unknown key in a host", hosts("{name: a, roots: [/a], wieght: 0}"), "GPM-V012", 4, 28),
    ("no apiVersion", "cluster: {name: demo}\n" + HOSTS + MIRRORS, "GPM-V013", 1, 1),
    ("no strategy", mirrors("ports: {offset: 1}"), "GPM-V013", 4, 1),
    ("no host name", hosts("{roots: [/a]}"), "GPM-V013", 4, 5),
    ("port in quotes", pins('{content: 1, port: "5432"}'), "GPM-V014", 8, 24),
    ("boolean for a number", hosts("{name: a, roots: [/a], weight: true}"), "GPM-V014", 4, 36),
    ("number for a name", hosts("{name: 10, roots: [/a]}"), "GPM-V014", 4, 12),
    ("text for a list", hosts("{name: a, roots: /a}"), "GPM-V014", 4, 22),
    ("braces unquoted", hosts("{name: a, roots: [{host}]}"), "GPM-V014", 4, 23),
    ("text for a mapping", mirrors("strategy: group", "ports: 1000"), "GPM-V014", 6, 10),
    ("text for a boolean", mirrors("strategy: group", "ports: {offset: 1}", "allow_same_host: yes"),
     "GPM-V014", 7, 20),
    ("text for a factor", GOOD + "policy: {max_load_factor: high}\n", "GPM-V014", 5, 27),
    ("empty number", hosts("name: a\n    roots: [/a]\n    weight:"), "GPM-V014", 6, 5),
    ("strategy not offered", mirrors("strategy: even", "ports: {offset: 1}"), "GPM-V015", 5, 13),
    ("unknown dialect", "apiVersion: gpmirror/v1\ncluster: {name: a, dialect: gp8}\n" + HOSTS + MIRRORS,
     "GPM-V015", 2, 29),
    ("port too high", pins("{content: 1, port: 65536}"), "GPM-V016", 8, 24),
    ("port zero", mirrors("strategy: group", "ports: {mirror_base: 0}"), "GPM-V016", 6, 24),
    ("offset too high", mirrors("strategy: group", "ports: {offset: 70000}"), "GPM-V016", 6, 19),
    ("block of one", mirrors("strategy: block", "block_size: 1", "ports: {offset: 1}"), "GPM-V016", 6, 15),
    ("no hosts", HEAD + "hosts: []\n" + MIRRORS, "GPM-V016", 3, 1),
    ("negative weight", hosts("{name: a, roots: [/a], weight: -1}"), "GPM-V016", 4, 36),
    ("three losses", GOOD + "policy: {survive: [{any: 3, of: host}]}\n", "GPM-V016", 5, 26),
    ("empty reason", pins('{content: 1, reason: ""}'), "GPM-V016", 8, 26),
    ("cluster name", "apiVersion: gpmirror/v1\ncluster: {name: Prod}\n" + HOSTS + MIRRORS, "GPM-V017", 2, 17),
    ("size", GOOD + "policy: {guards: {bytes: 5 tons}}\n", "GPM-V017", 5, 26),
    ("time without unit", GOOD + "apply: {sync_timeout: 30}\n", "GPM-V017", 5, 23),
    ("rate too low", GOOD + "apply: {native: {max_rate: 31}}\n", "GPM-V017", 5, 28),
    ("rate too high", GOOD + "apply: {native: {max_rate: 1025M}}\n", "GPM-V017", 5, 28),
    ("rate in words", GOOD + "apply: {native: {max_rate: fast}}\n", "GPM-V017", 5, 28),
    ("lag of nothing", GOOD + "apply: {native: {replay_lag: 0}}\n", "GPM-V016", 5, 30),
    ("ssh user like an option", GOOD + "ssh: {user: -oProxyCommand}\n", "GPM-V017", 5, 13),
    ("api version", "apiVersion: gpmirror/v2\ncluster: {name: a}\n" + HOSTS + MIRRORS, "GPM-V018", 1, 13),
    ("reversed range", hosts('{name: "sdw[4-1]", roots: [/a]}'), "GPM-V020", 4, 12),
    ("empty range", hosts('{name: "sdw[]", roots: [/a]}'), "GPM-V020", 4, 12),
    ("unmatched bracket", hosts('{name: "sdw[1-4", roots: [/a]}'), "GPM-V020", 4, 12),
    ("letters in range", hosts('{name: "sdw[a-c]", roots: [/a]}'), "GPM-V020", 4, 12),
    ("many ranges", hosts('{name: "[1][1][1][1][1][1][1][1][1]", roots: [/a]}'), "GPM-V020", 4, 12),
    ("million hosts", hosts('{name: "sdw[1-1000000]", roots: [/a]}'), "GPM-V021", 4, 12),
    ("cross product", hosts('{name: "r[1-999]-s[1-999]", roots: [/a]}'), "GPM-V021", 4, 12),
    ("long list of numbers", hosts('{name: "s[1-9000,1-9000]", roots: [/a]}'), "GPM-V021", 4, 12),
    ("too many in all", hosts('{name: "a[1-9999]", roots: [/a]}', '{name: "b[1-2]", roots: [/a]}'),
     "GPM-V021", 5, 12),
    ("blank in host", hosts('{name: "sdw 1", roots: [/a]}'), "GPM-V022", 4, 12),
    ("host like an option", hosts('{name: "-oProxy", roots: [/a]}'), "GPM-V022", 4, 12),
    ("empty host", hosts('{name: "", roots: [/a]}'), "GPM-V022", 4, 12),
    ("pipe in address", hosts('{name: a, roots: [/a], addresses: ["a|b"]}'), "GPM-V023", 4, 40),
    ("port in address", hosts('{name: a, roots: [/a], addresses: ["a:1"]}'), "GPM-V023", 4, 40),
    ("zone in address", hosts('{name: a, roots: [/a], addresses: ["fe80::1%eth0"]}'), "GPM-V023", 4, 40),
    ("coordinator", "apiVersion: gpmirror/v1\ncluster: {name: a, coordinator: {host: a;b}}\n" + HOSTS + MIRRORS,
     "GPM-V023", 2, 40),
    ("host twice", hosts("{name: sdw2, roots: [/a]}", '{name: "sdw[1-3]", roots: [/a]}'), "GPM-V024", 5, 12),
    ("address twice", hosts("{name: a, roots: [/a], addresses: [x]}", "{name: b, roots: [/a], addresses: [x]}"),
     "GPM-V025", 5, 12),
    ("address of a range", hosts('{name: "s[1-2]", roots: [/a], addresses: [x]}'), "GPM-V025", 4, 12),
    ("address is a name", hosts("{name: a, roots: [/a], addresses: [b]}", "{name: b, roots: [/a]}"),
     "GPM-V025", 4, 12),
    ("no roots", hosts("{name: a}"), "GPM-V026", 4, 12),
    ("no pg_system", hosts("{name: a, roots: {fast: [/a]}}"), "GPM-V027", 4, 15),
    ("filespaces on gp6", NEW + "hosts: [{name: a, roots: {pg_system: [/a]}}]\n" + MIRRORS, "GPM-V027", 3, 19),
    ("filespaces differ", hosts("{name: a, roots: {pg_system: [/a]}}", "{name: b, roots: [/a]}"),
     "GPM-V027", 5, 15),
    ("filespace name", hosts('{name: a, roots: {pg_system: [/a], "a:b": [/b]}}'), "GPM-V027", 4, 40),
    ("pinned filespaces on gp6", pins("{content: 1, filespaces: {fast: /a/1}}", head=NEW), "GPM-V027", 8, 18),
    ("pinned pg_system", pins("{content: 1, filespaces: {pg_system: /a/1}}"), "GPM-V027", 8, 42),
    ("relative", hosts("{name: a, roots: [data]}"), "GPM-V028", 4, 23),
    ("dots", hosts("{name: a, roots: [/a/../b]}"), "GPM-V028", 4, 23),
    ("double slash", hosts("{name: a, roots: [/a//b]}"), "GPM-V028", 4, 23),
    ("trailing slash", hosts("{name: a, roots: [/a/]}"), "GPM-V028", 4, 23),
    ("root itself", hosts("{name: a, roots: [/]}"), "GPM-V028", 4, 23),
    ("long path", hosts(f"{{name: a, roots: [/{'a' * 1000}]}}"), "GPM-V028", 4, 23),
    ("pin directory", pins("{content: 1, directory: gpseg1}"), "GPM-V028", 8, 29),
    *(
        (f"path with {bad!r}", hosts(f"{{name: a, roots: ['/a{bad}b']}}"), "GPM-V029", 4, 23)
        for bad in ' |:#"`$;&\\*?<>()!'
    ),
    ("newline in path", hosts('{name: a, roots: ["/a\\nb"]}'), "GPM-V029", 4, 23),
    ("filespace directory", pins("{content: 1, filespaces: {fast: '/a b'}}"), "GPM-V029", 8, 37),
    ("template start", mirrors("strategy: group", "ports: {offset: 1}", 'directory: "{content}"'), "GPM-V030", 7, 14),
    ("template lacks content", mirrors("strategy: group", "ports: {offset: 1}", 'directory: "{root}/x"'),
     "GPM-V030", 7, 14),
    ("template path", mirrors("strategy: group", "ports: {offset: 1}", 'directory: "{root}//{content}"'),
     "GPM-V028", 7, 14),
    ("unknown placeholder", mirrors("strategy: group", "ports: {offset: 1}", 'directory: "{root}/{contentid}"'),
     "GPM-V031", 7, 14),
    ("placeholder in address", hosts('{name: a, roots: [/a], addresses: ["{hots}-1"]}'), "GPM-V031", 4, 40),
    ("unmatched brace", hosts('{name: a, roots: ["/a/{host"]}'), "GPM-V031", 4, 23),
    ("replaces a listed host", hosts("{name: a, roots: [/a], replaces: b}", "{name: b, roots: [/a]}"),
     "GPM-V032", 4, 12),
    ("replaced twice", hosts("{name: a, roots: [/a], replaces: x}", "{name: b, roots: [/a], replaces: x}"),
     "GPM-V032", 5, 12),
    ("block without size", mirrors("strategy: block", "ports: {offset: 1}"), "GPM-V040", 5, 13),
    ("size without block", mirrors("strategy: group", "block_size: 4", "ports: {offset: 1}"), "GPM-V040", 6, 15),
    ("no port rule", mirrors("strategy: group", "ports: {}"), "GPM-V041", 6, 3),
    ("two port rules", mirrors("strategy: group", "ports: {offset: 1, mirror_base: 2}"), "GPM-V041", 6, 35),
    ("offset zero", mirrors("strategy: group", "ports: {offset: 0}"), "GPM-V041", 6, 19),
    ("one replication base", mirrors("strategy: group", "ports: {mirror_base: 5, replication_base: 6}"),
     "GPM-V042", 6, 3),
    ("no replication bases on gp4", mirrors("strategy: group", "ports: {mirror_base: 5}", head=OLD),
     "GPM-V042", 6, 3),
    ("replication base on gp6",
     mirrors("strategy: group", "ports: {mirror_base: 5, replication_base: 6}", head=NEW), "GPM-V042", 6, 45),
    ("pinned replication port on gp6", pins("{content: 1, replication_port: 6}", head=NEW), "GPM-V042", 8, 36),
    ("pinned without pins", mirrors("strategy: pinned", "ports: {offset: 1}"), "GPM-V043", 5, 13),
    ("minimise without balanced", mirrors("strategy: group", "minimise: bytes", "ports: {offset: 1}"),
     "GPM-V044", 6, 13),
    ("content twice", pins("{content: 1}", "{content: 1}"), "GPM-V050", 9, 15),
    ("pin to unknown host", pins("{content: 1, host: sdw9}"), "GPM-V051", 8, 24),
    ("protect unknown host", GOOD + "protect: [{host: sdw9}]\n", "GPM-V051", 5, 18),
    ("port pinned twice", pins("{content: 1, host: sdw1, port: 5}", "{content: 2, host: sdw1, port: 5}"),
     "GPM-V052", 9, 36),
    ("directory pinned twice",
     pins("{content: 1, host: sdw1, directory: /a/1}", "{content: 2, host: sdw1, directory: /a/1}"),
     "GPM-V052", 9, 41),
    ("replication port is the port", pins("{content: 1, host: sdw1, port: 5, replication_port: 5}"), "GPM-V052", 8, 57),
    ("address of another host", pins("{content: 1, host: sdw1, address: sdw2}"), "GPM-V054", 8, 39),
    ("address of nobody", pins("{content: 1, address: sdw9}"), "GPM-V054", 8, 27),
    ("protect nothing", GOOD + "protect: [{}]\n", "GPM-V055", 5, 11),
    ("protect both", GOOD + "protect: [{content: 1, host: sdw1}]\n", "GPM-V055", 5, 11),
    ("rack unknown", GOOD + "policy: {survive: [{any: 1, of: rack}]}\n", "GPM-V057", 5, 20),
    ("all weights zero", hosts("{name: a, weight: 0}"), "GPM-V058", 3, 1),
    ("snapshot elsewhere", GOOD + "snapshot: /etc/passwd\n", "GPM-V060", 5, 11),
    ("snapshot above", GOOD + "snapshot: ../x.json\n", "GPM-V060", 5, 11),
    ("snapshot of a home", GOOD + "snapshot: ~/x.json\n", "GPM-V060", 5, 11),
    ("snapshot on stdin", GOOD + 'snapshot: "-"\n', "GPM-V060", 5, 11),
    ("snapshot is a folder", GOOD + "snapshot: saved/\n", "GPM-V060", 5, 11),
    ("ranges in turn of unequal length", hosts('{zip: ["a[1-3]", "b[1-2]"], roots: [/d]}'), "GPM-V059", 4, 6),
    ("pin to weight zero",
     HEAD + "hosts: [{name: a, weight: 0}, {name: b, roots: [/a]}]\nmirrors:\n  strategy: group\n"
     "  ports: {offset: 1}\n  pins: [{content: 1, host: a}]\n", "GPM-V053", 7, 29),
]  # fmt: skip


def findings(text: str | bytes) -> tuple[Diagnostic, ...]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(InvalidInput) as caught:
        load(data, "spec.yaml")
    return caught.value.diagnostics


@pytest.mark.parametrize(
    ("text", "code", "line", "column"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_finding_has_code_and_place(text: str | bytes, code: str, line: int, column: int) -> None:
    found = findings(text)
    spots = [(one.code, one.place.line, one.place.column) for one in found if one.place]
    assert (code, line, column) in spots
    for one in found:
        assert one.code in CODES
        assert one.place is not None
        assert one.place.file == "spec.yaml"
        assert one.hint
        assert one.message


_ALONE = {
    "GPM-V020",
    "GPM-V022",
    "GPM-V023",
    "GPM-V024",
    "GPM-V028",
    "GPM-V029",
    "GPM-V041",
    "GPM-V050",
}


@pytest.mark.parametrize("text", [pytest.param(c[1], id=c[0]) for c in CASES if c[2] in _ALONE])
def test_one_fault_gives_one_finding(text: str | bytes) -> None:
    assert len(findings(text)) == 1


def test_cases_cover_every_code() -> None:
    assert {case[2] for case in CASES} == set(CODES)


def test_codes_in_the_package_are_listed() -> None:
    assert set(_codes_in_sources()) == set(CODES)


def _codes_in_sources() -> Iterator[str]:
    import re
    from pathlib import Path

    import gpmirror.spec

    for source in Path(gpmirror.spec.__file__).parent.glob("*.py"):
        if source.name != "codes.py":
            yield from re.findall(r"GPM-V[0-9]{3}", source.read_text(encoding="utf-8"))


def test_all_problems_in_one_run() -> None:
    text = (
        "apiVersion: gpmirror/v2\n"
        "cluster: {name: Demo}\n"
        "hosts:\n"
        "  - {name: sdw1, roots: [data]}\n"
        "  - {name: 5, roots: [/a]}\n"
        "  - {name: sdw3, roots: [/a/], wieght: 1}\n"
        "mirrors:\n"
        "  strategy: even\n"
        "  ports: {offset: 0}\n"
        "  pins: [{content: 1, port: 70000}, {content: 2}, {content: 2}]\n"
        "protect: [{}]\n"
    )
    spots = [(one.code, one.place.line) for one in findings(text) if one.place]
    assert spots == [
        ("GPM-V018", 1),
        ("GPM-V017", 2),
        ("GPM-V028", 4),
        ("GPM-V014", 5),
        ("GPM-V028", 6),
        ("GPM-V012", 6),
        ("GPM-V015", 8),
        ("GPM-V041", 9),
        ("GPM-V016", 10),
        ("GPM-V050", 10),
        ("GPM-V055", 11),
    ]


def test_places_stay_right_behind_a_faulty_host() -> None:
    text = hosts("{name: 5, roots: [/a]}", "{name: a, roots: [b]}")
    assert [(one.code, one.place.line) for one in findings(text) if one.place] == [
        ("GPM-V014", 4),
        ("GPM-V028", 5),
    ]


def test_faulty_hosts_are_not_held_against_pins() -> None:
    text = (
        HEAD + "hosts: [{name: sdw1, roots: [/a], weight: x}]\n"
        "mirrors: {strategy: group, ports: {offset: 1}, pins: [{content: 1, host: sdw1}]}\n"
    )
    assert [one.code for one in findings(text)] == ["GPM-V014"]


def test_related_place_names_the_first() -> None:
    (found,) = findings(hosts("{name: sdw2, roots: [/a]}", '{name: "sdw[1-3]", roots: [/a]}'))
    assert "`sdw2`" in found.message
    assert [one.place.line for one in found.related] == [4]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (GOOD + "polcy: {}\n", "did you mean `policy`?"),
        (mirrors("strategy: spraed", "ports: {offset: 1}"), "did you mean `spread`?"),
        (pins("{content: 1, host: sdv1}"), "did you mean `sdw1`?"),
        (pins('{content: 1, port: "5432"}'), "remove the quotes: 5432"),
        (hosts("{name: 10, roots: [/a]}"), 'quote it: "10"'),
        (hosts("{name: a, roots: /a}"), "write it as a list: [/a]"),
        ("hosts: [{name: sdw[1-4]}]\n", 'inside {...} quote host ranges: {name: "sdw[1-4]"}'),
        ("roots: [/a/{host}]\n", 'quote text that holds braces: "{host}-1"'),
        ("a: {host}-1\n", 'quote text that holds braces: "{host}-1"'),
        ("name:x\nb: c\n", "write a space after the colon: `name: sdw1`"),
        (hosts('{name: "sdw[4-1]", roots: [/a]}'), "write [1-4]"),
        (hosts("{name: a, roots: [/a//b/]}"), "write `/a/b`"),
        ("cluster: {name: demo}\n" + HOSTS + MIRRORS, "add `apiVersion: gpmirror/v1`"),
    ],
)
def test_hint_says_what_to_write(text: str, hint: str) -> None:
    assert hint in [one.hint for one in findings(text)]


def test_look_alike_message_names_code_point() -> None:
    (found,) = findings(mirrors("strategy: group", "ports: {offset: 1000\uff10}"))
    assert found.message == "look-alike character `\uff10` U+FF10 (full-width `0`)"


def test_unknown_strategy_lists_what_is_offered() -> None:
    (found,) = findings(mirrors("strategy: even", "ports: {offset: 1}"))
    assert found.message.endswith("allowed are `group`, `spread`, `block`, `balanced` or `pinned`")


def test_both_missing_bases_are_named() -> None:
    text = mirrors("strategy: group", "ports: {mirror_base: 5}", head=OLD)
    (found,) = findings(text)
    for name in ("`replication_base`", "`mirror_replication_base`"):
        assert name in found.message
        assert name in (found.hint or "")
