"""From an installation medium's packages and a signed repository to one disk image with its checksums.

The kickstart rendered for it is the whole description of the system; what is done with it is what an
installer does. The caller is root in a mount namespace of its own, see :mod:`switchroom.build.image.mounts`.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Sequence, Tuple

from switchroom.build.image import (
    bootloader,
    inside,
    install,
    medium,
    mounts,
    record,
    settings,
    storage,
    traces,
)
from switchroom.build.image.description import Description, read
from switchroom.build.image.medium import Laid, Supply
from switchroom.build.image.plan import Plan, check_size, plan
from switchroom.build.image.storage import FileSystem
from switchroom.build.iso import policy
from switchroom.build.iso.base import Base, open_base
from switchroom.build.iso.basecheck import BaseCheck
from switchroom.build.iso.foreign import Foreign
from switchroom.build.iso.origin import Origin, obtain
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.packages import Request, request_of
from switchroom.build.kickstart.render import MEDIA, render
from switchroom.build.kickstart.settings import KickstartSettings, Mode, offers
from switchroom.catalog.model import Series
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import output, require, run
from switchroom.core.progress import Reporter

_TOOLS = (
    *storage.TOOLS,
    "dnf",
    "createrepo_c",
    "xorriso",
    "mcopy",
    "qemu-img",
    "unshare",
)
_ROOM = 6 << 30  # bytes: a system, its packages twice, and the compressed result


@dataclass(frozen=True)
class Order:
    """What to build, on a disk of ``size`` MiB; ``base`` is a path or an address.

    ``repositories`` map ids to extra RPM repositories with their keys; ``ssh_keys`` and ``password_hash``
    are root's, ``variables`` those of the roles for the first boot; ``epoch`` dates signatures.
    """

    base: Origin
    out: Path
    repo_root: Path
    channel: str
    series: Series
    key: SigningKey
    epoch: int
    size: int
    repositories: Mapping[str, Foreign] = field(default_factory=dict)
    ssh_keys: Sequence[str] = ()
    password_hash: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    force: bool = False

    def __post_init__(self) -> None:
        """Refuse a disk that is too small."""
        check_size(self.size)


@dataclass(frozen=True)
class Built:
    """The finished image and what its manifest says."""

    image: Path
    sha256: str
    manifest: Mapping[str, Any]


def build_image(order: Order, reporter: Reporter) -> Built:
    """Build a disk image beside its final place and move it there when it is whole.

    Raises SwitchroomError, leaving nothing behind, when the output exists, the base, this machine or a
    package is not fit for it, or space runs short.
    """
    require(*_TOOLS)
    order.key.check_usable(order.epoch)
    with policy.claimed(order.out, record.sidecars(order.out), order.force) as folder:
        return _build(order, folder, reporter)


def _build(order: Order, folder: Path, reporter: Reporter) -> Built:
    _check_room(order.out.parent)
    found = obtain(order.base, reporter)
    check = BaseCheck(found, order.base.unverified)
    size = found.path.stat().st_size
    with reporter.step("Reading the base", size) as step, check.copying(None, step.advance) as reading:
        sums = reading.finish()
    check.judge(sums, reporter)
    base = open_base(found.path, check.seen)
    _check_host(base)
    policy.check_series(base, [order.series])
    policy.check_key(base, order.key)
    if not base.lab:
        check.tell(reporter)
    with mounts.unmounted_after(folder / "root"):
        return _Build(order, base, folder, reporter).run(sums.sha256, check.by.value)


class _Build:
    """One build in its staging folder."""

    def __init__(self, order: Order, base: Base, folder: Path, reporter: Reporter) -> None:
        self._order, self._base, self._reporter = order, base, reporter
        self._folder, self._root, self._raw = folder, folder / "root", folder / "disk.raw"
        self._el = int(base.major)
        self._plan = plan(order.size, self._el)

    def run(self, base_sha256: str, checked_by: str) -> Built:
        wanted, request = self._describe()
        with self._reporter.step("Resolving and laying out packages"):
            laid = medium.lay_out(
                self._supply(), request, self._names(), self._folder / "medium", self._scratch()
            )
            record.write_origin(laid.folder, self._base, base_sha256)
        with self._reporter.step("Dividing the disk"):
            systems = storage.divide(self._raw, self._plan)
            storage.mount(self._raw, systems, self._root)
        self._fill(wanted, laid, systems)
        packages = record.installed(self._root)
        with self._reporter.step("Installing the boot loader"):
            bootloader.install(self._root, self._raw, systems)
            settings.label(self._root)
        storage.trim(systems, self._root)
        run(["umount", "--recursive", self._root], what="Unmounting the image")
        made = record.Made(
            self._base,
            base_sha256,
            checked_by,
            self._order.series,
            self._order.epoch,
            self._plan.size,
            systems,
            packages,
        )
        return self._finish(made)

    def _describe(self) -> Tuple[Description, Request]:
        """Return the new system and all the packages it takes, from the kickstart made for it."""
        order, series = self._order, (self._order.series,)
        asked = KickstartSettings(
            el=self._el,
            mode=Mode.UNATTENDED,
            volume_id=f"Switchroom-{self._el}-x86_64",
            versions=offers(series),
            default_version=order.series.key,
            ssh_keys=order.ssh_keys,
            password_hash=order.password_hash,
            offline=True,
            media_repositories=self._base.repositories,
            variables=order.variables,
        )
        text = render(asked, image=True)
        check(text, self._el)
        wanted, request = read(text, self._el), request_of(asked)
        image = dict.fromkeys(wanted.packages, "the kickstart of a disk image")
        return wanted, Request(self._el, {**image, **request.system}, request.ours)

    def _names(self) -> Sequence[str]:
        return [*load_defaults().media_packages, self._order.series.meta]

    def _supply(self) -> Supply:
        order = self._order
        return Supply(
            base=self._base,
            repo_root=order.repo_root,
            channel=order.channel,
            key=order.key,
            epoch=order.epoch,
            extra=order.repositories,
            warn=self._reporter.warn,
        )

    def _scratch(self) -> Path:
        scratch = self._folder / "dnf"
        scratch.mkdir(exist_ok=True)
        return scratch

    def _fill(self, wanted: Description, laid: Laid, systems: Sequence[FileSystem]) -> None:
        root = self._root
        bootloader.prepare(root, _arguments(self._plan))
        with mounts.system(root, laid.folder, MEDIA):
            with self._reporter.step("Installing the system"):
                sources = [install.Source(part, laid.folder / part, laid.keys) for part in laid.parts]
                install.install(root, sources, wanted.packages, self._el, self._scratch())
            (root / "etc/fstab").write_text(storage.fstab(systems))
            settings.apply(root, wanted)
            with self._reporter.step(f"Installing Asterisk {self._order.series.key}"):
                for script in wanted.scripts:
                    inside.run_script(root, script)
        traces.remove(root)

    def _finish(self, made: record.Made) -> Built:
        order, image = self._order, self._folder / self._order.out.name
        with self._reporter.step("Compressing the image"):
            words = ["qemu-img", "convert", "-O", "qcow2", "-c", "-o", "compression_type=zstd"]
            run([*words, self._raw, image], what="Compressing the image")
            run(["qemu-img", "check", "-q", image], what="Checking the image")
        with self._reporter.step("Signing the sums"):
            digest = record.write(image, made, order.key)
        image.chmod(0o600 if order.password_hash or order.variables else 0o644)
        policy.place((*record.sidecars(image), image), order.out.parent, order.force)
        return Built(order.out, digest, record.read(order.out))


def _arguments(divided: Plan) -> Sequence[str]:
    """Return the kernel's arguments: where its root is, and each volume, to be there when it is asked for."""
    (root,) = (one for one in divided.volumes if one.mount == "/")
    volumes = [f"rd.lvm.lv={divided.group}/{one.name}" for one in divided.volumes]
    return [f"root=/dev/mapper/{divided.group}-{root.name}", "ro", *volumes, *load_defaults().image_arguments]


def _check_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < _ROOM:
        raise SwitchroomError(
            f"'{folder}' has {free >> 20} MiB free; making a disk image takes {_ROOM >> 20} MiB.",
            hint="Make room, or give --out on another file system.",
            code=ExitCode.REFUSED,
        )


def _check_host(base: Base) -> None:
    """Refuse a host whose rpm keeps its database elsewhere, or makes file systems of another age."""
    major = output(["rpm", "--eval", "%{?rhel}"], what="Asking rpm for its release")
    if not base.lab and major != base.major:
        raise SwitchroomError(
            f"A disk image of Enterprise Linux {base.major} is made on Enterprise Linux {base.major} itself.",
            cause=f"This machine's rpm says that it is {f'Enterprise Linux {major}' if major else 'none'}.",
            hint="Run it there, or in an installed root of it; 'build iso' works on any machine.",
            code=ExitCode.REFUSED,
        )
