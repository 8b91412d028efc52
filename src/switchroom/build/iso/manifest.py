"""The manifest: what an image was made from and what is on it, inside the image and beside it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence

import switchroom
from switchroom.build.iso.base import Base
from switchroom.build.iso.graft import Content
from switchroom.build.repo.metadata import RepoPackage
from switchroom.catalog.model import Series
from switchroom.core.files import sha256

FORMAT = 2
PATH = "switchroom/manifest.json"
FOLDER = "switchroom"


@dataclass(frozen=True)
class Facts:
    """What a manifest says beyond the base and the files; ``loaders`` are SHA-256 by path."""

    volume_id: str
    epoch: int
    series: Sequence[Series]
    packages: Sequence[RepoPackage]
    missing: Sequence[str]
    boot_arguments: Sequence[str]
    base_checked_by: str
    esp_copies: Mapping[int, bytes]
    loaders: Mapping[str, str]


def describe(base: Base, facts: Facts, files: Mapping[str, Content], base_sha256: str) -> Dict[str, Any]:
    """Return the manifest; ``files`` maps paths on the medium to what was added or replaced."""
    return {
        "format": FORMAT,
        "made_by": f"switchroom {switchroom.__version__}",
        "volume_id": facts.volume_id,
        "source_date_epoch": facts.epoch,
        "lab_stand_in": base.lab,
        "installs_without_network": not facts.missing and not base.lab,
        "missing_packages": list(facts.missing),
        "boot_arguments": list(facts.boot_arguments),
        "base": {
            "family": base.family,
            "version": base.version,
            "volume_id": base.volume.volume_id,
            "size": base.path.stat().st_size,
            "sha256": base_sha256,
            "checked_by": facts.base_checked_by,
        },
        "series": [{"key": one.key, "version": one.version, "engine": one.engine} for one in facts.series],
        "packages": [
            {"nevra": one.nevra, "file": one.file_name, "sha256": one.sha256} for one in facts.packages
        ],
        "efi_system_partitions": [
            {"offset": offset, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for offset, data in sorted(facts.esp_copies.items())
        ],
        "boot_loaders": dict(sorted(facts.loaders.items())),
        "files": dict(sorted(digests(files).items())),
    }


def encode(manifest: Mapping[str, Any]) -> bytes:
    """Return a manifest as JSON."""
    return (json.dumps(manifest, indent=2) + "\n").encode()


def digests(files: Mapping[str, Content]) -> Dict[str, str]:
    """Return the SHA-256 of each file; those that depend on the base's sum are left out."""
    found: Dict[str, str] = {}
    for name, content in files.items():
        if isinstance(content, bytes):
            found[name] = hashlib.sha256(content).hexdigest()
        elif isinstance(content, Path) and content.is_dir():
            found.update(digests({f"{name}/{child.name}": child for child in content.iterdir()}))
        elif isinstance(content, Path):
            found[name] = sha256(content)
    return found
