"""Prompts and music on hold: which sets upstream offers, and which of them are meant by a name."""

from __future__ import annotations

import difflib
import fnmatch
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from switchroom.catalog.model import SoundSet
from switchroom.core.errors import ExitCode, SwitchroomError

KINDS = ("core-sounds", "extra-sounds", "moh")
USUAL = ("core-sounds-en-gsm", "moh-opsound-gsm")  # built unasked: what every engine recommends
OURS = re.compile(r"asterisk-(sounds-(core|extra)|moh)-.+")  # the packages' names
FOLDER = "https://downloads.asterisk.org/pub/telephony/sounds/releases"
_STATED = "sha1"  # what ends the name of upstream's checksum file beside each tarball
_KEY = re.compile(rf"(?P<kind>{'|'.join(KINDS)})-(?P<language>.+)-(?P<format>[a-z0-9]+)")


def expanded(data: Mapping[str, Any]) -> Dict[str, Any]:
    """Return every set by its key: those of each kind's languages and formats, and those written out.

    A set that is written out, by its key, counts more than its kind.
    """
    kinds = {kind: data[kind] for kind in KINDS if kind in data}
    sets = {f"{entry['kind']}-{entry['language']}-{entry['format']}": entry for entry in _of_kinds(kinds)}
    for key, entry in data.items():
        match = _KEY.fullmatch(key)
        if match:
            title = kinds.get(match["kind"], {}).get("languages", {}).get(match["language"])
            sets[key] = {**entry, **match.groupdict(), "title": title or match["language"]}
    return {key: {**entry, "source": _stated(entry["source"])} for key, entry in sets.items()}


def _of_kinds(kinds: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    for kind, entry in kinds.items():
        for language, title in entry["languages"].items():
            for name in entry["formats"]:
                tarball = f"asterisk-{kind}-{language}-{name}-{entry['version']}.tar.gz"
                yield {
                    "version": entry["version"],
                    "source": {"name": tarball, "url": f"{FOLDER}/{tarball}"},
                    "evidence": entry["evidence"],
                    "kind": kind,
                    "language": language,
                    "format": name,
                    "title": title,
                }


def _stated(source: Mapping[str, Any]) -> Dict[str, Any]:
    return dict(source) if source.get("origin") else {**source, "stated": _STATED}


def chosen(sets: Mapping[str, SoundSet], wanted: Iterable[str]) -> Tuple[SoundSet, ...]:
    """Return the usual sets and those that patterns name (``*-fr-*``), by key or by package.

    Raises a usage error for a pattern that names none.
    """
    keys = dict.fromkeys(USUAL)
    for pattern in wanted:
        found = [key for key, one in sets.items() if _is(pattern, key) or _is(pattern, one.package)]
        if not found:
            raise SwitchroomError(
                f"Upstream offers no prompts or music '{pattern}'.",
                hint=f"{_nearest(pattern, list(sets))}: switchroom catalog sounds",
                code=ExitCode.USAGE,
            )
        keys.update(dict.fromkeys(found))
    return tuple(sets[key] for key in keys)


def _is(pattern: str, name: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern)


def checked(sets: Mapping[str, SoundSet], packages: Sequence[str]) -> None:
    """Raise a usage error for a package named like ours whose set upstream does not offer.

    Packages of other names are a site's own.
    """
    known = {one.package for one in sets.values()}
    for name in packages:
        if OURS.fullmatch(name) and name not in known:
            raise SwitchroomError(
                f"Upstream offers no prompts or music for a package '{name}'.",
                hint=f"{_nearest(name, sorted(known))}: switchroom catalog sounds",
                code=ExitCode.USAGE,
            )


def _nearest(name: str, known: List[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"Do you mean '{near[0]}'? See all" if near else "See what there is"
