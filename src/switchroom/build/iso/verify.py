"""Whether an image is whole, signed by a trusted key, and holds what its manifest says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from switchroom.build.iso import boot_check, content, esp, manifest, sbom, sums, xorriso
from switchroom.build.iso.base import GRUB, SHIM
from switchroom.build.iso.boot_area import SIZE as HEAD_SIZE
from switchroom.build.iso.layout import Extent, read_extent, read_volume
from switchroom.build.iso.mediasum import MediaSum, embedded
from switchroom.build.iso.pe import require_signed
from switchroom.build.iso.remaster import check_boot_copies
from switchroom.build.iso.stream import ChunkSums, Crew, chunks
from switchroom.build.publickeys import ARMOUR, read_keys
from switchroom.build.repo.verify import verify_folder
from switchroom.build.signatures import UntrustedError, Verifier, verifier
from switchroom.core.errors import ExitCode, SwitchroomError, reading
from switchroom.core.files import require_room, sha256
from switchroom.core.process import require
from switchroom.core.progress import Reporter

_SHOWN = 12  # files named for one range


@dataclass(frozen=True)
class Damage:
    """Bytes from ``start`` to before ``end`` that are not those that were signed, and what lies there."""

    start: int
    end: int
    places: Tuple[str, ...]

    def __str__(self) -> str:
        where = f", in {', '.join(self.places)}" if self.places else ""
        return f"the bytes {self.start} to {self.end - 1} differ from those that were signed{where}"


@dataclass(frozen=True)
class Verified:
    """The outcome: the image's manifest (empty if unreadable), what is wrong, and which bytes are.

    ``remarks`` is what to know of the keys of an image that is not wrong for it.
    """

    manifest: Dict[str, Any]
    problems: Tuple[str, ...]
    damage: Tuple[Damage, ...]
    remarks: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What one reading of the image gave."""

    sha256: str
    chunks: Sequence[str]
    media_ok: bool


def verify_iso(image: Path, public_key: bytes, reporter: Reporter) -> Verified:
    """Check an image against the keys of ``public_key`` (ASCII-armoured).

    Checked are the signature of the sums, the sums, the media checksum, the files and packages of the
    manifest, the signatures of the repository on it, the boot loaders, and every copy of the EFI system
    partition. Raises SwitchroomError when the file is no image of ours at all, and where this machine could
    not tell (a tool is missing, the folder for temporary files is full).
    """
    require("xorriso", "mcopy")
    if not image.is_file():
        raise SwitchroomError(f"The image '{image}' does not exist.", code=ExitCode.USAGE)
    with verifier(public_key) as trusted:
        found = _verify(image, trusted, reporter)
        return replace(found, remarks=(*found.remarks, *trusted.remarks))


def _verify(image: Path, trusted: Verifier, reporter: Reporter) -> Verified:
    problems: List[str] = []
    remarks: List[str] = []
    with reporter.step("Checking the signature of the sums"):
        problems += _signed(image, trusted)
        outer = _outer(image) if not problems else None
        if not problems and outer is None:
            problems.append(f"'{sums.manifest_path(image).name}' is no manifest of this form")
    with reporter.step("Reading the image", image.stat().st_size) as step:
        measured = measure(image, step.advance)
    damage: Tuple[Damage, ...] = ()
    try:
        with reading(f"'{sums.manifest_path(image).name}'"):
            problems += _sums(image, measured, outer)
            damage = damage_of(measured, outer["image"]) if outer else ()
    except SwitchroomError as error:
        problems.append(f"{error.message} {error.cause}")
    problems += map(str, damage)
    with reporter.step("Checking the content"), tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        try:
            data = _unpack(image, Path(name))
            with reading(f"'{manifest.PATH}' on the medium is none of this form and"):
                problems += _content(image, data, Path(name), trusted)
            remarks += _further_keys(Path(name), trusted)
        except SwitchroomError as error:
            require_room(Path(name))
            if not sums.sums_path(image).exists():
                raise
            data = {}
            problems.append(error.message)
        if data:  # and what the verifier itself cannot do is no problem of the image
            problems += verify_folder(Path(name, "medium", content.REPOSITORY), trusted)
    return Verified(data, tuple(problems), damage, tuple(remarks))


def _signed(image: Path, trusted: Verifier) -> Iterator[str]:
    absent = [path.name for path in sums.sidecars(image) if not path.is_file()]
    if absent:
        yield f"missing beside the image: {', '.join(absent)}"
        return
    if sums.damaged(image):
        yield f"'{sums.sums_path(image).name}' has lines that are no checksums"
    try:
        trusted.check_detached(sums.sums_path(image), sums.signature_path(image))
    except UntrustedError as error:
        yield error.message
        return
    recorded = sums.read(image)
    for path in (sums.manifest_path(image), sums.sbom_path(image)):
        if recorded.get(path.name) != sha256(path):
            yield f"'{path.name}' is not the file that was signed: its SHA-256 differs"


def _outer(image: Path) -> Optional[Dict[str, Any]]:
    """Return the manifest beside an image, None if it is none that says where what lies."""
    with contextlib.suppress(SwitchroomError), reading("The manifest"):
        data: Dict[str, Any] = json.loads(sums.manifest_path(image).read_bytes())
        if {"size", "chunk_size", "chunks", "places"} <= set(data["image"]):
            return data
    return None


def measure(image: Path, advance: Callable[[int], None] = lambda _count: None) -> Measured:
    """Read the image once and compute all its sums."""
    whole, parts = hashlib.sha256(), ChunkSums()
    with image.open("rb") as stream:
        head = stream.read(HEAD_SIZE)
    media = MediaSum(int.from_bytes(head[16 * xorriso.BLOCK + 80 :][:4], "little") * xorriso.BLOCK)
    with Crew(whole.update, media.update, parts.update) as crew:
        for data in chunks(image):
            crew.give(data)
            advance(len(data))
    return Measured(whole.hexdigest(), parts.sums, media.result() == embedded(head))


def damage_of(measured: Measured, image: Mapping[str, Any]) -> Tuple[Damage, ...]:
    """Return the ranges whose chunks differ from those of a manifest's ``image``, neighbours joined."""
    size, wanted = image["chunk_size"], image["chunks"]
    bad = [
        number
        for number in range(max(len(wanted), len(measured.chunks)))
        if wanted[number : number + 1] != list(measured.chunks[number : number + 1])
    ]
    ranges: List[Tuple[int, int]] = []
    for number in bad:
        if ranges and ranges[-1][1] == number * size:
            ranges[-1] = (ranges[-1][0], (number + 1) * size)
        else:
            ranges.append((number * size, (number + 1) * size))
    return tuple(_placed(start, min(end, image["size"]), image["places"]) for start, end in ranges)


def _placed(start: int, end: int, places: Sequence[Sequence[Any]]) -> Damage:
    hit = [what for offset, size, what in places if offset < end and start < offset + size]
    shown = [f"'{name}'" for name in dict.fromkeys(hit)]
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return Damage(start, end, (*shown[:_SHOWN], *more))


def _sums(image: Path, measured: Measured, outer: Optional[Mapping[str, Any]]) -> Iterator[str]:
    recorded = sums.read(image).get(image.name) if sums.sums_path(image).is_file() else None
    if sums.sums_path(image).is_file() and recorded is None:
        yield f"'{sums.sums_path(image).name}' has no checksum of '{image.name}'"
    if recorded and recorded != measured.sha256:
        yield f"'{image.name}' is not the file that was signed: its SHA-256 differs"
    if outer and outer["image"]["size"] != image.stat().st_size:
        yield f"it has {image.stat().st_size} bytes; {outer['image']['size']} were signed"
    if not measured.media_ok:
        yield "the embedded media checksum does not match"


def _unpack(image: Path, folder: Path) -> Dict[str, Any]:
    read_volume(image)
    known = xorriso.paths(image)
    if manifest.PATH not in known:
        raise SwitchroomError(
            f"'{image}' has no '{manifest.PATH}': it was not made by switchroom.", code=ExitCode.REFUSED
        )
    xorriso.extract(image, {manifest.PATH: folder / "manifest.json"})
    with reading(f"'{manifest.PATH}' on the medium"):
        data: Dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        if data["format"] != manifest.FORMAT:
            raise SwitchroomError(
                f"'{image}' was made by {data['made_by']}, whose manifest has another form.",
                hint="Verify it with that version of switchroom.",
                code=ExitCode.REFUSED,
            )
        wanted = {*data["files"], sbom.PATH, SHIM, GRUB} & known
    xorriso.extract(image, {name: folder / "medium" / name for name in wanted})
    return data


def _content(image: Path, data: Dict[str, Any], folder: Path, trusted: Verifier) -> Iterator[str]:
    medium = folder / "medium"
    for name, digest in {**data["files"], **_loaders_of(data)}.items():
        if not (medium / name).is_file():
            yield f"'{name}' of the manifest is not on the medium"
        elif sha256(medium / name) != digest:
            yield f"'{name}' on the medium differs from the manifest"
    if not set(_keys_on(folder)) & set(trusted.keys.fingerprints):
        yield "the key on the medium is not the trusted key"
    if (
        sums.sbom_path(image).is_file()
        and (medium / sbom.PATH).read_bytes() != sums.sbom_path(image).read_bytes()
    ):
        yield f"'{sbom.PATH}' on the medium is not '{sums.sbom_path(image).name}'"
    found = read_volume(image).volume_id
    if found != data["volume_id"]:
        yield f"the volume id is '{found}', the manifest says '{data['volume_id']}'"
    yield from _boot(image, data, folder)


def _keys_on(folder: Path) -> Tuple[str, ...]:
    """Return the fingerprints of the keys on the medium; nothing where it has none that can be read."""
    key = folder / "medium" / content.KEY
    if not key.is_file() or ARMOUR not in key.read_bytes():
        return ()
    return read_keys(key.read_bytes(), f"'{content.KEY}' on the medium").fingerprints


def _further_keys(folder: Path, trusted: Verifier) -> Iterator[str]:
    """Yield the keys that an installed system trusts and the reader does not: the signer vouches for them."""
    for name in _keys_on(folder):
        if name not in trusted.keys.fingerprints:
            yield f"The medium also brings the key {name}, which is not among the trusted ones."


def _loaders_of(data: Mapping[str, Any]) -> Dict[str, str]:
    return {name: digest for name, digest in data["boot_loaders"].items() if name in (SHIM, GRUB)}


def _boot(image: Path, data: Mapping[str, Any], folder: Path) -> Iterator[str]:
    menus = {name: digest for name, digest in data["files"].items() if name in boot_check.MENUS}
    yield from boot_check.faults(image, menus)
    copies = data["efi_system_partitions"]
    try:
        check_boot_copies(
            image,
            {one["offset"]: one["sha256"] for one in copies},
            {one["offset"]: one["size"] for one in copies},
        )
        for one in copies:
            partition = folder / f"esp-{one['offset']}.img"
            partition.write_bytes(read_extent(image, Extent("", one["offset"], one["size"], None)))
            if not set(esp.loaders(partition).values()) <= set(data["boot_loaders"].values()):
                yield f"the boot loaders in the EFI system partition at {one['offset']} are not the base's"
            require_signed(partition, SHIM)
    except SwitchroomError as error:
        yield error.message
