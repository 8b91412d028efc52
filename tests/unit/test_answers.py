"""What a console answers that somebody else has taken over: read in linear time, by few threads."""

import json
import socket
import threading
import time
from typing import Callable, Dict, List

import pytest

from switchroom.box import sip
from switchroom.box.health import call, running, standing, transports
from switchroom.box.switch import drain

LONG = 200_000  # characters; a search that goes back and forth in them takes hours
SEEDS = {
    "newlines": "\n",
    "spaces": " ",
    "one word": "a",
    "digits": "1",
    "ports": ":1",
    "hashes": " 0123456789 ",
    "rows": "Contact: a/b 0123456789\n",
    "stored": ";@a",
    "peers": "a b 1\n",
    "words": "a b ",
    "escapes": "\x1b[",
    "braces": '{"a":',
    "brackets": "[",
}
PREFIXES = ("", "Contact: a/b ", "/registrar/contact/a;@b: {", "Transport: a udp b c ", "a ", " ", "a b D ")
READERS: Dict[str, Callable[[str], object]] = {
    "registrations": standing.pjsip_registrations,
    "sip registry": lambda text: standing.registry("sip", text, 3),
    "iax2 registry": lambda text: standing.registry("iax2", text, 4),
    "contacts": lambda text: standing.contacts(text, ""),
    "stored": lambda text: standing.contacts("", text),
    "peers": standing.peers,
    "pjsip transports": transports.parse_pjsip,
    "sip settings": transports.parse_chan_sip,
}


class Saying:
    """A console that answers everything with the same words."""

    def __init__(self, words: str) -> None:
        self.words = words

    def ask(self, _command: str, **_limit: float) -> str:
        return self.words

    known = ask


@pytest.mark.parametrize("name", READERS)
def test_no_answer_takes_longer_than_its_length(name: str) -> None:
    for seed in SEEDS.values():
        for prefix in PREFIXES:
            text = prefix + seed * (LONG // len(seed))
            begin = time.monotonic()
            READERS[name](text)
            READERS[name](text[:8000])
            assert time.monotonic() - begin < 5, (prefix, seed)


@pytest.mark.parametrize(
    "words",
    [
        "9" * 5000 + " active calls",
        "Asterisk " + "9" * 5000,
        "a@{context}-;1",
        "a@{context}-;1!!",
        "!" * 5000,
        "Transport: a udp 0 0 127.0.0.1:" + "9" * 5000,
        "Transport: a udp 0 0 " + "x" * 300 + ":5060",
        "Transport: a tls 0 0 ::ffff:0:0:5060",
        '/registrar/contact/a;@b: {"uri": ' + "[" * 5000 + "}",
        '/registrar/contact/a;@b: {"uri": ' + "9" * 5000 + "}",
    ],
)
def test_odd_answers_end_in_no_traceback(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Echo(Saying):
        def ask(self, command: str, **_limit: float) -> str:
            context = command.rpartition(" ")[2]
            self.context = context if "switchroom-health" in context else getattr(self, "context", "")
            return self.words.replace("{context}", self.context)

        known = ask

    monkeypatch.setattr(call, "_SECONDS", 0.05)
    monkeypatch.setattr(transports, "_TIMEOUT", 0.05)
    console = Echo(words)
    assert not call.check(console, None).ok  # type: ignore[arg-type]
    transports.check(console, None)  # type: ignore[arg-type]
    standing.read(console)  # type: ignore[arg-type]
    running.version(console)  # type: ignore[arg-type]
    assert drain.calls(console) is None


def test_thousands_of_transports_are_asked_by_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    most: List[int] = []

    def options(*_words: object) -> None:
        most.append(threading.active_count())

    monkeypatch.setattr(sip, "options", options)
    lines = "".join(f"Transport:  t{n}  udp  0  0  127.0.0.1:{5000 + n}\n" for n in range(2000))
    before = threading.active_count()
    verdict = transports.check(Saying(lines), None)  # type: ignore[arg-type]
    assert "0 of 256 transports answer" in verdict.evidence
    assert max(most) - before <= 32


@pytest.mark.parametrize("host", ["192.0.2.1", "pbx.example.com", "x" * 300, "a\0b", "224.0.1.75"])
def test_nothing_is_asked_of_other_machines(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def options(*_words: object) -> int:
        raise AssertionError("asked")

    monkeypatch.setattr(sip, "options", options)
    assert transports.answering([transports.Transport("pjsip", "t", "udp", host, 5060)]) == ()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99999), ("x" * 300, 5060)])
def test_an_address_that_is_none_gets_no_answer(host: str, port: int) -> None:
    assert sip.options(host, port, "udp", 0.1) is None


def test_a_peer_that_never_stops_sending_what_is_no_sip_is_given_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        done = threading.Event()

        def flood() -> None:
            _, asker = peer.recvfrom(65535)
            while not done.is_set():
                peer.sendto(b"no sip", asker)

        thread = threading.Thread(target=flood, daemon=True)
        thread.start()
        begin = time.monotonic()
        try:
            assert sip.options("127.0.0.1", peer.getsockname()[1], "udp", 0.5) is None
            assert time.monotonic() - begin < 5
        finally:
            done.set()
            thread.join()


def test_a_contact_is_read_as_before() -> None:
    stored = "/registrar/contact/100;@0123456789abcdef : " + json.dumps({"uri": "sip:a@b^3Btransport=tls"})
    rows = (
        "  Contact:  100/sip:a@b;transport=tls 0123456789 Avail 1.0\n"
        "  Contact:  t/sip:c 9876543210 Unavail nan\n"
    )
    assert standing.contacts(rows, stored) == ({}, {"pjsip/t": "lost"})
