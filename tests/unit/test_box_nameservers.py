"""Which nameservers let a question wait."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Iterator

import pytest

from switchroom.box import nameservers


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening


def test_addresses_are_read_from_resolv_conf(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "search example.net\nnameserver 192.0.2.1\n# nameserver 192.0.2.9\nnameserver ::1\nnameserver\n"
    )
    assert nameservers.listed(file) == ("192.0.2.1", "::1")
    assert nameservers.listed(tmp_path / "absent") == ()


def test_one_that_says_nothing_is_silent(server: socket.socket) -> None:
    assert nameservers.silent("127.0.0.1", timeout=0.1, port=server.getsockname()[1])


def test_any_answer_to_a_well_formed_question_will_do(server: socket.socket) -> None:
    def answer() -> None:
        question, asker = server.recvfrom(512)
        assert len(question) == 12 + 1 + 4
        server.sendto(question[:2] + b"\x80\x05", asker)

    thread = threading.Thread(target=answer)
    thread.start()
    assert not nameservers.silent("127.0.0.1", timeout=5, port=server.getsockname()[1])
    thread.join()


def test_one_that_refuses_at_once_costs_no_time(server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    assert not nameservers.silent("127.0.0.1", timeout=5, port=port)


def test_a_name_in_place_of_an_address_is_not_looked_up() -> None:
    assert not nameservers.silent("nameserver.invalid")
