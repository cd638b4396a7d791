"""Good specs and what they become."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DialectName
from gpmirror.spec import load
from gpmirror.spec.document import ClusterPart, MirrorsPart, literals
from gpmirror.spec.model import Bases, Offset, Spec, Strategy

FULL = """\
apiVersion: gpmirror/v1
cluster:
  name: prod-dwh
  dialect: gp4
  coordinator: {host: mdw, port: 5432, database: postgres, user: gpadmin}
ssh: {user: gpadmin, config: ~/.ssh/config}
hosts:
  - name: sdw[1-2]
    addresses: ["{host}-1", "{host}-2"]
    rack: no
    roots: {pg_system: ["/data1/{host}", /data2/mirror], fast: [/ssd]}
  - {name: "sdw[09-10]", rack: b, weight: 0}
  - {name: new, rack: b, roots: {pg_system: [/data1/m], fast: [/ssd]}, replaces: dead}
mirrors:
  strategy: block
  block_size: 2
  ports: {mirror_base: 50000, replication_base: 60000, mirror_replication_base: 61000}
  directory: "{root}/{host}/{prefix}{content}"
  pins:
    - {content: 22, host: sdw1, address: sdw1-2, port: 41022, directory: /data9/gpseg22,
       replication_port: 42022, filespaces: {fast: /ssd/22}, reason: "工单：812"}
  allow_same_host: true
policy:
  survive: [{any: 1, of: host}, {any: 2, of: rack}]
  max_load_factor: 2
  guards: {bytes: 5TB}
protect: [{content: 0}, {host: sdw1}]
apply:
  waves: {max_contents: 4}
  sync_timeout: 90m
"""
SMALL = """\
apiVersion: gpmirror/v1
cluster: {name: demo}
hosts: [{name: "sdw[1-3]", roots: [/data/mirror]}]
mirrors: {strategy: group, ports: {offset: 1000}}
"""


def loaded(text: str) -> Spec:
    return load(text.encode(), "dir/spec.yaml")


def test_full_spec() -> None:
    spec = loaded(FULL)
    assert (spec.cluster, spec.dialect, spec.strategy) == (
        "prod-dwh",
        DialectName.GP4,
        Strategy.BLOCK,
    )
    assert [host.name for host in spec.hosts] == ["sdw1", "sdw2", "sdw09", "sdw10", "new"]
    first = spec.hosts[0]
    assert first.addresses == ("sdw1-1", "sdw1-2")
    assert first.roots == ("/data1/sdw1", "/data2/mirror")
    assert first.filespace_roots == (("fast", ("/ssd",)),)
    assert first.rack == "no"
    assert spec.hosts[2].roots == ()
    assert spec.hosts[2].addresses == ("sdw09",)
    assert spec.hosts[4].replaces == "dead"
    assert spec.ports == Bases(
        mirror_base=50000, replication_base=60000, mirror_replication_base=61000
    )
    assert spec.block_size == 2
    assert spec.allow_same_host
    (pin,) = spec.pins
    assert (pin.address, pin.filespaces, pin.reason) == (
        "sdw1-2",
        (("fast", "/ssd/22"),),
        "工单：812",
    )
    assert [(one.count, one.of) for one in spec.policy.survive] == [(1, "host"), (2, "rack")]
    assert spec.policy.guards.max_bytes == 5 * 10**12
    assert [one.name for one in spec.protect] == ["content:0", "host:sdw1"]
    assert spec.apply.sync_timeout == 5400
    assert spec.apply.waves.max_contents == 4
    assert spec.apply.waves.per_target_host == 2
    assert spec.file == "spec.yaml"


def test_defaults() -> None:
    spec = loaded(SMALL)
    assert spec.ports == Offset(1000)
    assert spec.directory == "{root}/{prefix}{content}"
    assert spec.apply.sync_timeout == 86_400
    assert spec.policy.guards.moves_percent == 30


@pytest.mark.parametrize(
    ("path", "line", "column", "width"),
    [
        (("mirrors", "ports", "mirror_base"), 17, 24, 5),
        (("hosts", 0), 8, 5, 1),
        (("hosts", 0, "name"), 8, 11, 8),
        (("hosts", 1, "name"), 12, 12, 12),
        (("mirrors", "pins", 0, "port"), 20, 56, 5),
        (("mirrors", "pins", 0, "nothing"), 20, 7, 1),
        (("policy", "survive"), 24, 3, 7),
        (("absent",), 0, 0, 1),
    ],
)
def test_places(path: tuple[str | int, ...], line: int, column: int, width: int) -> None:
    place = loaded(FULL).place_of(*path)
    assert (place.line, place.column, place.width) == (line, column, width)


def test_places_are_a_mapping() -> None:
    places = loaded(SMALL).places
    assert ("hosts", 0, "roots", 0) in places
    assert len(places) == len(list(places))


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("\n", "\r\n"),
        "\ufeff" + SMALL,
        "---\n" + SMALL,
        "# 注释：全角\n" + SMALL,
        SMALL + "policy:\nprotect:\nssh:\n",
        SMALL.replace("1000", "01000"),
        SMALL.replace("[/data/mirror]", "&r [/data/mirror]"),
        SMALL.replace(
            '{name: "sdw[1-3]", roots: [/data/mirror]}',
            '&h {name: "sdw[1-3]", roots: [/data/mirror]}',
        ),
    ],
)
def test_digest_ignores_the_looks(text: str) -> None:
    assert loaded(text).digest == loaded(SMALL).digest


def test_digest_knows_the_meaning() -> None:
    assert loaded(SMALL).digest != loaded(SMALL.replace("1000", "1001")).digest
    assert len(loaded(SMALL).digest) == 64


def test_aliases_repeat_values() -> None:
    text = SMALL.replace(
        'hosts: [{name: "sdw[1-3]", roots: [/data/mirror]}]',
        "hosts: [{name: a, roots: &r [/x, /y]}, {name: b, roots: *r}]",
    )
    assert loaded(text).hosts[1].roots == ("/x", "/y")


def test_ipv6_address() -> None:
    text = SMALL.replace('"sdw[1-3]"', 'a, addresses: ["2001:db8::1", 10.0.0.1]')
    assert loaded(text).hosts[0].addresses == ("2001:db8::1", "10.0.0.1")


def test_document_offers_what_the_model_has() -> None:
    assert literals(MirrorsPart.model_fields["strategy"].annotation) == list(Strategy)
    assert literals(ClusterPart.model_fields["dialect"].annotation) == list(DialectName)


HOSTILE = {
    "brackets": b"[" * 3_900_000,
    "braces": b"{" * 3_900_000,
    "dashes": b"- " * 1_900_000,
    "same key": b"a:\n" * 1_000_000,
    "escaped quotes": b'"\\"' * 1_000_000,
    "quotes": b"'" * 3_000_000,
    "tabs": b"\t" * 3_000_000,
    "long list": b"[a," * 20 + b"a," * 1_900_000,
    "colons": "\uff1a\n".encode() * 900_000,
    "unknown hosts": (SMALL + "protect: [" + "{host: sdx1}," * 50_000 + "]").encode(),
    "unknown keys": (SMALL + "".join(f"k{number}:\n" for number in range(100_000))).encode(),
    "alias bomb": b"a: &b0 [x,x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"k%d: &b%d [%s]\n" % (i, i, b",".join([b"*b%d" % (i - 1)] * 10)) for i in range(1, 10)
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_ends_soon(name: str) -> None:
    with pytest.raises(InvalidInput):
        load(HOSTILE[name], "spec.yaml")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_spec_or_findings(data: bytes) -> None:
    _load_or_findings(data)


_PIECES = st.sampled_from(
    ["apiVersion", "hosts", "mirrors", "name", ":", " ", "\n", "- ", "[", "]", "{", "}", "&a", "*a", "\t",
     "'", '"', "#", "|", ">", "!!str", "<<", "?", ",", "\uff1a", "\u00a0", "1", "true", "%", "---", "...",
     "pins", "{host}", "sdw[1-4]", "\\", "\r", "strategy", "ports", "offset", "/a", "\ud800"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_any_yaml_like_text_gives_a_spec_or_findings(text: str) -> None:
    _load_or_findings((SMALL + text).encode("utf-8", "surrogatepass"))
    _load_or_findings(text.encode("utf-8", "surrogatepass"))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99999) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_value_anywhere_gives_findings(data: st.DataObject) -> None:
    import json

    document = {
        "apiVersion": "gpmirror/v1",
        "cluster": {"name": "demo"},
        "hosts": [{"name": "a", "roots": ["/a"]}, {"name": "b", "roots": ["/a"]}],
        "mirrors": {
            "strategy": "group",
            "ports": {"offset": 1},
            "pins": [{"content": 1, "host": "a"}],
        },
        "policy": {"survive": [{"any": 1, "of": "host"}], "guards": {"bytes": 1}},
        "protect": [{"content": 0}],
        "apply": {"waves": {"max_contents": 1}, "sync_timeout": "1h"},
    }
    target: object = document
    while True:
        assert isinstance(target, dict | list)
        keys = sorted(target) if isinstance(target, dict) else list(range(len(target)))
        key = data.draw(st.sampled_from(keys))
        inner = target[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            target[key] = data.draw(_VALUES)
            break
        target = inner
    _load_or_findings(json.dumps(document).encode())


def _load_or_findings(data: bytes) -> None:
    for found in _findings_of(data):
        assert found.place is not None
        assert found.place.column <= len(found.place.text) + 1


def _findings_of(data: bytes) -> tuple[Diagnostic, ...]:
    try:
        load(data, "spec.yaml")
    except InvalidInput as error:
        return error.diagnostics
    return ()
