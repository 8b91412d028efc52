"""Asking OPTIONS: what counts as an answer, over UDP and TCP."""

from __future__ import annotations

import socket

import pytest

from support.peers import tcp_peer, udp_peer
from switchroom.box import sip

ANSWER = b"SIP/2.0 %d Whatever\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("code", [200, 401, 404, 503])
def test_any_sip_answer_tells_that_the_transport_works(code: int) -> None:
    with udp_peer(lambda _request: ANSWER % code) as address:
        assert sip.options(*address) == code


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"SIP/2.0 200", b"\xff\xfe"])
def test_silence_and_other_protocols_are_no_answer(answer: bytes) -> None:
    with udp_peer(lambda _request: answer) as address:
        assert sip.options(*address, timeout=0.3) is None


def test_noise_before_the_answer_is_passed_over() -> None:
    heard: list[bytes] = []

    def first_noise_then_sip(request: bytes) -> bytes:
        heard.append(request)
        return b"\r\n\r\n" if len(heard) == 1 else ANSWER % 200

    with udp_peer(first_noise_then_sip) as address:
        assert sip.options(*address) == 200


def test_the_request_is_one_that_a_sip_stack_takes() -> None:
    heard: list[str] = []
    with udp_peer(lambda request: heard.append(request.decode()) or ANSWER % 200) as address:  # type: ignore[func-returns-value]
        sip.options(*address)
    lines = heard[0].split("\r\n")
    assert lines[0] == f"OPTIONS sip:127.0.0.1:{address[1]};transport=udp SIP/2.0"
    names = [line.partition(":")[0] for line in lines[1:-2]]
    assert {"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact"} <= set(names)
    assert heard[0].endswith("Content-Length: 0\r\n\r\n")


def test_nobody_there_is_no_answer_on_any_transport() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    for transport in ("udp", "tcp", "tls"):
        assert sip.options("127.0.0.1", port, transport, timeout=0.3) is None


def test_an_answer_over_tcp_may_come_in_pieces() -> None:
    def talk(connection: socket.socket) -> None:
        assert connection.recv(4096).startswith(b"OPTIONS sip:127.0.0.1")
        connection.sendall(b"SIP/2.0 4")
        connection.sendall(b"01 Unauthorized\r\nContent-Length: 0\r\n\r\n")

    with tcp_peer(talk) as address:
        assert sip.options(*address, "tcp") == 401


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_peer_that_accepts_and_says_nothing_is_given_up(transport: str) -> None:
    def say_nothing(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with tcp_peer(say_nothing) as address:
        assert sip.options(*address, transport, timeout=0.3) is None
