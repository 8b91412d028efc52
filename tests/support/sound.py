"""The ear and mouth of the tests' phones: hears RTP, and sends every packet back to whoever sent it."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

_PACKET = 2048
_PER_SECOND = 50  # G.711 in packets of 20 ms


@dataclass
class Stream:
    """The packets of one sender; times are of the monotonic clock."""

    first: float
    last: float
    packets: int = 1
    longest_silence: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether nearly every packet that its time has room for came: sound without holes."""
        return self.packets >= 0.9 * _PER_SECOND * (self.last - self.first)

    def heard(self, now: float) -> None:
        """Count one more packet."""
        self.longest_silence = max(self.longest_silence, now - self.last)
        self.last = now
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
            self._count(sender, time.monotonic())

    def _count(self, sender: tuple[str, int], now: float) -> None:
        if sender in self._streams:
            self._streams[sender].heard(now)
        else:
            self._streams[sender] = Stream(now, now)
