"""Files that the person who builds adds to the medium, and those of the base that make way."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import Dict, Iterator, List, Sequence, Set, Tuple

from switchroom.build.iso import bootconf, xorriso
from switchroom.build.iso.base import BIOS_MENUS, ESP, GRUB_MENU, ISOLINUX, Base
from switchroom.core.errors import ExitCode, SwitchroomError

UPDATES = "images/updates.img"
_RESERVED = ("switchroom/", "EFI/", "isolinux/", "boot/", ".treeinfo", ESP)
_NAME_MAX = 255  # bytes, Rock Ridge


def parse_files(texts: Sequence[str]) -> Dict[str, Path]:
    """Return ``SRC=PATH`` arguments as path on the medium to file; SwitchroomError (usage) for a bad one."""
    found: Dict[str, Path] = {}
    for text in texts:
        source, _, target = text.rpartition("=")
        name = str(PurePosixPath(target.lstrip("/"))) if target.strip("/") else ""
        if not source or not name or any(part in ("..", ".") for part in name.split("/")):
            raise _refused(
                text, "does not name a file and its place", "Give SRC=PATH, as in rules.txt=/rules.txt"
            )
        if not Path(source).exists():
            raise _refused(text, f"names '{source}', which does not exist", "Give a file or a folder.")
        if name.startswith(_RESERVED) or f"{name}/" in _RESERVED:
            raise _refused(text, f"would replace '{name}', which the image needs", "Choose another place.")
        for path in (name, *_below(text, Path(source))):
            _check_name(text, path)
        if name in found:
            raise _refused(text, f"names the place '{name}' a second time", "Choose another place.")
        found[name] = Path(source).absolute()
    return found


def _below(text: str, source: Path) -> Iterator[str]:
    """Yield the names below a folder; raises for what is neither file nor folder, or has no end."""
    if not source.is_file() and not source.is_dir():
        raise _refused(text, f"names '{source}', which is no file and no folder", "Give a file or a folder.")
    for child in source.iterdir() if source.is_dir() else ():
        if not child.exists() or child.resolve() in (source.resolve(), *source.resolve().parents):
            raise _refused(text, f"names a folder with the link '{child}', which leads nowhere", "Remove it.")
        yield child.name
        yield from _below(text, child)


def _check_name(text: str, name: str) -> None:
    shown = repr(name)
    if not name.isprintable():  # a lone surrogate, for a byte that is no text, is not either
        raise _refused(text, f"has the name {shown}, which is not all text", "Rename it.")
    if any(len(part.encode()) > _NAME_MAX for part in name.split("/")):
        raise _refused(text, f"has a name of more than {_NAME_MAX} bytes", "Choose a shorter one.")


def existing_file(path: Path) -> Path:
    """Return the path; SwitchroomError (usage) unless it is a file."""
    if not path.is_file():
        raise SwitchroomError(f"'{path}' is not a file.", code=ExitCode.USAGE)
    return path


def _refused(text: str, why: str, hint: str) -> SwitchroomError:
    shown = text if text.isprintable() else repr(text)
    return SwitchroomError(f"'--add-file {shown}' {why}.", hint=hint, code=ExitCode.USAGE)


def own_boot(base: Base) -> Tuple[Tuple[str, ...], List[str]]:
    """Return the files of the base's own kickstarts, and what to tell about what its boot menus lose."""
    entries = _entries(base)
    values = bootconf.kickstarts(entries)
    paths = {path for path in map(bootconf.path_on_medium, values) if path in base.files}
    remarks = [f"The base starts a kickstart of its own, '{value}'; ours replaces it." for value in values]
    remarks += [f"Its file '{path}' is not carried over." for path in sorted(map(str, paths))]
    lost = " ".join(sorted(bootconf.unusual(entries)))
    if lost:
        remarks.append(f"The base's boot menu passes '{lost}' to the kernel; to keep that, use --boot-arg.")
    return tuple(sorted(map(str, paths))), remarks


def _entries(base: Base) -> Set[bootconf.Entry]:
    names = [name for name in (*BIOS_MENUS.values(), GRUB_MENU) if name in base.files]
    found: Set[bootconf.Entry] = set()
    with tempfile.TemporaryDirectory(prefix="switchroom-") as scratch:
        folder = Path(scratch)
        xorriso.extract(base.path, {name: folder / name for name in names})
        for name in names:
            text = (folder / name).read_text(errors="replace")
            isolinux = name == BIOS_MENUS[ISOLINUX]
            found |= set(bootconf.isolinux_entries(text) if isolinux else bootconf.grub_entries(text))
    return found
