"""The manifest: what an image was made from and what is on it, inside the image and beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence

import switchroom
from switchroom.build.iso.base import Base
from switchroom.build.repo.metadata import RepoPackage
from switchroom.catalog.model import Series
from switchroom.core.files import sha256

FORMAT = 1
PATH = "switchroom/manifest.json"
FOLDER = "switchroom"


def describe(
    *,
    base: Base,
    base_sha256: str,
    volume_id: str,
    epoch: int,
    series: Sequence[Series],
    packages: Sequence[RepoPackage],
    missing: Sequence[str],
    files: Mapping[str, Path],
) -> Dict[str, Any]:
    """Return the manifest; ``files`` maps paths on the medium to files or folders that were added."""
    return {
        "format": FORMAT,
        "made_by": f"switchroom {switchroom.__version__}",
        "volume_id": volume_id,
        "source_date_epoch": epoch,
        "lab_stand_in": base.lab,
        "installs_without_network": not missing and not base.lab,
        "missing_packages": list(missing),
        "base": {
            "family": base.family,
            "version": base.version,
            "volume_id": base.volume.volume_id,
            "size": base.path.stat().st_size,
            "sha256": base_sha256,
        },
        "series": [{"key": one.key, "version": one.version, "engine": one.engine} for one in series],
        "packages": [{"nevra": one.nevra, "file": one.file_name, "sha256": one.sha256} for one in packages],
        "files": dict(sorted(_digests(files).items())),
    }


def write(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest as JSON."""
    path.write_text(json.dumps(manifest, indent=2) + "\n")


def _digests(files: Mapping[str, Path]) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for name, source in files.items():
        if source.is_file():
            found[name] = sha256(source)
            continue
        for path in sorted(source.rglob("*")):
            if path.is_file():
                found[f"{name}/{path.relative_to(source)}"] = sha256(path)
    return found
