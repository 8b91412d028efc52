"""What is wrong with the repositories, by what of them lies on this box: for health and status to tell.

dnf keeps metadata only when their signature was good. Whatever is found here stands in nothing's way.
"""

from __future__ import annotations

import configparser
import contextlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

from switchroom.box.dnf_child.binding import OURS, judge
from switchroom.box.paths import Paths

_SPACE = "{http://linux.duke.edu/metadata/repo}"
_MOST = 1 << 20  # bytes of a repomd.xml; ours have some kilobytes
_OFF = ("0", "no", "false", "off")


def problems(paths: Paths) -> Tuple[str, ...]:
    """Return what is wrong with each enabled repository of ours, in words, with what to do about it."""
    found: List[str] = []
    with contextlib.suppress(OSError, configparser.Error, UnicodeError):
        for name, mirrorlist in _enabled(paths):
            wrong = _wrong(paths, name, mirrorlist)
            found += [" ".join(wrong)] if wrong else []
    return tuple(found)


def _enabled(paths: Paths) -> Iterator[Tuple[str, str]]:
    """Yield id and mirror list of our enabled repositories; those without one are folders on this machine."""
    for path in sorted(paths.from_box("/etc/yum.repos.d").glob("*.repo")):
        config = configparser.ConfigParser(interpolation=None, strict=False)
        config.read(path, encoding="utf-8")
        for name in config.sections():
            enabled = config[name].get("enabled", "1").strip().lower() not in _OFF
            mirrorlist = config[name].get("mirrorlist", "").strip()
            if name.startswith(OURS) and enabled and mirrorlist:
                yield name, mirrorlist


def _wrong(paths: Paths, name: str, mirrorlist: str) -> Optional[Tuple[str, str]]:
    """Return what is wrong with the newest copy of a repository's metadata; None where there is none."""
    copies = paths.from_box("/var/cache/dnf").glob(f"{name}-*/repodata/repomd.xml")
    named = [path for path in copies if re.fullmatch(r"[0-9a-f]{16}", path.parts[-3][len(name) + 1 :])]
    newest = max(named, key=lambda path: path.stat().st_mtime_ns, default=None)
    if newest is None or newest.stat().st_size > _MOST:
        return None
    try:
        root = ET.fromstring(newest.read_bytes())  # noqa: S314 - root's, and signed by our key
        made = int(root.findtext(f"{_SPACE}revision") or 0)
    except (ET.ParseError, ValueError):
        return None
    tags = [element.text or "" for element in root.iterfind(f"{_SPACE}tags/{_SPACE}content")]
    return judge(name, mirrorlist, tags, made, _major(paths))


def _major(paths: Paths) -> str:
    """Return this box's Enterprise Linux major, empty where it does not say."""
    text = _text(paths.from_box("/usr/lib/os-release"))
    found = re.search(r'^VERSION_ID="?(\d+)', text, re.MULTILINE)
    return found[1] if found else ""


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
