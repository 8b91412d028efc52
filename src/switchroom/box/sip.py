"""A SIP client that asks OPTIONS: whether a transport answers, and when it did not.

The request is RFC 3261's OPTIONS (section 11). Any well-formed answer counts: a box that knows nobody
by our name says 401 or 404, and so proves that its transport works.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import uuid
from types import TracebackType
from typing import List, Optional, Tuple, Type

_STATUS = re.compile(rb"SIP/2\.0 ([1-6]\d\d) [^\r\n]*\r\n")
_LARGEST = 65535
_RESEND_SECONDS = 0.2
_LOST = 4  # requests in a row without any answer before it is an outage and not a lost packet


def options(host: str, port: int, transport: str = "udp", timeout: float = 1.0) -> Optional[int]:
    """Ask OPTIONS and return the status code of the answer, or None if none came within ``timeout`` seconds.

    ``transport`` is ``udp``, ``tcp`` or ``tls``; the certificate is not checked: the peer is this box itself.
    """
    deadline = time.monotonic() + timeout
    try:
        with _connect(host, port, transport, timeout) as connection:
            if transport == "udp":
                return _ask_datagram(connection, host, port, deadline)
            connection.sendall(_request(host, port, transport, connection))
            return _read_stream(connection, deadline)
    except (OSError, OverflowError, ValueError):  # refused, reset, timed out, no TLS; no such address or port
        return None


def _connect(host: str, port: int, transport: str, timeout: float) -> socket.socket:
    family, kind = _family(host), socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    connection = socket.socket(family, kind)
    try:
        connection.settimeout(timeout)
        connection.connect((host, port))
        return _tls_context().wrap_socket(connection) if transport == "tls" else connection
    except BaseException:
        connection.close()
        raise


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _tls_context() -> ssl.SSLContext:
    """Return a client that takes what a box offers: its own certificate, and old protocols for old phones."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _ask_datagram(connection: socket.socket, host: str, port: int, deadline: float) -> Optional[int]:
    """Send until an answer comes, as UDP may lose either."""
    request = _request(host, port, "udp", connection)
    while (left := deadline - time.monotonic()) > 0:
        try:
            connection.send(request)
            connection.settimeout(min(left, _RESEND_SECONDS))
            while time.monotonic() < deadline:  # what is no SIP may come without end
                status = _status(connection.recv(_LARGEST))
                if status is not None:
                    return status
        except socket.timeout:
            continue
        except ConnectionRefusedError:
            time.sleep(min(left, _RESEND_SECONDS))
    return None


def _read_stream(connection: socket.socket, deadline: float) -> Optional[int]:
    received = b""
    while (left := deadline - time.monotonic()) > 0 and len(received) < _LARGEST:
        connection.settimeout(left)
        chunk = connection.recv(_LARGEST)
        received += chunk
        if not chunk or b"\r\n" in received:
            return _status(received)
    return None


def _status(answer: bytes) -> Optional[int]:
    """Return the code of a status line, or None for what is no SIP."""
    found = _STATUS.match(answer)
    return int(found[1]) if found else None


def _request(host: str, port: int, transport: str, connection: socket.socket) -> bytes:
    own_host, own_port = connection.getsockname()[:2]
    peer, own = (f"[{name}]" if ":" in name else name for name in (host, own_host))
    token = uuid.uuid4().hex
    lines = [
        f"OPTIONS sip:{peer}:{port};transport={transport} SIP/2.0",
        f"Via: SIP/2.0/{transport.upper()} {own}:{own_port};branch=z9hG4bK{token};rport",
        "Max-Forwards: 70",
        f"From: <sip:switchroom@{own}>;tag={token[:12]}",
        f"To: <sip:switchroom@{peer}>",
        f"Call-ID: {token}@switchroom",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:switchroom@{own}:{own_port};transport={transport}>",
        "Accept: application/sdp",
        "User-Agent: switchroom-health",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Probe:
    """Asks OPTIONS over UDP every ``interval`` seconds from a thread, and knows when no answer came.

    An outage lasts from the last answer before it to the first one after it (from the start, or to now,
    where there is none), as times of ``time.monotonic()``. Use it as a context manager, or start and stop.
    """

    def __init__(self, host: str, port: int, interval: float = 0.02) -> None:
        self._host, self._port, self._interval = host, port, interval
        self._thread = threading.Thread(target=self._work, name="sip-probe", daemon=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._outages: List[Tuple[float, float]] = []
        self._answers = 0
        self._since = 0.0
        self._unanswered = 0

    def __enter__(self) -> Probe:
        self.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to ask."""
        self._since = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; returns when the thread has ended. An outage that goes on ends here."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        self._close_outage(time.monotonic())

    @property
    def answers(self) -> int:
        """How many answers came so far."""
        return self._answers

    def outages(self) -> List[Tuple[float, float]]:
        """Return the (start, end) of each outage so far, one that goes on ending now."""
        with self._lock:
            if self._unanswered > _LOST:
                return [*self._outages, (self._since, time.monotonic())]
            return list(self._outages)

    def longest(self) -> float:
        """Return the seconds of the longest outage so far, 0.0 if there was none."""
        return max((end - start for start, end in self.outages()), default=0.0)

    def _work(self) -> None:
        with socket.socket(_family(self._host), socket.SOCK_DGRAM) as connection:
            with contextlib.suppress(OSError):  # no such address now: nobody answers there
                connection.connect((self._host, self._port))
            tick = time.monotonic()
            while not self._stopping.is_set():
                self._send(connection)
                tick = max(tick + self._interval, time.monotonic())
                self._receive(connection, tick)

    def _send(self, connection: socket.socket) -> None:
        with self._lock:
            self._unanswered += 1
        try:
            connection.send(_request(self._host, self._port, "udp", connection))
        except OSError:  # nobody listens there now
            return

    def _receive(self, connection: socket.socket, until: float) -> None:
        """Take answers until the next request is due."""
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            try:
                answer = connection.recv(_LARGEST)
            except socket.timeout:
                return
            except OSError:
                self._stopping.wait(max(until - time.monotonic(), 0))
                return
            if _status(answer) is not None:
                self._close_outage(time.monotonic())
                self._answers += 1

    def _close_outage(self, now: float) -> None:
        with self._lock:
            if self._unanswered > _LOST:
                self._outages.append((self._since, now))
            self._since, self._unanswered = now, 0
