"""Made-up clusters of any size: the spec and the catalog text that psql would print."""

PRIMARIES_PORT = 6000
HEADER = (
    " dbid | content | role | preferred_role | mode | status | port | hostname | address | datadir"
)


ROOTS = "roots: [/data1/mirror, /data2/mirror]"


def spec_text(hosts: int) -> str:
    """A gp6 spec with `hosts` segment hosts and two directory roots on each."""
    return _spec(f"  - name: sdw[1-{hosts}]\n    {ROOTS}\n", "group")


def replacing_spec_text(hosts: int) -> str:
    """Strategy balanced, a twentieth of the hosts drained and as many new ones."""
    gone = hosts // 20
    drained = f'  - {{name: "sdw[1-{gone}]", weight: 0}}\n'
    stay = f'  - {{name: "sdw[{gone + 1}-{hosts + gone}]", {ROOTS}}}\n'
    return _spec(drained + stay, "balanced")


def crowded_spec_text(hosts: int) -> str:
    """Strategy balanced without a place for any mirror: one host in a rack of its own, a line a host."""
    racks = ["a"] * (hosts - 1) + ["b"]
    lines = (
        f"  - {{name: sdw{number}, rack: {rack}, {ROOTS}}}\n"
        for number, rack in enumerate(racks, 1)
    )
    policy = "policy:\n  survive: [{any: 1, of: rack}]\n  max_load_factor: 1.1\n"
    return _spec("".join(lines), "balanced") + policy


def _spec(hosts: str, strategy: str) -> str:
    return f"""\
apiVersion: gpmirror/v1
cluster:
  name: bench
  dialect: gp6
hosts:
{hosts}mirrors:
  strategy: {strategy}
  ports: {{offset: 1000}}
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
