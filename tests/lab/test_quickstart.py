"""The README's one command, and the same command again in another folder: identical to the bit."""

import json
import subprocess
from pathlib import Path

import pytest

from switchroom.core.files import sha256

ROOT = Path(__file__).parents[2]
IMAGE = "switchroom-lab-9-x86_64.iso"

pytestmark = pytest.mark.lab


def quickstart(out: Path) -> Path:
    """Run the command as a newcomer would; return the image it made."""
    done = subprocess.run(
        [ROOT / "scripts" / "quickstart", out],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / IMAGE


def digests(folder: Path, pattern: str) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder that matches, by relative path."""
    return {
        str(path.relative_to(folder)): sha256(path)
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and not path.is_symlink()
    }


def test_quickstart_twice_gives_identical_packages_repository_and_image(tmp_path: Path) -> None:
    image = quickstart(tmp_path / "one")
    again = quickstart(tmp_path / "a" / "longer" / "path")
    assert digests(image.parent / "repo", "*.rpm") == digests(again.parent / "repo", "*.rpm")
    repodata = digests(image.parent / "repo", "repodata/*")
    assert repodata == digests(again.parent / "repo", "repodata/*")
    assert any(name.endswith("repomd.xml.asc") for name in repodata)
    assert sha256(image) == sha256(again)


def test_manifest_beside_the_image_names_both_engines(tmp_path: Path) -> None:
    image = quickstart(tmp_path)
    manifest = json.loads(Path(f"{image}.manifest.json").read_text())
    assert {series["key"] for series in manifest["series"]} == {"22", "99"}
