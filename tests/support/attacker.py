"""Somebody at another address who guesses SIP passwords, always from the same port."""

from __future__ import annotations

import re
import socket
import time
from typing import Self

from switchroom.core import process

# Of the network that RFC 2544 keeps for benchmarks, as the lab's own; boxes answer by way of the host.
ADDRESS = "198.19.77.1"
_WAIT = 1.0


class Attacker:
    """Has the address inside its ``with`` block."""

    def __enter__(self) -> Self:
        process.run(["ip", "addr", "replace", f"{ADDRESS}/32", "dev", "lo"], what="Adding an address")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, 0))
        self._socket.settimeout(_WAIT)
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.close()
        process.run(["ip", "addr", "del", f"{ADDRESS}/32", "dev", "lo"], what="Removing an address")

    def guess(self, box: str) -> bool:
        """Try to register with a wrong password; return whether the box answered at all."""
        answer = self._register(box)
        challenge = re.search(r'realm="(?P<realm>[^"]+)".*?nonce="(?P<nonce>[^"]+)"', answer) or re.search(
            r'nonce="(?P<nonce>[^"]+)".*?realm="(?P<realm>[^"]+)"', answer
        )
        if challenge:
            words = {"username": "100", "uri": f"sip:{box}", "response": "0" * 32, **challenge.groupdict()}
            digest = ", ".join(f'{name}="{value}"' for name, value in words.items())
            self._register(box, f"Authorization: Digest {digest}, algorithm=MD5\r\n")
        return bool(answer)

    def can_connect(self, box: str, port: int) -> bool:
        """Return whether a TCP port of the box takes a connection from here."""
        try:
            socket.create_connection((box, port), _WAIT, (ADDRESS, 0)).close()
        except OSError:
            return False
        return True

    def _register(self, box: str, credentials: str = "") -> str:
        port, unique = self._socket.getsockname()[1], time.monotonic_ns()
        lines = (
            f"REGISTER sip:{box} SIP/2.0",
            f"Via: SIP/2.0/UDP {ADDRESS}:{port};branch=z9hG4bK{unique}",
            f"From: <sip:100@{box}>;tag={unique}",
            f"To: <sip:100@{box}>",
            f"Call-ID: {unique}@{ADDRESS}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:100@{ADDRESS}:{port}>",
            "Max-Forwards: 70",
        )
        text = "".join(f"{line}\r\n" for line in lines) + credentials + "Content-Length: 0\r\n\r\n"
        self._socket.sendto(text.encode(), (box, 5060))
        try:
            return self._socket.recv(4096).decode()
        except OSError:  # nothing came, or "not allowed"
            return ""
