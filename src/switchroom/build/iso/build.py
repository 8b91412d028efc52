"""From a base image and a signed repository to one installer image with its checksums and manifest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from switchroom.build.iso import closure, content, loaders, manifest, menus, remaster, sums
from switchroom.build.iso.base import MAJOR, Base, open_base
from switchroom.build.iso.closure import Closure, Request
from switchroom.build.iso.lab_base import lab_base
from switchroom.build.iso.labels import check_volume_id
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.settings import KickstartSettings, Mode, default_of, offers
from switchroom.build.repo.export import export_media
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.workspace import cache_dir
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256, staging
from switchroom.core.process import require
from switchroom.core.progress import Reporter

LAB = "lab"


@dataclass(frozen=True)
class Order:
    """What to build: ``base`` is a path or ``lab``; ``repositories`` map ids to extra RPM repositories.

    ``volume_id`` defaults to one that names the base's release; ``ssh_keys`` and ``password_hash`` are root's
    on the installed system; ``epoch`` dates everything.
    """

    base: str
    out: Path
    repo_root: Path
    channel: str
    series: Sequence[Series]
    key: SigningKey
    epoch: int
    volume_id: Optional[str] = None
    repositories: Mapping[str, Path] = field(default_factory=dict)
    ssh_keys: Sequence[str] = ()
    password_hash: str = ""
    force: bool = False


@dataclass(frozen=True)
class Built:
    """The finished image, its manifest, and what an installation without a network would lack."""

    image: Path
    sha256: str
    manifest: Mapping[str, Any]
    missing: Tuple[str, ...]


def build_iso(order: Order, reporter: Reporter) -> Built:
    """Build an installer image beside its final place and move it there when it is whole.

    Raises SwitchroomError, leaving nothing behind, when the output exists, the base or a package is not fit
    for it, space runs short, or a check of the result fails.
    """
    _check_output(order)
    require(*remaster.TOOLS, "dnf", "shellcheck")
    names = _check_series(order)
    with reporter.step("Inspecting the base"):
        base = _open(order)
    volume_id = check_volume_id(order.volume_id or _volume_id(base))
    _check_lab(order, base, volume_id, reporter)
    order.key.check_usable(order.epoch)
    remaster.check_space(base, 0, order.out.parent)
    with staging(order.out.parent, prefix=f".{order.out.name}.") as folder:
        return _Build(order, base, volume_id, folder, reporter).run(names)


class _Build:
    """One build in its staging folder."""

    def __init__(self, order: Order, base: Base, volume_id: str, folder: Path, reporter: Reporter) -> None:
        self._order, self._base, self._volume_id = order, base, volume_id
        self._folder, self._reporter = folder, reporter
        self._repository = folder / "repo"

    def run(self, names: Sequence[str]) -> Built:
        packages, closed = self._packages(names)
        files = self._files(closed)
        data = self._describe(packages, closed, files)
        image = self._folder / self._order.out.name
        changes = remaster.Changes(self._volume_id, files, self._folder / "esp.cfg", self._order.epoch)
        added = sum(map(remaster.size_of, files.values()))
        remaster.check_space(self._base, added, self._order.out.parent)
        remaster.remaster(self._base, changes, image, self._reporter)
        return self._finish(image, data, closed)

    def _packages(self, names: Sequence[str]) -> Tuple[Tuple[RepoPackage, ...], Closure]:
        order = self._order
        with self._reporter.step("Exporting the signed repository") as step:
            wanted = content.needed(order.repo_root, order.channel, names)
            packages = export_media(
                order.repo_root,
                order.channel,
                self._repository,
                key=order.key,
                epoch=order.epoch,
                names=wanted,
            )
            step.note(f"{len(packages)} packages")
        if self._base.lab:
            return packages, Closure((), ())
        _refuse_lab_packages(packages)
        closed = self._close(names)
        if closed.added:
            packages = content.add_packages(self._repository, packages, closed.added, order.key, order.epoch)
        return packages, closed

    def _close(self, names: Sequence[str]) -> Closure:
        system = load_defaults().major(int(MAJOR)).packages
        request = Request(system, tuple(names))
        with self._reporter.step("Resolving what an installation needs") as step:
            closed = closure.resolve(
                self._base, self._repository, self._order.repositories, request, self._folder / "dnf"
            )
            step.note("complete" if closed.complete else f"{len(closed.missing)} missing")
        for line in closed.missing:
            self._reporter.warn(f"not on the medium, so installing needs a network: {line}")
        return closed

    def _files(self, closed: Closure) -> Dict[str, Path]:
        """Write everything but the manifest; return the medium's new files by their path."""
        offline = closed.complete and not self._base.lab
        content.write_kickstarts(self._folder / "ks", [self._kickstart(mode, offline) for mode in Mode])
        (self._folder / "esp.cfg").write_text(loaders.esp_text(self._volume_id))
        key = self._folder / "key"
        key.write_bytes(self._order.key.export_public())
        subtitle = "lab" if self._base.lab else "offline" if offline else "network"
        menu = menus.build_menu(
            menus.load_data(),
            self._order.series,
            self._volume_id,
            subtitle,
            f"{self._base.family} {self._base.version}",
        )
        boot = content.write_menus(self._folder / "boot", menu)
        return {
            **boot,
            content.REPOSITORY: self._repository,
            content.KICKSTARTS: self._folder / "ks",
            content.KEY: key,
        }

    def _kickstart(self, mode: Mode, offline: bool) -> KickstartSettings:
        series = self._order.series
        return KickstartSettings(
            el=int(MAJOR),
            mode=mode,
            volume_id=self._volume_id,
            versions=offers(series),
            default_version=default_of(series),
            ssh_keys=self._order.ssh_keys,
            password_hash=self._order.password_hash,
            offline=offline,
        )

    def _describe(
        self, packages: Sequence[RepoPackage], closed: Closure, files: Dict[str, Path]
    ) -> Dict[str, Any]:
        """Write the manifest and add it to ``files``."""
        with self._reporter.step("Hashing the base", self._base.path.stat().st_size) as step:
            digest = sha256(self._base.path, step.advance)
        data = manifest.describe(
            base=self._base,
            base_sha256=digest,
            volume_id=self._volume_id,
            epoch=self._order.epoch,
            series=menus.ordered(self._order.series),
            packages=packages,
            missing=closed.missing,
            files=files,
        )
        files[manifest.PATH] = self._folder / "manifest.json"
        manifest.write(files[manifest.PATH], data)
        return data

    def _finish(self, image: Path, data: Dict[str, Any], closed: Closure) -> Built:
        order = self._order
        with self._reporter.step("Hashing and signing the image", image.stat().st_size) as step:
            digest = sha256(image, step.advance)
            sidecars = sums.write(image, digest, data, order.key, order.epoch)
        image.chmod(0o600 if order.password_hash else 0o644)  # the kickstart on it carries the hash
        for path in (*sidecars, image):
            path.replace(order.out.with_name(path.name))
        return Built(order.out, digest, data, closed.missing)


def _check_output(order: Order) -> None:
    existing = [path for path in (order.out, *sums.sidecars(order.out)) if path.exists()]
    if existing and not order.force:
        raise SwitchroomError(
            f"The output '{existing[0]}' exists.",
            hint="Give another name with --out, or replace it with --force.",
            code=ExitCode.REFUSED,
        )


def _check_series(order: Order) -> List[str]:
    """Return the names of the packages that go onto the medium."""
    if not order.series:
        raise SwitchroomError(
            "No Asterisk series was chosen and none is offered on this day.",
            hint="Name one with --series; see: switchroom catalog list",
            code=ExitCode.USAGE,
        )
    names = [*load_defaults().media_packages, *(one.meta for one in order.series)]
    content.needed(order.repo_root, order.channel, names)
    return names


def _open(order: Order) -> Base:
    return open_base(lab_base(cache_dir("iso")) if order.base == LAB else Path(order.base))


def _volume_id(base: Base) -> str:
    return f"Switchroom-{'Lab-' if base.lab else ''}{base.version.split('.')[0]}-x86_64"


def _check_lab(order: Order, base: Base, volume_id: str, reporter: Reporter) -> None:
    fixtures = [one.key for one in order.series if one.type is SeriesType.FIXTURE]
    if fixtures and not base.lab:
        raise SwitchroomError(
            f"The series '{fixtures[0]}' is a fixture of the lab and never goes onto a real base.",
            hint="Leave it out, or build on '--base lab'.",
            code=ExitCode.REFUSED,
        )
    if base.lab and " " in volume_id:
        reporter.warn("The lab's GRUB cannot pass the spaces of the volume id to a kernel; EL's can.")


def _refuse_lab_packages(packages: Sequence[RepoPackage]) -> None:
    lab = sorted(one.nevra for one in packages if one.evr.release.endswith(".lab"))
    if lab:
        raise SwitchroomError(
            f"{len(lab)} packages were built on a host that is not Enterprise Linux ('.lab'); a real base"
            " does not take them.",
            cause="\n".join(lab[:10]),
            hint="Build them on an EL9 host or with: switchroom build packages --builder mock",
            code=ExitCode.REFUSED,
        )
