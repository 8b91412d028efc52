"""A telephone's TFTP: reading a file, and trying to write one (RFC 1350)."""

from __future__ import annotations

import socket
import struct

_READ, _WRITE, _DATA, _ACK, _ERROR = 1, 2, 3, 4, 5
_BLOCK = 512


class RefusedError(Exception):
    """The server answered with an error packet; its text is the server's."""


def read(address: str, name: str, timeout: float = 10) -> bytes:
    """Return a file from the server, in blocks of 512 bytes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(timeout)
        line.sendto(_request(_READ, name), (address, 69))
        blocks: list[bytes] = []
        while not blocks or len(blocks[-1]) == _BLOCK:
            packet, peer = line.recvfrom(4 + _BLOCK)
            _check(packet, _DATA)
            blocks.append(packet[4:])
            line.sendto(struct.pack("!HH", _ACK, len(blocks)), peer)
        return b"".join(blocks)


def write(address: str, name: str, content: bytes, timeout: float = 10) -> None:
    """Offer the server a file of less than 512 bytes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(timeout)
        line.sendto(_request(_WRITE, name), (address, 69))
        packet, peer = line.recvfrom(4 + _BLOCK)
        _check(packet, _ACK)
        line.sendto(struct.pack("!HH", _DATA, 1) + content, peer)
        _check(line.recv(4 + _BLOCK), _ACK)


def _request(kind: int, name: str) -> bytes:
    return struct.pack("!H", kind) + name.encode() + b"\0octet\0"


def _check(packet: bytes, kind: int) -> None:
    (found,) = struct.unpack("!H", packet[:2])
    if found == _ERROR:
        raise RefusedError(packet[4:].rstrip(b"\0").decode())
    assert found == kind, packet
