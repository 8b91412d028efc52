"""The lookaside folder: every source file by its name, each with a checksum that never changes silently."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Dict, Optional

from switchroom.build import upstream
from switchroom.build.digest import DigestMemo
from switchroom.build.release_signatures import ENDING, ReleaseKeys
from switchroom.build.signatures import UntrustedError
from switchroom.catalog.model import Source
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic
from switchroom.core.progress import Reporter

OVERLAY = "catalog-overlay.yml"
_PINS = "checksums.json"
_SHA1 = re.compile(r"\b[0-9a-f]{40}\b")


class Lookaside:
    """A folder of source files: upstream's lie in it, those of another origin in folders of their own.

    A file must have the catalog's checksum; where the catalog has none, the checksum seen first is written
    to ``checksums.json`` beside the files and counts from then on. Where upstream states one in a file of its
    own (``.sha1``), what is seen first must have that. ``root`` is upstream's folder, or a copy of it;
    ``keys`` are those that upstream signs its releases by.
    """

    def __init__(
        self,
        folder: Path,
        reporter: Reporter,
        root: str = upstream.UPSTREAM,
        keys: Optional[ReleaseKeys] = None,
    ) -> None:
        self.folder = folder
        self._reporter = reporter
        self._root = root
        self._keys = keys
        self._memo = DigestMemo()

    @property
    def overlay(self) -> Path:
        """Where ``build sources --from debian`` writes what it fetched, as a catalog overlay."""
        return self.folder / OVERLAY

    def obtain(self, source: Source) -> Path:
        """Return a verified source file: from the folder, else downloaded into it.

        Raises SwitchroomError when it is in neither place, or has another checksum than it must have.
        """
        path = self.place(source)
        if not path.exists():
            if source.stated and source.sha256 is None:
                self._download(source, _stated(source, path), f".{source.stated}")
            if self._wants_signature(source):
                self._download(source, path.with_name(path.name + ENDING), ENDING)
            self._download(source, path)
        return self._verified(source, path)

    def place(self, source: Source) -> Path:
        """Return where a source file lies, or would lie."""
        return self.folder / source.place

    def digest(self, path: Path) -> str:
        """Return a file's SHA-256."""
        return self._memo.sha256(path)

    def _download(self, source: Source, path: Path, ending: str = "") -> None:
        if source.url is None:
            raise SwitchroomError(
                f"The source '{source.name}' is not in '{self.folder}', and no address is known for it.",
                hint=self._fallback(source.name),
            )
        try:
            upstream.fetch(source.url + ending, path, self._reporter, self._root)
        except SwitchroomError as error:
            error.hint = self._fallback(source.name)
            raise

    def _wants_signature(self, source: Source) -> bool:
        """Tell whether a release comes with its signature or not at all: only a copy may lack it."""
        known = source.signed and self._keys and self._keys.armoured and source.url
        return bool(known) and upstream.has(f"{source.url}{ENDING}", self._root)

    def _verified(self, source: Source, path: Path) -> Path:
        if source.signed and self._keys:
            self._check_signature(self._keys, path)
        digest = self.digest(path)
        wanted = source.sha256 or self._pins().get(source.place)
        if wanted is None:
            self._check_stated(source, path)
            self._write_pins({**self._pins(), source.place: digest})
            self._reporter.say(f"Recorded the checksum of '{source.name}', seen for the first time: {digest}")
        elif wanted != digest:
            raise self._mismatch(source, path, wanted, digest)
        return path

    def _check_signature(self, keys: ReleaseKeys, path: Path) -> None:
        try:
            keys.check(path)
        except UntrustedError as error:
            error.hint += f" To fetch both again: rm '{path}' '{path}{ENDING}'"
            raise

    def _check_stated(self, source: Source, path: Path) -> None:
        """Raise SwitchroomError unless the file has the checksum that upstream's file beside it states."""
        beside = _stated(source, path)
        if not source.stated:
            return
        if not beside.is_file():
            self._reporter.say(f"Not checked by upstream's checksum: there is no '{beside}'.")
            return
        stated = _SHA1.search(beside.read_text(errors="replace").lower())
        found = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        if not stated or stated[0] != found:
            raise SwitchroomError(
                f"The source '{path}' does not have the checksum that upstream states in '{beside.name}'.",
                cause=f"wanted {stated[0] if stated else 'none is in the file'}\nfound  {found}",
                hint=f"To fetch both again: rm '{path}' '{beside}'",
            )

    def _mismatch(self, source: Source, path: Path, wanted: str, digest: str) -> SwitchroomError:
        authority = "the catalog" if source.sha256 else f"'{self.folder / _PINS}', which recorded it first,"
        return SwitchroomError(
            f"The source '{path}' does not have the SHA-256 that {authority} names.",
            cause=f"wanted {wanted}\nfound  {digest}",
            hint=f"Find out which is right before you build; to fetch it again: rm '{path}'"
            + self._from_debian(),
        )

    def _fallback(self, name: str) -> str:
        hint = f"Put upstream's '{name}' in '{self.folder}', or run: switchroom build sources --from debian"
        return hint + self._from_debian()

    def _from_debian(self) -> str:
        if not self.overlay.exists():
            return ""
        return f". What was fetched from Debian counts with: --overlay '{self.overlay}'"

    def _pins(self) -> Dict[str, str]:
        path = self.folder / _PINS
        if not path.exists():
            return {}
        pins = _parse_pins(path.read_text(errors="replace"))
        if pins is None:
            raise SwitchroomError(
                f"The recorded checksums in '{path}' cannot be read.",
                hint="Restore the file from a backup; without it, checksums are recorded anew.",
            )
        return pins

    def _write_pins(self, pins: Dict[str, str]) -> None:
        write_atomic(self.folder / _PINS, (json.dumps(pins, indent=2, sort_keys=True) + "\n").encode())


def _stated(source: Source, path: Path) -> Path:
    return path.with_name(f"{path.name}.{source.stated}")


def _parse_pins(text: str) -> Optional[Dict[str, str]]:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and all(isinstance(v, str) for v in data.values()) else None
