"""What Asterisk's own answers say; the answers are real ones, of 16.28.0 and 22.10.1 (tests/data/console)."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from switchroom.box.console import Console
from switchroom.box.health import running, standing, transports
from switchroom.box.health.standing import LOST, PENDING, REACHABLE

ANY = ".".join("0000")
ANSWERS = Path(__file__).parents[1] / "data/console"
VERSIONS = ("16.28.0", "22.10.1")
ACCIDENT = "No ethernet interface found for seeding global EID. You will have to set it manually.\n"


class Recorded(Console):
    """Answers with what a real Asterisk said."""

    def __init__(self, version: str, before: str = "") -> None:
        super().__init__()
        self._folder, self._before = ANSWERS / version, before

    def ask(self, command: str, timeout: float = 10.0) -> str:  # noqa: ARG002
        answer = (self._folder / f"{command.replace(' ', '-')}.txt").read_text()
        return (self._before + answer).strip()


@pytest.fixture(params=VERSIONS)
def console(request: pytest.FixtureRequest) -> Console:
    return Recorded(request.param)


def test_pjsip_transports_of_both_versions(console: Console) -> None:
    found = transports.parse_pjsip(console.ask("pjsip show transports"))
    assert {one.name: (one.protocol, one.host) for one in found} == {
        "transport-tcp": ("tcp", ANY),
        "transport-tls": ("tls", "127.0.0.1"),
        "transport-udp": ("udp", ANY),
        "transport-udp6": ("udp", "::"),
        "transport-ws": ("ws", ANY),
    }
    assert [one.name for one in found if not one.probed] == ["transport-ws"]
    assert {one.name: one.address[0] for one in found}["transport-udp"] == "127.0.0.1"
    assert {one.name: one.address for one in found}["transport-udp6"] == ("::1", 5062)


def test_chan_sip_listens_where_16_says_and_nowhere_in_22() -> None:
    found = transports.parse_chan_sip(Recorded("16.28.0").ask("sip show settings"))
    assert [str(one) for one in found] == ["sip udp 0.0.0.0:5060", "sip tcp 0.0.0.0:5060"]
    assert {one.family for one in transports.read(Recorded("22.10.1"))} == {"pjsip"}
    assert {one.family for one in transports.read(Recorded("16.28.0"))} == {"pjsip", "sip"}


@pytest.mark.parametrize(("version", "guarded"), [("16.28.0", False), ("22.10.1", True)])
def test_a_tls_transport_that_wants_a_certificate_is_known(version: str, guarded: bool) -> None:
    found = {one.name: one for one in transports.read(Recorded(version))}
    assert found["transport-tls"].guarded is guarded


def test_pjsip_and_iax2_registrations_of_both_versions(console: Console) -> None:
    now = standing.read(console).registrations
    assert now["pjsip/trunk-out"] == REACHABLE
    assert now["pjsip/trunk-lost-with-a-long-name"] == LOST
    assert now["iax2/lab@127.0.0.1:4569"] == REACHABLE


def test_chan_sip_registrations_and_peers() -> None:
    now = standing.read(Recorded("16.28.0"))
    assert now.registrations["sip/201@127.0.0.1:5060"] == REACHABLE
    assert now.registrations["sip/nobody@127.0.0.1:5999"] == LOST
    assert {name: state for name, state in now.contacts.items() if name.startswith("sip/")} == {
        "sip/201": REACHABLE,
        "sip/202": LOST,
    }
    assert {name: state for name, state in now.trunks.items() if name.startswith("sip/")} == {
        "sip/carrier": REACHABLE,
        "sip/carrier-down": LOST,
        "sip/unasked": PENDING,
    }


def test_a_phone_is_told_from_a_trunk_and_one_on_its_own_connection_is_left_out(console: Console) -> None:
    now = standing.read(console)
    assert {name: state for name, state in now.contacts.items() if name.startswith("pjsip/")} == {
        "pjsip/7001": REACHABLE  # and not 7002, which registered over TCP
    }
    assert {name: state for name, state in now.trunks.items() if name.startswith("pjsip/")} == {
        "pjsip/an-address-of-record-with-a-name-longer-than-the-column": PENDING,
        "pjsip/carrier": REACHABLE,
        "pjsip/carrier-down": LOST,
        "pjsip/plain": PENDING,
    }


def test_an_address_of_record_counts_by_its_best_contact() -> None:
    line = "  Contact:  6001/sip:6001@192.0.2.{0}:5060   {1} {2}   1.0\n"
    answer = line.format(1, "aaaaaaaaaa", "Unavail") + line.format(2, "bbbbbbbbbb", "Avail")
    stored = "".join(
        f'/registrar/contact/6001;@{digit * 32}: {{"uri":"sip:6001@192.0.2.1:5060"}}\n' for digit in "ab"
    )
    assert standing.contacts(answer, stored) == ({"pjsip/6001": REACHABLE}, {})


def test_the_database_escapes_the_semicolon_of_a_uri() -> None:
    answer = "  Contact:  6001/sip:6001@192.0.2.1:5060   aaaaaaaaaa Avail   1.0\n"
    stored = f'/registrar/contact/6001;@{"a" * 32}: {{"uri":"sip:6001@192.0.2.1:5060^3Btransport=TLS"}}\n'
    assert standing.contacts(answer, stored) == ({}, {})


@pytest.mark.parametrize(("version", "told"), [("16.28.0", "16.28.0~dfsg-0+deb11u4"), ("22.10.1", "22.10.1")])
def test_the_version_is_read_past_what_asterisk_complains_of(version: str, told: str) -> None:
    assert running.version(Recorded(version, before=ACCIDENT)) == told
    verdict = running.check_booted(Recorded(version, before=ACCIDENT))
    assert verdict.ok
    assert told in verdict.evidence


@pytest.mark.parametrize("before", ["", ACCIDENT])
def test_a_command_that_no_module_brings_is_known_as_such(before: str) -> None:
    answer: Optional[str] = Recorded("22.10.1", before).known("sip show peers")
    assert answer is None
    assert Recorded("16.28.0", before).known("sip show peers")
