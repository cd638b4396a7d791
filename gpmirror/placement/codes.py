"""The diagnostics of placement, for `gpmirror explain`."""

from gpmirror.diagnostics import CodeInfo

CODES = {
    "GPM-P001": CodeInfo(
        title="two spec hosts claim one catalog row",
        why="A row belongs to the host whose name or address equals its hostname, else its "
        "address. If hostname and address lead to two hosts, rules about hosts cannot be judged.",
        fix="List all interfaces of one machine under `addresses` of one host.",
    ),
    "GPM-P002": CodeInfo(
        title="a host with primaries is not in the spec",
        why="Every primary's host takes part in the ring, in the failure rules and in port "
        "arithmetic; leaving one out would plan for another cluster.",
        fix="List the host. With `weight: 0` it keeps its primaries and gets no mirrors.",
    ),
    "GPM-P003": CodeInfo(
        title="port bases do not fit the server's version",
        why="4.3 and 5 need a replication port for every instance; from 6 on there is none.",
        fix="Before 6 give all three: `ports: {mirror_base: ..., replication_base: ..., "
        "mirror_replication_base: ...}`; from 6 on `mirror_base` alone. Or use `offset`.",
    ),
    "GPM-P004": CodeInfo(
        title="a filespace has no roots",
        why="On 4.3 and 5 a mirror needs one directory for each filespace of the catalog.",
        fix="Give the host roots by filespace: `roots: {pg_system: [...], NAME: [...]}`.",
    ),
    "GPM-P005": CodeInfo(
        title="roots for a filespace that does not exist",
        why="The native utility refuses a filespace that the catalog does not have.",
        fix="Remove it, or create the filespace first.",
    ),
    "GPM-P006": CodeInfo(
        title="a pin or protection of a content that does not exist",
        why="Content IDs run from 0 without gaps; a pin or protection outside them is a slip.",
        fix="Correct or remove it.",
    ),
    "GPM-P007": CodeInfo(
        title="a pin to a host without roots",
        why="Without a root there is no directory for the mirror.",
        fix="Give the host `roots`, or the pin a `directory`.",
    ),
    "GPM-P101": CodeInfo(
        title="too few hosts for spread mirroring",
        why="Spread puts the k-th primary's mirror k hosts on, each on another host. With fewer "
        "hosts than primaries per host + 1 it would wrap and lose its property.",
        fix="Add hosts, or use group or block.",
    ),
    "GPM-P102": CodeInfo(
        title="no other host for a mirror",
        why="A mirror beside its primary does not survive the loss of the host.",
        fix="Add a host, or accept it with `allow_same_host: true` on a single-host system.",
    ),
    "GPM-P103": CodeInfo(
        title="a block of one host",
        why="A block mirrors inside itself, so it needs at least two hosts.",
        fix="Choose a block_size that leaves no single host over.",
    ),
    "GPM-P104": CodeInfo(
        title="a pin puts a mirror beside its primary",
        why="Losing that host would lose both copies.",
        fix="Pin it elsewhere, or set `allow_same_host: true`.",
    ),
    "GPM-P106": CodeInfo(
        title="strategy pinned, but a content has no pin",
        why="With strategy pinned nothing but pins places mirrors.",
        fix="Add the pin, or choose another strategy.",
    ),
    "GPM-P107": CodeInfo(
        title="strategy balanced finds no place for mirrors",
        why="Beside the primary's own host, pins, protections, weights of 0, racks that `survive` keeps "
        "apart and `max_load_factor` rule hosts out, or limit how many mirrors of one host another takes.",
        fix="Give hosts a weight, or change one of the named lines.",
    ),
    "GPM-P110": CodeInfo(
        title="a computed port is outside 1 to 65535",
        why="The message shows the arithmetic: lowest primary port of the host, index, offset.",
        fix="Choose a smaller offset, or bases.",
    ),
    "GPM-P111": CodeInfo(
        title="a port is needed twice on one host",
        why="Two instances on one machine cannot listen on one port, whatever their addresses.",
        fix="Choose another offset or base, or pin the content to a free port.",
    ),
    "GPM-P112": CodeInfo(
        title="a directory is needed twice on one host",
        why="Two instances cannot share a data directory.",
        fix="Choose other roots or another template, or pin the content elsewhere.",
    ),
    "GPM-P113": CodeInfo(
        title="a directory inside another copy's directory",
        why="A data directory that is moved, deleted or copied again takes along what stands in it. "
        "Directories that copies leave count too: they stay until they are pruned.",
        fix="Choose other roots or another template, or pin the content elsewhere.",
    ),
    "GPM-P201": CodeInfo(
        title="the directory prefix had to be guessed",
        why="Neither the coordinator's directory nor the primaries' told it.",
        fix="Write the prefix into the `directory` template.",
    ),
    "GPM-P202": CodeInfo(
        title="ports in the ephemeral range",
        why="The kernel hands such ports to outgoing connections; a mirror whose port is held "
        "does not start.",
        fix="Reserve the ports with net.ipv4.ip_local_reserved_ports, or use ports below 32768.",
    ),
    "GPM-P203": CodeInfo(
        title="a primary keeps its replication port",
        why="Primaries get their replication port once, with their mirrors; gpmirror never changes it.",
        fix="Nothing needs to be done. To end the warning write the bases that the catalog shows, "
        "`ports: {mirror_base: ..., replication_base: ..., mirror_replication_base: ...}`, as "
        "`gpmirror import` does.",
    ),
    "GPM-P205": CodeInfo(
        title="a host does not hold its share of mirrors",
        why="Strategy balanced gives each host the floor or the ceiling of its share by weight. Pins, "
        "protections, racks, load limits, or a host's own primaries may leave too few or too many for it.",
        fix="Nothing where that is meant: the layout is the nearest to the shares. Else change weights, or "
        "remove pins.",
    ),
    "GPM-P206": CodeInfo(
        title="bytes cannot be minimised, moves are",
        why="The source does not tell how large every segment is.",
        fix="Plan over the live catalog or a snapshot of it, or write `minimise: moves`.",
    ),
    "GPM-P204": CodeInfo(
        title="racks are not kept apart",
        why="Hosts have a `rack`, and the strategy puts both copies of a segment into one: losing "
        "that rack loses the segment.",
        fix="List the hosts of the racks in turn (`zip`), choose a smaller block or group, or pin the "
        "mirrors; the message holds what would do, ready to paste.",
    ),
}
