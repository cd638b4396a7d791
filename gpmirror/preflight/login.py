"""Checks of who answered, and of the login."""

from gpmirror.preflight.model import Finding, Visit, bad, ok, unknown

# --- Checks of who answered: all of the answer is there, and it comes from the right machine.


def judge_reachable(visit: Visit) -> list[Finding]:
    """The answer is complete."""
    if visit.facts.complete:
        return [ok("answered")]
    return [unknown("the answer breaks off before its end", "look at the host's load, try again")]


def judge_identity(visit: Visit) -> list[Finding]:
    """The servers' directories stand where the catalog says, and the machine has a name of its own."""
    machine, name = visit.facts.machine, visit.facts.hostname or "a host without a name"
    found = [
        bad(
            f"the catalog has {_what(source.content)} in {source.path} here, and {name} shows "
            f"{visit.facts.login or 'the login user'} no such directory",
            f"see where `ssh {visit.host} hostname` leads, and as whom",
        )
        for source, server in visit.sources()
        if not server.exists
    ]
    if machine is None:
        found.append(
            unknown(
                f"{name} has no readable /etc/machine-id",
                "run `systemd-machine-id-setup` there as root, or set GPMIRROR_MACHINE_ID in its "
                "environment",
            )
        )
    return found or [ok(f"calls itself {name}, machine-id {machine}")]


def _what(content: int) -> str:
    return "the coordinator" if content < 0 else f"the acting primary of content {content}"


# --- Checks of the login: a quiet shell, and the user that owns the cluster.


_SHOWN = 80


def judge_shell(visit: Visit) -> list[Finding]:
    """A fresh shell prints nothing: the utilities read each other's output over SSH."""
    noise = visit.facts.shell_noise
    if noise is None:
        return [unknown("no shell could be started to listen to", "log in and run `true`")]
    if noise:
        return [
            bad(
                f"a shell that runs no command prints {noise[:_SHOWN]!r}; the utilities take it "
                "for an answer",
                "let the start-up files print for terminals only: "
                "`case $- in *i*) ... ;; esac` around it in ~/.bashrc",
            )
        ]
    return [ok("a fresh shell prints nothing")]


def judge_login(visit: Visit) -> list[Finding]:
    """The login user is the one that the primaries' directories belong to."""
    login, uid = visit.facts.login, visit.facts.uid
    if login is None:
        return [unknown("the login user is not known", "log in and run `id`")]
    own = [(s, f.status) for s, f in visit.sources() if f.status is not None]
    for source, status in own:
        if status.uid != uid:
            return [_stranger(login, f"{source.path} belongs to {status.who}", status.who)]
    if own:
        return [ok(f"{login} owns the servers' directories")]
    return [_by_name(visit, login)]


def _by_name(visit: Visit, login: str) -> Finding:
    """A host without servers: its login is compared with the owners on the others."""
    owner = visit.survey.usual.owner
    if owner is None:
        return unknown(
            f"logged in as {login}; no primary's directory could be looked at to compare",
            "check that the directories in the catalog exist on their hosts",
        )
    if owner != login:
        return _stranger(login, f"the servers' directories on other hosts belong to {owner}", owner)
    return ok(f"{login} owns the servers' directories on the other hosts")


def _stranger(login: str, fact: str, owner: str) -> Finding:
    return bad(
        f"logged in as {login}, but {fact}",
        f"log in as {owner}: `ssh: {{user: {owner}}}` in the spec, or User in the SSH config",
    )
