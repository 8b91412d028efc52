"""Verification: what the repository shows its readers is whole, signed, and nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from switchroom.build.repo import layout
from switchroom.build.repo.layout import CHANNELS, Channel, all_channels, open_repo
from switchroom.build.repo.metadata import PACKAGES, RepoPackage, read_repository, record_paths
from switchroom.build.signatures import Verdict, Verifier, fingerprint, verifier
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import sha256

_REPOMD = ("repomd.xml", "repomd.xml.asc")
_CHANNEL_ENTRIES = {"current", "generations", "mirrorlist"}


@dataclass(frozen=True)
class Verified:
    """What was checked, with which key, and every problem found, a sentence each."""

    fingerprint: str
    generations: Tuple[str, ...]  # CHANNEL/elN/NNNN, those in force
    packages: int
    problems: Tuple[str, ...]

    def as_dict(self) -> Dict[str, object]:
        """Return it as JSON."""
        return asdict(self)


def verify(root: Path, channels: Sequence[str] = CHANNELS, key_file: Optional[Path] = None) -> Verified:
    """Check the generation in force of each channel, package by package.

    ``key_file`` is the public key to trust; by default the one the repository itself hands out, which proves
    that the repository is consistent, not who made it.
    """
    opened = all_channels(open_repo(root, channels[0]).root)
    used = [channel for channel in opened if channel.name in channels and channel.current]
    trusted_key = key_file.read_bytes() if key_file else layout.public_key(root)
    problems: List[str] = []
    with verifier(trusted_key) as trusted:
        for channel in used:
            problems += _check_channel(channel, trusted)
    return Verified(
        fingerprint=fingerprint(trusted_key),
        generations=tuple(f"{c.name}/el{c.el}/{c.current.name}" for c in used if c.current),
        packages=sum(len(list((c.current / PACKAGES).glob("*"))) for c in used if c.current),
        problems=tuple(problems),
    )


def verify_folder(folder: Path, trusted: Verifier) -> Tuple[str, ...]:
    """Return the problems of one plain repository folder (a generation, or an installer's)."""
    problems: List[str] = []
    try:
        repomd, signature = (folder / "repodata" / name for name in _REPOMD)
        trusted.check_detached(repomd, signature)
        problems += _check_records(folder)
        packages = read_repository(folder)
        problems += _check_packages(packages, trusted)
        problems += _strays(folder, packages)
    except (SwitchroomError, OSError) as error:
        problems.append(error.message if isinstance(error, SwitchroomError) else str(error))
    return tuple(problems)


def _check_channel(channel: Channel, trusted: Verifier) -> Iterator[str]:
    for path in sorted(channel.folder.iterdir()):
        if path.name not in _CHANNEL_ENTRIES and not path.name.startswith("."):
            yield f"'{path}' does not belong there."
    if not channel.mirrorlist.is_file() or channel.mirrorlist.read_text() != channel.mirrorlist_text():
        yield f"'{channel.mirrorlist}' does not name the current generation."
    if channel.current:
        yield from verify_folder(channel.current, trusted)


def _check_records(folder: Path) -> Iterator[str]:
    for path, checksum in record_paths(folder).values():
        if not path.is_file() or sha256(path) != checksum:
            yield f"The metadata file '{path}' does not match repomd.xml."


def _check_packages(packages: Sequence[RepoPackage], trusted: Verifier) -> Iterator[str]:
    present = []
    for package in packages:
        if not package.path.is_file() or sha256(package.path) != package.sha256:
            yield f"The package '{package.path}' does not match the metadata."
        else:
            present.append(package.path)
    for path, verdict in trusted.rpms(present).items():
        if verdict is not Verdict.SIGNED:
            yield f"The package '{path}' is {verdict.value}."


def _strays(folder: Path, packages: Sequence[RepoPackage]) -> Iterator[str]:
    expected: Set[Path] = {package.path for package in packages}
    expected.update(path for path, _ in record_paths(folder).values())
    expected.update(folder / "repodata" / name for name in _REPOMD)
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path not in expected:
            yield f"'{path}' is not in the metadata."
