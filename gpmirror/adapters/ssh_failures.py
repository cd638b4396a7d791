"""Words for every way an SSH connection fails: what was tried, why it failed, what to do."""

import socket
from shlex import quote
from typing import TYPE_CHECKING, assert_never

from gpmirror.adapters.ssh_target import (
    Changed,
    Known,
    KnownLine,
    Revoked,
    SshTarget,
    Unknown,
    Verdict,
)
from gpmirror.boundary import NoAnswer, Silence

if TYPE_CHECKING:
    from paramiko import PKey

    from gpmirror.adapters.ssh_target import Offered


# --- A host that gives no answer, as an exception between the SSH modules; never leaves them.


class Unanswered(Exception):
    """No answer: why, in words that name host and address, and the next action."""

    def __init__(self, why: Silence, message: str, hint: str) -> None:
        super().__init__(message)
        self.why = why
        self.message = message
        self.hint = hint

    def reply(self, host: str) -> NoAnswer:
        """The value that callers see."""
        return NoAnswer(host=host, why=self.why, message=self.message, hint=self.hint)


class HungUp(Unanswered):
    """The server closed the connection before its greeting: often a limit on logins at once."""


class NoShell(Unanswered):
    """The login shell ended without starting the script's shell."""


class NotBegun(Unanswered):
    """The connection failed before the whole script was there, so none of it has run."""


# --- Words for every way an SSH connection fails: what was tried, why it failed, what to do.


def not_dialled(target: SshTarget, error: OSError) -> Unanswered:
    """The TCP connection could not be made."""
    match error:
        case socket.gaierror():
            reason = f"the name {target.address} does not resolve"
            hint = f"`getent hosts {target.address}` must answer: fix DNS, /etc/hosts or HostName"
        case TimeoutError():
            reason = f"no answer within {target.connect_seconds:g} s"
            hint = "is the host up, and does a firewall drop the connection?"
        case ConnectionRefusedError():
            reason = "connection refused"
            hint = f"does sshd run there and listen on port {target.port}?"
        case _:
            reason = error.strerror or str(error) or type(error).__name__
            hint = f"`{target.command}` must work first"
    return Unanswered(Silence.UNREACHABLE, f"cannot reach {target}: {reason}", hint)


def hung_up(target: SshTarget, said: str = "") -> HungUp:
    """The connection ended before the server's greeting."""
    words = f", saying {said!r}" if said else ""
    return HungUp(
        Silence.UNREACHABLE,
        f"cannot reach {target}: it closed the connection before its greeting{words}",
        "sshd may limit logins at once (MaxStartups, PerSourcePenalties): look at its log, raise "
        "the limit or lower `apply.hosts_at_once`",
    )


def never_spoke(target: SshTarget) -> Unanswered:
    """Something accepted the connection, and no SSH server spoke."""
    return Unanswered(
        Silence.TIMED_OUT,
        f"cannot reach {target}: the port is open, but no SSH server spoke within "
        f"{target.connect_seconds:g} s",
        "is it sshd that listens there, and is the host overloaded or out of memory?",
    )


def not_agreed(target: SshTarget, reason: str) -> Unanswered:
    """The two ends found no way to talk."""
    return Unanswered(
        Silence.UNREACHABLE,
        f"cannot reach {target}: {reason or 'the SSH protocol failed'}",
        f"`ssh -v {target.alias}` shows what the server offers",
    )


def bad_key(target: SshTarget, verdict: Verdict, key: "PKey") -> Unanswered | None:
    """Why a host key is not trusted; None: it is the right one."""
    shown = f"it showed {key.get_name()} {key.fingerprint}"
    match verdict:
        case Known():
            return None
        case Revoked(line=line):
            return Unanswered(
                Silence.CHANGED_KEY,
                f"refusing {target}: {shown}, a key that {line} revokes",
                "somebody may hold a stolen key: ask the host's administrator for its new one",
            )
        case Changed(line=line):
            return Unanswered(
                Silence.CHANGED_KEY,
                f"refusing {target}: its host key has changed; {shown}, but {line} holds another",
                "the host was reinstalled, or somebody stands in between: compare the "
                f"fingerprint on its console; only if it is right, `ssh-keygen -R "
                f"'{target.key_names[0]}' -f {quote(str(line.file))}` and add the new key",
            )
        case Unknown(others=others):
            return _unknown_key(target, shown, key, others)
        case _:
            assert_never(verdict)


def _unknown_key(
    target: SshTarget, shown: str, key: "PKey", others: tuple[KnownLine, ...]
) -> Unanswered:
    names = target.key_names[0]
    files = ", ".join(target.known_hosts) or "any known-hosts file"
    where = f"no line for {names} in {files}"
    if others:
        places = ", ".join(map(str, others[:3]))
        where = f"{places} holds no {key.get_name()} key of {names}"
        if all(line.mark for line in others):
            where = f"{places} names a certificate authority, and certificates are not used here"
    scan = f"ssh-keyscan -p {target.port} {quote(target.address)}"
    first = target.known_hosts[0] if target.known_hosts else "~/.ssh/known_hosts"
    return Unanswered(
        Silence.UNKNOWN_KEY,
        f"refusing {target}: its host key is not known; {shown}; {where}",
        "compare the fingerprint with `ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub` on the host's "
        f"console; if they agree, add what `{scan}` prints to {first}",
    )


def refused(
    target: SshTarget, offered: "Offered", accepts: tuple[str, ...], end: str
) -> Unanswered:
    """No key was taken. `accepts`: the server's methods; `end`: how the server ended it."""
    tried = f"tried {', '.join(offered.tried)}" if offered.tried else "there was no key to try"
    unusable = f"; not usable: {', '.join(offered.unusable)}" if offered.unusable else ""
    methods = f"; the server accepts {', '.join(accepts)}" if accepts else ""
    ended = f"; {end}" if end else ""
    hint = (
        f"`ssh-copy-id` the key of this account to the host until `{target.command}` asks nothing"
    )
    if end:
        hint = "with too many keys set IdentityFile and `IdentitiesOnly yes` for this host"
    elif offered.unusable:
        hint = "load the key into an agent (`ssh-add`, SSH_AUTH_SOCK), or name one without a passphrase"
    return Unanswered(
        Silence.NO_LOGIN,
        f"{target} refused the login: {tried}{unusable}{methods}{ended}",
        hint,
    )


def too_late(target: SshTarget, what: str, seconds: float) -> Unanswered:
    """The server stopped talking after its greeting."""
    return Unanswered(
        Silence.TIMED_OUT,
        f"{target} did not answer {what} within {seconds:g} s",
        "is the host overloaded, or does its login hang (home directory, PAM, name service)?",
    )


def not_begun(target: SshTarget, error: Exception) -> NotBegun:
    """No command could be started over an open connection."""
    late = isinstance(error, TimeoutError) or "timeout" in str(error).lower()
    return NotBegun(
        Silence.TIMED_OUT if late else Silence.LOST,
        f"cannot run anything on {target}: {str(error) or type(error).__name__}",
        f"`{target.command} true` must work; sshd may limit sessions (MaxSessions)",
    )


def not_started(target: SshTarget, seconds: float) -> Unanswered:
    """The login shell took all the time for itself."""
    return Unanswered(
        Silence.TIMED_OUT,
        f"the login shell of {target} started nothing within {seconds:g} s; the script did not run",
        "does a start-up file of that account hang (`.bashrc`, `.profile`), or the host?",
    )


def cut(target: SshTarget) -> NotBegun:
    """Something ate a part of the script on its way."""
    return NotBegun(
        Silence.LOST,
        f"a script did not reach {target} whole, so it was not run",
        "does a shell start-up file there read standard input? Let it do so at terminals only",
    )


def no_shell(target: SshTarget, noise: str, status: int) -> NoShell:
    """The login shell ended without running what it was given."""
    said = " ".join(noise.split())[:300]
    return NoShell(
        Silence.NO_LOGIN,
        f"the login shell of {target} ran no command: exit status {status}, it said {said!r}",
        f"`{target.command} true` must work: look at the account's shell and start-up files",
    )


def overran(target: str, seconds: float) -> Unanswered:
    """A script ran into its deadline."""
    return Unanswered(
        Silence.TIMED_OUT,
        f"a script on {target} was not done within {seconds:g} s, and was ended",
        "is the host overloaded, or does one of its file systems hang?",
    )


def flooded(target: str, what: str) -> Unanswered:
    """A host said more than anything that is asked can need."""
    return Unanswered(
        Silence.LOST,
        f"{target} sent {what}, and was hung up on",
        "does a start-up file of that account print without end, or a file that is read grow? "
        "Look at the host; nobody knows what it did of the script",
    )


def lost(target: str, reason: str) -> Unanswered:
    """The connection or the script's shell went away in the middle."""
    return Unanswered(
        Silence.LOST,
        f"lost {target} while a script ran: {reason}",
        "the script may have run or not: look at the host before going on",
    )
