"""The one reader of what asterisk can write: attacked with links, pipes, holes and files that multiply."""

import contextlib
import hashlib
import os
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

from switchroom.box import ami, conf, reading
from switchroom.box.limits import Limits, load_limits
from switchroom.box.paths import Paths
from switchroom.box.reading import Budget, SpentError, UnreadableError, contents
from switchroom.box.scan.box import Box
from switchroom.core.errors import SwitchroomError

HOSTILE = Path(__file__).resolve().parents[1] / "data/hostile"
CONF = sorted(path.name for path in (HOSTILE / "conf").iterdir())
SECONDS = 20.0  # for what goes on for hours without a budget; a busy machine gets some of them


def write(root: Path, name: str, data: object = "[s]\na=1\n") -> Path:
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else str(data).encode())
    return path


def texts(found: conf.Configuration) -> str:
    return " ".join(oddity.text for oddity in found.oddities)


@pytest.mark.parametrize("name", CONF)
def test_hostile_configuration_is_read_to_an_end(name: str) -> None:
    begin = time.monotonic()
    root = HOSTILE / "conf" / name
    refused = pytest.raises(SwitchroomError) if name in ("brace", "fan", "port") else contextlib.nullcontext()
    with refused:
        ami.configured(Paths(root))
    assert bool(Box(root).cut) == (name in ("brace", "fan"))
    assert time.monotonic() - begin < SECONDS


def test_templates_that_double_are_cut(tmp_path: Path) -> None:
    lines = ["[t0](!)", "a=1", "b=2"]
    for number in range(1, 40):
        parents = ",".join([f"t{number - 1}", f"u{number - 1}"])
        lines += [f"[t{number}](!,{parents})", f"c{number}=1", f"[u{number}](!,{parents})", f"d{number}=1"]
    write(tmp_path, "/etc/asterisk/a.conf", "\n".join(lines))
    found = conf.read(Path("a.conf"), tmp_path)
    assert "expansions" in found.cut
    assert found.settings("t3")["a"] == "1"


def test_a_link_leads_nowhere_but_into_the_folders_that_are_read(tmp_path: Path) -> None:
    write(tmp_path, "/root/secret.conf")
    write(tmp_path, "/var/www/html/real.conf")
    (tmp_path / "etc/asterisk").mkdir(parents=True)
    os.symlink("/root/secret.conf", tmp_path / "etc/asterisk/out.conf")
    os.symlink("../../var/www/html/real.conf", tmp_path / "etc/asterisk/in.conf")
    assert list(conf.read(Path("in.conf"), tmp_path).entries())
    found = conf.read(Path("out.conf"), tmp_path)
    assert not found.sections
    assert "outside of the folders" in texts(found)
    write(tmp_path, "/etc/asterisk/inc.conf", "#include /root/secret.conf\n#include /root/*.conf\n")
    found = conf.read(Path("inc.conf"), tmp_path)
    assert not found.sections
    assert texts(found).count("outside of the folders") == 2


def test_a_folder_that_root_made_a_link_is_read_where_it_leads(tmp_path: Path) -> None:
    write(tmp_path, "/data/asterisk/a.conf")
    (tmp_path / "etc").mkdir()
    os.symlink("/data/asterisk", tmp_path / "etc/asterisk")
    assert conf.read(Path("a.conf"), tmp_path).settings("s") == {"a": "1"}


@pytest.mark.parametrize("swapped", ["etc/asterisk/sub", "etc/asterisk/sub/a.conf"])
def test_a_link_put_there_after_the_look_is_not_followed(
    tmp_path: Path, swapped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write(tmp_path, "/etc/asterisk/sub/a.conf")
    write(tmp_path, "/root/a.conf", "secret")

    def looked_at_before(_root: Path, name: str) -> Path:
        return real if name.endswith("a.conf") else tmp_path / name.lstrip("/")

    monkeypatch.setattr(reading, "rooted", looked_at_before)
    assert contents(tmp_path, "/etc/asterisk/sub/a.conf", Budget()) == b"[s]\na=1\n"
    path = tmp_path / swapped
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(tmp_path / "root" / ("" if path.name == "sub" else "a.conf"))
    with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        contents(tmp_path, "/etc/asterisk/sub/a.conf", Budget())


def test_what_is_no_regular_file_is_neither_waited_for_nor_read(tmp_path: Path) -> None:
    folder = tmp_path / "etc/asterisk"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        for name in ("pipe", "socket", "../asterisk"):
            with pytest.raises((UnreadableError, OSError)):
                contents(tmp_path, f"/etc/asterisk/{name}", Budget())


def test_a_file_full_of_nothing_is_refused_by_its_size(tmp_path: Path) -> None:
    path = write(tmp_path, "/etc/asterisk/a.conf")
    os.truncate(path, 3 << 30)
    begin = time.monotonic()
    assert "bytes" in texts(conf.read(Path("a.conf"), tmp_path))
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("name", ["x" * 5000, "a/" * 3000, "b\0c", "x" * 255 + "/y"])
def test_a_name_that_no_file_has_is_noted(tmp_path: Path, name: str) -> None:
    write(tmp_path, "/etc/asterisk/a.conf", f"[s]\n#include {name}\n#include {name}*\na=1\n")
    found = conf.read(Path("a.conf"), tmp_path)
    assert found.settings("s") == {"a": "1"}
    conf.read(Path(name), tmp_path)


def test_folders_in_folders_come_to_an_end(tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/asterisk/agi-bin"
    (folder / ("d/" * 100)).mkdir(parents=True)
    (folder / "d/script").touch()
    os.symlink("/", folder / "all")
    found = reading.files_below(tmp_path, "/var/lib/asterisk/agi-bin", Budget())
    assert list(found) == ["/var/lib/asterisk/agi-bin/d/script"]
    assert not list(reading.files_below(tmp_path, "/var/lib/asterisk/agi-bin/all", Budget()))


def test_a_budget_is_one_for_all(tmp_path: Path) -> None:
    limits = load_limits().reading
    few = Budget(type(limits)(**{**vars(limits), "files": 2}))
    write(tmp_path, "/etc/asterisk/a.conf", "#include b.conf\n")
    write(tmp_path, "/etc/asterisk/b.conf", "[s]\na=1\n")
    assert not conf.read(Path("a.conf"), tmp_path, few).cut
    with pytest.raises(SpentError, match="More than 2 files"):
        contents(tmp_path, "/etc/asterisk/b.conf", few)


def test_a_slow_file_ends_by_the_clock(tmp_path: Path) -> None:
    now = iter(range(0, 10_000, 100))
    write(tmp_path, "/etc/asterisk/a.conf", "[s]\n" + "a=1\n" * 100)
    assert (
        "took more than 120 s of the processor"
        in conf.read(Path("a.conf"), tmp_path, Budget(clock=lambda: next(now))).cut
    )


def test_the_limits_are_data_with_a_schema() -> None:
    import json  # noqa: PLC0415

    import jsonschema  # noqa: PLC0415
    import yaml  # noqa: PLC0415

    from switchroom.box import limits  # noqa: PLC0415
    from switchroom.box.switch.story import STEPS  # noqa: PLC0415

    data = yaml.safe_load(limits.FILE.read_text())
    jsonschema.validate(data, json.loads(limits.FILE.with_suffix(".schema.json").read_text()))
    assert isinstance(load_limits(), Limits)
    assert set(data["steps"]) == {step for steps in STEPS.values() for step in steps}


MANAGER = "[general]\nenabled=yes\nbindaddr={host}\nport={port}\n[me]\nsecret={secret}\n"


def manager(root: Path, host: str = "127.0.0.1", port: object = 5038, password: str = "") -> Paths:
    text = MANAGER.format(host=host, port=port, secret=password or "x")
    write(root, "/etc/asterisk/manager.conf", text.encode(errors="surrogateescape"))
    return Paths(root)


@pytest.mark.parametrize(("port", "number"), [("5039", 5039), ("", 5038), ("x", 5038), ("5039x", 5039)])
def test_a_port_is_what_asterisk_takes_it_for(tmp_path: Path, port: str, number: int) -> None:
    assert ami.configured(manager(tmp_path, port=port)).port == number


@pytest.mark.parametrize("port", ["9" * 4400, "99999", "0", "٣٤"])
def test_a_port_that_is_none_is_one_clear_error(tmp_path: Path, port: str) -> None:
    with pytest.raises(SwitchroomError, match="no port") as caught:
        ami.configured(manager(tmp_path, port=port))
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "host", ["192.0.2.7", "ami.example.com", "x" * 300, "\udcff", "224.0.0.1", "[::ffff:192.0.2.7]"]
)
def test_no_secret_goes_to_another_machine(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_words: object, **_more: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(socket, "create_connection", connect)
    interface = ami.configured(manager(tmp_path, host))
    with pytest.raises(SwitchroomError, match="no address of this box"), ami.connected(interface, 1.0):
        pass


class Peer(threading.Thread):
    """Listens on a port of this machine and plays what it is told to each that comes."""

    def __init__(self, play: object) -> None:
        super().__init__(daemon=True)
        self.play, self.received = play, b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self) -> None:
        try:
            connection, _ = self.socket.accept()
            with connection:
                self.play(self, connection)  # type: ignore[operator]
        except OSError:
            return


def test_a_secret_that_is_no_utf_8_logs_in_with_its_own_bytes(tmp_path: Path) -> None:
    def play(peer: Peer, connection: socket.socket) -> None:
        connection.sendall(b"Asterisk Call Manager/9.0.0\r\n")
        connection.recv(4096)
        connection.sendall(b"Response: Success\r\nActionID: switchroom-1\r\nChallenge: 1234\r\n\r\n")
        peer.received = connection.recv(4096)
        connection.sendall(b"Response: Success\r\nActionID: switchroom-2\r\n\r\n")

    peer = Peer(play)
    interface = ami.configured(manager(tmp_path, port=peer.port, password="s\udcf6cret"))
    with ami.connected(interface, 5.0) as client:
        client.greeting()
        client.login(interface.accounts[0])
    key = hashlib.md5(b"1234s\xf6cret", usedforsecurity=False).hexdigest()
    assert f"Key: {key}\r\n".encode() in peer.received


def ask(interface: ami.Interface) -> None:
    with ami.connected(interface, 1.0) as client:
        client.greeting()
        client.ping()


@pytest.mark.parametrize("words", [b"x" * 65536, b"Event: A\r\n\r\n" * 4096, b"\r\n\r\n" * 9000])
def test_a_manager_that_never_stops_talking_is_given_up(tmp_path: Path, words: bytes) -> None:
    def play(_peer: Peer, connection: socket.socket) -> None:
        connection.sendall(b"Asterisk Call Manager/9.0.0\r\n")
        while True:
            connection.sendall(words)

    interface = ami.configured(manager(tmp_path, port=Peer(play).port))
    begin = time.monotonic()
    with pytest.raises(SwitchroomError, match="did not answer in time"):
        ask(interface)
    assert time.monotonic() - begin < 5
