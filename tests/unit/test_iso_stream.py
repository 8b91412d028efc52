"""Bytes are put together right wherever a chunk ends, and what goes wrong in a thread is told."""

from __future__ import annotations

import hashlib
import random
import threading
from pathlib import Path
from typing import List, Optional

import pytest

from switchroom.build.iso.copying import Copying
from switchroom.build.iso.graft import Graft, Overlay
from switchroom.build.iso.mediasum import FIELD_OFFSET, FIELD_SIZE, MediaCheck, MediaSum, embedded
from switchroom.build.iso.press import press
from switchroom.build.iso.stream import CHUNK, ChunkSums, Crew

DICE = random.Random(3)  # noqa: S311
BASE = DICE.randbytes(2 * CHUNK + 4096)
SIZE = 4 * CHUNK + 8192


def graft(folder: Path, overlays: List[Overlay]) -> Graft:
    """Return a graft whose skeleton is all x."""
    (folder / "base").write_bytes(BASE)
    (folder / "skeleton").write_bytes(b"x" * SIZE)
    (folder / "file").write_bytes(b"f" * 3000)
    return Graft(SIZE, folder / "skeleton", tuple(overlays), {})


def test_overlays_lie_where_they_should_whatever_chunk_they_are_in(tmp_path: Path) -> None:
    late = 3 * CHUNK + 100
    overlays = [
        Overlay(0, 10, b"0123456789"),
        Overlay(CHUNK - 5, 10, b"across"),
        Overlay(CHUNK + 5, CHUNK - 5, b""),
        Overlay(2 * CHUNK + 4000, 3000, tmp_path / "file"),
        Overlay(late, 64, lambda digest: digest.encode()),
        Overlay(SIZE - 3, 3, b"end"),
    ]
    expected = bytearray(BASE + b"x" * (SIZE - len(BASE)))
    digest = hashlib.sha256(BASE).hexdigest()
    for at, content in (
        (0, b"0123456789"),
        (CHUNK - 5, b"across".ljust(10, b"\0") + bytes(CHUNK - 5)),
        (2 * CHUNK + 4000, b"f" * 3000),
        (late, digest.encode()),
        (SIZE - 3, b"end"),
    ):
        expected[at : at + len(content)] = content
    planned = graft(tmp_path, overlays)
    with Copying(tmp_path / "base", tmp_path / "image") as copying:
        pressed = press(copying, planned, lambda _count: None)
    pressed_bytes = (tmp_path / "image").read_bytes()
    field = slice(FIELD_OFFSET, FIELD_OFFSET + FIELD_SIZE)
    assert embedded(pressed_bytes) is not None
    expected[field] = pressed_bytes[field]
    assert pressed_bytes == bytes(expected)
    assert pressed.base.sha256 == digest


def test_pressed_image_has_the_sums_that_are_told(tmp_path: Path) -> None:
    told: List[int] = []
    planned = graft(tmp_path, [])
    with Copying(tmp_path / "base", tmp_path / "image") as copying:
        pressed = press(copying, planned, told.append)
    data = (tmp_path / "image").read_bytes()
    assert pressed.sha256 == hashlib.sha256(data).hexdigest()
    assert pressed.base.sha256 == hashlib.sha256(BASE).hexdigest()
    assert list(pressed.chunks) == [
        hashlib.sha256(data[at : at + CHUNK]).hexdigest() for at in range(0, SIZE, CHUNK)
    ]
    assert sum(told) == SIZE
    assert embedded(data[: 32 * 2048]) is not None
    assert data[: 32 * 2048].replace(data[FIELD_OFFSET : FIELD_OFFSET + FIELD_SIZE], b"") == (
        BASE[:FIELD_OFFSET] + BASE[FIELD_OFFSET + FIELD_SIZE : 32 * 2048]
    )


@pytest.mark.parametrize("at", [0, 30])
def test_error_in_a_thread_is_raised_where_the_reader_is(at: int) -> None:
    def full(data: bytes) -> None:
        if data == b"%d" % at:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        feed(Crew(full, ChunkSums().update), 31)


def test_readers_own_error_is_not_hidden() -> None:
    def fail(_data: bytes) -> None:
        raise OSError("second")

    with pytest.raises(KeyError, match="first"):
        feed(Crew(fail), 1, KeyError("first"))


def feed(crew: Crew, count: int, error: Optional[Exception] = None) -> None:
    with crew:
        for number in range(count):
            crew.give(b"%d" % number)
        if error:
            raise error


def test_leaving_before_the_end_ends_the_copying_and_what_fails_in_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "base").write_bytes(BASE)
    before = set(threading.enumerate())

    def fail(_count: int) -> None:
        raise KeyError("damaged")

    with Copying(tmp_path / "base", tmp_path / "image", passed=fail) as copying:
        with pytest.raises(KeyError, match="damaged"):
            copying.wait(len(BASE))
        with pytest.raises(KeyError, match="damaged"):
            copying.finish()
    with Copying(tmp_path / "base", tmp_path / "image"):
        pass
    assert not set(threading.enumerate()) - before


@pytest.mark.parametrize("place", [FIELD_OFFSET + FIELD_SIZE, len(BASE) // 2, len(BASE) - 16 * 2048])
def test_damage_is_told_by_the_parts_it_lies_in(place: int) -> None:
    carried = MediaSum(len(BASE))
    carried.update(BASE)
    for data, hit in ((BASE, False), (BASE[:place] + b"!!" + BASE[place + 2 :], True)):
        check = MediaCheck(len(BASE), carried.result())
        check.update(data)
        check.finish()
        assert bool(check.damage) is hit
    assert check.damage
    start, end = check.damage
    assert start <= place < end
    assert end - start <= len(BASE) // 20 + 2 * 32768
