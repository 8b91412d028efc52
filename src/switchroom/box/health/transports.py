"""The SIP transports of the running Asterisk, and whether each answers."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Collection, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from switchroom.box import answers, bound, conf, sip
from switchroom.box.console import Console
from switchroom.box.health.report import Verdict
from switchroom.box.limits import load_limits
from switchroom.box.paths import Paths
from switchroom.box.reading import Budget

PJSIP, CHAN_SIP = "pjsip", "sip"
_PROBED = ("udp", "tcp", "tls")
_TIMEOUT = 2.0
_PORTS = {"tls": 5061}


@dataclass(frozen=True)
class Transport:
    """One bound address; ``family`` is the driver, ``protocol`` udp, tcp, tls, ws or wss.

    ``guarded`` is a TLS one that hangs up on whoever shows no certificate of his own.
    """

    family: str
    name: str
    protocol: str
    host: str
    port: int
    guarded: bool = False

    @property
    def address(self) -> Tuple[str, int]:
        """Where this box reaches it."""
        return bound.reachable(self.host), self.port

    @property
    def probed(self) -> bool:
        """Whether OPTIONS is asked over it; a websocket belongs to the HTTP server."""
        return self.protocol in _PROBED and not self.guarded

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.family} {self.protocol} {host}:{self.port}"


def read(console: Console) -> Tuple[Transport, ...]:
    """Return what PJSIP and chan_sip listen on; raises SwitchroomError when Asterisk does not answer."""
    pjsip = parse_pjsip(console.known("pjsip show transports") or "")
    chan_sip = console.known("sip show settings") or ""
    return tuple(_guard(console, one) for one in (*pjsip, *parse_chan_sip(chan_sip)))


def configured(paths: Paths) -> Tuple[Transport, ...]:
    """Return the transports that pjsip.conf has, whether Asterisk could bind them or not."""
    configuration = conf.read(Path("pjsip.conf"), paths.root, Budget())
    kinds = {(entry.section, entry.value) for entry in configuration.entries() if entry.key.lower() == "type"}
    settings = {name: configuration.settings(name) for name, kind in kinds if kind == "transport"}
    return _as_many_as_are_asked(
        Transport(PJSIP, name, protocol, *place)
        for name, said in settings.items()
        if (protocol := said.get("protocol", "udp")) in _PROBED
        and (place := _bound(said.get("bind", ""), protocol))
    )


def _bound(text: str, protocol: str) -> Optional[Tuple[str, int]]:
    """Return address and port of a ``bind`` of pjsip.conf, whose port may be left out."""
    port = _PORTS.get(protocol, 5060)
    return _place(text) if text.rpartition("]")[2].count(":") == 1 else _place(f"{text}:{port}")


def _guard(console: Console, transport: Transport) -> Transport:
    if transport.family != PJSIP or transport.protocol != "tls":
        return transport
    details = console.ask(f"pjsip show transport {transport.name}")
    words = (line.replace(":", " ").split() for line in answers.lines(details))
    return replace(transport, guarded=["require_client_cert", "Yes"] in words)


def parse_pjsip(answer: str) -> Tuple[Transport, ...]:
    """Return the transports of ``pjsip show transports``, as many as are looked at.

    ``Transport:  transport-udp   udp   0   0  0.0.0.0:5060`` is a line of it.
    """
    rows = (words for words in answers.rows(answer, 6) if len(words) == 6 and words[0] == "Transport:")  # noqa: PLR2004
    return _as_many_as_are_asked(
        Transport(PJSIP, words[1], words[2], *place)
        for words in rows
        if (place := _place(words[5])) and words[2].isalpha() and words[2].islower()
    )


def parse_chan_sip(answer: str) -> Tuple[Transport, ...]:
    """Return the addresses of ``sip show settings``: ``  UDP Bindaddress:        0.0.0.0:5060``."""
    rows = (words for words in answers.rows(answer, 3) if words[-2] == "Bindaddress:")
    return _as_many_as_are_asked(
        Transport(CHAN_SIP, words[0].lower(), words[0].lower(), *place)
        for words in rows
        if words[0].lower() in _PROBED and words[1:-2] in ([], ["SIP"]) and (place := _place(words[-1]))
    )


def _place(text: str) -> Optional[Tuple[str, int]]:
    """Return address and port of ``0.0.0.0:5060``, or None for what is none."""
    host, _, port = text.rpartition(":")
    number = bound.port(port) if answers.is_number(port) else None
    return (host.strip("[]"), number) if host and number else None


def _as_many_as_are_asked(found: Iterator[Transport]) -> Tuple[Transport, ...]:
    return tuple(itertools.islice(found, load_limits().answers.transports))


def check(
    console: Console,
    before: Optional[Tuple[Transport, ...]],
    lacking: Collection[str] = (),
    wished: Collection[Transport] = (),
) -> Verdict:
    """Judge whether those answer that answered ``before``; all that are bound without a baseline.

    Families in ``lacking`` are no part of the engine: what they answered before is not asked for. What is
    ``wished`` and another user's program has is a failure too.
    """
    present = read(console)
    lost = _taken(strangers(one for one in wished if one.name not in {other.name for other in present}))
    if not present:
        return Verdict(False, f"no SIP transport, of PJSIP or chan_sip{lost}", required=before != ())
    kept = [one for one in before or () if one.family not in lacking]
    wanted = kept or [one for one in present if one.probed]
    others = strangers(wanted)
    there = _answering(wanted, others)
    evidence = f"{len(there)} of {len(wanted)} transports answer"
    silent = [str(one) for one in wanted if one not in there]
    unasked = [str(one) for one in present if not one.probed]
    evidence += f"; silent: {', '.join(silent)}" if silent else ""
    evidence += _taken(others) + lost
    evidence += f"; not probed: {', '.join(unasked)}" if unasked else ""
    return Verdict(not silent and not lost, evidence, required=bool(wanted) and before != ())


def strangers(transports: Iterable[Transport]) -> Dict[Transport, str]:
    """Return those which another user's program has, with the user."""
    found = {one: bound.stranger(*one.address, one.protocol) for one in transports if one.probed}
    return {one: user for one, user in found.items() if user}


def _taken(others: Mapping[Transport, str]) -> str:
    """Return a clause that names what strangers have, empty when nothing."""
    found = [f"{one} by a program of the user '{user}'" for one, user in others.items()]
    return f"; taken: {', '.join(found)}" if found else ""


def answering(transports: Iterable[Transport]) -> Tuple[Transport, ...]:
    """Return those that answer OPTIONS and are Asterisk's own."""
    found = tuple(transports)
    return _answering(found, strangers(found))


def _answering(transports: Iterable[Transport], others: Collection[Transport]) -> Tuple[Transport, ...]:
    """Ask many at once, and none of ``others``."""
    asked = [one for one in transports if one.probed and one not in others]
    with ThreadPoolExecutor(max_workers=max(min(len(asked), load_limits().answers.threads), 1)) as pool:
        codes = list(pool.map(_ask, asked))
    return tuple(transport for transport, code in zip(asked, codes) if code is not None)


def _ask(transport: Transport) -> Optional[int]:
    host, port = transport.address
    return sip.options(host, port, transport.protocol, _TIMEOUT) if bound.is_own(host) else None
