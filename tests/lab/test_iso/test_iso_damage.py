"""Any flipped bit is caught, and its bytes and files are named; the sums are as other tools make them."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List

import jsonschema
import pytest

from support import firmware, media
from support.small_rpms import Shop
from switchroom.build.iso import sums
from switchroom.build.iso.build import Built
from switchroom.build.iso.mediasum import FIELD_OFFSET, FIELD_SIZE, MediaSum
from switchroom.build.iso.stream import CHUNK, chunks
from switchroom.build.iso.verify import damage_of, measure

pytestmark = pytest.mark.lab("xorriso", "mcopy", "implantisomd5", "checkisomd5", "rpmbuild")

FLIPS, FLIPS_IN_EACH_ESP = 200, 40


@pytest.fixture(scope="module")
def image(lab10_image: Built) -> Built:
    """An image with more than one copy of the EFI system partition."""
    return lab10_image


@pytest.fixture
def spoilt(image: Built, tmp_path: Path) -> Path:
    """A copy of the image and what stands beside it, to be damaged."""
    for path in (image.image, *sums.sidecars(image.image)):
        shutil.copy(path, tmp_path)
    return tmp_path / image.image.name


def flip(stream: BinaryIO, place: int, bit: int) -> None:
    stream.seek(place)
    old = stream.read(1)[0]
    stream.seek(place)
    stream.write(bytes([old ^ 1 << bit]))
    stream.flush()


def places(image: Built) -> Iterator[int]:
    """Yield random places, many in each copy of the ESP with its first and last byte."""
    dice = random.Random(5)  # noqa: S311 - places to try, not a secret
    copies = image.manifest["efi_system_partitions"]
    for one in copies:
        yield from (one["offset"], one["offset"] + one["size"] - 1)
        yield from (one["offset"] + dice.randrange(one["size"]) for _ in range(FLIPS_IN_EACH_ESP))
    size = image.image.stat().st_size
    yield from (0, FIELD_OFFSET + 20, size - 1)
    yield from (dice.randrange(size) for _ in range(FLIPS - len(copies) * (FLIPS_IN_EACH_ESP + 2) - 3))


def test_every_flipped_bit_is_caught_and_its_chunk_named(image: Built, spoilt: Path) -> None:
    outer = json.loads(sums.manifest_path(spoilt).read_text())["image"]
    copies = image.manifest["efi_system_partitions"]
    assert len(copies) == 2
    tried = list(places(image))
    assert len(tried) == FLIPS
    with spoilt.open("r+b") as stream:
        for number, place in enumerate(tried):
            flip(stream, place, number % 8)
            measured = measure(spoilt)
            damage = damage_of(measured, outer)
            flip(stream, place, number % 8)
            assert [(one.start, one.end) for one in damage] == [chunk_of(place, outer["size"])], place
            assert measured.sha256 != outer["sha256"]
            in_esp = [one for one in copies if one["offset"] <= place < one["offset"] + one["size"]]
            assert not (in_esp and measured.media_ok), f"the media check misses a flip at {place}"
            assert not in_esp or any("EFI system partition" in what for what in damage[0].places)
    assert measure(spoilt).sha256 == image.sha256


def chunk_of(place: int, size: int) -> tuple[int, int]:
    start = place - place % CHUNK
    return start, min(start + CHUNK, size)


def test_verify_says_which_bytes_and_which_file(image: Built, spoilt: Path, lab_shop: Shop) -> None:
    kernel = next(
        p for p in json.loads(sums.manifest_path(spoilt).read_text())["image"]["places"] if "vmlinuz" in p[2]
    )
    with spoilt.open("r+b") as stream:
        flip(stream, kernel[0] + 3 * CHUNK, 3)
    start, end = chunk_of(kernel[0] + 3 * CHUNK, image.image.stat().st_size)
    problems = media.verified(spoilt, lab_shop.key)
    assert (
        f"the bytes {start} to {end - 1} differ from those that were signed, in 'images/pxeboot/vmlinuz'"
    ) in problems
    assert "the embedded media checksum does not match" in problems


def test_a_destroyed_volume_descriptor_and_a_cut_end_are_told_too(spoilt: Path, lab_shop: Shop) -> None:
    with spoilt.open("r+b") as stream:
        flip(stream, 16 * firmware.BLOCK + 1, 0)
    problems = "\n".join(media.verified(spoilt, lab_shop.key))
    assert f"the bytes 0 to {CHUNK - 1} differ" in problems
    assert "'boot sectors and volume descriptors'" in problems
    with spoilt.open("r+b") as stream:
        stream.truncate(5 * CHUNK)
    problems = "\n".join(media.verified(spoilt, lab_shop.key))
    assert f"it has {5 * CHUNK} bytes" in problems


@pytest.mark.parametrize("size", [1_000_000, 5_242_880, 12_345_678 // 2048 * 2048, 41_943_040 + 2048])
def test_media_checksum_is_implantisomd5s(tmp_path: Path, size: int) -> None:
    path, blocks = tmp_path / "volume.iso", size // 2048
    data = bytearray(random.Random(size).randbytes(blocks * 2048))  # noqa: S311
    data[16 * 2048 : 17 * 2048] = b"\x01CD001\x01".ljust(2048, b"\0")
    data[16 * 2048 + 80 : 16 * 2048 + 88] = blocks.to_bytes(4, "little") + blocks.to_bytes(4, "big")
    data[FIELD_OFFSET : FIELD_OFFSET + FIELD_SIZE] = b" " * FIELD_SIZE
    path.write_bytes(data)
    media_sum = MediaSum(blocks * 2048)
    for chunk in chunks(path):
        media_sum.update(chunk)
    subprocess.run(["implantisomd5", path], check=True, capture_output=True)
    assert path.read_bytes()[FIELD_OFFSET : FIELD_OFFSET + FIELD_SIZE] == media_sum.result().field()


def test_checkisomd5_passes_and_fails_with_ours(spoilt: Path) -> None:
    check = ["checkisomd5", spoilt]
    assert subprocess.run(check, check=False, capture_output=True).returncode == 0
    with spoilt.open("r+b") as stream:
        flip(stream, 10 * CHUNK, 0)
    assert subprocess.run(check, check=False, capture_output=True).returncode == 1


_SPDX: Dict[str, object] = {
    "type": "object",
    "required": [
        "SPDXID",
        "creationInfo",
        "dataLicense",
        "documentNamespace",
        "name",
        "packages",
        "relationships",
    ],
    "properties": {
        "spdxVersion": {"const": "SPDX-2.3"},
        "dataLicense": {"const": "CC0-1.0"},
        "documentNamespace": {"pattern": "^urn:uuid:[0-9a-f-]{36}$"},
        "packages": {
            "items": {
                "required": ["SPDXID", "downloadLocation", "name"],
                "properties": {
                    "SPDXID": {"pattern": "^SPDXRef-[a-zA-Z0-9.-]+$"},
                    "checksums": {
                        "items": {
                            "properties": {
                                "algorithm": {"enum": ["SHA256", "SHA512"]},
                                "checksumValue": {"pattern": "^[0-9a-f]{64,128}$"},
                            }
                        }
                    },
                },
            }
        },
    },
}


def test_sbom_names_each_package_and_boot_loader_once_and_is_on_the_medium(image: Built) -> None:
    data = json.loads(sums.sbom_path(image.image).read_text())
    jsonschema.validate(data, _SPDX)
    ids: List[str] = [one["SPDXID"] for one in data["packages"]]
    assert len(ids) == len(set(ids))
    sums_of = {c["checksumValue"] for one in data["packages"] for c in one.get("checksums", [])}
    assert {one["sha256"] for one in image.manifest["packages"]} <= sums_of
    assert set(image.manifest["boot_loaders"].values()) <= sums_of
    assert image.manifest["base"]["sha256"] in sums_of
    related = {one["relatedSpdxElement"] for one in data["relationships"]}
    assert related == set(ids)
