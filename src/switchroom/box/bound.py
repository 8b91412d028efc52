"""Where this box reaches what a program on it is bound to, and whose program that is."""

from __future__ import annotations

import contextlib
import ipaddress
import pwd
import re
import socket
import struct
from pathlib import Path
from typing import Iterator, Optional, Tuple, Union

from switchroom.box.console import SOCKET

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1", "localhost": "127.0.0.1"}  # noqa: S104
_LARGEST_PORT = 65535
_NET = Path("/proc/net")
_LISTENS = {"udp": "07", "tcp": "0A", "tls": "0A"}  # the kernel's states: no peer, and LISTEN
_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def reachable(host: str) -> str:
    """Return the address to connect to for a bound one: loopback for 'all addresses', else itself."""
    host = host.strip("[]")
    return _ANY.get(host, host)


def port(text: str) -> Optional[int]:
    """Return a port as C's ``%5d`` reads it, or None where there is none to connect to."""
    digits = re.match(r"[0-9]{1,5}", text)
    number = int(digits[0]) if digits else 0
    return number if 0 < number <= _LARGEST_PORT else None


def is_own(host: str) -> bool:
    """Return whether an address is one of this machine's, so that what is sent there stays here.

    A name is none: whoever answers for it could send it anywhere.
    """
    try:
        if ipaddress.ip_address(host).is_multicast:
            return False
        family, kind, _, _, place = socket.getaddrinfo(
            host, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, kind) as probe:
            probe.bind(place)
    except (OSError, ValueError):
        return False
    return True


def stranger(host: str, port: int, protocol: str) -> str:
    """Return the user whose program has a port of this box, when that is neither root nor Asterisk's own.

    Any local user may take a port above 1023 while Asterisk is down, and answer there in its place.
    Asterisk's user is the owner of its control socket; without one, nobody is a stranger. See proc_net(5).
    """
    asterisk = _owner(SOCKET)
    for where, uid in _listeners(port, protocol) if asterisk else ():
        if uid not in (0, *asterisk) and (where.is_unspecified or str(where) == host):
            return _name(uid)
    return ""


def _owner(path: Path) -> Tuple[int, ...]:
    try:
        return (path.lstat().st_uid,)
    except OSError:
        return ()


def _listeners(port: int, protocol: str) -> Iterator[Tuple[_Address, int]]:
    """Yield address and owner of each socket that listens on a port."""
    table, state = "udp" if protocol == "udp" else "tcp", _LISTENS[protocol]
    for name in (table, f"{table}6"):
        with contextlib.suppress(OSError), (_NET / name).open() as lines:
            for words in map(str.split, lines):
                if words[1].endswith(f":{port:04X}") and words[3] == state:
                    yield _address(words[1].partition(":")[0]), int(words[7])


def _address(text: str) -> _Address:
    """Return an address of /proc/net: 32-bit words in the machine's own order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    return ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
