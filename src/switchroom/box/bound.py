"""Where this box reaches what a program on it is bound to."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Optional

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
_LARGEST_PORT = 65535


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
