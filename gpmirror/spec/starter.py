"""The commented spec that `gpmirror init` writes."""

from gpmirror.model.dialect import USUAL, DialectName
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.spec.words import coordinator_problem
from gpmirror.spec.writing import coordinator_keys, flow_text

_TEXT = """\
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
    return _TEXT.format(
        cluster=cluster,
        coordinator=line,
        usual=USUAL[False].value,
        dialects=", ".join(one.value for one in DialectName),
    )
