"""Where this machine gets Debian from: read from its own apt configuration, so that no mirror is named here.

Both forms of sources.list(5) are read: deb822 paragraphs (``*.sources``) and one-line entries (``*.list``).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from switchroom.core.errors import ExitCode, SwitchroomError

_ARCHIVE_KEYRING = Path("usr/share/keyrings/debian-archive-keyring.gpg")
_ONE_LINE = re.compile(r"deb(?:-src)?\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<rest>\S.*)")


@dataclass(frozen=True)
class Origin:
    """A Debian archive: its URI and the keyring that signs it."""

    uri: str
    keyring: Path


@dataclass(frozen=True)
class _Entry:
    uris: Tuple[str, ...]
    suites: Tuple[str, ...]
    components: Tuple[str, ...]
    signed_by: str = ""


def find_origin(root: Path = Path("/")) -> Origin:
    """Return the archive that the machine at ``root`` installs its own release of Debian from.

    It is the entry for the release's plain code name and component main, Debian's own keyring preferred.
    Raises SwitchroomError (code REFUSED) on a machine that has none.
    """
    codename = _codename(root)
    entries = [e for e in _entries(root / "etc/apt") if codename in e.suites and "main" in e.components]
    entries.sort(key=lambda entry: "debian-archive" not in entry.signed_by)
    if not codename or not entries:
        raise SwitchroomError(
            "The apt configuration of this machine names no Debian archive.",
            hint="'--from debian' works on Debian alone.",
            code=ExitCode.REFUSED,
        )
    return Origin(entries[0].uris[0], _keyring(root, entries[0].signed_by))


def _codename(root: Path) -> str:
    path = root / "etc/os-release"
    settings = dict(
        line.split("=", 1) for line in (path.read_text() if path.exists() else "").splitlines() if "=" in line
    )
    if settings.get("ID", "").strip('"') != "debian":
        return ""
    return settings.get("VERSION_CODENAME", "").strip('"')


def _keyring(root: Path, signed_by: str) -> Path:
    """Return the keyring an entry names, else Debian's own (embedded keys and fingerprints are in it)."""
    keyring = root / (signed_by.lstrip("/") if signed_by.startswith("/") else _ARCHIVE_KEYRING)
    if not keyring.exists():
        raise SwitchroomError(
            f"The keyring '{keyring}' of Debian's archive is missing.",
            hint="Install with: apt-get install debian-archive-keyring",
            code=ExitCode.REFUSED,
        )
    return keyring


def _entries(folder: Path) -> Iterator[_Entry]:
    for path in sorted([folder / "sources.list", *(folder / "sources.list.d").glob("*")]):
        if path.suffix == ".list" and path.is_file():
            yield from _one_line(path.read_text(errors="replace"))
        elif path.suffix == ".sources" and path.is_file():
            yield from _deb822(path.read_text(errors="replace"))


def _one_line(text: str) -> Iterator[_Entry]:
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.split("#", 1)[0].strip())
        words = match["rest"].split() if match else []
        if match and len(words) > 1:
            options = dict(word.split("=", 1) for word in shlex.split(match["options"] or "") if "=" in word)
            yield _Entry((words[0],), (words[1],), tuple(words[2:]), options.get("signed-by", ""))


def _deb822(text: str) -> Iterator[_Entry]:
    for paragraph in re.split(r"\n\s*\n", text):
        fields = _fields(paragraph)
        entry = _Entry(
            tuple(fields.get("uris", "").split()),
            tuple(fields.get("suites", "").split()),
            tuple(fields.get("components", "").split()),
            fields.get("signed-by", "").strip(),
        )
        if entry.uris and fields.get("enabled", "yes").strip().lower() not in ("no", "false", "0"):
            yield entry


def _fields(paragraph: str) -> Dict[str, str]:
    """Return a deb822 paragraph's fields, names in lower case, continuation lines joined."""
    fields: Dict[str, List[str]] = {}
    name: Optional[str] = None
    for line in paragraph.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name].append(line.strip())
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = [value.strip()]
    return {key: "\n".join(values) for key, values in fields.items()}
