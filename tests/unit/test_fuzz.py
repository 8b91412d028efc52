"""Every reader of what others write, given broken inputs: a value or one clear error, and soon."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import socket
import subprocess
import time
import zlib
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Sequence

import createrepo_c as cr
import pytest

from support import scans
from support.mutations import mutated
from switchroom.box import ami, conf, scan
from switchroom.box.health import call, running, standing, transports
from switchroom.box.paths import Paths
from switchroom.box.scan.model import Side
from switchroom.box.switch import drain, journal, status, story
from switchroom.box.switch.outcome import Outcome
from switchroom.build.iso import boot_check, bootconf, layout, xorriso
from switchroom.build.iso.release import DISCINFO, TREEINFO, read_release
from switchroom.build.repo.metadata import read_repository
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import PACKAGED
from switchroom.core import words
from switchroom.core.errors import SwitchroomError

DATA = Path(__file__).resolve().parents[1] / "data"
ROOT = DATA.parents[1]
SECONDS = 20.0  # one input, on a busy machine; what goes back and forth takes hours

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
TREE = (
    b"[general]\nfamily = Rocky Linux\nversion = 9.6\narch = x86_64\n[variant-BaseOS]\nrepository = BaseOS\n"
)
GRUB = b"""menuentry 'Install Rocky Linux 9.6' --class red {
  linuxefi /images/vmlinuz inst.ks=hd:LABEL=X:/ks.cfg quiet
}
"""


def hold(target: str, samples: Sequence[bytes], read: Callable[[bytes], object], tmp_path: Path) -> None:
    """Read every input; what comes of it must be a value or a SwitchroomError, within the time."""
    said: List[str] = []
    for data in mutated(samples, target):
        begin = time.monotonic()
        try:
            read(data)
        except SwitchroomError as error:
            said.append(words.line(error.message))
        except Exception as error:
            (found := tmp_path / "found").write_bytes(data)
            raise AssertionError(
                f"{type(error).__name__} from {target}: {data[:300]!r}, see '{found}'"
            ) from error
        assert time.monotonic() - begin < SECONDS, (target, data[:300])
    assert all(said)


def real(name: str) -> List[bytes]:
    """Return what a real Asterisk answered."""
    return [path.read_bytes() for path in sorted((DATA / "console").rglob(name))]


def lay(root: Path, name: str, data: bytes) -> None:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


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

    def read(data: bytes) -> None:
        ours, theirs = socket.socketpair()
        monkeypatch.setattr(socket, "create_connection", lambda *_words, **_more: ours)
        with theirs:
            theirs.sendall(data[:100_000])
            theirs.shutdown(socket.SHUT_WR)
            with ami.connected(interface, 2.0) as client:
                client.greeting()
                client.login(interface.accounts[0])
                client.ping()

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


def test_words_on_a_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = (DATA / "hostile/iso/layout-report.txt").read_bytes()

    def read(data: bytes) -> None:
        def extract(_image: Path, wanted: Dict[str, Path]) -> None:
            for name, place in wanted.items():
                place.write_bytes(data if name != DISCINFO else b"1\n9.6\nx86_64\n")

        monkeypatch.setattr(xorriso, "extract", extract)
        monkeypatch.setattr(xorriso, "read", lambda *_words, **_more: data.decode(errors="replace"))
        entries = bootconf.grub_entries(data.decode(errors="replace"))
        bootconf.isolinux_entries(data.decode(errors="replace"))
        for kickstart in bootconf.kickstarts(entries):
            bootconf.path_on_medium(kickstart)
        bootconf.unusual(entries)
        for files in ({TREEINFO}, {DISCINFO, "EFI/BOOT/grub.cfg", "switchroom/manifest.json"}):
            with _refusals():
                read_release(Path("a.iso"), frozenset(files), "X")
        layout.read_layout(Path("a.iso"))

    hold("medium", [TREE, GRUB, report, b'{"base": {"family": "Rocky Linux"}}'], read, tmp_path)


class _refusals:  # noqa: N801 - a context, as contextlib's are
    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: object, _trace: object) -> bool:
        return isinstance(error, SwitchroomError)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("image")
    for name in (
        "isolinux/isolinux.bin",
        "isolinux/isolinux.cfg",
        "images/pxeboot/vmlinuz",
        "EFI/BOOT/grub.cfg",
    ):
        lay(folder / "tree", name, b"x" * 3000)
    made = folder / "a.iso"
    options = ("-b", "isolinux/isolinux.bin", "-no-emul-boot", "-boot-info-table", "-V", "X", "-J")
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", made, *options, folder / "tree"], check=True)
    return made.read_bytes()[: 200 << 10]


def test_an_image(image: bytes, tmp_path: Path) -> None:
    def read(data: bytes) -> None:
        (place := tmp_path / "a.iso").write_bytes(data)
        list(boot_check.faults(place, {"isolinux/isolinux.cfg": "0" * 64}))
        layout.read_volume(place)

    at = range(16 * 2048, len(image), 2048)  # the first bytes matter: descriptors, catalog, folders
    samples = [image, *(image[:place] + b"\xff" * 64 + image[place + 64 :] for place in at[:24])]
    hold("image", samples, read, tmp_path)


@pytest.fixture(scope="module")
def repodata() -> Dict[str, bytes]:
    """The three lists of a repository of one package."""
    package = cr.Package()
    package.name, package.version, package.release, package.epoch, package.arch = "a", "1", "2", "0", "noarch"
    package.pkgId, package.checksum_type, package.location_href = "0" * 64, "sha256", "packages/a.rpm"
    package.rpm_sourcerpm = "a-1-2.src.rpm"
    package.requires = [("b", "GE", "0", "1", "2", False)]
    package.files = [("", "/usr/bin/", "a")]
    lists = {
        "primary": (cr.xml_dump_primary, "metadata", "common"),
        "filelists": (cr.xml_dump_filelists, "filelists", "filelists"),
        "other": (cr.xml_dump_other, "otherdata", "other"),
    }
    names = "http://linux.duke.edu/metadata"
    head = f'xmlns:rpm="{names}/rpm" packages="1"'
    return {
        kind: f'<{tag} xmlns="{names}/{space}" {head}>\n{dump(package)}</{tag}>'.encode()
        for kind, (dump, tag, space) in lists.items()
    }


@pytest.mark.parametrize("broken", ["primary", "filelists", "other"])
def test_repository_metadata(broken: str, repodata: Dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "repository"

    def write(data: bytes) -> None:
        rows = ""
        for kind, text in {**repodata, broken: data}.items():
            packed = gzip.compress(text, 1)
            lay(folder, f"repodata/{kind}.xml.gz", packed)
            rows += _row(kind, packed)
        lay(folder, "repodata/repomd.xml", _repomd(rows))

    def read(data: bytes) -> None:
        write(data)
        for package in read_repository(folder):
            assert package.sha256 is not None
            tuple(package.requires + package.provides)
            tuple(package.files)

    write(repodata[broken])
    assert [package.file_name for package in read_repository(folder)] == ["a-1-2.noarch.rpm"]
    hold(broken, [repodata[broken]], read, tmp_path)


def _row(kind: str, packed: bytes) -> str:
    digest = hashlib.sha256(packed).hexdigest()
    place = f'<location href="repodata/{kind}.xml.gz"/>'
    return f'<data type="{kind}"><checksum type="sha256">{digest}</checksum>{place}</data>'


def _repomd(rows: str) -> bytes:
    return (
        f'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>{rows}</repomd>'.encode()
    )


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
