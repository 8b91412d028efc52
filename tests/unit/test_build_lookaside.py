"""Source files: from the folder, else from upstream, and never with another checksum than before."""

import hashlib
import http.server
import threading
from pathlib import Path
from typing import Iterator

import pytest

from switchroom.build.digest import DigestMemo
from switchroom.build.lookaside import Lookaside
from switchroom.build.release_signatures import ReleaseKeys
from switchroom.catalog.model import Source
from switchroom.core.errors import SwitchroomError
from switchroom.core.progress import Reporter

NAME = "asterisk-22.10.1.tar.gz"
CONTENT = b"what upstream publishes" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Upstream(http.server.BaseHTTPRequestHandler):
    """Serves the file, a broken-off copy of it, and nothing else."""

    def do_GET(self) -> None:
        if not self.path.endswith(NAME):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: 100 if "broken" in self.path else None])

    def log_message(self, *_words: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def lookaside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lookaside:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "sources"
    folder.mkdir()
    return Lookaside(folder, Reporter(quiet=True))


def test_file_in_the_folder_needs_no_network(lookaside: Lookaside) -> None:
    (lookaside.folder / NAME).write_bytes(CONTENT)
    path = lookaside.obtain(Source(NAME, "http://127.0.0.1:1/none", SHA256))
    assert path == lookaside.folder / NAME


def test_missing_file_is_downloaded_and_checked(lookaside: Lookaside, upstream: str) -> None:
    path = lookaside.obtain(Source(NAME, f"{upstream}/{NAME}", SHA256))
    assert path.read_bytes() == CONTENT
    assert [path.name for path in lookaside.folder.iterdir()] == [NAME]


def test_download_with_another_checksum_is_refused_with_both(lookaside: Lookaside, upstream: str) -> None:
    with pytest.raises(SwitchroomError) as caught:
        lookaside.obtain(Source(NAME, f"{upstream}/{NAME}", "a" * 64))
    assert "the catalog names" in caught.value.message
    assert caught.value.cause == f"wanted {'a' * 64}\nfound  {SHA256}"


def test_checksum_seen_first_counts_from_then_on(lookaside: Lookaside, upstream: str) -> None:
    source = Source(NAME, f"{upstream}/{NAME}")
    path = lookaside.obtain(source)
    path.write_bytes(b"changed since")
    with pytest.raises(SwitchroomError, match="recorded it first") as caught:
        lookaside.obtain(source)
    assert SHA256 in caught.value.cause
    path.write_bytes(CONTENT)
    assert lookaside.obtain(source) == path


def test_catalogs_checksum_counts_more_than_the_recorded_one(lookaside: Lookaside) -> None:
    path = lookaside.folder / NAME
    path.write_bytes(b"first")
    lookaside.obtain(Source(NAME))
    path.write_bytes(CONTENT)
    assert lookaside.obtain(Source(NAME, None, SHA256)) == path


@pytest.mark.parametrize("address", ["nowhere/else", f"broken/{NAME}"])
def test_failed_download_leaves_nothing_and_names_the_fallback(
    lookaside: Lookaside, upstream: str, address: str
) -> None:
    with pytest.raises(SwitchroomError) as caught:
        lookaside.obtain(Source(NAME, f"{upstream}/{address}"))
    assert f"Put upstream's '{NAME}' in '{lookaside.folder}'" in caught.value.hint
    assert "--from debian" in caught.value.hint
    assert list(lookaside.folder.iterdir()) == []


def test_a_release_whose_signature_upstream_does_not_give_is_not_fetched(
    lookaside: Lookaside, upstream: str
) -> None:
    keys = ReleaseKeys(b"any", insist=False, reporter=Reporter(quiet=True))
    strict = Lookaside(lookaside.folder, Reporter(quiet=True), keys=keys)
    with pytest.raises(SwitchroomError, match=f"'{NAME}.asc' could not be downloaded"):
        strict.obtain(Source(NAME, f"{upstream}/{NAME}", SHA256, signed=True))
    assert list(lookaside.folder.iterdir()) == []


def test_source_without_an_address_points_to_what_came_from_debian(lookaside: Lookaside) -> None:
    lookaside.overlay.write_text("{}")
    with pytest.raises(SwitchroomError, match="no address is known") as caught:
        lookaside.obtain(Source(NAME))
    assert f"--overlay '{lookaside.overlay}'" in caught.value.hint


def test_unreadable_record_of_checksums_is_not_replaced(lookaside: Lookaside) -> None:
    (lookaside.folder / NAME).write_bytes(CONTENT)
    (lookaside.folder / "checksums.json").write_text("{")
    with pytest.raises(SwitchroomError, match=r"checksums\.json' cannot be read"):
        lookaside.obtain(Source(NAME))


def test_remembered_digest_does_not_survive_an_edit(lookaside: Lookaside, tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):  # same size, and written in the same moment
        path.write_bytes(content)
        assert DigestMemo().sha256(path) == hashlib.sha256(content).hexdigest()
