"""Prompts and music on hold: upstream's tarballs, made again from Debian's binary packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from switchroom.build.debian.apt import Suite, upstream_version
from switchroom.build.tarball import read_tree, write_tree
from switchroom.core import process
from switchroom.core.errors import SwitchroomError


@dataclass(frozen=True)
class SoundSet:
    """A set of sound files: Debian's package, named as upstream's tarball is, and their folder in it."""

    package: str
    folder: str

    @property
    def key(self) -> str:
        """What the catalog calls it."""
        return self.package.removeprefix("asterisk-")


SOUND_SETS = (
    SoundSet("asterisk-core-sounds-en-gsm", "usr/share/asterisk/sounds/en_US_f_Allison"),
    SoundSet("asterisk-moh-opsound-gsm", "usr/share/asterisk/moh"),
)


def fetch(sounds: SoundSet, suite: Suite, scratch: Path, target: Path) -> str:
    """Download a set, verified by apt, write it to ``target`` as upstream packs it; return its version."""
    debian_version = suite.binary_version(sounds.package)
    if debian_version is None:
        raise SwitchroomError(f"The Debian suite '{suite.name}' does not offer '{sounds.package}'.")
    package = suite.download_binary(sounds.package, debian_version, scratch)
    version = upstream_version(debian_version)
    repack(sounds, package, version, target)
    return version


def repack(sounds: SoundSet, package: Path, version: str, target: Path) -> Path:
    """Write the sound files of a ``.deb`` and its licence, at the top of a tarball, and return its path."""
    argv = ["dpkg-deb", "--fsys-tarfile", str(package)]
    tree = read_tree(process.run(argv, what=f"Unpacking '{package.name}'").stdout)
    prefix = f"{sounds.folder}/"
    files = {name.removeprefix(prefix): member for name, member in tree.items() if name.startswith(prefix)}
    if not files:
        raise SwitchroomError(f"'{package.name}' has no sound files in '{sounds.folder}'.")
    licence = tree.get(f"usr/share/doc/{sounds.package}/copyright")
    if licence:
        files[f"LICENSE-{sounds.package}"] = licence
    tarball = target / f"{sounds.package}-{version}.tar.gz"
    write_tree(files, tarball)
    return tarball
