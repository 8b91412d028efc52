"""Dresses a Debian root as Rocky 9: names, paths, settings, all of them data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List

from lab import accounts
from lab.recipe import DRESS, Recipe
from switchroom.core import process

_ACCOUNTS = ("etc/passwd", "etc/group")  # not copied: the files in the root change hands with them


def dress(root: Path, recipe: Recipe) -> None:
    """Turn the fresh Debian root into one that looks like EL to programs that ask."""
    for name in recipe.remove:
        _remove(root / name)
    for name in recipe.folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    _copy_files(root)
    for name in recipe.empty:
        _remove(root / name)
        (root / name).touch()
    accounts.adopt(root, DRESS / "etc")
    # What is on and off is what the presets say; a mask stays a mask.
    process.run(["systemctl", f"--root={root}", "preset-all"], what="Setting what starts in the lab base")
    _link(root, recipe)
    _hide(root, recipe)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def dress_files(folder: Path) -> List[Path]:
    """Return the files of a dress that are copied as they are."""
    kept = [folder / name for name in _ACCOUNTS]
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in kept)


def _copy_files(root: Path) -> None:
    for source in dress_files(DRESS):
        target = root / source.relative_to(DRESS)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)


def _link(root: Path, recipe: Recipe) -> None:
    masks = {f"etc/systemd/system/{unit}": "/dev/null" for unit in recipe.mask}
    for name, target in {**recipe.links, **masks}.items():
        link = root / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _hide(root: Path, recipe: Recipe) -> None:
    (root / recipe.hide_in).mkdir(parents=True)
    for name in recipe.hide:
        (root / name).rename(root / recipe.hide_in / Path(name).name)
