"""A spec as YAML text: ranges expanded, defaults written out, keys in order, in one fixed style."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from gpmirror.model.dialect import USUAL, DialectName
from gpmirror.model.segment import SYSTEM_FILESPACE
from gpmirror.spec.document import time_text
from gpmirror.spec.model import (
    ApplyOptions,
    CoordinatorAddress,
    Host,
    Offset,
    Pin,
    Policy,
    Protection,
    Spec,
)
from gpmirror.spec.words import coordinator_problem

# --- A spec as the document it stands for: ranges expanded, defaults written out, keys in order.


def meaning(spec: Spec) -> dict[str, Any]:
    """Plain data in the shape of a spec document; loading it gives an equal spec."""
    return _given(
        {
            "apiVersion": "gpmirror/v1",
            "cluster": _given(
                {
                    "name": spec.cluster,
                    "dialect": None if spec.dialect is None else spec.dialect.value,
                    "coordinator": coordinator_keys(spec.coordinator),
                }
            ),
            "ssh": _given({"user": spec.ssh.user, "config": spec.ssh.config}),
            "hosts": [_host(host) for host in spec.hosts],
            "mirrors": _mirrors(spec),
            "policy": _policy(spec.policy),
            "protect": [_protection(one) for one in spec.protect],
            "apply": _apply(spec.apply) | _notify(spec.notify),
            "snapshot": spec.snapshot,
        }
    )


def coordinator_keys(coordinator: CoordinatorAddress) -> dict[str, Any]:
    """What the spec says of where the coordinator listens."""
    return _given(
        {
            "host": coordinator.host,
            "port": coordinator.port,
            "database": coordinator.database,
            "user": coordinator.user,
        }
    )


def digest(spec: Spec) -> str:
    """sha256 (hex) of what the spec means: comments, layout and ranges of the YAML do not count."""
    text = json.dumps(meaning(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _given(mapping: dict[str, Any]) -> dict[str, Any]:
    """Without the keys that say nothing."""
    return {key: value for key, value in mapping.items() if value not in (None, {}, [])}


def _host(host: Host) -> dict[str, Any]:
    roots: Any = list(host.roots)
    if host.filespace_roots:
        others = {name: list(given) for name, given in host.filespace_roots}
        roots = {SYSTEM_FILESPACE: roots, **others}
    return _given(
        {
            "name": host.name,
            "addresses": list(host.addresses),
            "rack": host.rack,
            "roots": roots,
            "weight": host.weight,
            "replaces": host.replaces,
        }
    )


def _mirrors(spec: Spec) -> dict[str, Any]:
    return _given(
        {
            "strategy": spec.strategy.value,
            "block_size": spec.block_size,
            "minimise": None if spec.minimise == "moves" else spec.minimise,
            "ports": _ports(spec),
            "directory": spec.directory,
            "pins": [_pin(pin) for pin in spec.pins],
            "allow_same_host": spec.allow_same_host,
        }
    )


def _ports(spec: Spec) -> dict[str, int]:
    match spec.ports:
        case Offset(offset=offset):
            return {"offset": offset}
        case bases:
            return _given(
                {
                    "mirror_base": bases.mirror_base,
                    "replication_base": bases.replication_base,
                    "mirror_replication_base": bases.mirror_replication_base,
                }
            )


def _pin(pin: Pin) -> dict[str, Any]:
    return _given(
        {
            "content": pin.content,
            "host": pin.host,
            "address": pin.address,
            "port": pin.port,
            "directory": pin.directory,
            "replication_port": pin.replication_port,
            "filespaces": dict(pin.filespaces),
            "reason": pin.reason,
        }
    )


def _policy(policy: Policy) -> dict[str, Any]:
    guards = policy.guards
    return _given(
        {
            "survive": [{"any": loss.count, "of": loss.of} for loss in policy.survive],
            "max_load_factor": policy.max_load_factor,
            "guards": _given(
                {
                    "moves_percent": guards.moves_percent,
                    "min_contents": guards.min_contents,
                    "bytes": guards.max_bytes,
                }
            ),
        }
    )


def _protection(one: Protection) -> dict[str, Any]:
    return {"content": one.content} if one.host is None else {"host": one.host}


def _apply(options: ApplyOptions) -> dict[str, Any]:
    waves, native = options.waves, options.native
    return {
        "waves": {
            "max_contents": waves.max_contents,
            "per_source_host": waves.per_source_host,
            "per_target_host": waves.per_target_host,
        },
        "native": _given(
            {
                "hosts": native.hosts,
                "per_host": native.per_host,
                "verbose": native.verbose,
                "hba_hostnames": native.hba_hostnames,
                "max_rate": native.max_rate,
                "replay_lag": native.replay_lag,
            }
        ),
        "hosts_at_once": options.hosts_at_once,
        "sync_timeout": time_text(options.sync_timeout),
    }


def _notify(command: tuple[str, ...]) -> dict[str, Any]:
    return {"notify": {"command": list(command)}} if command else {}


# --- What a plain YAML scalar means, by the core schema of YAML 1.2: `no` is text, 010 is ten.


Scalar: TypeAlias = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_DECIMAL = re.compile(r"[-+]?[0-9]{1,30}")
_BASED = re.compile(r"0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_MOST_DIGITS = 60


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Numbers too long to be meant as such stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789" or len(text) > _MOST_DIGITS:
        return text
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


# --- Plain data to YAML text, in one fixed style: blocks outside, short lists and leaves in flow.


_PLAIN_SAFE = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./~@%+=-]*(?: [A-Za-z0-9_./~@%+=()-]+)*")
_STEP = 2


def yaml_text(document: Mapping[str, object]) -> str:
    """`document` (dict, list, str, int, float, bool) as YAML, with a final newline."""
    return "\n".join(_mapping_lines(document, 0)) + "\n"


def scalar_text(value: object) -> str:
    """A scalar as YAML, quoted only where a reader would take it for something else."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            is_plain = _PLAIN_SAFE.fullmatch(value) is not None and plain(value) == value
            return value if is_plain else json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def flow_text(value: object) -> str:
    """Any value on one line: `{name: a, roots: [/x]}`."""
    match value:
        case Mapping():
            inner = (f"{scalar_text(key)}: {flow_text(one)}" for key, one in value.items())
            return f"{{{', '.join(inner)}}}"
        case list() | tuple():
            return f"[{', '.join(flow_text(one) for one in value)}]"
        case _:
            return scalar_text(value)


def _mapping_lines(mapping: Mapping[str, object], indent: int) -> Iterator[str]:
    for key, value in mapping.items():
        head = f"{' ' * indent}{scalar_text(key)}:"
        match value:
            case Mapping() if _is_deep(value):
                yield head
                yield from _mapping_lines(value, indent + _STEP)
            case list() if any(isinstance(one, Mapping) for one in value):
                yield head
                yield from _item_lines(value, indent + _STEP)
            case _:
                yield f"{head} {flow_text(value)}"


def _is_deep(mapping: Mapping[str, object]) -> bool:
    return any(isinstance(one, Mapping | list) for one in mapping.values()) or len(mapping) > _STEP


def _item_lines(items: Sequence[object], indent: int) -> Iterator[str]:
    for item in items:
        yield f"{' ' * indent}- {flow_text(item)}"


# --- The spec with every range and default written out, for eyes and for `validate --expand`.


def expanded_text(spec: Spec) -> str:
    """YAML that means the same as `spec`; loading it gives the same digest."""
    return yaml_text(meaning(spec))


# --- The commented spec that `gpmirror init` writes.


_STARTER = """\
# The mirrors of one Greenplum cluster, as they should be.
# `gpmirror plan` compares this with the catalog and shows what would change; it changes nothing.
apiVersion: gpmirror/v1

cluster:
  name: {cluster}
  # dialect: {usual}          # {dialects}; usually detected
  {coordinator}

# ssh: {{user: gpadmin, config: ~/.ssh/config}}

# Every segment host, in the order of the ring: mirrors go to the hosts that follow.
hosts:
  - name: sdw[1-4]                      # sdw1, sdw2, sdw3, sdw4
    roots: [/data1/mirror, /data2/mirror]   # where mirrors live, used in turn
    # addresses: ["{{host}}-1", "{{host}}-2"]   # interfaces, if they have names of their own
    # rack: a                           # hosts that fail together
    # weight: 0                         # 0: no mirrors here, e.g. a host to be drained
    # replaces: sdw9                    # take over what the dead host sdw9 held

mirrors:
  # group:  all mirrors of a host on the next host; losing a host doubles the load of one other
  # spread: each mirror of a host on another host; losing a host adds a little to many
  # block:  spread within blocks of hosts; needs block_size
  # balanced: fair shares by weight with the fewest moves, and a proof that there are none fewer
  # pinned: only what pins say
  strategy: group
  ports: {{offset: 1000}}                 # mirror port = lowest primary port of its host + 1000 + n
  # directory: "{{root}}/{{prefix}}{{content}}"
  # pins:                               # per-content overrides; they win over the strategy
  #   - {{content: 22, host: sdw3, port: 41022, directory: /data9/gpseg22, reason: "ticket 812"}}
  # allow_same_host: true               # a mirror beside its primary: single-host systems only

# What every layout is judged by.
# policy:
#   survive: [{{any: 1, of: host}}]
#   max_load_factor: 2.0
#   guards: {{moves_percent: 30, min_contents: 10, bytes: 5TB}}

# What must stay where it is.
# protect: [{{content: 0}}, {{host: sdw1}}]

# How apply works through a plan; these are the defaults.
# apply:
#   waves: {{max_contents: 16, per_source_host: 1, per_target_host: 2}}
#   native: {{hosts: 16, per_host: 64, verbose: false}}   # and hba_hostnames, max_rate, replay_lag
#   hosts_at_once: 32
#   sync_timeout: 24h
# and one that has no default: who is told how a run goes, as JSON on standard input
#   notify: {{command: [/usr/local/bin/tell-the-team]}}

# snapshot: snapshot.json               # what `plan --offline` reads: `gpmirror snapshot -o snapshot.json`
"""


_COORDINATOR = "# coordinator: {host: mdw, port: 5432, database: postgres, user: gpadmin}"


def starter_text(cluster: str = "my-cluster", coordinator: CoordinatorAddress | None = None) -> str:
    """A spec for four hosts that loads as it is and explains every key. `cluster` is its name,
    `coordinator` is written where it has a host that a spec can name.
    """
    line = _COORDINATOR
    if coordinator and coordinator.host and coordinator_problem(coordinator.host) is None:
        line = f"coordinator: {flow_text(coordinator_keys(coordinator))}"
    return _STARTER.format(
        cluster=cluster,
        coordinator=line,
        usual=USUAL[False].value,
        dialects=", ".join(one.value for one in DialectName),
    )
