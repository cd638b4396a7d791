"""What host names, addresses, directories and filespace names may look like.

The limits are those of every dialect's files at once: their fields are separated by `:` or `|`,
lines starting with `#` are comments, and the utilities pass names on to a shell.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from gpmirror.spec.complaints import Problem

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_])?")
_HOST_CHARACTER = re.compile(r"[A-Za-z0-9._-]")
_FILESPACE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PATH_CHARACTER_REFUSED = re.compile(r"[\s|:#'\"`$;&\\*?<>()!{}\[\]\x00-\x1f\x7f-\x9f]")
_REASONS = {
    "|": "separates the fields of the native files",
    ":": "separates the fields of the native files of 4.3 and 5",
    "#": "starts a comment in the native files",
}
_LONGEST_PATH = 1_000
_LONGEST_SHOWN = 60
TEMPLATE_WORDS = ("root", "prefix", "content", "host")


def host_name_problem(name: str) -> Problem | None:
    """Why `name` cannot be a host name, if so."""
    if _HOST.fullmatch(name):
        return None
    return _name_problem("GPM-V022", "host name", name)


def address_problem(address: str) -> Problem | None:
    """Why `address` is no host name, IPv4 or IPv6 address, if so."""
    if ":" in address:
        return _ipv6_problem(address)
    if _HOST.fullmatch(address):
        return None
    return _name_problem("GPM-V023", "address", address)


def coordinator_problem(host: str) -> Problem | None:
    """Why `host` is neither a host nor the folder of a server's socket, if so."""
    return path_problem(host) if host.startswith("/") else address_problem(host)


def _ipv6_problem(address: str) -> Problem | None:
    try:
        IPv6Address(address)
    except AddressValueError:
        message = f"address `{address[:_LONGEST_SHOWN]}` has a `:` and is no IPv6 address"
        return Problem(code="GPM-V023", message=message, hint="give ports under `mirrors.ports`")
    if "%" in address:
        message = f"address `{address[:_LONGEST_SHOWN]}` names an interface of one machine"
        return Problem(code="GPM-V023", message=message, hint="delete `%` and what follows")
    return None


def _name_problem(code: str, kind: str, name: str) -> Problem:
    bad = next((one for one in name if not _HOST_CHARACTER.fullmatch(one)), None)
    shown = name[:_LONGEST_SHOWN]
    if not name:
        message = f"{kind} is empty"
    elif bad is not None:
        message = f"{kind} `{shown}` has {character(bad)}"
    else:
        message = f"{kind} `{shown}` is longer than 254 characters or starts or ends with . or -"
    hint = "allowed are letters, digits, `.`, `_` and `-` inside the name"
    return Problem(code=code, message=message, hint=hint)


def filespace_problem(name: str) -> Problem | None:
    """Why `name` cannot be a filespace name, if so."""
    if _FILESPACE.fullmatch(name):
        return None
    return Problem(
        code="GPM-V027",
        message=f"filespace name `{name[:_LONGEST_SHOWN]}` is not letters, digits and `_`",
        hint="write the name as in pg_filespace",
    )


def path_problem(path: str) -> Problem | None:
    """Why `path` is no absolute directory that every native file can carry, if so."""
    shown = path[:_LONGEST_SHOWN]
    bad = _PATH_CHARACTER_REFUSED.search(path)
    if bad is not None:
        why = _REASONS.get(bad.group(), "is not safe in the native files")
        message = f"directory `{shown}` has {character(bad.group())}, which {why}"
        return Problem(code="GPM-V029", message=message, hint="choose a directory without it")
    found = _form_problem(path)
    if found is None:
        return None
    return Problem(code="GPM-V028", message=f"directory `{shown}` {found[0]}", hint=found[1])


def _form_problem(path: str) -> tuple[str, str] | None:
    parts = path.split("/")[1:]
    cleaned = re.sub("/+", "/", path).rstrip("/")[:_LONGEST_SHOWN]
    too_long = f"has {len(path):,} characters; the limit is {_LONGEST_PATH:,}"
    faults = (
        (not path.startswith("/"), "is not absolute", "start it with `/`"),
        (".." in parts or "." in parts, "has a `.` or `..` step", "write where it leads to"),
        (not cleaned, "is the file system's root", "name a directory below it"),
        ("" in parts, "has `//` or ends with `/`", f"write `{cleaned}`"),
        (len(path) > _LONGEST_PATH, too_long, "shorten it"),
    )
    return next(((message, hint) for applies, message, hint in faults if applies), None)


def snapshot_problem(path: str) -> Problem | None:
    """Why `path` names no file in the spec's folder or below it, if so."""
    shown = path[:_LONGEST_SHOWN]
    if path.startswith(("/", "~", "\\")):
        why = "is not a path from the spec's folder"
    elif ".." in path.split("/"):
        why = "leaves the spec's folder with `..`"
    elif path == "-" or path.endswith("/") or path in {"", "."}:
        why = "names no file"
    else:
        return None
    hint = "keep the file in the spec's folder or below it: `snapshot: snapshot.json`"
    return Problem(code="GPM-V060", message=f"snapshot `{shown}` {why}", hint=hint)


def placeholder_problem(template: str, allowed: tuple[str, ...]) -> Problem | None:
    """Why the braces in `template` are no placeholders out of `allowed`, if so."""
    words = ", ".join(f"{{{word}}}" for word in allowed)
    for match in _PLACEHOLDER.finditer(template):
        if match[1] not in allowed:
            message = f"unknown placeholder `{match.group()[:_LONGEST_SHOWN]}`"
            return Problem(
                code="GPM-V031", message=message, hint=_placeholder_hint(match[1], words)
            )
    if set(_PLACEHOLDER.sub("", template)) & {"{", "}"}:
        message = f"unmatched brace in `{template[:_LONGEST_SHOWN]}`"
        return Problem(code="GPM-V031", message=message, hint=f"allowed here: {words}")
    return None


def _placeholder_hint(word: str, words: str) -> str:
    hints = {"contentid": "{content}", "hostname": "{host}", "cid": "{content}", "dir": "{root}"}
    meant = hints.get(word.lower())
    return f"did you mean `{meant}`? allowed here: {words}" if meant else f"allowed here: {words}"


def filled(template: str, host: str) -> str:
    """`template` with `{host}` filled in."""
    return template.replace("{host}", host)


def character(one: str) -> str:
    """A character in a message, visible whatever it is."""
    if one == " ":
        return "a space"
    if one.isprintable() and not one.isspace() and one.isascii():
        return f"`{one}`"
    return f"the character U+{ord(one):04X}"
