"""The spec that `gpmirror lab up` writes: the practice cluster's hosts, ready to be mirrored."""

import json

from gpmirror.lab.addresses import MIRROR_OFFSET
from gpmirror.lab.layout import DATABASE, Lab

_TEXT = """\
# A practice cluster on this machine: PostgreSQL behind Greenplum's catalog tables, not Greenplum.
# `gpmirror plan` shows what is missing, `gpmirror apply` makes it, `gpmirror lab down` removes all.
apiVersion: gpmirror/v1

cluster:
  name: practice
  dialect: {dialect}
  coordinator: {{host: {ip}, port: {port}, database: {database}, user: {user}}}

ssh: {{config: {ssh_config}}}

hosts:
  - name: {names}
{addresses}    roots: [{root}]

mirrors:
  strategy: group
  ports: {{offset: {offset}}}
{same_host}"""


def spec_text(lab: Lab) -> str:
    """A spec that mirrors the whole practice cluster, host by host on the next one."""
    count = len(lab.hosts)
    interfaces = len(lab.hosts[0].addresses)
    addresses = ", ".join(f'"{{host}}-{n}"' for n in range(1, interfaces + 1))
    return _TEXT.format(
        dialect=lab.dialect.value,
        ip=lab.coordinator.ip,
        port=lab.coordinator_port,
        database=DATABASE,
        user=lab.user,
        ssh_config=json.dumps(str(lab.ssh_config)),
        names=f"sdw[1-{count}]" if count > 1 else "sdw1",
        addresses=f"    addresses: [{addresses}]\n" if interfaces > 1 else "",
        root=json.dumps(f"{lab.state}/hosts/{{host}}/data/mirror"),
        offset=MIRROR_OFFSET,
        same_host="" if count > 1 else "  allow_same_host: true\n",
    )
