"""Whether a package's texts can stand in metadata, which is XML, and which people read on terminals."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Mapping, Tuple

import createrepo_c as cr

from switchroom.build.repo.metadata import RepoPackage
from switchroom.core.errors import ExitCode, SwitchroomError

# All but what XML 1.0 forbids (its production "Char") and the control characters that it allows from 0x7F on.
_ODD = re.compile("[^\\t\\n\\r\\x20-\\x7e\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
_PLAIN = ("name", "version", "release", "arch", "summary", "description", "url")
_OF_RPM = ("rpm_license", "rpm_vendor", "rpm_group", "rpm_packager", "rpm_buildhost", "rpm_sourcerpm")
_CAPABILITIES = (
    *("requires", "provides", "conflicts", "obsoletes", "suggests", "enhances", "recommends", "supplements"),
)
_AROUND = 20  # characters shown on each side


def check_texts(packages: Iterable[RepoPackage]) -> None:
    """Raise SwitchroomError (refused) for packages that would make a repository unreadable; it names why."""
    bad = {one.path: flaw for one in packages for flaw in (_flaw(one.record),) if flaw}
    if bad:
        raise _refusal(bad)


def _refusal(bad: Mapping[Path, str]) -> SwitchroomError:
    return SwitchroomError(
        "These packages cannot be published: no reader of the repository would take their texts.",
        cause="\n".join(f"{path}: {flaw}" for path, flaw in sorted(bad.items())),
        hint="Take the characters out of the spec and build it again, with a new release number.",
        code=ExitCode.REFUSED,
    )


def _flaw(record: Any) -> str:
    """Return what is wrong with a package's texts, empty where nothing is."""
    try:
        for what, text in _texts(record):
            found = _ODD.search(text)
            if found:
                around = text[max(found.start() - _AROUND, 0) : found.end() + _AROUND]
                return f"a control character in {what}: {around!a}"
        for part in cr.xml_dump(record):
            ET.fromstring(re.sub(r"\b(rpm):", r"\1_", part))  # noqa: S314 - of our own making, and short
    except (UnicodeError, ET.ParseError, cr.CreaterepoCError) as error:
        return f"its metadata cannot be written as XML: {error!s:.200}"
    return ""


def _texts(record: Any) -> Iterator[Tuple[str, str]]:
    """Yield every text of a package with what it is."""
    named: Dict[str, str] = {name: name.removeprefix("rpm_") for name in (*_PLAIN, *_OF_RPM)}
    yield from ((f"its {what}", getattr(record, name) or "") for name, what in named.items())
    for kind in _CAPABILITIES:
        for entry in getattr(record, kind):
            yield f"what it {kind}", " ".join(part for part in entry if isinstance(part, str))
    yield from (("the name of a file", entry[1] + entry[2]) for entry in record.files)
    yield from (("its changelog", f"{entry[0]} {entry[2]}") for entry in record.changelogs)
