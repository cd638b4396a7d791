"""A host that gives no answer, as an exception between the SSH modules; never leaves them."""

from gpmirror.boundary import NoAnswer, Silence


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
