"""Sizes, times and rates as people write them: `5TB`, `24h`, `32M`."""

import re

_SIZE = re.compile(r"([0-9]{1,15})\s?(B|kB|KB|MB|GB|TB|PB)?")
_SIZE_FACTORS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE_FACTORS["PB"] = 10**15
_TIME = re.compile(r"([0-9]{1,9})([smhd])")
_TIME_FACTORS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RATE = re.compile(r"([0-9]{1,7})([kM]?)")
_LEAST_RATE, _MOST_RATE = 32, 1_048_576
RATE_PATTERN = r"^[0-9]{1,7}[kM]?$"
SIZE_PATTERN = r"^[0-9]{1,15}\s?(B|kB|KB|MB|GB|TB|PB)?$"
TIME_PATTERN = r"^[0-9]{1,9}[smhd]$"


def bytes_of(value: object) -> int:
    """Bytes of a size, units being decimal. Raises `ValueError` for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a size such as 500GB, 5TB or a number of bytes")
    return int(match[1]) * _SIZE_FACTORS[match[2] or "B"]


def seconds_of(value: object) -> int:
    """Seconds of a time span. Raises `ValueError` for anything else and for zero."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("must be a time such as 30s, 90m, 24h or 2d, and more than zero")
    return int(match[1]) * _TIME_FACTORS[match[2]]


def rate_of(value: object) -> str:
    """A rate as pg_basebackup takes it, kB a second or MB with M. Raises `ValueError` for anything
    else and for what it refuses.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    number = int(match[1]) * (1024 if match[2] == "M" else 1) if match else 0
    if not isinstance(text, str) or not _LEAST_RATE <= number <= _MOST_RATE:
        raise ValueError("must be a rate from 32 to 1048576 (kB a second), or up to 1024M")
    return text


def time_text(seconds: int) -> str:
    """The shortest way to write `seconds` as a spec takes it: 86400 is `24h`."""
    for unit in ("h", "m"):
        if seconds % _TIME_FACTORS[unit] == 0:
            return f"{seconds // _TIME_FACTORS[unit]}{unit}"
    return f"{seconds}s"
