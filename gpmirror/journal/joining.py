"""Two copies of one journal: what one of them has that the other one lacks."""


def missing(own: str, far: str) -> str:
    """The whole lines of the far copy that our own lacks, in its order: what another machine wrote
    when it took the run up. A record bears its number and time, so no two are alike.
    """
    known = set(own.split("\n"))
    lines = far.split("\n")[:-1]  # a line without an end is no record
    return "".join(f"{line}\n" for line in lines if line not in known)
