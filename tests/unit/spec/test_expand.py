"""`validate --expand` writes a spec that means the same."""

import pytest
from ruamel.yaml import YAML

from gpmirror.spec import load
from gpmirror.spec.model import Spec
from gpmirror.spec.writing import expanded_text, yaml_text

FILESPACES = """\
apiVersion: gpmirror/v1
cluster: {name: old, dialect: gp5}
hosts:
  - {name: "sdw[1-2]", rack: "1", roots: {pg_system: ["/data/{host}"], fast: [/ssd]}}
  - {name: sdw3, rack: "yes", weight: 0, replaces: sdw9}
mirrors:
  strategy: group
  ports: {mirror_base: 50000, replication_base: 51000, mirror_replication_base: 52000}
  pins:
    - {content: 1, host: sdw1, filespaces: {fast: /ssd/1}, replication_port: 9, reason: "a: b # c\\nd"}
policy: {survive: [{any: 2, of: rack}], max_load_factor: 1.5, guards: {bytes: 5GB}}
protect: [{content: 3}]
apply: {sync_timeout: 90s, notify: {command: [/opt/tell, "it all"]}}
"""
SMALL = """\
apiVersion: gpmirror/v1
cluster: {name: new, coordinator: {host: mdw, port: 5432}}
ssh: {user: gpadmin}
hosts: [{name: "sdw[1-2]", roots: [/data/mirror]}]
mirrors: {strategy: block, block_size: 2, ports: {offset: -1000}}
"""


def loaded(text: str) -> Spec:
    return load(text.encode(), "spec.yaml")


@pytest.mark.parametrize("text", [FILESPACES, SMALL])
def test_expanded_means_the_same(text: str) -> None:
    spec = loaded(text)
    expanded = expanded_text(spec)
    assert loaded(expanded).digest == spec.digest
    assert expanded_text(loaded(expanded)) == expanded


def test_expanded_shows_ranges_and_defaults() -> None:
    expanded = expanded_text(loaded(SMALL))
    assert "  - {name: sdw2, addresses: [sdw2], roots: [/data/mirror], weight: 1}\n" in expanded
    assert "  sync_timeout: 24h\n" in expanded


@pytest.mark.parametrize(
    "value",
    [
        "no",
        "yes",
        "1",
        "1.5",
        "",
        "~",
        "null",
        "a: b",
        "a #b",
        "-",
        "{a",
        "é",
        "a\nb",
        " a",
        "工单：1",
    ],
)
def test_scalars_survive(value: str) -> None:
    text = yaml_text(
        {"k": value, "l": [value], "m": [{"n": value}], "o": {value: True, "p": [None]}}
    )
    read = YAML(typ="safe").load(text)
    assert read == {"k": value, "l": [value], "m": [{"n": value}], "o": {value: True, "p": [None]}}
