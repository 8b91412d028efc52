"""The test call and the SIP check, against a console that plays Asterisk's dialplan and channels."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import pytest

from support.peers import udp_peer
from switchroom.box import ami, bound
from switchroom.box.console import Console
from switchroom.box.health import call, transports
from switchroom.box.health.transports import Transport
from switchroom.box.paths import Paths
from switchroom.core.errors import SwitchroomError

TOLD = "No such command '{0}' (type 'core show help {0}' for other possible commands)"
ANSWER = b"SIP/2.0 401 Unauthorized\r\n\r\n"


class Playing(Console):
    """Knows contexts and calls as ``asterisk -rx`` shows them; ``mute`` calls are never answered."""

    def __init__(self, pbx_config: bool = True, mute: bool = False, fails: str = "nothing") -> None:
        super().__init__()
        self.contexts: dict[str, List[str]] = {}
        self.channels: List[str] = []
        self.called: List[str] = []
        self.added: List[str] = []
        self._pbx_config, self._mute, self._fails = pbx_config, mute, fails

    def ask(self, command: str, timeout: float = 10.0) -> str:  # noqa: ARG002
        if command.startswith(self._fails):
            raise SwitchroomError("Asterisk does not answer.")
        if command.startswith("dialplan") and not self._pbx_config:
            return TOLD.format(command)
        if added := re.fullmatch(r"dialplan add extension (\S+) into (\S+)", command):
            self.added.append(added[1])
            self.contexts.setdefault(added[2], []).append(added[1])
        elif removed := re.fullmatch(r"dialplan remove context (\S+)", command):
            del self.contexts[removed[1]]
        elif called := re.fullmatch(r"channel originate (\S+) extension (\S+)@(\S+)", command):
            self._originate(called[1], called[2], called[3])
        elif command == "core show channels concise":
            return "\n".join(["PJSIP/7-1!from-internal!1!1!Up!Dial!!!!!3!9!!1.1", *self.channels])
        elif ended := re.fullmatch(r"channel request hangup (\S+)", command):
            self.channels = [line for line in self.channels if not line.startswith(f"{ended[1][:-2]};")]
        return ""

    def _originate(self, called: str, extension: str, context: str) -> None:
        self.called.append(called)
        name = called.rpartition("/")[0]
        state = "Ring" if self._mute else "Up"
        self.channels.append(f"{name}-1;1!{context}!{extension}!3!{state}!Wait!5!!!!3!0!!1.2")
        self.channels.append(f"{name}-1;2!{context}!{extension}!2!{state}!Answer!!!!!3!0!!1.3")


def test_an_answered_call_leaves_neither_context_nor_channel() -> None:
    console = Playing()
    assert call.check(console, None).ok
    assert (console.contexts, console.channels) == ({}, [])


def test_each_check_has_a_context_of_its_own() -> None:
    console = Playing()
    call.check(console, None)
    call.check(console, None)
    first, second = console.called
    assert first != second


def test_the_sites_own_extension_is_called_when_it_names_one() -> None:
    console = Playing()
    verdict = call.check(console, "*43@from-internal")
    assert verdict.ok
    assert "*43@from-internal" in verdict.evidence
    assert "site,2,Goto(from-internal,*43,1)" in console.added
    assert console.contexts == {}


@pytest.mark.parametrize(("before", "required"), [(None, True), (True, True), (False, False)])
def test_a_call_nobody_answers_fails_unless_it_failed_before(
    before: Optional[bool], required: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "_SECONDS", 0.1)
    console = Playing(mute=True)
    verdict = call.check(console, None, before)
    assert (verdict.ok, verdict.required) == (False, required)
    assert "was not answered" in verdict.evidence
    assert (console.contexts, console.channels) == ({}, [])


@pytest.mark.parametrize("command", ["dialplan add extension dial-tone,2", "channel originate"])
def test_the_context_is_removed_whatever_goes_wrong(command: str) -> None:
    console = Playing(fails=command)
    with pytest.raises(SwitchroomError):
        call.check(console, None)
    assert console.contexts == {}


def test_an_interrupted_call_is_ended_and_its_context_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(call.time, "sleep", interrupt)
    console = Playing(mute=True)
    with pytest.raises(KeyboardInterrupt):
        call.check(console, None)
    assert (console.contexts, console.channels) == ({}, [])


@pytest.mark.parametrize(("before", "required"), [(None, False), (False, False), (True, True)])
def test_without_pbx_config_the_call_counts_only_if_it_worked_before(
    before: Optional[bool], required: bool
) -> None:
    verdict = call.check(Playing(pbx_config=False), None, before)
    assert (verdict.ok, verdict.required) == (False, required)
    assert "pbx_config" in verdict.evidence


class Listing(Console):
    """Tells of the given PJSIP transports, and of no chan_sip."""

    def __init__(self, *found: Transport) -> None:
        super().__init__()
        self._found = found

    def ask(self, command: str, timeout: float = 10.0) -> str:  # noqa: ARG002
        if command == "pjsip show transport guarded":
            return " require_client_cert         : Yes\n verify_client               : Yes"
        if command != "pjsip show transports":
            return TOLD.format(command)
        line = "Transport:  {0.name}   {0.protocol}   0   0  {0.host}:{0.port}"
        return "\n".join(line.format(one) for one in self._found)


def transport(name: str, port: int, protocol: str = "udp") -> Transport:
    return Transport("pjsip", name, protocol, "127.0.0.1", port)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "_TIMEOUT", 0.5)


def test_without_a_baseline_every_transport_must_answer() -> None:
    with udp_peer(lambda _request: ANSWER) as (_, good), udp_peer(lambda _request: b"") as (_, silent):
        assert transports.check(Listing(transport("good", good)), None).ok
        verdict = transports.check(Listing(transport("good", good), transport("bad", silent)), None)
    assert (verdict.ok, verdict.required) == (False, True)
    assert verdict.evidence == f"1 of 2 transports answer; silent: pjsip udp 127.0.0.1:{silent}"


def test_what_was_silent_before_may_stay_so_and_what_answered_must_again() -> None:
    with udp_peer(lambda _request: ANSWER) as (_, good), udp_peer(lambda _request: b"") as (_, silent):
        one, other = transport("good", good), transport("bad", silent)
        assert transports.check(Listing(one, other), (one,)).ok
        assert not transports.check(Listing(one, other), (one, other)).ok


SQUATTER = """
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1] == "udp" else socket.SOCK_STREAM
taken = socket.socket(socket.AF_INET, kind)
taken.bind(("127.0.0.1", 0))
if kind == socket.SOCK_STREAM:
    taken.listen()
print(taken.getsockname()[1], flush=True)
while kind == socket.SOCK_DGRAM:
    said, whence = taken.recvfrom(4096)
    taken.sendto(said.replace(b"OPTIONS sip:", b"SIP/2.0 200 OK\\r\\nX: ", 1), whence)
taken.accept()
"""


@contextlib.contextmanager
def squatter(protocol: str) -> Iterator[int]:
    """Another user's program has a port; ends with the block."""
    program = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "/usr/bin/python3",
        "-c",
        SQUATTER,
    ]
    with subprocess.Popen([*program, protocol], stdout=subprocess.PIPE, text=True) as taken:
        assert taken.stdout
        yield int(taken.stdout.readline())
        taken.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run another user's program")
def test_another_users_program_that_answers_in_asterisks_place_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "asterisk.ctl").touch()
    monkeypatch.setattr(bound, "SOCKET", tmp_path / "asterisk.ctl")
    with squatter("udp") as port, squatter("tcp") as ami_port:
        verdict = transports.check(Listing(transport("taken", port)), None)
        assert (verdict.ok, verdict.required) == (False, True)
        assert f"taken: pjsip udp 127.0.0.1:{port} by a program of the user 'nobody'" in verdict.evidence
        interface = ami.Interface(off="", host="127.0.0.1", port=ami_port, accounts=())
        with pytest.raises(SwitchroomError, match="taken by a program of the user 'nobody'"):
            ami.connected(interface, 1.0).__enter__()
    with udp_peer(lambda _request: ANSWER) as (_, good):
        assert transports.check(Listing(transport("own", good)), None).ok


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run another user's program")
def test_a_transport_that_asterisk_could_not_bind_because_of_another_user_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "asterisk.ctl").touch()
    monkeypatch.setattr(bound, "SOCKET", tmp_path / "asterisk.ctl")
    conf = tmp_path / "etc/asterisk/pjsip.conf"
    conf.parent.mkdir(parents=True)
    with squatter("udp") as port, udp_peer(lambda _request: ANSWER) as (_, good):
        text = "[{0}]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{1}\n"
        conf.write_text(text.format("good", good) + text.format("lost", port) + "[flow]\ntype=transport\n")
        wished = transports.configured(Paths(tmp_path))
        assert {one.port for one in wished} == {good, port}
        verdict = transports.check(Listing(transport("good", good)), None, (), wished)
        assert not verdict.ok
        assert f"taken: pjsip udp 127.0.0.1:{port} by a program of the user 'nobody'" in verdict.evidence
        assert "taken" in transports.check(Listing(), None, (), wished).evidence


@pytest.mark.parametrize(
    ("bind", "protocol", "place"),
    [
        ("192.0.2.9", "udp", ("192.0.2.9", 5060)),
        ("192.0.2.9", "tls", ("192.0.2.9", 5061)),
        ("192.0.2.1:5160", "udp", ("192.0.2.1", 5160)),
        ("[::]:5062", "tcp", ("::", 5062)),
        ("[::]", "tcp", ("::", 5060)),
        ("192.0.2.9:5999999", "udp", ("192.0.2.9", 59999)),
        ("", "udp", None),
    ],
)
def test_a_bind_of_pjsip_conf_is_read_as_asterisk_reads_it(
    bind: str, protocol: str, place: Optional[Tuple[str, int]]
) -> None:
    assert transports._bound(bind, protocol) == place


def test_no_transport_at_all_is_a_failure_unless_none_answered_before() -> None:
    verdict = transports.check(Listing(), None)
    assert (verdict.ok, verdict.required) == (False, True)
    assert "no SIP transport" in verdict.evidence
    assert transports.check(Listing(), (transport("gone", 5060),)).required
    assert not transports.check(Listing(), ()).required


def test_a_websocket_is_named_and_not_probed() -> None:
    verdict = transports.check(Listing(transport("web", 8089, "wss")), None)
    assert not verdict.required
    assert "not probed: pjsip wss 127.0.0.1:8089" in verdict.evidence


def test_tls_that_wants_a_certificate_of_the_caller_is_not_probed() -> None:
    with udp_peer(lambda _request: ANSWER) as (_, good):
        verdict = transports.check(Listing(transport("good", good), transport("guarded", 5061, "tls")), None)
    assert verdict.ok
    assert verdict.evidence == "1 of 1 transports answer; not probed: pjsip tls 127.0.0.1:5061"


def test_where_the_driver_is_gone_the_engines_own_transports_must_answer() -> None:
    old = Transport("sip", "udp", "udp", "127.0.0.1", 5060)
    with udp_peer(lambda _request: ANSWER) as (_, good):
        assert transports.check(Listing(transport("new", good)), (old,), ("sip",)).ok
    with udp_peer(lambda _request: b"") as (_, silent):
        assert not transports.check(Listing(transport("new", silent)), (old,), ("sip",)).ok
