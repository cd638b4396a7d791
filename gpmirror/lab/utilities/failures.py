"""How a utility ends without success: the shapes of message the native ones print."""


class Stop(Exception):
    """Ends the program with `code`; everything was said before."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Refused(Exception):
    """An expected error: `[ERROR]:-NAME error: MESSAGE`, exit 2."""


class BadOption(Exception):
    """An option's value is out of range: `[ERROR]:-NAME: error: MESSAGE`, exit 2."""


class Broken(Exception):
    """An error the tool did not expect: `[CRITICAL]:-NAME failed. (Reason='...')`, exit 2."""
