"""The option `--greenplum`: run the end-to-end tests on a Greenplum of your own, and on it alone."""

from dataclasses import dataclass

import pytest

FLAGS = (
    "--greenplum",
    "--greenplum-user",
    "--greenplum-ssh-config",
    "--greenplum-root",
    "--greenplum-reset",
    "--greenplum-allow",
    "--greenplum-spare",
    "--greenplum-cut-off",
    "--greenplum-connect",
    "--greenplum-small-disk",
    "--greenplum-room",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The cluster that the command line names. `reset` is a shell command, `cut_off` and `connect`
    are such with `{host}` in them, `small_disk` and `room` with `{folder}` too; "" for none, as for
    `spare`.
    """

    host: str
    port: int
    user: str
    ssh_config: str
    root: str
    reset: str
    allow: tuple[str, ...]
    spare: str
    cut_off: str
    connect: str
    small_disk: str
    room: str


def add_options(parser: pytest.Parser) -> None:
    """The options that describe the cluster; docs/how-to/test-on-your-greenplum.md tells them."""
    group = parser.getgroup("greenplum", "end-to-end tests on a Greenplum that you can lose")
    named, user, ssh_config, root, reset, allow, spare, cut_off, connect, small, room = FLAGS
    add = group.addoption
    add(named, metavar="HOST:PORT", help="its coordinator; mirrors will be added")
    add(user, metavar="NAME", default="gpadmin", help="the database role (gpadmin)")
    add(ssh_config, metavar="FILE", default="", help="SSH configuration that leads to its hosts")
    add(root, metavar="DIR", default="/data/mirror", help="where mirrors go (/data/mirror)")
    add(reset, metavar="CMD", default="", help="a shell command that makes it mirrorless again")
    add(allow, metavar="X", action="append", default=[], help="what it needs allowed; repeatable")
    add(spare, metavar="HOST", default="", help="a host that holds no segment yet")
    add(cut_off, metavar="CMD", default="", help="a shell command that cuts {host} off")
    add(connect, metavar="CMD", default="", help="a shell command that connects {host} again")
    add(small, metavar="CMD", default="", help="a shell command: 20 MB for {folder} of {host}")
    add(room, metavar="CMD", default="", help="a shell command: room for {folder} of {host} again")


def target(config: pytest.Config) -> Target | None:
    """The cluster that the command line names, if it names one. Raises UsageError."""
    place = config.getoption("--greenplum")
    if place is None:
        return None
    host, _, port = place.rpartition(":")
    if not host or not port.isdecimal():
        raise pytest.UsageError(f"--greenplum={place}: give HOST:PORT, for example mdw:5432")
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("--greenplum runs one test at a time: leave -n out")
    return Target(
        host=host,
        port=int(port),
        user=config.getoption("--greenplum-user"),
        ssh_config=config.getoption("--greenplum-ssh-config"),
        root=config.getoption("--greenplum-root"),
        reset=config.getoption("--greenplum-reset"),
        allow=tuple(config.getoption("--greenplum-allow")),
        spare=config.getoption("--greenplum-spare"),
        cut_off=config.getoption("--greenplum-cut-off"),
        connect=config.getoption("--greenplum-connect"),
        small_disk=config.getoption("--greenplum-small-disk"),
        room=config.getoption("--greenplum-room"),
    )


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that run on any cluster; the others bring a practice cluster or need none."""
    if target(config) is None:
        return
    kept = [item for item in items if _runs_on_any(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _runs_on_any(item: pytest.Item) -> bool:
    """Whether it takes the cluster that is there; `shared_labs` makes practice clusters."""
    needed = set(getattr(item, "fixturenames", ()))
    marked = item.get_closest_marker("e2e") is not None
    return marked and "cluster" in needed and "shared_labs" not in needed
