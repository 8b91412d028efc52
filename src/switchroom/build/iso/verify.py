"""Whether an image is whole, signed by a trusted key, and holds what its manifest says."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from switchroom.build.iso import content, manifest, sums, xorriso
from switchroom.build.iso.base import ESP
from switchroom.build.iso.layout import read_volume
from switchroom.build.iso.remaster import check_boot_copies
from switchroom.build.repo.verify import verify_folder
from switchroom.build.signatures import verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.process import require, run
from switchroom.core.progress import Reporter


@dataclass(frozen=True)
class Verified:
    """The outcome: the image's manifest, and one line for each thing that is wrong."""

    manifest: Dict[str, Any]
    problems: Tuple[str, ...]


def verify_iso(image: Path, public_key: bytes, reporter: Reporter) -> Verified:
    """Check an image against ``public_key`` (ASCII-armoured).

    Checked are the signature of the sums, the sums, the media checksum, the files and packages of the
    manifest, the signatures of the repository on it, and every copy of the EFI system partition. Raises
    SwitchroomError when the file is no image of ours at all.
    """
    require("xorriso", "checkisomd5", "gpgv", "rpmkeys")
    if not image.is_file():
        raise SwitchroomError(f"The image '{image}' does not exist.", code=ExitCode.USAGE)
    read_volume(image)
    problems: List[str] = []
    with reporter.step("Checking the signed sums"):
        problems += _sums(image, public_key)
    with reporter.step("Checking the media checksum"):
        problems += _media(image)
    with reporter.step("Checking the content"), tempfile.TemporaryDirectory(prefix="switchroom-") as name:
        data = _unpack(image, Path(name))
        problems += _content(data, Path(name), public_key)
        problems += _volume(image, data)
        problems += _boot(image, Path(name))
    return Verified(data, tuple(problems))


def _sums(image: Path, public_key: bytes) -> Iterator[str]:
    absent = [path.name for path in sums.sidecars(image) if not path.is_file()]
    if absent:
        yield f"missing beside the image: {', '.join(absent)}"
        return
    with verifier(public_key) as trusted:
        try:
            trusted.check_detached(sums.sums_path(image), sums.signature_path(image))
        except SwitchroomError as error:
            yield error.message
    recorded = sums.read(image)
    for path in (image, sums.manifest_path(image)):
        if recorded.get(path.name) != sha256(path):
            yield f"'{path.name}' is not the file that was signed: its SHA-256 differs"


def _media(image: Path) -> Iterator[str]:
    if run(["checkisomd5", image], check=False).returncode != 0:
        yield "the embedded media checksum does not match"


def _unpack(image: Path, folder: Path) -> Dict[str, Any]:
    if manifest.PATH not in xorriso.paths(image):
        raise SwitchroomError(
            f"'{image}' has no '{manifest.PATH}': it was not made by switchroom.", code=ExitCode.REFUSED
        )
    xorriso.extract(image, {manifest.PATH: folder / "manifest.json"})
    data: Dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    known = xorriso.paths(image)
    wanted = [name for name in (*data["files"], ESP) if name in known]
    xorriso.extract(image, {name: folder / "medium" / name for name in wanted})
    return data


def _content(data: Dict[str, Any], folder: Path, public_key: bytes) -> Iterator[str]:
    medium = folder / "medium"
    for name, digest in data["files"].items():
        if not (medium / name).is_file():
            yield f"'{name}' of the manifest is not on the medium"
        elif sha256(medium / name) != digest:
            yield f"'{name}' on the medium differs from the manifest"
    if (medium / content.KEY).read_bytes() != public_key:
        yield "the key on the medium is not the trusted key"
    with verifier(public_key) as trusted:
        yield from verify_folder(medium / content.REPOSITORY, trusted)


def _volume(image: Path, data: Dict[str, Any]) -> Iterator[str]:
    found = read_volume(image).volume_id
    if found != data["volume_id"]:
        yield f"the volume id is '{found}', the manifest says '{data['volume_id']}'"


def _boot(image: Path, folder: Path) -> Iterator[str]:
    try:
        check_boot_copies(image, folder / "medium" / ESP)
    except SwitchroomError as error:
        yield error.message
