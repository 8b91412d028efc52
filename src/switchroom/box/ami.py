"""Asterisk's manager interface (AMI): where it listens, who may log in from this box, and a small client.

https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import itertools
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Tuple

from switchroom.box import bound, conf
from switchroom.box.limits import load_limits
from switchroom.box.paths import Paths
from switchroom.box.reading import Budget
from switchroom.core.errors import SwitchroomError

_TRUE = ("yes", "true", "y", "t", "1", "on")  # as Asterisk's ast_true()
_PORT = 5038
_LARGEST = 1 << 20
_CHUNK = 1 << 16
_QUOTED = 40  # characters of a setting in an error


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
    """Return what the box's manager.conf, with all it includes, says; without the file AMI is off.

    Raises SwitchroomError for what nobody could connect to, or that is not read to its end.
    """
    budget = Budget()
    configuration = conf.read(Path("manager.conf"), paths.root, budget)
    if configuration.cut:
        raise SwitchroomError(f"manager.conf is not to be read: {configuration.cut}")
    general = configuration.settings("general")
    host = bound.reachable(general.get("bindaddr", ""))
    return Interface(
        off=_off(configuration, general),
        host=host,
        port=_port(general.get("port", "")),
        accounts=tuple(
            itertools.islice(_accounts(configuration, host, budget), load_limits().answers.accounts)
        ),
    )


def _port(text: str) -> int:
    """Return the port as Asterisk takes it: what begins with no digit is none, and leaves its own."""
    if not text[:1].isdigit():
        return _PORT
    number = bound.port(text)
    if number is None:
        raise SwitchroomError(f"'{text[:_QUOTED]}' in manager.conf is no port.")
    return number


def _accounts(configuration: conf.Configuration, host: str, budget: Budget) -> Iterator[Account]:
    for name in budget.watched(configuration.names()):
        secret = configuration.settings(name).get("secret", "")
        if name != "general" and secret and _admits(_rules(configuration, name, budget), host):
            yield Account(name, secret)


def _off(configuration: conf.Configuration, general: Mapping[str, str]) -> str:
    refused = configuration.refused
    if refused:
        return f"off: {refused.file}, line {refused.line}: {refused.text}"
    on = general.get("enabled", "no").lower() in _TRUE
    return "" if on else "off by configuration (manager.conf)"


def _rules(configuration: conf.Configuration, name: str, budget: Budget) -> List[Tuple[bool, str]]:
    """Return (whether it permits, network) of a user's rules in their order, templates' first."""
    rules = []
    for section in configuration.named(name):
        parents = [
            entry
            for parent in section.parents
            for one in configuration.named(parent)
            for entry in budget.watched(one.entries)
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
        self._received = bytearray()
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
        text = (challenge.get("challenge", "") + account.secret).encode(errors="surrogateescape")
        key = hashlib.md5(text, usedforsecurity=False).hexdigest()
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
        self._socket.sendall(f"{message}\r\n".encode(errors="surrogateescape"))
        while True:
            lines = self._until(b"\r\n\r\n").split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            answer = {key.lower(): value for key, value in fields.items()}
            if answer.get("actionid") == own["ActionID"] and "response" in answer:
                return answer

    def _until(self, end: bytes) -> str:
        searched = 0
        while (at := self._received.find(end, searched)) < 0:
            searched = max(len(self._received) - len(end), 0)
            self._received += self._receive()
        if time.monotonic() > self._deadline:  # events come without end
            raise _late()
        text = self._received[:at].decode(errors="replace")
        del self._received[: at + len(end)]
        return text

    def _receive(self) -> bytes:
        left = self._deadline - time.monotonic()
        if left <= 0 or len(self._received) > _LARGEST:
            raise _late()
        self._socket.settimeout(left)
        try:
            chunk = self._socket.recv(_CHUNK)
        except socket.timeout:
            raise _late() from None
        if not chunk:
            raise SwitchroomError("AMI closed the connection.")
        return chunk


def _late() -> SwitchroomError:
    return SwitchroomError("AMI accepted the connection but did not answer in time.")


@contextlib.contextmanager
def connected(interface: Interface, timeout: float) -> Iterator[Client]:
    """Give a client of the interface; raises OSError when nothing listens there.

    SwitchroomError where it is not on this box: an account's secret goes nowhere else.
    """
    host = bound.reachable(interface.host)
    if not bound.is_own(host):
        raise SwitchroomError(
            f"'{interface.host}' (bindaddr in manager.conf) is no address of this box: it gets no secret."
        )
    taken = bound.stranger(host, interface.port, "tcp")
    if taken:
        raise SwitchroomError(
            f"The port {interface.port} of AMI is taken by a program of the user '{taken}'."
        )
    client = Client(host, interface.port, timeout)
    try:
        yield client
    finally:
        client.close()
