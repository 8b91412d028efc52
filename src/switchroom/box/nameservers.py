"""Which of a box's nameservers do not answer."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Tuple

_PORT = 53
# A question for the name servers of the root zone, recursion desired: RFC 1035, section 4.1.
_QUESTION = b"SW\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"\x00" + b"\x00\x02\x00\x01"
_ANSWER_BYTES = 512


def listed(resolv_conf: Path) -> Tuple[str, ...]:
    """Return the addresses of the ``nameserver`` lines of a resolv.conf; none when there is no such file."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(entry[1] for entry in words if len(entry) > 1 and entry[0] == "nameserver")


def silent(address: str, timeout: float = 1.0, port: int = _PORT) -> bool:
    """Return whether a nameserver lets one question wait for ``timeout`` seconds without any answer.

    One that cannot be reached at all is not silent: a program that asks it goes on at once.
    """
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
        with socket.socket(family, kind, protocol) as asking:
            asking.settimeout(timeout)
            asking.connect(where)
            asking.send(_QUESTION)
            asking.recv(_ANSWER_BYTES)
    except socket.timeout:
        return True
    except OSError:
        return False
    return False
