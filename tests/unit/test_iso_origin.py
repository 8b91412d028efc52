"""Bases from the web: downloads go on where they broke off; only what the publisher signed counts."""

from __future__ import annotations

import hashlib
import http.server
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional

import pytest

from switchroom.build.iso import fetch as fetching
from switchroom.build.iso.fetch import fetch
from switchroom.build.iso.origin import Origin, obtain
from switchroom.build.keys import SigningKey, development_key
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.progress import Reporter

QUIET = Reporter(quiet=True)
DATA = random.Random(1).randbytes(3_000_000)  # noqa: S311
NAME = "Rocky-9.6-x86_64-boot.iso"
DIGEST = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves files from memory, with Range and If-Range; may break off, or be slow."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: Dict[str, bytes] = {NAME: DATA}
        self.break_after: Optional[int] = None  # bytes of the next answer
        self.pause = 0.0  # seconds between pieces
        self.ranges: List[str] = []  # of each request, as asked for
        self.etag = True
        self.url = f"http://127.0.0.1:{self.server_address[1]}/{NAME}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        server, data = self.server, self.server.files.get(self.path.strip("/"))
        if data is None:
            self.send_error(404)
            return
        tag = f'"{hashlib.sha256(data).hexdigest()[:8]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        server.ranges.append(self.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.headers.get("If-Range") == tag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if server.etag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end, server.break_after = start + (server.break_after or len(data)), None
        for at in range(start, min(end, len(data)), 100_000):
            self.wfile.write(data[at : min(at + 100_000, end)])
            time.sleep(server.pause)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(fetching, "_PAUSE_SECONDS", 0.0)
    one = Server()
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return development_key(tmp_path_factory.mktemp("key"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_download_that_breaks_off_goes_on_behind_what_came(server: Server, tmp_path: Path) -> None:
    server.break_after = 1_200_000
    path = fetch(server.url, tmp_path, QUIET)
    assert path.read_bytes() == DATA
    assert server.ranges[0] == ""
    assert 0 < int(server.ranges[1].strip("bytes=-")) <= 1_200_000
    assert sorted(one.name for one in tmp_path.iterdir()) == [f".{NAME}.lock", NAME]


def test_file_that_changed_meanwhile_is_downloaded_anew(server: Server, tmp_path: Path) -> None:
    server.break_after = 1_200_000
    server.pause = 0.0
    part = tmp_path / f"{NAME}.part"
    part.write_bytes(b"old" * 100)
    state = '{"url": "%s", "validator": "\\"old\\"", "size": 5000}'
    (tmp_path / f"{NAME}.json").write_text(state % server.url)
    assert fetch(server.url, tmp_path, QUIET).read_bytes() == DATA
    assert server.ranges[0] == "bytes=300-"


def test_server_without_a_validator_is_never_asked_for_a_rest(server: Server, tmp_path: Path) -> None:
    server.etag, server.break_after = False, 1_200_000
    assert fetch(server.url, tmp_path, QUIET).read_bytes() == DATA
    assert server.ranges == ["", ""]


def test_killed_download_is_gone_on_with_by_the_next_run(server: Server, tmp_path: Path) -> None:
    server.pause = 0.05
    code = (
        "import sys; from pathlib import Path; from switchroom.build.iso.fetch import fetch;"
        "from switchroom.core.progress import Reporter;"
        "fetch(sys.argv[1], Path(sys.argv[2]), Reporter(quiet=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code, server.url, tmp_path]) as child:
        part = tmp_path / f"{NAME}.part"
        while not part.exists() or part.stat().st_size < 1 << 20:
            assert child.poll() is None
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
    server.pause = 0.0
    have = part.stat().st_size
    assert fetch(server.url, tmp_path, QUIET).read_bytes() == DATA
    assert server.ranges == ["", f"bytes={have}-"]


def test_address_that_leads_nowhere_is_told_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="could not be downloaded") as caught:
        fetch(server.url + ".nosuch", tmp_path, QUIET)
    assert "404" in (caught.value.cause or "")
    assert len(server.ranges) == 0


def signed(key: SigningKey, folder: Path, text: str) -> Path:
    path = folder / "CHECKSUM"
    path.write_text(text)
    key.detach_sign(path, 1_700_000_000)
    return path


def public(key: SigningKey, folder: Path) -> Path:
    (folder / "key.asc").write_bytes(key.export_public())
    return folder / "key.asc"


@pytest.mark.parametrize(
    "form", ["SHA256 ({name}) = {digest}\n", "{digest}  {name}\n", "{digest} *./{name}\n"]
)
def test_base_from_the_web_is_checked_by_its_publishers_signed_sums(
    server: Server, cache: Path, tmp_path: Path, key: SigningKey, form: str
) -> None:
    sums = signed(key, tmp_path, f"# {NAME}: 3000000 bytes\n" + form.format(name=NAME, digest=DIGEST))
    server.files["CHECKSUM"] = sums.read_bytes()
    server.files["CHECKSUM.asc"] = sums.with_name("CHECKSUM.asc").read_bytes()
    address = server.url.replace(NAME, "CHECKSUM")
    found = obtain(Origin(server.url, sums=address, key=public(key, tmp_path)), QUIET)
    assert found.path.read_bytes() == DATA
    assert found.path.is_relative_to(cache)
    asked = len(server.ranges)
    assert obtain(Origin(server.url, sums=str(sums), key=public(key, tmp_path)), QUIET) == found
    assert len(server.ranges) == asked


def test_sums_that_are_signed_in_themselves(
    server: Server, cache: Path, tmp_path: Path, key: SigningKey
) -> None:
    path = tmp_path / "CHECKSUM"
    path.write_text(f"SHA256 ({NAME}) = {DIGEST}\n")
    gpg = ["gpg", "--batch", "--homedir", key.gnupghome, "--clear-sign", "--output", f"{path}.clear", path]
    subprocess.run(gpg, check=True, capture_output=True)
    subprocess.run(["gpgconf", "--homedir", key.gnupghome, "--kill", "gpg-agent"], check=False)
    text = Path(f"{path}.clear").read_text()
    # What stands outside of the signed part must not count.
    path.write_text(text + f"{'0' * 64}  {NAME}\n")
    found = obtain(Origin(server.url, sums=str(path), key=public(key, tmp_path)), QUIET)
    assert found.sha256 == DIGEST


def refused(origin: Origin, words: str, code: ExitCode) -> None:
    with pytest.raises(SwitchroomError) as caught:
        obtain(origin, QUIET)
    assert words in f"{caught.value.message} {caught.value.cause}"
    assert caught.value.code is code


def test_address_with_nothing_to_check_it_by_is_refused(server: Server, cache: Path) -> None:
    refused(Origin(server.url), "Nothing says what", ExitCode.USAGE)
    assert server.ranges == []


def test_sums_without_a_key_are_refused(server: Server, tmp_path: Path) -> None:
    refused(Origin(server.url, sums="CHECKSUM"), "say nothing without a signature", ExitCode.USAGE)


def test_wrong_content_is_refused_and_not_kept(server: Server, cache: Path) -> None:
    refused(Origin(server.url, sha256="0" * 64), "does not have the SHA-256", ExitCode.REFUSED)
    assert not list(cache.rglob("*.iso"))


def test_changed_or_foreign_sums_are_refused(
    server: Server, tmp_path: Path, key: SigningKey, cache: Path
) -> None:
    sums = signed(key, tmp_path, f"SHA256 ({NAME}) = {DIGEST}\n")
    sums.write_text(sums.read_text().replace(DIGEST[:4], "0000"))
    origin = Origin(server.url, sums=str(sums), key=public(key, tmp_path))
    refused(origin, "does not match", ExitCode.REFUSED)
    sums.with_name("CHECKSUM.asc").unlink()
    refused(origin, "is not signed", ExitCode.REFUSED)


def test_sums_without_this_base_name_what_they_have(tmp_path: Path, key: SigningKey) -> None:
    sums = signed(key, tmp_path, f"SHA256 (other.iso) = {DIGEST}\n")
    refused(Origin(NAME, sums=str(sums), key=public(key, tmp_path)), "other.iso", ExitCode.REFUSED)
