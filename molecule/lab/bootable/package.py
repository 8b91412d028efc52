"""One package of a whole root's files, for the lab."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, Tuple

import jinja2

from lab.base import ensure_base
from lab.bootable.tree import HERE, System
from lab.recipe import load_recipe
from lab.stub import RPM_HOME
from switchroom.build.keys import development_key
from switchroom.build.workspace import source_date_epoch
from switchroom.catalog.load import load_catalog
from switchroom.core import process

# Of the kernel while it runs; a package would be in its way.
_NOT_PACKAGED = ("proc", "sys", "dev", "run")


def package(system: System, root: Path, kernel: str, scratch: Path) -> Path:
    """Build and sign the package of ``root``'s files and return it; ``scratch`` is a folder for rpmbuild."""
    for name in (*_NOT_PACKAGED, "tmp"):
        process.run(["find", root / name, "-mindepth", "1", "-delete"])
    paths = sorted(path for path in root.rglob("*") if path.relative_to(root).parts[0] not in _NOT_PACKAGED)
    (scratch / "files").write_text("".join(_rows(root, paths)))
    spec = scratch / "lab-system.spec"
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)  # noqa: S701
    spec.write_text(
        environment.from_string((HERE / "system.spec.j2").read_text()).render(
            release=load_recipe().release,
            provides=[*system.provides, *_base_provides()],
            tree=root,
            kernel=kernel,
            owners=list(_owners(root, paths)),
            modes=list(_modes(root, paths)),
            list=scratch / "files",
        )
    )
    defines = {"_topdir": scratch / "rpmbuild", "_binary_payload": "w1.zstdio"}
    words = [word for name, value in defines.items() for word in ("--define", f"{name} {value}")]
    epoch = source_date_epoch(load_catalog().epoch)
    process.run(
        ["rpmbuild", "-bb", *words, spec],
        what="Packaging the lab's system",
        env={**RPM_HOME, "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(epoch)},
    )
    (built,) = (scratch / "rpmbuild/RPMS").rglob("*.rpm")
    development_key().sign_rpms([built], epoch)
    return built


def _base_provides() -> List[str]:
    """Return what the base's own stub package says that it has."""
    words = ["rpm", "--root", ensure_base(), "--query", "--provides", "lab-base"]
    found = process.output(words, env=RPM_HOME).splitlines()
    return [line for line in found if not line.startswith("lab-base")]


def _rows(root: Path, paths: List[Path]) -> Iterator[str]:
    """Yield the lines of the package's list. Only root is known to rpm before the package is there."""
    for path in paths:
        mode = "-" if path.is_symlink() else f"{path.stat().st_mode & 0o7777:04o}"
        kind = "%dir " if path.is_dir() and not path.is_symlink() else ""
        yield f'%attr({mode}, root, root) {kind}"/{path.relative_to(root)}"\n'


def _owners(root: Path, paths: List[Path]) -> Iterator[Tuple[str, str]]:
    for path in paths:
        found = path.lstat()
        if found.st_uid or found.st_gid:
            yield f"/{path.relative_to(root)}", f"{found.st_uid}:{found.st_gid}"


def _modes(root: Path, paths: List[Path]) -> Iterator[Tuple[str, str]]:
    for path in paths:
        found = path.lstat()
        if (found.st_uid or found.st_gid) and found.st_mode & 0o6000 and not path.is_symlink():
            yield f"/{path.relative_to(root)}", f"{found.st_mode & 0o7777:04o}"
