"""A made-up copy of upstream's download folder: real layout, names and texts, sources of a file or two.

The change logs have the form of https://github.com/asterisk/asterisk, ChangeLogs/ChangeLog-22.5.2.md.
"""

from __future__ import annotations

import calendar
import datetime
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping, Sequence

from switchroom.build.tarball import Member, Tree, write_tree
from switchroom.core.files import sha256

_LOG = """
## Change Log for Release asterisk-{version}

### Links:

 - [Full ChangeLog](https://downloads.asterisk.org/pub/telephony/asterisk/releases/ChangeLog-{version}.html)

### Summary:

- Commits: 1
- Commit Authors: 1
- Issues Resolved: 0
- Security Advisories Resolved: {advisories}

### User Notes:

- #### res_pjsip: Not a note for upgrades.

### Upgrade Notes:

{notes}
### Commit Authors:

- Somebody: (1)
"""
_MODULE = (
    "/*** MODULEINFO\n\t<support_level>{level}</support_level>\n ***/\nAST_MODULE_INFO_STANDARD({name});\n"
)
_SOUNDS = """
\t<category name="MENUSELECT_CORE_SOUNDS" displayname="Core Sound Packages" positive_output="yes">
\t\t<member name="CORE-SOUNDS-EN-WAV" displayname="English, WAV format">
\t\t<member name="CORE-SOUNDS-EN-GSM" displayname="English, GSM format" >
\t\t<member name="CORE-SOUNDS-EN-G722" displayname="English, G.722 format">
\t\t<member name="CORE-SOUNDS-PT_BR-WAV" displayname="Portuguese (Brazil), WAV format">
\t\t<member name="CORE-SOUNDS-PT_BR-GSM" displayname="Portuguese (Brazil), GSM format">
\t<category name="MENUSELECT_MOH" displayname="Music On Hold File Packages" positive_output="yes">
\t\t<member name="MOH-OPSOUND-GSM" displayname="opsound.org Music On Hold Files, GSM format">
"""


@dataclass(frozen=True)
class Made:
    """A release as upstream would publish it; ``modules`` maps a module to its level of support."""

    source_version: str
    date: str
    advisories: int = 0
    notes: Sequence[str] = ()
    pjproject: str = "2.18"
    modules: dict[str, str] = field(default_factory=lambda: {"app_dial": "core", "app_new": "extended"})
    core_sounds: str = "1.6.1"


def publish(root: Path, *releases: Made) -> Path:
    """Write the releases below ``root`` as upstream's folders have them, and return it."""
    for made in releases:
        kind = "certified-asterisk" if made.source_version.startswith("certified") else "asterisk"
        folder = root / kind / "releases"
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, made)
    return root


def publish_sounds(root: Path, tarballs: Mapping[str, Tree]) -> Path:
    """Write tarballs of sounds, named ``core-sounds-fr-wav-1.6.1``, each with upstream's ``.sha1`` of it."""
    folder = root / "sounds/releases"
    folder.mkdir(parents=True, exist_ok=True)
    for name, tree in tarballs.items():
        path = folder / f"asterisk-{name}.tar.gz"
        write_tree(tree, path)
        digest = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        path.with_name(f"{path.name}.sha1").write_text(f"{digest}  {path.name}\n")
    return root


def _write(folder: Path, made: Made) -> None:
    name = f"asterisk-{made.source_version}"
    tarball = folder / f"{name}.tar.gz"
    write_tree(_tree(made), tarball, top=name)
    (folder / f"{name}.sha256").write_text(f"{sha256(tarball)}  {tarball.name}\n")
    notes = "".join(f"- #### {title}                    \n  What it means.\n\n" for title in made.notes)
    log = _LOG.format(version=made.source_version, advisories=made.advisories, notes=notes)
    (folder / f"ChangeLog-{made.source_version}.md").write_text(log)
    seconds = calendar.timegm(datetime.date.fromisoformat(made.date).timetuple()) + 3600
    os.utime(tarball, (seconds, seconds))


def _tree(made: Made) -> Tree:
    texts = {
        ".version": made.source_version,
        "third-party/versions.mak": f"JANSSON_VERSION=2.15.0\nPJPROJECT_VERSION={made.pjproject}\n",
        "sounds/Makefile": f"CORE_SOUNDS_VERSION:={made.core_sounds}\nMOH_VERSION:=2.03\n",
        "sounds/sounds.xml": _SOUNDS,
        "channels/sig_part.c": "/*** MODULEINFO\n\t<support_level>core</support_level>\n ***/\n",
    }
    for module, level in made.modules.items():
        texts[f"apps/{module}.c"] = _MODULE.format(level=level, name=module)
    return {path: Member(text.encode()) for path, text in texts.items()}
