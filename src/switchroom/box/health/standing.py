"""Who is registered and reachable now, as Asterisk's channel drivers tell it.

Line forms were taken from Asterisk 16.28 and 22.10 (tests/data/console).
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from typing import Dict, Mapping, Pattern, Set, Tuple

from switchroom.box.console import Console

REACHABLE, PENDING, LOST = "reachable", "pending", "lost"
# Over a connection the phone opened, only the phone can come back, and takes its own time for it.
_CONNECTED = re.compile(r";transport=(tcp|tls|wss?)\b|^sips:", re.IGNORECASE)

_REGISTRATION = re.compile(r"^ ?(?P<name>[^/\s]+)\S*\s+\S+\s+(?P<state>[A-Z]\w+)", re.MULTILINE)
_CONTACT = re.compile(
    r"^\s*Contact:\s+(?P<aor>[^/\s]+)\S*\s.*?\b(?P<hash>[0-9a-f]{10})\s+(?P<state>[A-Z]\w+)", re.MULTILINE
)
_STORED = re.compile(
    r"^/registrar/contact/(?P<aor>.+);@(?P<hash>[0-9a-f]+)\s*: (?P<data>\{.*\})\s*$", re.MULTILINE
)
_PEER = re.compile(
    r"^(?P<name>[^/\s]+)\S*\s+(?P<host>\S+)\s+(?P<dynamic>D\s)?.*?"
    r"\s\d+\s+(?P<state>OK|LAGGED|UNREACHABLE|UNKNOWN|Unmonitored)\b",
    re.MULTILINE,
)
_SIP_REGISTRY = re.compile(r"^(?P<host>\S+:\d+)\s+[YN]\s+(?P<user>\S+)\s+\d+\s+(?P<state>\S+)", re.MULTILINE)
_IAX_REGISTRY = re.compile(
    r"^(?P<host>\S+:\d+)\s+[YN]\s+(?P<user>\S+)\s+\S+\s+\d+\s+(?P<state>\S+)", re.MULTILINE
)


@dataclass(frozen=True)
class Standing:
    """By name: ``reachable``, ``pending`` (not asked yet) or ``lost``; ``Baseline`` has the names."""

    registrations: Mapping[str, str]
    contacts: Mapping[str, str]
    trunks: Mapping[str, str]


def read(console: Console) -> Standing:
    """Ask all channel drivers; raises SwitchroomError when Asterisk does not answer."""

    def ask(command: str) -> str:
        return console.known(command) or ""

    phones, trunks = contacts(ask("pjsip show contacts"), ask("database show registrar"))
    dynamic, fixed = peers(ask("sip show peers"))
    registrations = {
        **pjsip_registrations(ask("pjsip show registrations")),
        **registry("sip", ask("sip show registry"), _SIP_REGISTRY),
        **registry("iax2", ask("iax2 show registry"), _IAX_REGISTRY),
    }
    return Standing(registrations, {**phones, **dynamic}, {**trunks, **fixed})


def pjsip_registrations(answer: str) -> Dict[str, str]:
    """Return the outbound registrations of ``pjsip show registrations``."""
    return {
        f"pjsip/{one['name']}": REACHABLE if one["state"] == "Registered" else LOST
        for one in _REGISTRATION.finditer(answer)
    }


def registry(family: str, answer: str, line: Pattern[str]) -> Dict[str, str]:
    """Return the outbound registrations of ``sip show registry`` or ``iax2 show registry``."""
    return {
        f"{family}/{one['user']}@{one['host']}": REACHABLE if one["state"] == "Registered" else LOST
        for one in line.finditer(answer)
    }


def contacts(answer: str, stored: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Return (phones, trunks) of ``pjsip show contacts``; ``stored`` is ``database show registrar``.

    A phone registered its contact, so that the database holds it; a trunk's stands in the configuration. An
    address of record counts by its best contact.
    """
    phones: Dict[str, str] = {}
    trunks: Dict[str, str] = {}
    registered, connected = _stored(stored)
    for one in _CONTACT.finditer(answer):
        key = (one["aor"], one["hash"])
        if key not in connected:
            _best(phones if key in registered else trunks, f"pjsip/{one['aor']}", _state(one["state"]))
    return phones, trunks


def peers(answer: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Return (phones, trunks) of chan_sip's ``sip show peers``: a phone's address is dynamic."""
    phones: Dict[str, str] = {}
    trunks: Dict[str, str] = {}
    for one in _PEER.finditer(answer):
        absent = one["host"] == "(Unspecified)"
        state = LOST if absent else _state(one["state"])
        (phones if one["dynamic"] else trunks)[f"sip/{one['name']}"] = state
    return phones, trunks


def _stored(answer: str) -> Tuple[Set[Tuple[str, str]], Set[Tuple[str, str]]]:
    """Return (all, connected) contacts in the database as (address of record, 10 digits of the hash)."""
    registered, connected = set(), set()
    for one in _STORED.finditer(answer):
        key = (one["aor"], one["hash"][:10])
        registered.add(key)
        with contextlib.suppress(ValueError):
            uri = str(json.loads(one["data"]).get("uri", ""))
            if _CONNECTED.search(uri.replace("^3B", ";")):  # as the database escapes it
                connected.add(key)
    return registered, connected


def _state(word: str) -> str:
    if word in ("Avail", "OK", "LAGGED"):
        return REACHABLE
    return PENDING if word in ("NonQual", "Unknown", "UNKNOWN", "Unmonitored", "Created") else LOST


def _best(states: Dict[str, str], name: str, state: str) -> None:
    order = (REACHABLE, PENDING, LOST)
    states[name] = min(state, states.get(name, LOST), key=order.index)
