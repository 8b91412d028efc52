"""A mail relay that takes mail over TLS from who logs in, and keeps what came: a box's smarthost in tests."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Self

from support.authority import Authority

NAME = "relay.lab.test"


@dataclass(frozen=True)
class Mail:
    """One mail as it came: who logged in, over which TLS (None without), the envelope and the text."""

    user: str
    tls: Optional[str]
    sender: str
    recipients: tuple[str, ...]
    text: str


def certify(folder: Path) -> Path:
    """Make the relay's certificate in ``folder``, and return the file of the CA to trust."""
    authority = Authority("Lab")
    pair = authority.issue(NAME)
    (folder / "relay.pem").write_text(pair.certificate + pair.key)
    (folder / "ca.pem").write_text(authority.certificate)
    return folder / "ca.pem"


class Relay(socketserver.ThreadingTCPServer):
    """Listens at ``address`` inside its ``with`` block; ``folder`` is the one that ``certify`` filled."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], folder: Path, password: str) -> None:
        super().__init__(address, _Conversation)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "relay.pem")
        self.password = password
        self._mails: list[Mail] = []
        self._come = threading.Condition()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self.server_close()

    def keep(self, mail: Mail) -> None:
        """Keep a mail that has come."""
        with self._come:
            self._mails.append(mail)
            self._come.notify_all()

    def wait(self, seconds: float) -> Mail:
        """Return the first mail, waiting for it at most so long."""
        with self._come:
            assert self._come.wait_for(lambda: self._mails, seconds), "no mail came"
            return self._mails[0]


class _Conversation(socketserver.StreamRequestHandler):
    """One client: nothing is taken before TLS and the right password."""

    server: Relay

    def handle(self) -> None:
        self._tls: Optional[str] = None
        self._user = self._sender = ""
        self._recipients: list[str] = []
        self._say(f"220 {NAME} ESMTP")
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            getattr(self, f"_{word.lower()}", self._unknown)(rest)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _unknown(self, _rest: str) -> None:
        self._say("502 unknown")

    def _ehlo(self, _rest: str) -> None:
        self._say(f"250-{NAME}", "250 AUTH PLAIN" if self._tls else "250 STARTTLS")

    def _starttls(self, _rest: str) -> None:
        self._say("220 go on")
        wrapped = self.server.context.wrap_socket(self.request, server_side=True)
        self._tls = wrapped.version()
        self.rfile, self.wfile = wrapped.makefile("rb"), wrapped.makefile("wb", buffering=0)

    def _auth(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        right = self._tls is not None and password == self.server.password
        self._user = user if right else ""
        self._say("235 welcome" if right else "535 no")

    def _mail(self, rest: str) -> None:
        self._sender = rest
        self._say("250 ok" if self._user else "530 log in first")

    def _rcpt(self, rest: str) -> None:
        self._recipients.append(rest)
        self._say("250 ok" if self._user else "530 log in first")

    def _data(self, _rest: str) -> None:
        self._say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        text = b"".join(lines).decode()
        self.server.keep(Mail(self._user, self._tls, self._sender, tuple(self._recipients), text))
        self._say("250 kept")
