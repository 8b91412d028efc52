"""The Ansible collection's artefact, as ``ansible-galaxy collection build`` makes it, the same every time.

It is made here because a build host need not have Ansible. A test compares the two.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import yaml

from switchroom.build.tarball import Member, Tree
from switchroom.build.workspace import data_path

_GALAXY = "galaxy.yml"
_FORMAT = 1  # of both manifests
_LISTS = ("authors", "tags")
_TEXTS = ("description", "repository", "documentation", "homepage", "issues")
# What ansible-galaxy leaves out unasked.
_NEVER = ("MANIFEST.json", "FILES.json", _GALAXY, "galaxy.yaml", ".git", "*.pyc", "*.retry", "tests/output")


def root() -> Path:
    """Return the folder of the collection: the checkout, or the installed wheel's data."""
    return data_path("roles").parent


def galaxy(folder: Path) -> Dict[str, Any]:
    """Return what ``galaxy.yml`` says of the collection in ``folder``."""
    data: Dict[str, Any] = yaml.safe_load((folder / _GALAXY).read_text(encoding="utf-8"))
    return data


def artefact(folder: Path, epoch: int) -> Tree:
    """Return the collection's files with both manifests, dated ``epoch`` (seconds since 1970)."""
    about = galaxy(folder)
    own = f"{about['namespace']}-{about['name']}-*.tar.gz"
    found = dict(_walk(folder, "", (*_NEVER, own, *about.get("build_ignore", ())), epoch))
    files = _json({"files": [_entry(".", Member(folder=True)), *map(_entry, found, found.values())]})
    manifest = _json(
        {
            "collection_info": _info(about),
            "file_manifest_file": _entry("FILES.json", Member(files)),
        }
    )
    return {
        **found,
        "FILES.json": Member(files, mtime=epoch),
        "MANIFEST.json": Member(manifest, mtime=epoch),
    }


def _walk(folder: Path, inside: str, ignored: Sequence[str], epoch: int) -> Iterator[tuple[str, Member]]:
    for path in sorted((folder / inside).iterdir()):
        name = str(path.relative_to(folder))
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in ignored):
            continue
        if path.is_dir():
            yield name, Member(mode=0o755, mtime=epoch, folder=True)
            yield from _walk(folder, name, ignored, epoch)
        else:
            yield name, Member(path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644, epoch)


def _entry(name: str, member: Member) -> Dict[str, Any]:
    digest = None if member.folder else hashlib.sha256(member.data).hexdigest()
    return {
        "name": name,
        "ftype": "dir" if member.folder else "file",
        "chksum_type": None if member.folder else "sha256",
        "chksum_sha256": digest,
        "format": _FORMAT,
    }


def _info(about: Dict[str, Any]) -> Dict[str, Any]:
    lists: Dict[str, List[str]] = {name: about.get(name, []) for name in _LISTS}
    return {
        **{name: about[name] for name in ("namespace", "name", "version", "readme")},
        **lists,
        **{name: about.get(name) for name in _TEXTS},
        "license": about.get("license", []),
        "license_file": about.get("license_file"),
        "dependencies": about.get("dependencies") or {},
    }


def _json(content: Dict[str, Any]) -> bytes:
    return json.dumps({**content, "format": _FORMAT}, indent=1, sort_keys=True).encode() + b"\n"
