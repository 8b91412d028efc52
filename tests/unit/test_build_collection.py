"""The collection's artefact, made without Ansible."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Dict

from support import collection as ansible
from switchroom.build import collection

EPOCH = 1_700_000_000


def test_it_is_what_ansible_galaxy_builds(tmp_path: Path) -> None:
    ansible.run("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=ansible.ROOT)
    (built,) = tmp_path.glob("*.tar.gz")
    ours = collection.artefact(collection.root(), EPOCH)
    with tarfile.open(built) as archive:
        theirs = {member.name: archive.extractfile(member) for member in archive}
        files = {name: stream.read() for name, stream in theirs.items() if stream}
        modes = {member.name: member.mode for member in archive}
    assert set(ours) == set(theirs)
    assert {name: member.mode for name, member in ours.items()} == modes
    for name in ("FILES.json", "MANIFEST.json"):
        assert _told(ours[name].data) == _told(files.pop(name))
    assert {name: ours[name].data for name in files} == files


def _told(text: bytes) -> Dict[str, Any]:
    """Return a manifest's content without what only the order of its lines decides."""
    data: Dict[str, Any] = json.loads(text)
    data.get("file_manifest_file", {}).pop("chksum_sha256", None)
    return {**data, "files": sorted(data.get("files", []), key=lambda entry: entry["name"])}


def test_the_same_checkout_gives_the_same_bytes() -> None:
    folder = collection.root()
    assert collection.artefact(folder, EPOCH) == collection.artefact(folder, EPOCH)
