"""A spec as the document it stands for: ranges expanded, defaults written out, keys in order."""

import hashlib
import json
from typing import Any

from gpmirror.cluster.segment import SYSTEM_FILESPACE
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
from gpmirror.spec.units import time_text


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
            "apply": _apply(spec.apply),
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
