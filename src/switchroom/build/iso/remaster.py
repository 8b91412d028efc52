"""A changed copy of a base image: new files, new menus in every place that boots, the same boot loaders.

No root and no mounts. What the finished image really holds is read back and compared before it is handed on.
"""

from __future__ import annotations

import contextlib
import datetime
import re
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Mapping

from switchroom.build.iso import esp, xorriso
from switchroom.build.iso.base import ESP, GRUB, SHIM, Base
from switchroom.build.iso.layout import read_extent, read_layout, read_volume
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256
from switchroom.core.process import require, run
from switchroom.core.progress import Reporter, Step

TOOLS = ("xorriso", "mcopy", "mdir", "implantisomd5", "checkisomd5")
_MARGIN = 64 << 20  # bytes: file system overhead and the EFI system partition
_POLL_SECONDS = 0.2
_TREEINFO = ".treeinfo"


@dataclass(frozen=True)
class Changes:
    """What becomes different: ``files`` maps a path on the medium to a file or folder on disk.

    ``esp_menu`` is the menu inside the EFI system partition, ``epoch`` the date of all files.
    """

    volume_id: str
    files: Mapping[str, Path]
    esp_menu: Path
    epoch: int


def check_space(base: Base, added: int, folder: Path) -> None:
    """Raise unless ``folder`` has room for the base and ``added`` bytes more."""
    folder.mkdir(parents=True, exist_ok=True)
    needed, free = base.path.stat().st_size + added + _MARGIN, shutil.disk_usage(folder).free
    if free < needed:
        raise SwitchroomError(
            f"'{folder}' has {free >> 20} MiB free; the image needs {needed >> 20} MiB.",
            hint="Free some space, or write the image to another file system with --out.",
            code=ExitCode.REFUSED,
        )


def remaster(base: Base, changes: Changes, image: Path, reporter: Reporter) -> str:
    """Write the changed copy to ``image`` with an embedded media checksum; return the ESP's SHA-256.

    Scratch files go beside ``image``. Raises SwitchroomError when any copy of the EFI system partition in the
    result is not the new one, lies outside the media checksum, or when a boot loader differs from the base's.
    """
    require(*TOOLS)
    partition = image.parent / "efiboot.img"
    files = {**changes.files, ESP: partition, _TREEINFO: image.parent / "treeinfo"}
    xorriso.extract(base.path, {ESP: partition, _TREEINFO: files[_TREEINFO]})
    esp.set_menu(partition, changes.esp_menu, changes.epoch)
    _update_treeinfo(files[_TREEINFO], sha256(partition))
    size = base.path.stat().st_size + sum(map(size_of, changes.files.values()))
    with reporter.step("Writing the image", size) as step, _growth(image, step):
        _write(base, changes, files, image)
    with reporter.step("Embedding the media checksum"):
        run(["implantisomd5", "--force", image], what="Embedding the media checksum")
    with reporter.step("Checking every boot copy"):
        check_boot_copies(image, partition)
        _check_loaders(base, image)
    return sha256(partition)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(child.stat().st_size for child in path.rglob("*") if child.is_file())


def check_boot_copies(image: Path, partition: Path) -> None:
    """Raise unless each boot structure of ``image`` leads to ``partition``, inside the media checksum."""
    expected, layout, volume = partition.read_bytes(), read_layout(image), read_volume(image)
    if not layout.esp_copies:
        raise SwitchroomError(f"No EFI system partition is to be found in '{image.name}'.")
    for copy in layout.esp_copies:
        if read_extent(image, copy)[: len(expected)] != expected:
            raise SwitchroomError(f"The {copy.name} of '{image.name}' does not hold the new boot menu.")
        if copy.offset + copy.size > volume.size:
            raise SwitchroomError(f"The {copy.name} of '{image.name}' is not covered by the media checksum.")


def _write(base: Base, changes: Changes, files: Mapping[str, Path], image: Path) -> None:
    commands: List[str] = ["-volid", changes.volume_id, "-boot_image", "any", "replay"]
    for number in base.layout.appended:  # a copy behind the file system, where no media checksum reaches
        commands += ["-append_partition", str(number), "0x00", ""]
    for name, source in sorted(files.items()):
        commands += ["-rm_r", f"/{name}", "--"] if source.is_dir() and _has(base, name) else []
        commands += ["-map", str(source), f"/{name}"]
        commands += ["-find", f"/{name}", "-type", "d", "-exec", "chmod", "0755", "--"]
        commands += ["-find", f"/{name}", "-type", "f", "-exec", "chmod", "0644", "--"]
    commands += ["-chown_r", "0", "/", "--", "-chgrp_r", "0", "/", "--"]
    date = _volume_date(changes.epoch)
    for which in ("c", "m", "uuid"):
        commands += ["-volume_date", which, date]
    commands += ["-volume_date", "all_file_dates", f"={changes.epoch}"]
    environment = {"SOURCE_DATE_EPOCH": str(changes.epoch), "TZ": "UTC"}
    xorriso.write(base.path, image, *commands, env=environment, what="Writing the image")


def _has(base: Base, folder: str) -> bool:
    return any(name.startswith(f"{folder}/") for name in base.files)


def _volume_date(epoch: int) -> str:
    """Return an ECMA-119 date in xorriso's form YYYYMMDDhhmmsscc."""
    moment = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    return moment.strftime("%Y%m%d%H%M%S00")


def _update_treeinfo(treeinfo: Path, digest: str) -> None:
    pattern = re.compile(rf"^({re.escape(ESP)}\s*=\s*sha256:)[0-9a-f]+$", re.MULTILINE)
    treeinfo.write_text(pattern.sub(rf"\g<1>{digest}", treeinfo.read_text()))


def _check_loaders(base: Base, image: Path) -> None:
    folder = image.parent
    for name in (SHIM, GRUB):
        old, new = folder / "old.efi", folder / "new.efi"
        xorriso.extract(base.path, {name: old})
        xorriso.extract(image, {name: new})
        if sha256(old) != sha256(new):
            raise SwitchroomError(f"'{name}' in the new image is not that of the base.")
        old.unlink()
        new.unlink()


@contextlib.contextmanager
def _growth(image: Path, step: Step) -> Iterator[None]:
    """Advance a step by the bytes that another process adds to a file."""
    over = threading.Event()

    def watch() -> None:
        seen = 0
        while not over.wait(_POLL_SECONDS):
            size = image.stat().st_size if image.exists() else 0
            step.advance(size - seen)
            seen = size

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
