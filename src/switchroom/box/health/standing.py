"""Who is registered and reachable now, as Asterisk's channel drivers tell it.

Line forms were taken from Asterisk 16.28 and 22.10 (tests/data/console).
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Set, Tuple

from switchroom.box import answers
from switchroom.box.console import Console

REACHABLE, PENDING, LOST = "reachable", "pending", "lost"
# Over a connection the phone opened, only the phone can come back, and takes its own time for it.
_CONNECTED = re.compile(r";transport=(tcp|tls|wss?)\b|^sips:", re.IGNORECASE)

_STATE = re.compile(r"[A-Z]\w+")
_HASH = re.compile(r"[0-9a-f]{10}")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_PEER_STATE = re.compile(r"(?:OK|LAGGED|UNREACHABLE|UNKNOWN|Unmonitored)\b")
_STORED = "/registrar/contact/"
# The words of "sip show registry" are host, whether it is looked up again, user, seconds, state; IAX2 has the
# perceived address before the seconds.
_SIP_SECONDS, _IAX_SECONDS = 3, 4


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
        **registry("sip", ask("sip show registry"), _SIP_SECONDS),
        **registry("iax2", ask("iax2 show registry"), _IAX_SECONDS),
    }
    return Standing(registrations, {**phones, **dynamic}, {**trunks, **fixed})


def pjsip_registrations(answer: str) -> Dict[str, str]:
    """Return the outbound registrations of ``pjsip show registrations``."""
    return {
        f"pjsip/{name}": _registered(words[2])
        for words in answers.rows(answer, 3)
        if (name := words[0].partition("/")[0]) and _STATE.match(words[2])
    }


def registry(family: str, answer: str, seconds: int) -> Dict[str, str]:
    """Return the outbound registrations of ``sip show registry`` or ``iax2 show registry``.

    ``seconds`` is the number of the word that tells when the next one is due; the state follows it.
    """
    return {
        f"{family}/{words[2]}@{words[0]}": _registered(words[seconds + 1])
        for words in answers.rows(answer, seconds + 2)
        if _is_place(words[0]) and words[1] in ("Y", "N") and answers.is_number(words[seconds])
    }


def _is_place(text: str) -> bool:
    host, _, port = text.rpartition(":")
    return bool(host) and answers.is_number(port)


def _registered(word: str) -> str:
    return REACHABLE if word == "Registered" else LOST


def contacts(answer: str, stored: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Return (phones, trunks) of ``pjsip show contacts``; ``stored`` is ``database show registrar``.

    A phone registered its contact, so that the database holds it; a trunk's stands in the configuration. An
    address of record counts by its best contact.
    """
    phones: Dict[str, str] = {}
    trunks: Dict[str, str] = {}
    registered, connected = _stored(stored)
    for words in answers.rows(answer, 4):
        found = _hash_and_state(words) if words[0] == "Contact:" else None
        aor = words[1].partition("/")[0]
        if found and aor and (aor, found[0]) not in connected:
            kind = phones if (aor, found[0]) in registered else trunks
            _best(kind, f"pjsip/{aor}", _state(found[1]))
    return phones, trunks


def _hash_and_state(words: List[str]) -> Optional[Tuple[str, str]]:
    for word, state in zip(words[2:], words[3:]):
        if _HASH.fullmatch(word) and _STATE.match(state):
            return word, state
    return None


def peers(answer: str) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Return (phones, trunks) of chan_sip's ``sip show peers``: a phone's address is dynamic."""
    phones: Dict[str, str] = {}
    trunks: Dict[str, str] = {}
    for words in answers.rows(answer, 4):
        name, said = words[0].partition("/")[0], _peer_state(words)
        if name and said:
            state = LOST if words[1] == "(Unspecified)" else _state(said)
            (phones if words[2] == "D" else trunks)[f"sip/{name}"] = state
    return phones, trunks


def _peer_state(words: List[str]) -> str:
    for port, state in zip(words[2:], words[3:]):
        if answers.is_number(port) and (match := _PEER_STATE.match(state)):
            return match[0]
    return ""


def _stored(answer: str) -> Tuple[Set[Tuple[str, str]], Set[Tuple[str, str]]]:
    """Return (all, connected) contacts in the database as (address of record, 10 digits of the hash)."""
    registered, connected = set(), set()
    for line in answers.lines(answer):
        head, _, data = line.rstrip().partition(": {")
        aor, _, digest = head[len(_STORED) :].rstrip().rpartition(";@")
        if line.startswith(_STORED) and aor and _HEXADECIMAL.fullmatch(digest):
            key = (aor, digest[:10])
            registered.add(key)
            if _CONNECTED.search(_uri("{" + data)):
                connected.add(key)
    return registered, connected


def _uri(data: str) -> str:
    """Return the address in a contact's data, with the semicolons that the database escapes."""
    with contextlib.suppress(ValueError, RecursionError):
        return str(json.loads(data).get("uri", "")).replace("^3B", ";")
    return ""


def _state(word: str) -> str:
    if word in ("Avail", "OK", "LAGGED"):
        return REACHABLE
    return PENDING if word in ("NonQual", "Unknown", "UNKNOWN", "Unmonitored", "Created") else LOST


def _best(states: Dict[str, str], name: str, state: str) -> None:
    order = (REACHABLE, PENDING, LOST)
    states[name] = min(state, states.get(name, LOST), key=order.index)
