"""Asterisk's manager interface (AMI): where it listens, who may log in from this box, and a small client.

https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Tuple

from switchroom.box import conf
from switchroom.box.bound import reachable
from switchroom.box.paths import Paths
from switchroom.core.errors import SwitchroomError

_TRUE = ("yes", "true", "y", "t", "1", "on")  # as Asterisk's ast_true()
_PORT = 5038
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Account:
    """One user of manager.conf; its secret shows nowhere."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Interface:
    """What manager.conf says: whether it is on, where, and the accounts that may come from this box.

    ``off`` is why it is not on, empty where it is.
    """

    off: str
    host: str
    port: int
    accounts: Tuple[Account, ...]


def configured(paths: Paths) -> Interface:
    """Return what the box's manager.conf, with all it includes, says; without the file AMI is off."""
    configuration = conf.read(Path("manager.conf"), paths.root)
    general = configuration.settings("general")
    host, port = reachable(general.get("bindaddr", "")), general.get("port", "")
    accounts = (
        Account(name, configuration.settings(name).get("secret", ""))
        for name in configuration.names()
        if name != "general" and _admits(_rules(configuration, name), host)
    )
    return Interface(
        off=_off(configuration, general),
        host=host,
        port=int(port) if port.isdecimal() else _PORT,
        accounts=tuple(account for account in accounts if account.secret),
    )


def _off(configuration: conf.Configuration, general: Mapping[str, str]) -> str:
    refused = configuration.refused
    if refused:
        return f"off: {refused.file}, line {refused.line}: {refused.text}"
    on = general.get("enabled", "no").lower() in _TRUE
    return "" if on else "off by configuration (manager.conf)"


def _rules(configuration: conf.Configuration, name: str) -> List[Tuple[bool, str]]:
    """Return (whether it permits, network) of a user's rules in their order, templates' first."""
    rules = []
    for section in configuration.named(name):
        parents = [
            entry
            for parent in section.parents
            for one in configuration.named(parent)
            for entry in one.entries
        ]
        for entry in [*parents, *section.entries]:
            if entry.key.lower() in ("permit", "deny"):
                permits = entry.key.lower() == "permit"
                rules += [
                    (permits != item.startswith("!"), item.lstrip("!")) for item in entry.value.split(",")
                ]
    return rules


def _admits(rules: List[Tuple[bool, str]], host: str) -> bool:
    """Apply the rules as Asterisk does: the last one that matches decides, none admits."""
    admitted = True
    for permits, network in rules:
        with contextlib.suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(network.strip(), strict=False):
                admitted = permits
    return admitted


class Client:
    """A connection to this box's manager interface; every read and write ends by the one deadline.

    Raises SwitchroomError where it leads to another machine: ``bindaddr`` is asterisk's to write.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self._socket = socket.create_connection((host, port), timeout=timeout)
        own, peer = self._socket.getsockname()[0], self._socket.getpeername()[0]
        if own != peer and not ipaddress.ip_address(peer.partition("%")[0]).is_loopback:
            self._socket.close()
            raise SwitchroomError(f"manager.conf's bindaddr leads to another machine, {peer}.")
        self._received = b""
        self._count = 0

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def greeting(self) -> str:
        """Return the first line, such as ``Asterisk Call Manager/9.0.0``; read it before anything else."""
        return self._until(b"\r\n")

    def login(self, account: Account) -> None:
        """Log in by MD5 challenge, which every Asterisk has; raises SwitchroomError if refused."""
        challenge = self._ask({"Action": "Challenge", "AuthType": "MD5"})
        text = challenge.get("challenge", "") + account.secret
        key = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        words = {"Action": "Login", "Username": account.name, "AuthType": "MD5", "Key": key, "Events": "off"}
        answer = self._ask(words)
        if answer.get("response") != "Success":
            raise SwitchroomError(
                f"AMI refused the login of '{account.name}'.", cause=answer.get("message", "")
            )

    def ping(self) -> None:
        """Ask for a pong; raises SwitchroomError when another answer comes."""
        if self._ask({"Action": "Ping"}).get("response") not in ("Success", "Pong"):
            raise SwitchroomError("AMI did not answer Ping.")

    def _ask(self, words: Dict[str, str]) -> Dict[str, str]:
        """Send an action and return its response with lower-case keys; events between are skipped."""
        self._count += 1
        own = {**words, "ActionID": f"switchroom-{self._count}"}
        message = "".join(f"{key}: {value}\r\n" for key, value in own.items())
        self._socket.sendall(f"{message}\r\n".encode())
        while True:
            lines = self._until(b"\r\n\r\n").split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            answer = {key.lower(): value for key, value in fields.items()}
            if answer.get("actionid") == own["ActionID"] and "response" in answer:
                return answer

    def _until(self, end: bytes) -> str:
        while end not in self._received:
            left = self._deadline - time.monotonic()
            if left <= 0 or len(self._received) > _LARGEST:
                raise SwitchroomError("AMI accepted the connection but did not answer in time.")
            self._socket.settimeout(left)
            chunk = self._receive()
            if not chunk:
                raise SwitchroomError("AMI closed the connection.")
            self._received += chunk
        text, _, self._received = self._received.partition(end)
        return text.decode(errors="replace")

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except socket.timeout:
            raise SwitchroomError("AMI accepted the connection but did not answer in time.") from None


@contextlib.contextmanager
def connected(interface: Interface, timeout: float) -> Iterator[Client]:
    """Give a client of the interface; raises OSError when nothing listens there."""
    client = Client(interface.host, interface.port, timeout)
    try:
        yield client
    finally:
        client.close()
