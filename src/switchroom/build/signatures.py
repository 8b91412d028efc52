"""Checks signatures against one public key, in a scratch keyring that knows no other."""

from __future__ import annotations

import contextlib
import enum
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence

from switchroom.core import process
from switchroom.core.errors import SwitchroomError

_GOOD_SIGNATURE = re.compile(r"Header .*Signature, key ID [0-9a-f]+: OK")
_GOOD_PAYLOAD = re.compile(r"Payload \S+ digest: OK")
_BATCH = 200  # packages one rpmkeys is given


class Verdict(enum.Enum):
    """What a package's signature and digests say."""

    SIGNED = "signed by this key"
    UNSIGNED = "not signed"
    FOREIGN = "signed by another key"
    DAMAGED = "damaged or not a package"


@dataclass(frozen=True)
class Verifier:
    """Trusts one public key; made by :func:`verifier`."""

    armoured: Path
    rpmdb: Path

    @property
    def keyring(self) -> Path:
        """The key as gpgv reads it, made when it is first asked for: packages need rpm's alone."""
        made = self.armoured.with_suffix(".gpg")
        if not made.exists():
            gpg: List[process.Arg] = ["gpg", "--no-options", "--batch", "--homedir", made.parent]
            command = [*gpg, "--output", made, "--dearmor", self.armoured]
            process.run(command, what="Reading the public key")
        return made

    def rpms(self, paths: Sequence[Path]) -> Dict[Path, Verdict]:
        """Return the verdict on each package: header signature and payload digest both count."""
        verdicts: Dict[Path, Verdict] = {}
        for start in range(0, len(paths), _BATCH):
            verdicts.update(self._batch(paths[start : start + _BATCH]))
        return verdicts

    def _batch(self, paths: Sequence[Path]) -> Dict[Path, Verdict]:
        command: List[process.Arg] = ["rpmkeys", "--dbpath", self.rpmdb, "--checksig", "--verbose", *paths]
        result = process.run(command, env={"LC_ALL": "C"}, check=False)
        reports = _split_report(result.stdout.decode(errors="replace"))
        return {path: _judge(reports.get(str(path), [])) for path in paths}

    def check_detached(self, path: Path, signature: Path) -> None:
        """Raise SwitchroomError unless ``signature`` is this key's signature of the file's bytes."""
        command: List[process.Arg] = ["gpgv", "--keyring", self.keyring, signature, path]
        result = process.run(command, env={"LC_ALL": "C"}, check=False)
        if result.returncode != 0:
            raise SwitchroomError(
                f"The signature '{signature.name}' does not match '{path}'.",
                cause=process.last_lines(result.stderr),
                hint="The file was changed after signing, or was signed by another key.",
            )

    def clear_signed(self, path: Path) -> bytes:
        """Return the signed text of a clear-signed file; raise SwitchroomError unless this key signed it."""
        with tempfile.TemporaryDirectory(prefix="verify-") as name:
            text = Path(name, "text")
            command: List[process.Arg] = ["gpgv", "--keyring", self.keyring, "--output", text, path]
            result = process.run(command, env={"LC_ALL": "C"}, check=False)
            if result.returncode != 0 or not text.is_file():
                raise SwitchroomError(
                    f"The signature in '{path.name}' is not a good one by the trusted key.",
                    cause=process.last_lines(result.stderr),
                    hint="The file was changed after signing, or was signed by another key.",
                )
            return text.read_bytes()


@contextlib.contextmanager
def verifier(public_key: bytes) -> Iterator[Verifier]:
    """Give a verifier that trusts the ASCII-armoured ``public_key`` alone, in a scratch folder."""
    process.require("rpmkeys", "gpg", "gpgv")
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        scratch = Path(name)
        armoured, rpmdb = scratch / "key.asc", scratch / "rpmdb"
        armoured.write_bytes(public_key)
        rpmdb.mkdir()
        process.run(["rpmkeys", "--dbpath", rpmdb, "--import", armoured], what="Reading the public key")
        yield Verifier(armoured, rpmdb)


def fingerprint(public_key: bytes) -> str:
    """Return the 40-digit fingerprint of an ASCII-armoured public key."""
    with tempfile.TemporaryDirectory(prefix="verify-") as home:
        command = ["gpg", "--no-options", "--homedir", home, "--batch", "--with-colons", "--show-keys"]
        listing = process.run(command, what="Reading the public key", stdin=public_key).stdout.decode()
    return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


def _split_report(text: str) -> Dict[str, List[str]]:
    """Split rpmkeys' report: a line ``PATH:``, then indented findings."""
    reports: Dict[str, List[str]] = {}
    findings: List[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            findings.append(line.strip())
        else:
            findings = reports.setdefault(line.removesuffix(":"), [])
    return reports


def _judge(findings: Sequence[str]) -> Verdict:
    text = "\n".join(findings)
    if not findings or ": BAD" in text or not _GOOD_PAYLOAD.search(text):
        return Verdict.DAMAGED
    if "NOKEY" in text or "NOTTRUSTED" in text:
        return Verdict.FOREIGN
    return Verdict.SIGNED if _GOOD_SIGNATURE.search(text) else Verdict.UNSIGNED
