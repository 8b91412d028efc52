"""Every reader of what others write on a box, given broken inputs: a value or one clear error, and soon."""

from __future__ import annotations

import json
import re
import socket
import zlib
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

import pytest

from support import scans
from support.mutations import hold, lay, mutated
from switchroom.box import ami, conf, scan
from switchroom.box.health import call, running, standing, transports
from switchroom.box.paths import Paths
from switchroom.box.scan.model import Side
from switchroom.box.switch import drain, journal, status, story
from switchroom.box.switch.outcome import Outcome
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import PACKAGED
from switchroom.core import words

DATA = Path(__file__).resolve().parents[1] / "data"
ROOT = DATA.parents[1]

MANAGER = b"""[general](x)
enabled = yes
bindaddr = 127.0.0.1
port = 5038
[base](!)
deny = 0.0.0.0/0.0.0.0
[admin](base)
secret = s3cret
permit = 127.0.0.1/255.255.255.0
"""
DIALPLAN = rb"""[globals]
TRUNK=SIP/provider
[from-internal]
exten => _X.,1,NoOp(${CALLERID(num):2} $[1 + ${LEN(${EXTEN})}])
 same => n,ExecIf($["${A}"="b"]?Set(CHANNEL(language)=de):Macro(dial,${EXTEN},,tr))
 same => n,Dial(PJSIP/${EXTEN}@trunk&SIP/200,30,tTM(record))
 same => n,System(asterisk -rx "sip show peers" | grep 'x')
 same => n(end),Originate(Local/1@x,app,Playback,hello&world)
exten => 100,hint,PJSIP/100&Custom:DND100
#tryinclude custom/*.conf
"""
AEL = b"""/* a comment
 over lines */ context internal {
  _1XX => { Dial(SIP/${EXTEN},20); if ("${DIALSTATUS}" = "BUSY") { Voicemail(${EXTEN},b); } // done
  #include "more.ael"
"""
AGI = b"""#!/usr/bin/env php
$agi->exec('Dial', 'SIP/100');
send_request('SIPpeers');
shell_exec("asterisk -rx 'x'");
"""
AMI = b"""Asterisk Call Manager/9.0.0\r
Response: Success\r
ActionID: switchroom-1\r
Challenge: 1234\r
\r
Event: FullyBooted\r
\r
Response: Success\r
ActionID: switchroom-2\r
\r
Response: Pong\r
ActionID: switchroom-3\r
\r
"""


def real(name: str) -> List[bytes]:
    """Return what a real Asterisk answered."""
    return [path.read_bytes() for path in sorted((DATA / "console").rglob(name))]


def test_configuration(tmp_path: Path) -> None:
    lay(tmp_path, "/etc/asterisk/x.conf", b"[general](!)\na=1\n")

    def read(data: bytes) -> None:
        lay(tmp_path, "/etc/asterisk/manager.conf", data)
        found = conf.read(Path("manager.conf"), tmp_path)
        for name in found.names():
            found.settings(name)
        ami.configured(Paths(tmp_path))

    files = sorted((ROOT / "molecule/lab/freepbx/fake/amp_conf/astetc").glob("*.conf"))
    hostile = sorted((DATA / "hostile/conf/nul").rglob("*.conf"))
    hold("conf", [MANAGER, *(path.read_bytes() for path in (*files, *hostile))], read, tmp_path)


@pytest.mark.parametrize(
    ("file", "sample"),
    [
        ("/etc/asterisk/extensions.conf", DIALPLAN),
        ("/etc/asterisk/extensions.ael", AEL),
        (
            "/etc/asterisk/extensions.lua",
            b'--[[ x ]] app.dial("SIP/" .. e)\nchannel["CALLERID(num)"]:set("1")\n',
        ),
        ("/var/lib/asterisk/agi-bin/x.php", AGI),
        ("/etc/asterisk/features.conf", b"[applicationmap]\nx => *1,self,Macro,dial\n"),
        ("/etc/asterisk/cli_permissions.conf", b"[general]\npermit = sip show peers\n"),
    ],
)
def test_dialplan(file: str, sample: bytes, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        lay(tmp_path, file, data)
        sides = Side("16.28.0"), Side("23.2.0")
        found = scan.check(
            Paths(tmp_path),
            scans.catalog(),
            *sides,
            on=scans.DAY,
            removals=scans.removals(),
            fwconsole=("false",),
        )
        assert scan.text(found).encode()
        assert words.to_json([one.as_dict() for one in found])

    hold(f"dialplan {file}", [sample], read, tmp_path)


def test_manager_interface(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interface = ami.Interface("", "127.0.0.1", 5038, (ami.Account("a", "b\udcff"),))
    connect, listener = socket.create_connection, socket.create_server(("127.0.0.1", 0))

    def read(data: bytes) -> None:
        ours = connect(listener.getsockname())
        theirs, _ = listener.accept()
        monkeypatch.setattr(socket, "create_connection", lambda *_words, **_more: ours)
        with theirs:
            theirs.sendall(data[:100_000])
            theirs.shutdown(socket.SHUT_WR)
            with ami.connected(interface, 2.0) as client:
                client.greeting()
                client.login(interface.accounts[0])
                client.ping()

    with listener:
        hold("ami", [AMI], read, tmp_path)


class Echo:
    """A console that answers everything with the same words."""

    def __init__(self, said: str) -> None:
        self.said = said

    def ask(self, _command: str, **_limit: float) -> str:
        return self.said

    known = ask


def test_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "_SECONDS", 0.0)
    monkeypatch.setattr(transports.sip, "options", lambda *_words: None)

    def read(data: bytes) -> None:
        console = Echo(data.decode(errors="replace"))
        standing.read(console)  # type: ignore[arg-type]
        transports.check(console, None)  # type: ignore[arg-type]
        call.check(console, None)  # type: ignore[arg-type]
        running.check_booted(console)  # type: ignore[arg-type]
        drain.calls(console)

    channels = b"Local/dial-tone@switchroom-health-1-a-0001;1!x!dial-tone!1!Up!Wait!5\n"
    hold("console", [*real("*.txt"), channels], read, tmp_path)


def sealed(records: Sequence[Dict[str, object]]) -> bytes:
    lines = (json.dumps(record).encode() for record in records)
    return b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines)


def resealed(data: bytes) -> bytes:
    """Return a journal whose lines have good checksums again."""
    lines = (line.partition(b" ")[2] for line in data.split(b"\n") if line)
    return b"".join(b"%08x %s\n" % (zlib.crc32(line), line) for line in lines)


def test_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = [path.read_bytes() for path in sorted((DATA / "hostile/journal").iterdir())]
    whole = json.loads(hostile[3].splitlines()[0].partition(b" ")[2])
    kinds = ("begin", "attempt", "intent", "done", "failed", "decide", "boot", "end")
    data: Dict[str, Dict[str, object]] = {"begin": whole["data"], "decide": {"way": "back", "reason": "x"}}
    records = [
        {**whole, "seq": number, "kind": kind, "step": "stop", "data": data.get(kind, {})}
        for number, kind in enumerate(kinds)
    ]
    monkeypatch.setattr(status, "working", lambda _paths: False)
    monkeypatch.setattr(status, "_service", lambda: (None, "unknown"))
    paths = Paths(tmp_path)
    (tmp_path / "etc/switchroom").mkdir(parents=True)

    def read(found: bytes) -> None:
        for text in (found, resealed(found)):
            lay(tmp_path, "/var/lib/switchroom/transaction/journal", text)
            status.read(paths)
            told = story.tell(journal.read(paths.transaction / journal.FILE))
            if told.ended:
                Outcome.from_dict(told.ended.data)

    hold("journal", [*hostile, sealed(records)], read, tmp_path)


def test_catalog(tmp_path: Path) -> None:
    text = PACKAGED.read_bytes()
    parts = re.split(rb"(?m)^(?=\S)", text)

    def read(data: bytes) -> None:
        (overlay := tmp_path / "overlay.yml").write_bytes(data)
        load_catalog(overlays=[overlay])

    hold("catalog", [part[:6000] for part in parts if part.strip()][:8], read, tmp_path)


def test_the_campaign_is_the_same_every_time() -> None:
    def first(target: str) -> List[bytes]:
        inputs: Iterator[bytes] = mutated([MANAGER], target)
        return [next(inputs) for _ in range(20)]

    assert first("a") == first("a")
    assert first("a")[1:] != first("b")[1:]
