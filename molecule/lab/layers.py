"""Prepared layers: packages installed once by the lab base's own dnf, then used below many boxes."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Callable, Sequence
from urllib.parse import unquote, urlsplit

from lab import namespaces, registry
from lab.base import ensure_base
from lab.namespaces import Namespaces
from switchroom.build.repo.layout import PUBLIC_KEY, STABLE, open_repo, repository_url
from switchroom.build.repo.metadata import record_paths
from switchroom.build.workspace import cache_dir, data_path
from switchroom.core import lock
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import staging
from switchroom.core.process import Arg

# What boxes of the tests see their repository as; publish it with this URL.
REPOSITORY_URL = "file:///srv/repo"

_MAKE_SECONDS = 900.0
_KEEP = 6
_KEEP_SECONDS = 3600.0
_OVERLAY = "redirect_dir=on,index=on"
_DEAD = ".dead-"

Fill = Callable[[Namespaces, Path], None]


def appliance_layer(repository: Path, packages: Sequence[str], below: Sequence[Path] = ()) -> Path:
    """Return the layer with ``packages`` installed from the stable channel, made first if it is not cached.

    It stands on the lab base and the layers ``below``, the lowest first.

    Each of ``packages`` is a transaction of its own, in this order, so the first engine is the selected one.
    ``repository`` is the root of a repository with a file URL. The layer's dnf knows it as
    ``switchroom-stable`` and ``switchroom-testing``; give each box ``repository_bind`` to see it. Nobody may
    write to the layer.
    """

    def fill(life: Namespaces, root: Path) -> None:
        _show(life, root, repository)
        _install(life, root, repository, packages)

    return ensure_layer(_key(repository, packages), below, fill)


def ensure_layer(key: str, below: Sequence[Path], fill: Fill) -> Path:
    """Return the layer ``key`` over the lab base and the layers ``below``, the lowest first.

    If it is not cached, ``fill`` makes it: it gets the namespaces and the path of the root in them, and what
    it changes there is the layer. ``key`` names the content; what is below is added to it.
    """
    under, layers = (ensure_base(), *below), cache_dir("lab", "layers")
    names = "\0".join([key, *(path.name for path in under)])
    layer = layers / hashlib.sha256(names.encode()).hexdigest()[:16]
    with lock.exclusive(layers / ".lock", what="the lab's prepared layers", wait=_MAKE_SECONDS):
        if not layer.is_dir():
            _make(layer, under, fill)
        os.utime(layer)
        prune(layers)
    return layer


def repository_bind(repository: Path) -> dict[Path, str]:
    """Return the bind that shows a repository in a box where its URL says it is."""
    url = urlsplit(repository_url(repository))
    if url.scheme != "file":
        raise SwitchroomError(
            f"The repository '{repository}' has the URL '{url.geturl()}', which a lab box cannot reach.",
            hint="Publish one without a URL of its own, or with a file URL, for the lab.",
            code=ExitCode.REFUSED,
        )
    return {repository.absolute(): unquote(url.path)}


def _key(repository: Path, packages: Sequence[str]) -> str:
    published = open_repo(repository, STABLE).current
    if published is None:
        raise SwitchroomError(
            f"Nothing was promoted to the stable channel of '{repository}'.",
            hint="Promote it first: switchroom repo promote",
            code=ExitCode.REFUSED,
        )
    digest = hashlib.sha256(f"{list(packages)}\0".encode())
    digest.update(repository_url(repository).encode())
    # The lists' checksums cover each package; repomd.xml itself is another one at each renewal.
    digest.update("".join(sorted(checksum for _, checksum in record_paths(published).values())).encode())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()


def _make(layer: Path, under: Sequence[Path], fill: Fill) -> None:
    for dead in layer.parent.glob(".staging-*"):
        shutil.rmtree(dead)  # its maker was killed, or we would not hold the lock
    with staging(layer.parent) as stage:
        life = namespaces.make(tied=True)
        try:
            fill(life, _mount(life, under, stage))
        finally:
            life.end()
        os.sync()  # a power cut after the rename must not leave empty files under the final name
        os.utime(stage / "upper")
        (stage / "upper").rename(layer)


def _mount(life: Namespaces, under: Sequence[Path], stage: Path) -> Path:
    root = stage / "root"
    for name in ("upper", "work", "root"):
        (stage / name).mkdir(mode=0o755)
    own = f"upperdir={stage / 'upper'},workdir={stage / 'work'},{_OVERLAY}"
    lower = ":".join(str(path) for path in reversed(under))
    life.run(["mount", "-t", "overlay", "-o", f"lowerdir={lower},{own}", "overlay", root], "mount")
    life.run(["mount", "-t", "proc", "proc", root / "proc"], "mount", "pid")
    life.run(["mount", "--bind", "/dev", root / "dev"], "mount")
    return root


def _show(life: Namespaces, root: Path, repository: Path) -> None:
    for host, box in repository_bind(repository).items():
        place = root / box.lstrip("/")
        life.path(place).mkdir(parents=True)
        life.run(["mount", "--bind", host, place], "mount")


def _install(life: Namespaces, root: Path, repository: Path, packages: Sequence[str]) -> None:
    inside = life.path(root)
    shutil.copyfile(repository / PUBLIC_KEY, inside / "etc/pki/rpm-gpg" / PUBLIC_KEY)
    # Apart, until the package that owns the .repo files has come: rpm finds nothing in its way.
    _write_repositories(inside / "run/yum.repos.d", repository)
    home = ["env", "-i", "PATH=/usr/sbin:/usr/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
    dnf: list[Arg] = ["chroot", root, *home, "dnf", "--assumeyes", "--setopt=reposdir=/run/yum.repos.d"]
    for package in packages:
        what = f"Installing '{package}' in a layer of the lab"
        life.run([*dnf, "install", package], "mount", "pid", "net", what=what)
    _write_repositories(inside / "etc/yum.repos.d", repository)
    for scratch in ("run/yum.repos.d", "var/cache/dnf"):
        shutil.rmtree(inside / scratch)


def _write_repositories(folder: Path, repository: Path) -> None:
    """Write the project's own .repo files, with the repository's URL in them."""
    folder.mkdir(exist_ok=True)
    for source in data_path("rpmspecs").glob("switchroom-release/*.repo"):
        text = source.read_text().replace("@URL@", repository_url(repository)).replace("@EL@", "9")
        (folder / source.name).write_text(text)


def prune(layers: Path) -> None:
    """Remove old layers that no box stands on."""
    for dead in layers.glob(f"{_DEAD}*"):
        shutil.rmtree(dead)
    used = {layer for record in registry.records() for layer in record.layers}
    by_use = sorted(layers.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for layer in by_use[_KEEP:]:
        if str(layer) not in used and layer.stat().st_mtime < time.time() - _KEEP_SECONDS:
            doomed = layer.rename(layer.with_name(_DEAD + layer.name))
            shutil.rmtree(doomed)
