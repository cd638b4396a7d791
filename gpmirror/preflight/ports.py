"""Checks of TCP ports: nothing listens where a copy will; connections going out may still take it."""

from collections.abc import Iterator

from gpmirror.preflight.facts import Binding, Socket
from gpmirror.preflight.model import Finding, Visit, bad, is_loopback, ok, unknown

_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, never listened on


def judge_ports(visit: Visit) -> list[Finding]:
    """Every new port is free on the wildcards and on the host's own addresses, IPv4 and IPv6. A
    port taken on one family only lets a mirror start that half the cluster cannot reach.
    """
    bindings = visit.asked.bindings
    if not bindings:
        return []
    if visit.facts.sockets is None:
        return [
            unknown(
                "the table of sockets (/proc/net/tcp) cannot be read",
                f"look with `ss -ltn` for {_list(bindings)}",
            )
        ]
    own = own_addresses(visit)
    vacant = _vacant(visit)
    found = [
        finding
        for binding in bindings
        if not binding.held or binding.content in vacant
        for finding in _port(visit, binding, own)
    ]
    return found or [ok(f"{len(bindings)} ports are free, IPv4 and IPv6")]


def own_addresses(visit: Visit) -> frozenset[str]:
    """What the host's own names and addresses resolve to on it: a server listens on all of them. A
    host with an address that other machines can reach owns its loopback addresses too. Empty: not
    known.
    """
    answers = visit.facts.names or {}
    asked = visit.asked
    mine = {name for name, owner in asked.names.items() if owner == asked.host}
    mine |= {*(binding.address for binding in asked.bindings), *asked.own_names}
    found = {address for name in mine for address in answers.get(name, ())}
    if found and not is_loopback(found):
        found |= {"127.0.0.1", "::1"}
    return frozenset(found)


def _vacant(visit: Visit) -> frozenset[int]:
    """Contents whose down copy comes back in place and has no server now: who listens on its port
    is somebody else.
    """
    return frozenset(
        landing.content
        for landing, _, place in visit.landings()
        if landing.in_place and landing.main and place is not None and not place.serves
    )


def _port(visit: Visit, binding: Binding, own: frozenset[str]) -> Iterator[Finding]:
    """Connections that a copy left when it died keep nobody from listening on its old port."""
    taken = [
        socket
        for socket in visit.facts.sockets or ()
        if socket.port == binding.port and (socket.listens or not binding.held)
    ]
    subject = f"content {binding.content}: port {binding.port}"
    certain = [socket for socket in taken if socket.address in _WILDCARDS | own]
    if certain:
        yield _taken(visit, subject, binding, certain)
    elif taken and not own:
        where = ", ".join(sorted({socket.address for socket in taken}))
        yield unknown(
            f"{subject} is in use on {where}, and {binding.address} does not resolve on "
            f"{visit.host}, so it cannot be told whether that is the same address",
            f"make {binding.address} resolve on {visit.host}",
        )


def _taken(visit: Visit, subject: str, binding: Binding, taken: list[Socket]) -> Finding:
    listening = sorted({_shown(socket) for socket in taken if socket.listens})
    if listening:
        return bad(
            f"{subject} is taken: something listens on {', '.join(listening)}",
            f"see what it is (`ss -ltnp 'sport = :{binding.port}'` on {visit.host}) and stop it, or "
            "change the ports in the spec",
        )
    where = ", ".join(sorted({_shown(socket) for socket in taken}))
    return bad(
        f"{subject} is held by a connection from {where}",
        f"wait until it ends (`ss -tn 'sport = :{binding.port}'` on {visit.host}), and reserve the "
        "port in net.ipv4.ip_local_reserved_ports",
    )


def _shown(socket: Socket) -> str:
    host = f"[{socket.address}]" if ":" in socket.address else socket.address
    return f"{host}:{socket.port}"


def _list(bindings: tuple[Binding, ...]) -> str:
    return ", ".join(str(port) for port in sorted({binding.port for binding in bindings}))
