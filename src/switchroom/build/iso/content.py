"""What goes onto the medium: our signed repository, the key, the kickstarts, menus and their art."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from switchroom.build.iso import loaders
from switchroom.build.iso.base import GRUB_MENU, ISOLINUX, Base
from switchroom.build.iso.menus import Menu
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import KickstartSettings
from switchroom.build.repo import binding
from switchroom.build.repo.generation import write_repository
from switchroom.build.repo.layout import PUBLIC_KEY, open_repo
from switchroom.build.repo.metadata import RepoPackage, in_order, newest_first
from switchroom.build.workspace import data_path
from switchroom.core.errors import ExitCode, SwitchroomError

REPOSITORY = "switchroom/repo"
KICKSTARTS = "switchroom/ks"
KEY = f"switchroom/{PUBLIC_KEY}"
_GRUB_PICTURES = ("menu-uefi.png", "select_c.png", "DejaVuSans-16.pf2", "DejaVuSans-20.pf2")


def needed(root: Path, channel: str, names: Sequence[str], *, el: int) -> Tuple[str, ...]:
    """Return the NEVRAs of the named packages and of all in the channel that these require, at any depth.

    ``el`` is the Enterprise Linux major they are for. Raises SwitchroomError (refused) for what the channel
    does not have for it.
    """
    newest = {one.name: one for one in reversed(newest_first(open_repo(root, channel, el).packages()))}
    absent = sorted(set(names) - set(newest))
    if absent:
        raise SwitchroomError(
            f"Not in the channel '{channel}' for Enterprise Linux {el} of '{root}': {', '.join(absent)}.",
            hint=f"Build them, and publish them with: switchroom repo publish --el {el}",
            code=ExitCode.REFUSED,
        )
    found: Dict[str, RepoPackage] = {}
    queue = [newest[name] for name in names]
    while queue:
        package = queue.pop()
        if package.nevra not in found:
            found[package.nevra] = package
            queue += _requirements(package, list(newest.values()))
    return tuple(sorted(found))


def _requirements(package: RepoPackage, available: Sequence[RepoPackage]) -> List[RepoPackage]:
    return [
        other
        for other in available
        if any(need.satisfied_by(offer) for need in package.requires for offer in other.provides)
    ]


def add_packages(
    repository: Path,
    packages: Sequence[RepoPackage],
    more: Sequence[RepoPackage],
    key: SigningKey,
    epoch: int,
) -> Tuple[RepoPackage, ...]:
    """Make a media repository anew with packages from elsewhere that our key vouches for."""
    together, bound = in_order([*packages, *more]), binding.read(repository)
    assert bound  # noqa: S101 - it was exported a moment ago
    shutil.rmtree(repository)
    write_repository(repository, together, key, epoch, bound)
    return together


def write_kickstarts(folder: Path, settings: Sequence[KickstartSettings]) -> None:
    """Render and check one kickstart for each mode."""
    folder.mkdir()
    for one in settings:
        text = render(one)
        check(text, one.el)
        (folder / f"{one.mode.value}.cfg").write_text(text)


def write_menus(folder: Path, menu: Menu, base: Base) -> Dict[str, Path]:
    """Write the menus into ``folder`` and return all boot files of the medium that change, by their path."""
    isolinux = base.layout.bios_image == ISOLINUX
    art = data_path("kickstart") / "art"
    folder.mkdir()
    texts = {
        base.bios_menu: loaders.isolinux_text(menu) if isolinux else loaders.bios_grub_text(menu),
        GRUB_MENU: loaders.grub_text(menu),
        f"{loaders.GRUB_ART}/theme.txt": loaders.theme_text(menu, (art / "theme.txt").read_text()),
    }
    files = {f"{loaders.GRUB_ART}/{name}": art / name for name in _GRUB_PICTURES}
    if isolinux:
        files[f"{loaders.BIOS_ART}/menu-bios.png"] = art / "menu-bios.png"
    for name, text in texts.items():
        files[name] = folder / name.replace("/", "-")
        files[name].write_text(text)
    return files
