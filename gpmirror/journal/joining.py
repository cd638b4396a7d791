"""Two copies of one journal: what of them is whole, and what one has that the other one lacks."""


def whole_lines(text: str) -> str:
    """The lines that can be records: a crash or a power cut leaves a line without an end, or bytes
    that JSON cannot hold, and no such byte is to reach a script or another journal.
    """
    lines = text.split("\n")[:-1]
    return "".join(f"{line}\n" for line in lines if line.isprintable())


def missing(own: str, far: str) -> str:
    """The whole lines of the far copy that our own lacks, in its order: what another machine wrote
    when it took the run up. A record bears its number and time, so no two are alike.
    """
    known = set(own.split("\n"))
    lines = whole_lines(far).split("\n")[:-1]
    return "".join(f"{line}\n" for line in lines if line not in known)
