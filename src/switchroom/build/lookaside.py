"""The lookaside folder: every source file by its name, each with a checksum that never changes silently."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Optional

from switchroom.build import upstream
from switchroom.build.digest import DigestMemo
from switchroom.catalog.model import Source
from switchroom.core.errors import SwitchroomError
from switchroom.core.files import write_atomic
from switchroom.core.progress import Reporter

OVERLAY = "catalog-overlay.yml"
_PINS = "checksums.json"


class Lookaside:
    """A folder of source files: upstream's lie in it, those of another origin in folders of their own.

    A file must have the catalog's checksum; where the catalog has none, the checksum seen first is written
    to ``checksums.json`` beside the files and counts from then on.
    """

    def __init__(self, folder: Path, reporter: Reporter) -> None:
        self.folder = folder
        self._reporter = reporter
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
            self._download(source, path)
        return self._verified(source, path)

    def place(self, source: Source) -> Path:
        """Return where a source file lies, or would lie."""
        return self.folder / source.place

    def digest(self, path: Path) -> str:
        """Return a file's SHA-256."""
        return self._memo.sha256(path)

    def _download(self, source: Source, path: Path) -> None:
        if source.url is None:
            raise SwitchroomError(
                f"The source '{source.name}' is not in '{self.folder}', and no address is known for it.",
                hint=self._fallback(source.name),
            )
        try:
            upstream.download(source.url, path, self._reporter)
        except SwitchroomError as error:
            error.hint = self._fallback(source.name)
            raise

    def _verified(self, source: Source, path: Path) -> Path:
        digest = self.digest(path)
        wanted = source.sha256 or self._pins().get(source.place)
        if wanted is None:
            self._write_pins({**self._pins(), source.place: digest})
            self._reporter.say(f"Recorded the checksum of '{source.name}', seen for the first time: {digest}")
        elif wanted != digest:
            raise self._mismatch(source, path, wanted, digest)
        return path

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


def _parse_pins(text: str) -> Optional[Dict[str, str]]:
    try:
        data = json.loads(text)
    except ValueError:
        return None
    return data if isinstance(data, dict) and all(isinstance(v, str) for v in data.values()) else None
