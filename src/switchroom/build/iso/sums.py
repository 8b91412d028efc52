"""What stands beside an image: SHA-256 sums, their signature, and the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping, Tuple

from switchroom.build.iso import manifest
from switchroom.build.keys import SigningKey
from switchroom.core.files import sha256


def sums_path(image: Path) -> Path:
    """Return the sums of an image, in the form ``sha256sum --check`` reads."""
    return image.with_name(image.name + ".SHA256SUMS")


def manifest_path(image: Path) -> Path:
    """Return the manifest beside an image."""
    return image.with_name(image.name + ".manifest.json")


def signature_path(image: Path) -> Path:
    """Return the detached signature of the sums."""
    return image.with_name(sums_path(image).name + ".asc")


def sidecars(image: Path) -> Tuple[Path, ...]:
    """Return all files that stand beside an image."""
    return sums_path(image), signature_path(image), manifest_path(image)


def write(image: Path, digest: str, data: Mapping[str, Any], key: SigningKey, epoch: int) -> Tuple[Path, ...]:
    """Write the files beside an image whose SHA-256 is ``digest`` and return their paths."""
    outer = manifest_path(image)
    manifest.write(outer, {**data, "image": {"file": image.name, "sha256": digest}})
    lines = f"{digest}  {image.name}\n{sha256(outer)}  {outer.name}\n"
    sums_path(image).write_text(lines)
    key.detach_sign(sums_path(image), epoch)
    return sidecars(image)


def read(image: Path) -> Mapping[str, str]:
    """Return file names and their SHA-256 from the sums beside an image."""
    rows = (line.split("  ", 1) for line in sums_path(image).read_text().splitlines())
    return {name: digest for digest, name in rows}
