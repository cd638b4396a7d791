"""Specs for a practice cluster: the calm one, and any other that a DBA may come up with."""

import json
from collections.abc import Iterable, Sequence
from random import Random

from tests.e2e.practising import PracticeCluster

_SYNC_SECONDS = 30


def calm_spec(cluster: PracticeCluster, offset: int = 1000) -> str:
    """Group, in the order of the hosts: it has a layout whatever happened, if the ports are free."""
    mirrors = f"strategy: group, ports: {{offset: {offset}}}"
    return _spec(cluster, mirrors, sorted(cluster.site.hosts))


def any_spec(cluster: PracticeCluster, random: Random) -> str:
    """Any strategy, order of hosts, offset and roots, waves of any size, now and then a drain."""
    ring = list(cluster.site.hosts)
    random.shuffle(ring)
    offset = random.choice([1000, 1000, 1020, -1000])  # no port of one is another of the next
    drained = random.choice([None, None, None, *ring])
    all_strategies = ["group", "spread", f"block, block_size: {len(ring)}"]
    strategy = random.choice(all_strategies) if drained is None else "group"
    return _spec(
        cluster,
        f"strategy: {strategy}, ports: {{offset: {offset}}}",
        ring,
        roots=random.choice([("mirror",), ("mirror2",), ("mirror", "mirror2")]),
        drained=drained,
        most=random.choice([1, 2, 16]),
    )


def _spec(
    cluster: PracticeCluster,
    mirrors: str,
    ring: Iterable[str],
    *,
    roots: Sequence[str] = ("mirror",),
    drained: str | None = None,
    most: int = 16,
) -> str:
    site = cluster.site
    hosts = "".join(
        f"  - {{name: {name}, roots: {_roots(cluster, name, roots)}"
        f"{', weight: 0' if name == drained else ''}}}\n"
        for name in ring
    )
    return (
        "apiVersion: gpmirror/v1\n"
        f"cluster: {{name: life, coordinator: {{host: {json.dumps(site.host)}, port: {site.port}, "
        f"database: postgres, user: {json.dumps(site.user)}}}}}\n"
        f"ssh: {{config: {json.dumps(site.ssh_config)}}}\n"
        f"hosts:\n{hosts}"
        f"mirrors: {{{mirrors}}}\n"
        f"apply: {{sync_timeout: {_SYNC_SECONDS}s, waves: {{max_contents: {most}}}}}\n"
    )


def _roots(cluster: PracticeCluster, host: str, roots: Sequence[str]) -> str:
    return json.dumps([site_root(cluster, host, root) for root in roots])


def site_root(cluster: PracticeCluster, host: str, root: str) -> str:
    """A directory root of a host."""
    return cluster.site.root.format(host=host).removesuffix("mirror") + root
