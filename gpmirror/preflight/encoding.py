"""The words of a host's answer: text, numbers, addresses. Nothing raises; None is not readable."""

from collections.abc import Sequence

_MOST_DIGITS = 20
_WORD = 8
_HEX = frozenset("0123456789abcdefABCDEF")


def text_of(word: str) -> str | None:
    """What `t...` or `x...` stands for; None for anything else and for nothing at all."""
    if word.startswith("t"):
        return word[1:] or None
    raw = bytes_of(word)
    return raw.decode("utf-8", "backslashreplace") if raw else None


def bytes_of(word: str) -> bytes | None:
    """The bytes of `x6162`."""
    digits = word[1:]
    if not word.startswith("x") or len(digits) % 2 or not _HEX.issuperset(digits):
        return None
    return bytes.fromhex(digits)


def number_of(word: str) -> int | None:
    """A decimal number of reasonable length, no sign."""
    sound = word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
    return int(word) if sound else None


def numbers_of(words: Sequence[str], count: int) -> list[int] | None:
    """Exactly so many numbers at the start of `words`."""
    found = [number for word in words[:count] if (number := number_of(word)) is not None]
    return found if len(found) == count else None


def endpoint_of(word: str) -> tuple[str, int] | None:
    """Address and port of `0100007F:1770`, as the kernel prints them: every 32-bit group in the
    byte order of x86 and ARM. An IPv4 address inside IPv6 is given as IPv4.
    """
    address, _, port = word.partition(":")
    raw = bytes_of(f"x{address}")
    if raw is None or len(raw) not in {4, 16} or len(port) != 4 or not _HEX.issuperset(port):  # noqa: PLR2004 - lengths of IPv4, IPv6 and a port
        return None
    ordered = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return canonical(ordered), int(port, 16)


def canonical(raw: bytes) -> str:
    """An address of 4 or 16 bytes as text."""
    from ipaddress import IPv6Address, ip_address

    address = ip_address(raw)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)


def address_of(word: str) -> str | None:
    """An address as getent prints it, in canonical text; the scope of a link-local one is left."""
    from ipaddress import IPv6Address, ip_address

    try:
        address = ip_address(word.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
