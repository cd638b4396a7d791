"""`gpmirror lab`: a practice cluster on this machine."""

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gpmirror.cli import completion
from gpmirror.cli.commands import ListingGroup
from gpmirror.cli.console import Console
from gpmirror.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from gpmirror.lab.account import Account
    from gpmirror.lab.layout import Lab

command = typer.Typer(
    cls=ListingGroup,
    add_completion=False,
    rich_markup_mode=None,
    help="Build and use a practice cluster on this machine; it is not Greenplum.",
)
_MOST_HOSTS, _MOST_PRIMARIES, _MOST_ADDRESSES = 64, 16, 4
_LONGEST = 86_400
_ANYTHING = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["--help"],  # -h is psql's host
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """Whose lab it is, and where it lies."""

    account: "Account"
    state: "Path"


@command.command("up")
def up(
    ctx: typer.Context,
    *,
    hosts: Annotated[
        int, typer.Option(metavar="N", min=1, max=_MOST_HOSTS, help="Segment hosts.")
    ] = 4,
    primaries: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=_MOST_PRIMARIES, help="Primaries on each host."),
    ] = 2,
    dialect: Annotated[
        Literal["gp5", "gp6", "gp7", "greengage6"] | None,
        typer.Option(help="The family to resemble (gp6); its release is the best known one."),
    ] = None,
    release: Annotated[
        Literal["5.8.1", "6.1.0", "6.24.3", "7.0.0", "greengage-6.27.1"] | None,
        typer.Option(help="The release whose utilities to resemble (6.24.3)."),
    ] = None,
    addresses: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=_MOST_ADDRESSES, help="Network interfaces of each host."
        ),
    ] = 1,
    uneven: Annotated[
        bool, typer.Option("--uneven", help="Every second host holds one primary more.")
    ] = False,
    spare: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=_MOST_HOSTS,
            help="Spare hosts: they hold no segment and are not in the spec.",
        ),
    ] = 0,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="SPEC", help="The spec to write, if missing.")
    ] = "gpmirror.yaml",
    pg_bindir: Annotated[
        str | None, typer.Option(metavar="DIR", help="The folder of PostgreSQL's programs.")
    ] = None,
) -> None:
    """Build a practice cluster without mirrors and write its spec."""
    from pathlib import Path

    from gpmirror.lab.programs import find_client, find_postgres, find_sshd

    console: Console = ctx.obj
    if uneven and hosts == 1:
        raise typer.BadParameter("one host cannot hold more than another", param_hint="--uneven")
    named = _release(dialect, release)
    find_sshd()
    find_client("ssh-keygen")
    order = {
        "hosts": hosts,
        "primaries": primaries,
        "interfaces": addresses,
        "uneven": uneven,
        "spares": spare,
        "release": named,
        "pg_bin": str(find_postgres(Path(pg_bindir).absolute() if pg_bindir else None)),
    }
    where = _where()
    console.talk(
        "A practice cluster is PostgreSQL behind Greenplum's catalog tables, not Greenplum."
    )
    _give("up", where, **order)
    _tell(_lab(where), output, console)


@command.command("status")
def status(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show hosts, servers and running utilities of the practice cluster."""
    from gpmirror.lab.control import status_json, status_text

    console: Console = ctx.obj
    (console.data if as_json else console.page)(
        (status_json if as_json else status_text)(_lab(_where()))
    )


@command.command("kill")
def kill(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="A host, such as sdw2.", autocompletion=completion.lab_hosts
        ),
    ],
) -> None:
    """Kill a host: its servers and its SSH server end at once, and its disk goes with it."""
    console: Console = ctx.obj
    where = _where()
    _lab(where).host_of(host)
    (name,) = _give("kill", where, host=host)
    console.page(f"{name} is gone. `gpmirror lab restore {name}` brings it back.")


@command.command("restore")
def restore(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="A host, such as sdw2.", autocompletion=completion.lab_hosts
        ),
    ],
) -> None:
    """Bring a host back, with those of its servers that the catalog calls up."""
    console: Console = ctx.obj
    where = _where()
    name = _lab(where).host_of(host).name
    _give("restore", where, host=host)
    console.page(
        f"{name} is back. Copies that are marked down stay so until `gpmirror apply` recovers them."
    )


@command.command("slow")
def slow(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST|all|off",
            autocompletion=completion.lab_hosts,
            help="A host, every host, or none any more.",
        ),
    ],
    seconds: Annotated[
        float,
        typer.Option(metavar="N", min=0, max=_LONGEST, help="What a base backup takes at least."),
    ] = 60,
) -> None:
    """Let base backups to a host take time, to watch or to interrupt them."""
    console: Console = ctx.obj
    where = _where()
    lab = _lab(where)
    if host == "off":
        _give("fast", where)
        console.data("Base backups go as fast as they can.")
        return
    name = "every" if host == "all" else lab.host_of(host).name
    _give("slow", where, host=name, seconds=seconds)
    console.page(
        f"Base backups to {name if name != 'every' else 'every host'} take {seconds:g} s from now "
        "on. `gpmirror lab slow off` ends that; utilities that run already are not slowed."
    )


@command.command("fail-over")
def fail_over(
    ctx: typer.Context,
    content: Annotated[
        int, typer.Argument(metavar="CONTENT", min=0, help="A content ID, such as 0.")
    ],
) -> None:
    """Kill the acting primary of a content, so that its mirror takes over."""
    console: Console = ctx.obj
    where = _where()
    _lab(where)
    acting, down = _give("fail-over", where, content=content)
    console.page(
        f"Content {content} acts on {acting}; its copy on {down} is down. `gpmirror apply "
        "--rebalance --allow cancels-queries` recovers it and returns the roles."
    )


@command.command("psql", context_settings=_ANYTHING)
def psql(ctx: typer.Context) -> None:
    """Run psql on the coordinator of the practice cluster; what follows are psql's arguments."""
    lab = _lab(_where())
    os.environ |= {
        "PGHOST": lab.coordinator.ip,
        "PGPORT": str(lab.coordinator_port),
        "PGUSER": lab.user,
        "PGDATABASE": "postgres",
        "PGCONNECT_TIMEOUT": "10",
    }
    program = str(lab.pg_bin / "psql")
    os.execv(program, [program, *ctx.args])  # noqa: S606 a program that was found, no shell


@command.command("ssh", context_settings=_ANYTHING)
def ssh(
    ctx: typer.Context,
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="A host, such as mdw.", autocompletion=completion.lab_hosts
        ),
    ],
) -> None:
    """Log in to a host, or run a command there with the Greenplum environment set."""
    from gpmirror.lab.programs import find_client

    lab = _lab(_where())
    program = str(find_client("ssh"))
    words = [word for word in ctx.args[:1] if word != "--"] + ctx.args[1:]
    asked = [f'. "$GPHOME/{lab.release.path_file}";', *words] if words else []
    there = lab.host_of(host)
    login = [program, "-F", str(lab.ssh_config), there.name, *asked]
    if words or not os.isatty(0) or _terminals_are_lent():
        os.execv(program, login)  # noqa: S606 as above
    raise typer.Exit(_on_a_terminal_of_its_own(login, there.bin / "session", lab))


@command.command("down")
def down(ctx: typer.Context) -> None:
    """Stop the practice cluster and delete its files; keep the spec."""
    console: Console = ctx.obj
    where = _where()
    if not where.state.exists():
        console.page(f"There is no practice cluster in {where.state}.")
        return
    _give("down", where)
    console.page(f"The practice cluster in {where.state} is gone.")


def _terminals_are_lent() -> bool:
    """Whether an SSH server without root's rights can give a login a terminal.

    OpenSSH hands it to the group tty, and hangs up where it may not (9.2p1: `chown(/dev/pts/1, ...)
    failed`): terminals must be born in that group, which containers often leave out.
    """
    import grp
    from pathlib import Path

    try:
        wanted = f"gid={grp.getgrnam('tty').gr_gid}"
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, KeyError):
        return True
    return any(wanted in line.split()[3].split(",") for line in mounts if " devpts " in line)


def _on_a_terminal_of_its_own(login: list[str], session: "Path", lab: "Lab") -> int:
    """Log in where the SSH server cannot give a terminal: Python opens one on the host's side."""
    import shlex
    import subprocess
    import termios
    import tty

    size = os.get_terminal_size(0)
    shell = (
        f"stty rows {size.lines} columns {size.columns}; "
        f"unset SSH_ORIGINAL_COMMAND; exec {shlex.quote(str(session))}"
    )
    spawned = f"pty.spawn(['/bin/sh', '-c', {shell!r}])"
    spawn = f"import os, pty; os._exit(os.waitstatus_to_exitcode({spawned}))"
    term = shlex.quote(os.environ.get("TERM", "dumb"))
    command = f"TERM={term} exec {shlex.quote(str(lab.python))} -c {shlex.quote(spawn)}"
    before = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead stays
    try:
        return subprocess.run([*login[:1], "-T", *login[1:], command], check=False).returncode  # noqa: S603 as above
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


def _release(dialect: str | None, named: str | None) -> str:
    """The release that is asked for. Raises BadParameter: it is not of that dialect."""
    from gpmirror.lab.releases import DEFAULTS, RELEASES

    if named is None:
        return DEFAULTS[dialect or "gp6"]
    if dialect not in (None, RELEASES[named].dialect.value):
        message = f"{named} is of dialect {RELEASES[named].dialect.value}, not {dialect}"
        raise typer.BadParameter(message, param_hint="--release")
    return named


def _where() -> _Where:
    from gpmirror.lab.account import lab_account, state_folder

    account = lab_account(os.environ)
    return _Where(account=account, state=state_folder(account, os.environ))


def _lab(where: _Where) -> "Lab":
    from gpmirror.lab.layout import read_lab

    return read_lab(where.state)


def _give(word: str, where: _Where, **more: object) -> list[str]:
    from gpmirror.lab.account import claim
    from gpmirror.lab.programs import drop_copy, find_python, give, remove_empty

    claim(where.state, where.account)
    try:
        python = find_python(where.account, where.state)
        return give(word, where.state, where.account, python, more)
    finally:
        drop_copy(where.state)
        remove_empty(where.state)  # also where only root could


def _primaries(lab: "Lab") -> str:
    from gpmirror.model.text import counted

    counts = [host.primaries for host in lab.hosts]
    return (
        f"{counted(counts[0], 'primary', 'primaries')} each"
        if len(set(counts)) == 1
        else f"{_listed(counts)} primaries"
    )


def _listed(counts: list[int]) -> str:
    return f"{', '.join(map(str, counts[:-1]))} and {counts[-1]}"


def _spares(lab: "Lab") -> str:
    return f", {len(lab.spares)} spare" if lab.spares else ""


def _tell(lab: "Lab", output: str, console: Console) -> None:
    from gpmirror.adapters.files import write_output
    from gpmirror.lab.building import spec_text

    if os.path.lexists(output):
        wrote = f"{output} was there already and is left alone: check that it means this cluster."
    else:
        write_output(output, spec_text(lab), force=False)
        wrote = f"Wrote {output}."
    console.page(
        f"Practice cluster: {len(lab.hosts)} hosts with {_primaries(lab)}"
        f"{_spares(lab)}, coordinator {lab.coordinator.ip}:{lab.coordinator_port}.\n"
        f"State: {lab.state} (account {lab.account}). {wrote}\n"
        "Next: `gpmirror plan`, `gpmirror apply`, `gpmirror lab status`; `gpmirror lab down` ends it."
    )
