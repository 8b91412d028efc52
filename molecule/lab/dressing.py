"""Dresses a Debian root as Rocky 9: names, paths, settings, all of them data."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.recipe import DRESS, Recipe


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
    _link(root, recipe)
    _hide(root, recipe)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy_files(root: Path) -> None:
    for source in sorted(path for path in DRESS.rglob("*") if path.is_file()):
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
