"""Upstream's signatures of its releases: whether ``asterisk-VERSION.tar.gz`` is what its makers signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from switchroom.build.publickeys import read_keys
from switchroom.build.signatures import UntrustedError, separate, verifier
from switchroom.catalog.model import Catalog
from switchroom.catalog.source import PACKAGED
from switchroom.core.progress import Reporter

ENDING = ".asc"
_KEYS = PACKAGED.with_name("asterisk-release-keys.asc")
_ANOTHER = " If upstream has another key now, give it with --upstream-key."


@dataclass(frozen=True)
class ReleaseKeys:
    """The keys that count, in ASCII armour (empty: none is known).

    ``insist`` says that somebody named them: then a release without a signature is refused, not only told.
    """

    armoured: bytes
    insist: bool
    reporter: Reporter

    def check(self, path: Path) -> None:
        """Raise UntrustedError where the signature beside a release does not count; say if none was seen."""
        signature = path.with_name(path.name + ENDING)
        if not self.armoured:
            self._say("no key of upstream's is known for certain", path)
        elif not signature.is_file() and not self.insist:
            self._say(f"there is no '{signature}'", path)
        else:
            self._verify(path, signature)

    def _say(self, why: str, path: Path) -> None:
        self.reporter.say(f"'{path.name}' was not checked by upstream's signature: {why}.")

    def _verify(self, path: Path, signature: Path) -> None:
        with verifier(self.armoured) as trusted:
            try:
                trusted.check_detached(path, signature)
            except UntrustedError as error:
                error.hint += _ANOTHER
                raise
            for remark in trusted.remarks:
                self.reporter.warn(remark)


def release_keys(catalog: Catalog, file: Path | None, reporter: Reporter) -> ReleaseKeys:
    """Return the keys of a file, else those the catalog names as verified.

    Raises SwitchroomError (usage) for a file that holds no key.
    """
    if file:
        armoured = file.read_bytes()
        read_keys(armoured, f"The key in '{file}'")
        return ReleaseKeys(armoured, insist=True, reporter=reporter)
    known = {key.fingerprint for key in catalog.release_keys if key.evidence.verified}
    blocks = separate(_KEYS.read_bytes(), read_keys(_KEYS.read_bytes())) if known else {}
    armoured = b"".join(block for name, block in blocks.items() if name in known)
    return ReleaseKeys(armoured, insist=False, reporter=reporter)
