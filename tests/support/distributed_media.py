"""Installation media made by the distributions' own words: tests/data/media/recipes.yml has their sources."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Sequence

import yaml

from switchroom.build.iso.base import BIOS_MENUS, ESP, GRUB_MENU, ISOLINUX
from switchroom.core.process import Arg, run

if TYPE_CHECKING:
    from support.media import Medium

_RECIPES = Path(__file__).parents[1] / "data/media/recipes.yml"
_TOOLS = {
    "isohdpfx": "/usr/lib/ISOLINUX/isohdpfx.bin",
    "boot_hybrid": "/usr/lib/grub/i386-pc/boot_hybrid.img",
}
_DATED = {"SOURCE_DATE_EPOCH": "1700000000"}


@functools.cache
def recipes() -> Dict[str, Any]:
    """Return the recipes as they stand in their file."""
    found: Dict[str, Any] = yaml.safe_load(_RECIPES.read_text())
    return found


def write(tree: Path, image: Path, medium: Medium) -> None:
    """Write a tree as the ISO of a distribution: a boot ISO, and for the other kinds a session more."""
    _write_boot_files(tree, medium)
    if medium.kind == "boot":
        _write_boot_iso(tree, image, medium)
    else:
        boot = tree.with_name("boot.iso")
        _write_boot_iso(tree, boot, medium)
        _write_session(tree, boot, image, medium)


def _write_boot_files(tree: Path, medium: Medium) -> None:
    """Write what lorax does: .discinfo, menus that name the product, and an image of the installer."""
    (tree / ".discinfo").write_text(recipes()["discinfo"]["text"].format(**vars(medium)))
    (tree / "images/install.img").touch()
    menus = {GRUB_MENU: "grub", BIOS_MENUS[ISOLINUX]: "isolinux", "boot/grub2/grub.cfg": "grub"}
    for name, form in menus.items():
        if (tree / name).is_file() and name not in medium.files:
            (tree / name).write_text(recipes()["menus"][form].format(**vars(medium)))


def _write_boot_iso(tree: Path, image: Path, medium: Medium) -> None:
    recipe, tree_of_boot = recipes()["boot"][medium.major], image.with_name(f"{image.stem}-tree")
    for name in recipe["paths"]:
        source, dest = tree / name, tree_of_boot / name
        dest.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, dest, dirs_exist_ok=True) if source.is_dir() else shutil.copy(source, dest)
    words = _filled(recipe["arguments"], esp=tree / ESP)
    command: List[Arg] = ["xorriso", "-as", "mkisofs", "-quiet", "-o", image, *words, "-V", medium.label]
    run([*command, *medium.extra, tree_of_boot], env=_DATED)


def _write_session(tree: Path, boot: Path, image: Path, medium: Medium) -> None:
    there = {path.relative_to(boot.with_name("boot-tree")) for path in boot.with_name("boot-tree").rglob("*")}
    files = [path.relative_to(tree) for path in sorted(tree.rglob("*")) if path.is_file()]
    words = _filled(recipes()["session"]["arguments"], boot_iso=boot, image=image, volume_id=medium.label)
    for name in files:
        words += [] if name in there else ["-map", str(tree / name), f"/{name}"]
    run(["xorriso", "-no_rc", *words, "-end"], env=_DATED)


def _filled(lines: Sequence[Sequence[str]], **places: object) -> List[str]:
    return [word.format(**_TOOLS, **places) for line in lines for word in line]
