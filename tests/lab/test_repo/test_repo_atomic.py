"""Readers never see a torn repository: not while a hundred generations are published, not after kill -9."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Dict, List, NamedTuple, Set

import pytest

from support.small_rpms import ENTRIES, EPOCH, Shop, build_many
from switchroom.build import repo
from switchroom.build.signatures import Verifier, verifier

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

READERS = 4
READS_EACH = 2500
PUBLISHES = 100
KILLS = 24
_PRIMARY = re.compile(
    rb'<data type="primary">\s*<checksum type="sha256">(\w+)<.*?<location href="([^"]+)"', re.S
)


class Seen(NamedTuple):
    """What one read found: the signed bytes and their signature, to be verified once for all readers."""

    repomd: bytes
    signature: bytes


def read_once(mirrorlist: Path) -> Seen:
    """Read as dnf does: mirror list, then metadata, signature and primary of the place it names."""
    url = mirrorlist.read_text()
    assert url.startswith("file:///"), f"torn mirror list {url!r}"
    assert url.endswith("/\n"), f"torn mirror list {url!r}"
    generation = Path(url.strip().removeprefix("file://"))
    repomd = (generation / "repodata" / "repomd.xml").read_bytes()
    signature = (generation / "repodata" / "repomd.xml.asc").read_bytes()
    found = _PRIMARY.search(repomd)
    assert found, f"torn repomd.xml in {generation}"
    primary = (generation / found[2].decode()).read_bytes()
    assert hashlib.sha256(primary).hexdigest() == found[1].decode(), f"torn primary in {generation}"
    return Seen(repomd, signature)


def read_until(stop: Event, mirrorlist: Path, answers: multiprocessing.Queue[object]) -> None:
    """Read at least the quota, go on until told to stop, and answer what was seen and what was torn."""
    reads, torn, seen = 0, [], set()
    while reads < READS_EACH or not stop.is_set():
        try:
            seen.add(read_once(mirrorlist))
        except (OSError, AssertionError) as error:
            torn.append(str(error))
        reads += 1
        time.sleep(0.002)
    answers.put((reads, torn, seen))


def assert_signed(seen: Set[Seen], trusted: Verifier, folder: Path) -> None:
    for number, (repomd, signature) in enumerate(seen):
        document = folder / f"{number}.xml"
        document.write_bytes(repomd)
        (folder / f"{number}.asc").write_bytes(signature)
        trusted.check_detached(document, folder / f"{number}.asc")


def test_no_read_is_torn_while_a_hundred_generations_are_published(shop: Shop, tmp_path: Path) -> None:
    first, *rest = build_many(tmp_path / "rpms", PUBLISHES + 1)
    shop.publish(first)
    mirrorlist = shop.root / "testing/el9/x86_64/mirrorlist"
    context = multiprocessing.get_context("fork")
    stop, answers = context.Event(), context.Queue()
    readers = [context.Process(target=read_until, args=(stop, mirrorlist, answers)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        for rpm in rest:
            shop.publish(rpm)
    finally:
        stop.set()
        results = [answers.get(timeout=120) for _ in readers]
        for reader in readers:
            reader.join(timeout=30)
    assert sum(reads for reads, _, _ in results) >= READERS * READS_EACH
    assert [line for _, torn, _ in results for line in torn] == []
    seen = set().union(*(found for _, _, found in results))
    assert len(seen) > PUBLISHES // 2, "the readers were too slow to see the publishing at all"
    assert len({one.repomd for one in seen}) == len(seen)
    with verifier(shop.key.export_public()) as trusted:
        assert_signed(seen, trusted, tmp_path)
    assert len(shop.nevras()) == PUBLISHES + 1


_PUBLISH = """
import sys; from pathlib import Path
from switchroom.build import repo; from switchroom.build.keys import open_key
from switchroom.core.progress import Reporter
root, name, home, rpm, epoch = sys.argv[1:]
key = open_key(name, Path(home))
print("ready", flush=True)
repo.publish(Path(root), [Path(rpm)], key=key, epoch=int(epoch), reporter=Reporter(quiet=True))
"""


def start_publisher(shop: Shop, rpm: Path) -> subprocess.Popen[bytes]:
    """Start a publisher in a session of its own and wait until it begins to publish."""
    words = [str(shop.root), shop.key.fingerprint, str(shop.key.gnupghome), str(rpm), str(EPOCH)]
    publisher = subprocess.Popen(
        [sys.executable, "-c", _PUBLISH, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(shop.root.parent)},
    )
    assert publisher.stdout
    assert publisher.stdout.readline() == b"ready\n"
    return publisher


def kill_after(publisher: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a publisher, with what it started, after a while; tell whether it was still at work."""
    try:
        publisher.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(publisher.pid, signal.SIGKILL)
        publisher.communicate()
        return True
    assert publisher.returncode == 0
    return False


def test_a_publisher_killed_at_any_moment_leaves_the_old_state_or_the_new(shop: Shop, tmp_path: Path) -> None:
    first, second, *rest = build_many(tmp_path / "rpms", KILLS + 2)
    shop.publish(first)
    mirrorlist = shop.root / "testing/el9/x86_64/mirrorlist"
    start = time.monotonic()
    assert start_publisher(shop, second).wait() == 0
    duration = time.monotonic() - start
    killed: List[bool] = []
    with verifier(shop.key.export_public()) as trusted:
        for number, rpm in enumerate(rest):
            before = shop.nevras()
            killed.append(kill_after(start_publisher(shop, rpm), duration * number / KILLS))
            assert shop.nevras() in (before, sorted([*before, rpm.name.removesuffix(".rpm")]))
            assert_signed({read_once(mirrorlist)}, trusted, tmp_path)
    assert sum(killed) >= KILLS // 4, "too few kills hit a publisher at work"
    shop.publish(*rest)
    assert len(shop.nevras()) == KILLS + 2
    assert repo.verify(shop.root).problems == ()
    folder = shop.root / "testing/el9/x86_64"
    assert sorted(path.name for path in folder.iterdir()) == ENTRIES


def test_two_publishers_at_once_both_succeed(shop: Shop, tmp_path: Path) -> None:
    first, second = build_many(tmp_path / "rpms", 2)
    publishers = [start_publisher(shop, rpm) for rpm in (first, second)]
    errors: Dict[int, bytes] = {one.pid: one.communicate(timeout=120)[1] for one in publishers}
    assert [one.returncode for one in publishers] == [0, 0], errors
    assert shop.nevras() == ["many-part0-1.0-1.lab.noarch", "many-part1-1.0-1.lab.noarch"]
    assert repo.verify(shop.root).problems == ()
