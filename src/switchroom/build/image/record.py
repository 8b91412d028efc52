"""What stands beside a disk image: the manifest, SHA-256 sums, and their signature."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import switchroom
from switchroom.build.image.inside import inside
from switchroom.build.image.storage import FileSystem
from switchroom.build.iso import manifest, sums
from switchroom.build.iso.base import Base
from switchroom.build.keys import SigningKey
from switchroom.catalog.model import Series
from switchroom.core.errors import reading
from switchroom.core.files import sha256

FORMAT = 1
_PACKAGE = r"%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH} %{SHA256HEADER}\n"


@dataclass(frozen=True)
class Made:
    """What an image was made from and what is in it; ``size`` is the disk's, in MiB."""

    base: Base
    base_sha256: str
    base_checked_by: str
    series: Series
    epoch: int
    size: int
    systems: Sequence[FileSystem]
    packages: Sequence[Dict[str, str]]


def write_origin(folder: Path, base: Base, base_sha256: str) -> None:
    """Write the manifest that the new system keeps the sum of: what the medium laid out for it came from."""
    described = {"format": FORMAT, "base": {"version": base.version, "sha256": base_sha256}}
    (folder / manifest.PATH).write_bytes(manifest.encode(described))


def installed(root: Path) -> Sequence[Dict[str, str]]:
    """Return name and header's SHA-256 of each package that rpm says is in ``root``, sorted."""
    listed = inside(root, "rpm", "--query", "--all", "--queryformat", _PACKAGE)
    rows = sorted(line.split() for line in listed.splitlines())
    return [{"nevra": row[0], "sha256header": row[1]} for row in rows]


def sidecars(image: Path) -> Tuple[Path, ...]:
    """Return all files that stand beside an image."""
    return sums.sums_path(image), sums.signature_path(image), sums.manifest_path(image)


def write(image: Path, made: Made, key: SigningKey) -> str:
    """Write the files beside a new image and return its SHA-256."""
    digest = sha256(image)
    described = {**_describe(made), "image": {"file": image.name, "sha256": digest}}
    sums.manifest_path(image).write_bytes(manifest.encode(described))
    sums.sign(image, digest, [sums.manifest_path(image)], key, made.epoch)
    return digest


def read(image: Path) -> Dict[str, Any]:
    """Return the manifest beside an image."""
    with reading(f"The manifest '{sums.manifest_path(image)}'"):
        data: Dict[str, Any] = json.loads(sums.manifest_path(image).read_bytes())
    return data


def _describe(made: Made) -> Dict[str, Any]:
    series = made.series
    return {
        "format": FORMAT,
        "made_by": f"switchroom {switchroom.__version__}",
        "lab_stand_in": made.base.lab,
        "base": {
            "family": made.base.family,
            "version": made.base.version,
            "sha256": made.base_sha256,
            "checked_by": made.base_checked_by,
        },
        "series": {"key": series.key, "version": series.version, "engine": series.engine},
        "disk": {
            "size_mib": made.size,
            "file_systems": [
                {"name": one.name, "type": one.fstype, "mount": one.mount, "size_mib": one.size >> 20}
                for one in made.systems
            ],
        },
        "packages": list(made.packages),
    }
