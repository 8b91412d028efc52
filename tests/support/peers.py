"""Small servers on loopback that stand in for Asterisk's SIP transports and manager interface."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from typing import Callable, Iterator, Tuple

Address = Tuple[str, int]
Answer = Callable[[bytes], bytes]


@contextlib.contextmanager
def udp_peer(answer: Answer, port: int = 0) -> Iterator[Address]:
    """Answer each datagram with what ``answer`` makes of it; empty means no answer."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(("127.0.0.1", port))
    peer.settimeout(0.02)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(socket.timeout):
                data, sender = peer.recvfrom(65535)
                if said := answer(data):
                    peer.sendto(said, sender)

    with peer, _thread(serve, stop):
        yield peer.getsockname()


@contextlib.contextmanager
def tcp_peer(talk: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Give each connection to ``talk``, which may end early when the other side goes."""
    peer = socket.create_server(("127.0.0.1", 0))
    peer.settimeout(0.02)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                connection, _ = peer.accept()
                with connection:
                    connection.settimeout(5)
                    talk(connection)

    with peer, _thread(serve, stop):
        yield peer.getsockname()


@contextlib.contextmanager
def _thread(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class Manager:
    """An AMI server with one user; ``md5`` is whether it offers a challenge. ``heard`` is all it was sent."""

    def __init__(self, name: str, secret: str, md5: bool = True) -> None:
        self._name, self._secret, self._md5 = name, secret, md5
        self.heard = ""

    def talk(self, connection: socket.socket) -> None:
        """Serve one connection, with an event before every response as a busy Asterisk has."""
        connection.sendall(b"Asterisk Call Manager/9.0.0\r\n")
        waiting = b""
        while chunk := connection.recv(4096):
            waiting += chunk
            while b"\r\n\r\n" in waiting:
                action, _, waiting = waiting.partition(b"\r\n\r\n")
                self.heard += action.decode() + "\n"
                fields = dict(line.split(": ", 1) for line in action.decode().split("\r\n"))
                said = f"{self._answer(fields)}\r\nActionID: {fields['ActionID']}\r\n\r\n"
                connection.sendall(b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n" + said.encode())

    def _answer(self, fields: dict[str, str]) -> str:
        if fields["Action"] == "Challenge":
            return "Response: Success\r\nChallenge: 4711" if self._md5 else "Response: Error"
        if fields["Action"] == "Login":
            key = hashlib.md5(f"4711{self._secret}".encode()).hexdigest()  # noqa: S324
            proof = fields.get("Key") == key if self._md5 else fields.get("Secret") == self._secret
            ok = proof and fields["Username"] == self._name
            return "Response: Success" if ok else "Response: Error\r\nMessage: Authentication failed"
        return "Response: Success\r\nPing: Pong"
