"""The ear and mouth of the tests' phones: hears RTP, and sends every packet back to whoever sent it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass
from typing import Callable

_PACKET = 2048
_NUMBER = struct.Struct("!2xH")  # where RTP's header has the packet's number (RFC 3550, section 5.1)
_NUMBERS = 1 << 16
_LOOK_SECONDS, _LOOKS = 0.1, 100


def listen(heard: Callable[[], int], packets: int, pause: Callable[[float], None] = time.sleep) -> int:
    """Wait until ``heard`` tells of so many packets, or of no further one for ten seconds; return how many.

    Those seconds are a number of looks and not a time: when a busy machine lets nobody work, no look is made
    either, and what came meanwhile is heard before the next one. A starved Asterisk leaves packets out (of
    the clock's ticks that it missed it makes one), so that how many came in a given time proves nothing.
    """
    found, silent = heard(), 0
    while found < packets and silent < _LOOKS:
        pause(_LOOK_SECONDS)
        before, found = found, heard()
        silent = 0 if found > before else silent + 1
    return found


@dataclass
class Stream:
    """The packets of one sender; ``sent`` is how many it has sent by the numbers on them."""

    last: int
    packets: int = 1
    sent: int = 1

    @property
    def complete(self) -> bool:
        """Whether every packet came: sound without holes, as far as the way here goes."""
        return self.packets == self.sent

    def heard(self, number: int) -> None:
        """Count one more packet."""
        self.sent += (number - self.last) % _NUMBERS
        self.last = number
        self.packets += 1


class Echo:
    """Listens on a port of its own from the beginning to ``close``; each sender's stream is kept apart."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(0.2)
        self._streams: dict[tuple[str, int], Stream] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="echo", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The UDP port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def streams(self) -> tuple[Stream, ...]:
        """What was heard so far, one stream a sender."""
        return tuple(self._streams.values())

    def close(self) -> None:
        """Stop listening."""
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                packet, sender = self._socket.recvfrom(_PACKET)
                self._socket.sendto(packet, sender)
            except OSError:  # nothing came for a while, or the sender is gone
                continue
            self._count(sender, *_NUMBER.unpack_from(packet))

    def _count(self, sender: tuple[str, int], number: int) -> None:
        if sender in self._streams:
            self._streams[sender].heard(number)
        else:
            self._streams[sender] = Stream(number)
