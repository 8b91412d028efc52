"""What stands beside an image: SHA-256 sums, their signature, and the manifest."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence, Tuple

from switchroom.build.iso import manifest
from switchroom.build.iso.remaster import Remastered
from switchroom.build.iso.stream import CHUNK
from switchroom.build.keys import SigningKey
from switchroom.core.files import sha256

_ROW = re.compile(r"^(?P<sum>[0-9a-f]{64})  (?P<name>.+)$", re.MULTILINE)


def sums_path(image: Path) -> Path:
    """Return the sums of an image, in the form ``sha256sum --check`` reads."""
    return image.with_name(image.name + ".SHA256SUMS")


def manifest_path(image: Path) -> Path:
    """Return the manifest beside an image."""
    return image.with_name(image.name + ".manifest.json")


def signature_path(image: Path) -> Path:
    """Return the detached signature of the sums."""
    return image.with_name(sums_path(image).name + ".asc")


def sbom_path(image: Path) -> Path:
    """Return the list of what the image carries, in SPDX's JSON."""
    return image.with_name(image.name + ".spdx.json")


def sidecars(image: Path) -> Tuple[Path, ...]:
    """Return all files that stand beside an image."""
    return sums_path(image), signature_path(image), manifest_path(image), sbom_path(image)


def write(
    image: Path, made: Remastered, inside: Tuple[Mapping[str, Any], bytes], key: SigningKey, epoch: int
) -> Tuple[Path, ...]:
    """Write the files beside a new image and return their paths; ``inside`` are manifest and SBOM on it."""
    data, sbom = inside
    outer = {
        "file": image.name,
        "size": image.stat().st_size,
        "sha256": made.pressed.sha256,
        "chunk_size": CHUNK,
        "chunks": list(made.pressed.chunks),
        "places": [],
    }
    with manifest_path(image).open("w") as stream:
        stream.writelines(_with_places(manifest.encode({**data, "image": outer}).decode(), made.places))
    sbom_path(image).write_bytes(sbom)
    sign(image, made.pressed.sha256, (manifest_path(image), sbom_path(image)), key, epoch)
    return sidecars(image)


def _with_places(text: str, places: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield a manifest with its places, a line each: there may be very many."""
    before, empty, after = text.rpartition('"places": [')
    yield before + empty
    for number, place in enumerate(places):
        yield f"{',' if number else ''}\n      {json.dumps(place)}"
    yield "\n    " + after


def sign(image: Path, digest: str, beside: Sequence[Path], key: SigningKey, epoch: int) -> None:
    """Write and sign the sums of an image, whose SHA-256 is ``digest``, and of the files ``beside`` it."""
    lines = [f"{digest}  {image.name}\n", *(f"{sha256(path)}  {path.name}\n" for path in beside)]
    sums_path(image).write_text("".join(lines))
    key.detach_sign(sums_path(image), epoch)
    for path in (sums_path(image), signature_path(image), *beside):
        path.chmod(0o644)  # they name what the image holds, and no secret of it


def read(image: Path) -> Mapping[str, str]:
    """Return file names and their SHA-256 from the sums beside an image; lines that are none are left out."""
    rows = _ROW.finditer(sums_path(image).read_text(errors="replace"))
    return {row["name"]: row["sum"] for row in rows}


def damaged(image: Path) -> bool:
    """Return whether the sums beside an image have lines that are none."""
    return _ROW.sub("", sums_path(image).read_text(errors="replace")).strip() != ""
