"""The SIP transports of the running Asterisk, and whether each answers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Collection, Iterable, Optional, Tuple

from switchroom.box import sip
from switchroom.box.bound import reachable
from switchroom.box.console import Console
from switchroom.box.health.report import Verdict

PJSIP, CHAN_SIP = "pjsip", "sip"
_PROBED = ("udp", "tcp", "tls")
_GUARDED = re.compile(r"^\s*require_client_cert\s*: Yes", re.MULTILINE)
_TIMEOUT = 2.0
# "Transport:  transport-udp   udp   0   0  0.0.0.0:5060" of "pjsip show transports"
_PJSIP_LINE = re.compile(r"^Transport:\s+(\S+)\s+([a-z]+)\s+\S+\s+\S+\s+(\S+):(\d+)\s*$", re.MULTILINE)
# "  UDP Bindaddress:        0.0.0.0:5060" of "sip show settings" (chan_sip)
_SIP_LINE = re.compile(r"^\s*(UDP|TCP|TLS)(?: SIP)? Bindaddress:\s+(\S+):(\d+)\s*$", re.MULTILINE)


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
        return reachable(self.host), self.port

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
    return tuple(_guard(console, one) for one in pjsip) + parse_chan_sip(chan_sip)


def _guard(console: Console, transport: Transport) -> Transport:
    if transport.protocol != "tls":
        return transport
    details = console.ask(f"pjsip show transport {transport.name}")
    return replace(transport, guarded=bool(_GUARDED.search(details)))


def parse_pjsip(answer: str) -> Tuple[Transport, ...]:
    """Return the transports of ``pjsip show transports``."""
    found = _PJSIP_LINE.findall(answer)
    return tuple(
        Transport(PJSIP, name, kind, host.strip("[]"), int(port)) for name, kind, host, port in found
    )


def parse_chan_sip(answer: str) -> Tuple[Transport, ...]:
    """Return the addresses of ``sip show settings``."""
    found = _SIP_LINE.findall(answer)
    return tuple(
        Transport(CHAN_SIP, kind.lower(), kind.lower(), host.strip("[]"), int(port))
        for kind, host, port in found
    )


def check(
    console: Console, before: Optional[Tuple[Transport, ...]], lacking: Collection[str] = ()
) -> Verdict:
    """Judge whether those answer that answered ``before``; all that are configured without a baseline.

    Families in ``lacking`` are no part of the engine: what they answered before is not asked for.
    """
    present = read(console)
    if not present:
        return Verdict(False, "no SIP transport, of PJSIP or chan_sip", required=before != ())
    kept = [one for one in before or () if one.family not in lacking]
    wanted = kept or [one for one in present if one.probed]
    there = answering(wanted)
    evidence = f"{len(there)} of {len(wanted)} transports answer"
    silent = [str(one) for one in wanted if one not in there]
    unasked = [str(one) for one in present if not one.probed]
    evidence += f"; silent: {', '.join(silent)}" if silent else ""
    evidence += f"; not probed: {', '.join(unasked)}" if unasked else ""
    return Verdict(not silent, evidence, required=bool(wanted) and before != ())


def answering(transports: Iterable[Transport]) -> Tuple[Transport, ...]:
    """Return those that answer OPTIONS, all asked at once."""
    asked = [transport for transport in transports if transport.probed]
    with ThreadPoolExecutor(max_workers=max(len(asked), 1)) as pool:
        codes = list(pool.map(_ask, asked))
    return tuple(transport for transport, code in zip(asked, codes) if code is not None)


def _ask(transport: Transport) -> Optional[int]:
    host, port = transport.address
    return sip.options(host, port, transport.protocol, _TIMEOUT)
