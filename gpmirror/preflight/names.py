"""What names resolve to, host by host, and whether the hosts agree."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gpmirror.preflight.encoding import address_of, text_of

Answers = Mapping[str, frozenset[str]]
"""Name -> addresses on one host; an empty set: it does not resolve there."""

_MARK = "0.0."


def read_names(found: Mapping[str, Sequence[str]], names: Sequence[str]) -> Answers | None:
    """The answers that came before their mark; a name whose mark is missing is left out. None: the
    host cannot resolve names at all. The empty mapping: it was asked for none.
    """
    if not names:
        return {}
    if "names" not in found or found["names"] == ["missing"]:
        return None
    answers: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for line in found["names"]:
        address = address_of(line.split(" ")[0])
        number = _marked(address)
        if number is None:
            seen |= {address} if address is not None else set()
        elif number < len(names):
            # the same mark comes once per kind of socket
            answers.setdefault(names[number], frozenset(seen))
            seen = set()
    return answers


def read_machines(lines: Iterable[str]) -> dict[str, str | None]:
    """`NAME ADDRESS y`: the IP that stands for a name in the utilities' eyes. None: the name does not
    resolve, or nothing leads back from the address, where they give up too.
    """
    found: dict[str, str | None] = {}
    for line in lines:
        word, ip, back = [*line.split(" "), "", ""][:3]
        name = text_of(word)
        if name is not None:
            found[name] = address_of(ip) if back == "y" else None
    return found


def one_machine(machines: Mapping[str, str | None], hostname: str, address: str) -> bool | None:
    """Whether gprecoverseg takes both for one host; None: not told."""
    if hostname not in machines or address not in machines:
        return None
    here = machines[hostname]
    return here is not None and here == machines[address]


def _marked(address: str | None) -> int | None:
    """The number of the name that this mark ends."""
    if address is None or not address.startswith(_MARK):
        return None
    high, low = address[len(_MARK) :].split(".")
    number = int(high) * 256 + int(low)
    return number - 1 if number else None


def agreed(answers: Iterable[Answers]) -> dict[str, frozenset[str]]:
    """What most hosts resolve each name to; ties go to the host asked first."""
    seen: dict[str, Counter[frozenset[str]]] = {}
    for answer in answers:
        for name, addresses in answer.items():
            if addresses:
                seen.setdefault(name, Counter())[addresses] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in seen.items()}


def differs(here: frozenset[str], elsewhere: frozenset[str]) -> bool:
    """Whether two answers disagree in an address family that both know."""
    pairs = [(_family(here, six=six), _family(elsewhere, six=six)) for six in (False, True)]
    known = [(one, other) for one, other in pairs if one and other]
    return not known or any(one != other for one, other in known)


def is_loopback(addresses: Iterable[str]) -> bool:
    """Whether all of them never leave the machine."""
    return all(address.startswith("127.") or address == "::1" for address in addresses)


def _family(addresses: frozenset[str], *, six: bool) -> set[str]:
    return {address for address in addresses if (":" in address) is six}
