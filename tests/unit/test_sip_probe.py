"""The probe that measures an outage."""

from __future__ import annotations

import threading
import time
from typing import Callable

from support.peers import udp_peer
from switchroom.box.sip import Probe

ANSWER = b"SIP/2.0 404 Not Found\r\n\r\n"


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_no_outage_where_every_request_is_answered() -> None:
    with udp_peer(lambda _request: ANSWER) as address, Probe(*address, interval=0.05) as probe:
        until(lambda: probe.answers >= 5)
    assert probe.longest() == 0.0


def test_a_peer_that_goes_and_comes_back_leaves_one_outage_between_its_answers() -> None:
    with udp_peer(lambda _request: ANSWER) as address:
        probe = Probe(*address, interval=0.005)
        probe.start()
        until(lambda: probe.answers >= 3)
    until(lambda: probe.longest() > 0.1)
    before, back = probe.answers, time.monotonic()
    with udp_peer(lambda _request: ANSWER, address[1]):
        until(lambda: probe.answers > before)
        probe.stop()
    ((start, end),) = probe.outages()
    assert start < back <= end
    assert probe.longest() == end - start


def test_lost_packets_are_no_outage() -> None:
    count = iter(range(1_000_000))
    peer = udp_peer(lambda _request: ANSWER if next(count) % 4 == 0 else b"")
    with peer as address, Probe(*address, interval=0.05) as probe:
        until(lambda: probe.answers >= 4)
    assert probe.outages() == []


def test_an_outage_that_never_ended_lasts_until_the_probe_is_stopped() -> None:
    with udp_peer(lambda _request: b"") as address:
        with Probe(*address, interval=0.005) as probe:
            until(lambda: probe.longest() > 0.05)
        length = probe.longest()
        assert length > 0.05
        assert probe.longest() == length
    assert probe.answers == 0


def test_an_address_that_this_machine_cannot_reach_is_one_where_nobody_answers() -> None:
    with Probe("255.255.255.255", 5060, interval=0.005) as probe:
        until(lambda: probe.longest() > 0.05)
    assert probe.answers == 0


def test_stop_leaves_no_thread_behind() -> None:
    with udp_peer(lambda _request: ANSWER) as address:
        probe = Probe(*address)
        probe.start()
        probe.stop()
        probe.stop()
    assert "sip-probe" not in [thread.name for thread in threading.enumerate()]
