"""A source's files where Enterprise Linux has them."""

from __future__ import annotations

import fnmatch
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence

from lab.rpms.model import Package, Source
from switchroom.core.errors import SwitchroomError


def lay_out(source: Source, root: Path) -> None:
    """Move Debian's files in ``root`` to where they belong, and lay the source's own over them."""
    _merge_usr(root)
    _keep_licences(root, root / licences(source)[1:])
    for old, new in source.move.items():
        _move(root / old, root / new)
    for name, replacements in source.replace.items():
        _replace(root / name, replacements)
    for pattern in source.remove:
        for path in sorted(root.glob(pattern), reverse=True):
            _remove(path)
    for name in source.folders:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, target in source.links.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(target)
    if source.files.is_dir():
        shutil.copytree(source.files, root, dirs_exist_ok=True, copy_function=_copy)


@dataclass(frozen=True)
class Entry:
    """A file, link or folder of a package; ``path`` is absolute, as on a box."""

    path: str
    folder: bool


def licences(source: Source) -> str:
    """Return the folder on a box that has the licences as Debian states them."""
    return f"/usr/share/licenses/lab-{source.name}"


def claimed(package: Package, root: Path) -> List[Entry]:
    """Return what a package takes from ``root``; raises SwitchroomError when a glob finds nothing."""
    found: Dict[str, Entry] = {}
    for pattern in package.files:
        paths = sorted(root.glob(pattern))
        if not paths:
            raise SwitchroomError(f"The package '{package.name}' lists '{pattern}', and nothing is there.")
        for path in _with_contents(paths):
            found[str(path)] = Entry(f"/{path.relative_to(root)}", path.is_dir() and not path.is_symlink())
    return [found[name] for name in sorted(found)]


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether an absolute path is one of ``patterns``, which are relative to the root."""
    return any(fnmatch.fnmatchcase(path[1:], pattern) for pattern in patterns)


def _with_contents(paths: Sequence[Path]) -> Iterable[Path]:
    for path in paths:
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from path.rglob("*")


def _keep_licences(root: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in sorted(root.glob("usr/share/doc/*/copyright")):
        if path.is_file():
            shutil.copyfile(path, target / path.parent.name)


def _merge_usr(root: Path) -> None:
    """Move what older Debian packages have outside /usr to where the links of a box lead."""
    for name in ("bin", "sbin", "lib", "lib64"):
        if (root / name).is_dir() and not (root / name).is_symlink():
            _move(root / name, root / "usr" / name)


def _move(old: Path, new: Path) -> None:
    if not (old.exists() or old.is_symlink()):
        raise SwitchroomError(f"Debian has nothing at '{old}' any more, which was to move to '{new}'.")
    if old.is_dir() and not old.is_symlink() and new.is_dir():
        for path in list(old.iterdir()):
            _move(path, new / path.name)
        old.rmdir()
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(old, new)


def _replace(path: Path, replacements: Mapping[str, str]) -> None:
    text = path.read_text()
    for old, new in replacements.items():
        if old not in text:
            raise SwitchroomError(f"'{path}' does not say '{old}' any more, which was to be '{new}'.")
        text = text.replace(old, new)
    path.write_text(text)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _copy(source: str, target: str) -> str:
    Path(target).unlink(missing_ok=True)
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if Path(source).stat().st_mode & 0o100 else 0o644)
    return target
