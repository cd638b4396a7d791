"""Log in with keys alone, and say what was tried when the server takes none of them."""

from collections.abc import Callable
from functools import partial

from paramiko import AuthenticationException, BadAuthenticationType, SSHException, Transport

from gpmirror.adapters import ssh_failures
from gpmirror.adapters.ssh_keys import KeyStore, Offered, open_agent
from gpmirror.adapters.ssh_target import Target

LOGIN_SECONDS = 20.0
"""How long a server may think over one key."""


class KeyLogin:
    """One login, in the shape that paramiko's client calls (`auth_strategy`)."""

    def __init__(self, target: Target, keys: KeyStore) -> None:
        self._target = target
        self._keys = keys
        self._offered = Offered()
        self._accepts: tuple[str, ...] = ()

    def authenticate(self, transport: Transport) -> None:
        """Try the keys in turn. Raises Unanswered: none was taken."""
        agent = open_agent(self._target)
        try:
            for key in self._keys.offers(self._target, agent, self._offered):
                if self._taken(partial(transport.auth_publickey, self._target.user, key)):
                    return
                if not transport.is_active():
                    break
        finally:
            if agent is not None:
                agent.close()
        # OpenSSH lets in without a key where the server wants none; else it says what it wants
        if transport.is_active() and self._taken(partial(transport.auth_none, self._target.user)):
            return
        gone = "" if transport.is_active() else "then it closed the connection"
        raise ssh_failures.refused(self._target, self._offered, self._accepts, gone)

    def _taken(self, attempt: Callable[[], list[str]]) -> bool:
        """Whether one attempt let us in; a second factor counts as a refusal."""
        try:
            more = attempt()
        except BadAuthenticationType as error:
            self._accepts = tuple(error.allowed_types)
            return False
        except AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise ssh_failures.too_late(self._target, "the login", LOGIN_SECONDS) from error
            return False
        except (SSHException, EOFError, OSError):
            return False
        self._accepts = tuple(more)
        return not more
