"""Made-up clusters of any size: the spec and the catalog text that psql would print."""

PRIMARIES_PORT = 6000
HEADER = (
    " dbid | content | role | preferred_role | mode | status | port | hostname | address | datadir"
)


def spec_text(hosts: int) -> str:
    """A gp6 spec with `hosts` segment hosts and two directory roots on each."""
    return f"""\
apiVersion: gpmirror/v1
cluster:
  name: bench
  dialect: gp6
hosts:
  - name: sdw[1-{hosts}]
    roots: [/data1/mirror, /data2/mirror]
mirrors:
  strategy: group
  ports: {{offset: 1000}}
"""


def replacing_spec_text(hosts: int) -> str:
    """Strategy balanced, a twentieth of the hosts drained and as many new ones."""
    gone = hosts // 20
    return f"""\
apiVersion: gpmirror/v1
cluster:
  name: bench
  dialect: gp6
hosts:
  - {{name: "sdw[1-{gone}]", weight: 0}}
  - {{name: "sdw[{gone + 1}-{hosts + gone}]", roots: [/data1/mirror, /data2/mirror]}}
mirrors:
  strategy: balanced
  ports: {{offset: 1000}}
"""


def crowded_spec_text(hosts: int) -> str:
    """Strategy balanced without a place for any mirror: one host in a rack of its own, a line a host."""
    racks = ["a"] * (hosts - 1) + ["b"]
    lines = [
        f"  - {{name: sdw{number}, rack: {rack}, roots: [/data1/mirror, /data2/mirror]}}"
        for number, rack in enumerate(racks, 1)
    ]
    return f"""\
apiVersion: gpmirror/v1
cluster:
  name: bench
  dialect: gp6
hosts:
{chr(10).join(lines)}
mirrors:
  strategy: balanced
  ports: {{offset: 1000}}
policy:
  survive: [{{any: 1, of: rack}}]
  max_load_factor: 1.1
"""


def catalog_text(hosts: int, primaries: int) -> str:
    """gp_segment_configuration of a mirrorless gp6 cluster, as psql prints it."""
    rows = [_row(1, -1, 5432, "mdw", "/data/master/gpseg-1")]
    for content in range(hosts * primaries):
        host, index = divmod(content, primaries)
        directory = f"/data{index % 2 + 1}/primary/gpseg{content}"
        rows.append(_row(content + 2, content, PRIMARIES_PORT + index, f"sdw{host + 1}", directory))
    rule = "-" * (len(HEADER) + 20)
    return "\n".join([HEADER, rule, *rows, f"({len(rows)} rows)", ""])


def mirrored_catalog_text(
    hosts: int, primaries: int, *, scattered: bool = False, spread: bool = False
) -> str:
    """The same cluster with mirrors in sync, by strategy group or spread; `scattered`: no ring is to
    be seen in them.
    """
    lines = catalog_text(hosts, primaries).splitlines()
    contents = hosts * primaries
    mirrors = []
    for content in range(contents):
        host, index = divmod(content, primaries)
        target = (host + 1 + (index if spread else 0)) % hosts
        if scattered:
            target = (content * 7919 + host * host * 31 + content * content * 17) % hosts
            target = target if target != host else (host + 1) % hosts
        mirrors.append(
            _row(
                content + contents + 2,
                content,
                PRIMARIES_PORT + 1000 + (content if scattered else index),
                f"sdw{target + 1}",
                f"/data{index % 2 + 1}/mirror/gpseg{content}",
            ).replace(" p | p ", " m | m ")
        )
    rows = 1 + 2 * contents
    return "\n".join([*lines[:-1], *mirrors, f"({rows} rows)", ""])


def _row(dbid: int, content: int, port: int, host: str, directory: str) -> str:
    return f" {dbid} | {content} | p | p | s | u | {port} | {host} | {host} | {directory}"
