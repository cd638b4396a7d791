"""Times in words: exact ones that have passed, rough ones that are left."""

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_HOURS_OF_A_DAY = 24
_TENTHS_BELOW = 10


def elapsed_text(seconds: float) -> str:
    """`0.4s`, `12s`, `1m 12s`, `2h 03m`, `1d 04h`: the two largest units."""
    seconds = max(seconds, 0)
    whole = int(seconds)
    if seconds < _TENTHS_BELOW and whole != seconds:
        return f"{seconds:.1f}s"
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02d}h"


def about_text(seconds: float) -> str:
    """`about 5 min`, `under 1 min`."""
    text = remaining_text(seconds)
    return text if text.startswith("under") else f"about {text}"


def remaining_text(seconds: float) -> str:
    """`5 min`, `2 h 05 min`; nothing finer than a minute is promised."""
    if seconds < _MINUTE:
        return "under 1 min"
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE)
    if hours < _HOURS_OF_A_DAY:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, _HOURS_OF_A_DAY)
    return f"{days} d {hours} h"
