"""From a base image and a signed repository to one installer image with its checksums and manifest."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from switchroom.build.iso import (
    closure,
    content,
    extras,
    foreign,
    graft,
    loaders,
    manifest,
    menus,
    policy,
    remaster,
    sbom,
    sums,
)
from switchroom.build.iso.arguments import with_arguments
from switchroom.build.iso.base import Base, open_base
from switchroom.build.iso.basecheck import BaseCheck
from switchroom.build.iso.closure import Closure, Repositories
from switchroom.build.iso.copying import Copying
from switchroom.build.iso.graft import Content, Late
from switchroom.build.iso.lab_base import lab_base
from switchroom.build.iso.labels import check_volume_id, kernel_label
from switchroom.build.iso.origin import Found, Origin, obtain
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.packages import request_of
from switchroom.build.kickstart.settings import KickstartSettings, Mode, default_of, offers
from switchroom.build.repo.export import export_media
from switchroom.build.repo.keyring import trusted_keys
from switchroom.build.repo.layout import open_repo
from switchroom.build.repo.metadata import RepoPackage
from switchroom.build.workspace import cache_dir
from switchroom.catalog.model import Series
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import require
from switchroom.core.progress import Reporter

LAB = {"lab": "9", "lab10": "10"}  # the stand-ins and their Enterprise Linux majors


@dataclass(frozen=True)
class Order:
    """What to build: ``base`` is a path, an address or a stand-in's name.

    ``repositories`` come beside the base's and ours; ``added`` maps places on the medium to files;
    ``boot_add`` and ``boot_remove`` are kernel arguments. ``volume_id`` defaults to one that names the base's
    release; ``ssh_keys`` and ``password_hash`` are root's on the installed system, ``variables`` are
    those of the roles for its first boot; ``epoch`` dates everything.
    """

    base: Origin
    out: Path
    repo_root: Path
    channel: str
    series: Sequence[Series]
    key: SigningKey
    epoch: int
    volume_id: Optional[str] = None
    repositories: Repositories = field(default_factory=Repositories)
    ssh_keys: Sequence[str] = ()
    password_hash: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, Path] = field(default_factory=dict)
    boot_add: Sequence[str] = ()
    boot_remove: Sequence[str] = ()
    updates: Optional[Path] = None
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
    require(*remaster.TOOLS, "dnf", "shellcheck")
    names = _names(order)
    open_repo(order.repo_root, order.channel)
    if order.volume_id:
        check_volume_id(order.volume_id)
    with policy.claimed(order.out, sums.sidecars(order.out), order.force) as folder:
        return _build(order, names, folder, reporter)


def _build(order: Order, names: Sequence[str], folder: Path, reporter: Reporter) -> Built:
    found = _find(order, reporter)
    check = BaseCheck(found, order.base.unverified)
    remaster.check_space(found.path, 0, order.out.parent)
    with check.copying(folder / order.out.name) as copying:
        check.settle(copying, reporter)
        with reporter.step("Inspecting the base"):
            base = open_base(found.path, check.seen)
        if not base.lab:
            check.tell(reporter)
        wanted, volume_id = _fitting(order, names, base, reporter)
        return _Build(order, _Base(base, check, volume_id), folder, reporter).run(wanted, copying)


def _fitting(order: Order, names: Sequence[str], base: Base, reporter: Reporter) -> Tuple[Sequence[str], str]:
    """Return the packages for a base and the new volume id; raises where the base does not fit the order."""
    volume_id = order.volume_id or _volume_id(base)
    policy.check_series(base, order.series)
    policy.check_key(base, order.key)
    if base.lab and kernel_label(volume_id) != volume_id:
        reporter.warn("The lab's GRUB cannot pass such a volume id to a kernel; EL's can.")
    wanted = content.needed(order.repo_root, order.channel, names, el=int(base.major))
    order.key.check_usable(order.epoch)
    return wanted, volume_id


@dataclass(frozen=True)
class _Base:
    """The base, how it is checked, and the volume id of what is made of it."""

    base: Base
    check: BaseCheck
    volume_id: str


class _Build:
    """One build in its staging folder."""

    def __init__(self, order: Order, base: _Base, folder: Path, reporter: Reporter) -> None:
        self._order, self._base, self._volume_id = order, base.base, base.volume_id
        self._check = base.check
        self._folder, self._reporter = folder, reporter
        self._repository = folder / "repo"

    def run(self, wanted: Sequence[str], copying: Copying) -> Built:
        packages, closed = self._packages(wanted)
        with self._reporter.step("Writing the boot menu into the EFI system partition"):
            (self._folder / "esp.cfg").write_text(loaders.esp_text(self._volume_id))
            scratch = self._folder / "esp"
            scratch.mkdir()
            boot = remaster.prepare(self._base, self._folder / "esp.cfg", self._order.epoch, scratch)
        files = self._files(closed)
        late = self._late(packages, closed, boot, files)
        added = sum(map(graft.length, files.values()))
        remaster.check_space(self._base.path, added, self._order.out.parent)
        removed, remarks = extras.own_boot(self._base)
        for line in remarks:
            self._reporter.warn(line)
        changes = graft.Changes(self._volume_id, {**files, **late}, self._order.epoch, removed=removed)
        made = remaster.remaster(self._base, changes, boot, copying, self._reporter)
        self._check.judge(made.pressed.base, self._reporter)
        return self._finish(copying.image, made, late, closed)

    def _packages(self, wanted: Sequence[str]) -> Tuple[Tuple[RepoPackage, ...], Closure]:
        order = self._order
        with self._reporter.step("Exporting the signed repository") as step:
            packages = export_media(
                order.repo_root,
                order.channel,
                self._repository,
                key=order.key,
                epoch=order.epoch,
                el=int(self._base.major),
                names=wanted,
            )
            step.note(f"{len(packages)} packages")
        if self._base.lab:
            return packages, Closure({}, ())
        policy.check_packages(self._base, packages)
        closed = self._close()
        if closed.added:
            added = foreign.vouched(
                order.repositories.local,
                closed.added,
                self._folder / "foreign",
                key=order.key,
                epoch=order.epoch,
                warn=self._reporter.warn,
            )
            packages = content.add_packages(self._repository, packages, added, order.key, order.epoch)
        return packages, closed

    def _close(self) -> Closure:
        request = request_of(self._kickstart(Mode.UNATTENDED))
        with self._reporter.step("Resolving what an installation needs") as step:
            closed = closure.resolve(
                self._base, self._repository, self._order.repositories, request, self._folder / "dnf"
            )
            step.note("complete" if closed.complete else f"{len(closed.missing)} missing")
        for line in closed.missing:
            self._reporter.warn(f"not on the medium, so installing needs a network: {line}")
        return closed

    def _files(self, closed: Closure) -> Dict[str, Content]:
        """Write everything but the manifest and the SBOM; return the medium's new files by their path."""
        offline = closed.complete and not self._base.lab
        settings = [self._kickstart(mode, offline, closed.reached) for mode in Mode]
        content.write_kickstarts(self._folder / "ks", settings)
        subtitle = "lab" if self._base.lab else "offline" if offline else "network"
        menu = menus.build_menu(
            menus.load_data(),
            self._order.series,
            self._volume_id,
            subtitle,
            f"{self._base.family} {self._base.version}",
        )
        menu = with_arguments(menu, self._arguments(), self._order.boot_remove)
        boot = content.write_menus(self._folder / "boot", menu, self._base)
        updates: Dict[str, Content] = {extras.UPDATES: self._order.updates} if self._order.updates else {}
        return {
            **self._order.added,
            **updates,
            **boot,
            content.REPOSITORY: self._repository,
            content.KICKSTARTS: self._folder / "ks",
            content.KEY: trusted_keys(self._order.repo_root, self._order.key),
        }

    def _arguments(self) -> Tuple[str, ...]:
        """Return the kernel arguments to add to the menu's."""
        place = f"inst.updates=hd:LABEL={kernel_label(self._volume_id)}:/{extras.UPDATES}"
        return (*((place,) if self._order.updates else ()), *self._order.boot_add)

    def _kickstart(
        self, mode: Mode, offline: bool = False, repositories: Optional[Mapping[str, str]] = None
    ) -> KickstartSettings:
        series = self._order.series
        return KickstartSettings(
            el=int(self._base.major),
            mode=mode,
            volume_id=self._volume_id,
            versions=offers(series),
            default_version=default_of(series),
            ssh_keys=self._order.ssh_keys,
            password_hash=self._order.password_hash,
            offline=offline,
            source=self._order.repositories.source,
            media_repositories=self._base.repositories,
            repositories=repositories or {},
            variables=self._order.variables,
        )

    def _late(
        self,
        packages: Sequence[RepoPackage],
        closed: Closure,
        boot: remaster.BootParts,
        files: Mapping[str, Content],
    ) -> Dict[str, Late]:
        """Return the medium's files that name the base's sum."""
        order, base = self._order, self._base
        facts = manifest.Facts(
            volume_id=self._volume_id,
            epoch=order.epoch,
            series=menus.ordered(order.series),
            packages=packages,
            missing=closed.missing,
            boot_arguments=self._arguments(),
            base_checked_by=self._check.by.value,
            esp_copies=boot.copies,
            loaders=boot.loaders,
        )
        described = manifest.describe(base, facts, files, "")
        folders = closure.unpack_metadata(base, self._folder / "dnf")
        records = {name: sbom.records(path) for name, path in folders.items()}
        records[content.REPOSITORY] = [one.record for one in packages]

        @functools.lru_cache(maxsize=1)  # each is asked for several times, with one sum after the other
        def listed(digest: str) -> bytes:
            return sbom.document(base, (self._volume_id, order.epoch), records, boot.loaders, digest)

        @functools.lru_cache(maxsize=1)
        def finished(digest: str) -> bytes:
            return manifest.encode({**described, "base": {**described["base"], "sha256": digest}})

        return {sbom.PATH: listed, manifest.PATH: finished}

    def _finish(
        self, image: Path, made: remaster.Remastered, late: Mapping[str, Late], closed: Closure
    ) -> Built:
        order, digest = self._order, made.pressed.base.sha256
        data: Dict[str, Any] = json.loads(late[manifest.PATH](digest))
        with self._reporter.step("Signing the sums"):
            sidecars = sums.write(image, made, (data, late[sbom.PATH](digest)), order.key, order.epoch)
        # The kickstart on it carries them.
        image.chmod(0o600 if order.password_hash or order.variables else 0o644)
        policy.place((*sidecars, image), order.out.parent, order.force)
        return Built(order.out, made.pressed.sha256, data, closed.missing)


def _names(order: Order) -> List[str]:
    """Return the names of the packages that go onto the medium."""
    if not order.series:
        raise SwitchroomError(
            "No Asterisk series was chosen and none is offered on this day.",
            hint="Name one with --series; see: switchroom catalog list",
            code=ExitCode.USAGE,
        )
    return [*load_defaults().media_packages, *(one.meta for one in order.series)]


def _find(order: Order, reporter: Reporter) -> Found:
    major = LAB.get(order.base.base)
    return Found(lab_base(cache_dir("iso"), major), "") if major else obtain(order.base, reporter)


def _volume_id(base: Base) -> str:
    return f"Switchroom-{'Lab-' if base.lab else ''}{base.version.split('.')[0]}-x86_64"
