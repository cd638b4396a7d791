"""Checks of the login: a quiet shell, and the user that owns the cluster."""

from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown

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
