"""OpenPGP keys in every state a key can be in, made on the spot in one GnuPG home."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List

import pytest

MADE, EARLY, EXPIRES, LATE = 1_600_000_000, 1_600_001_000, 1_660_000_000, 1_690_000_000
PASSPHRASE = "open sesame"


@dataclass(frozen=True)
class Home:
    """A GnuPG home; what is made in it is dated ``MADE`` unless told otherwise."""

    folder: Path

    def gpg(self, *words: str, at: int = MADE, stdin: bytes = b"", passphrase: str = "") -> bytes:
        """Run gpg without a terminal, on the date given."""
        command = ["gpg", "--homedir", str(self.folder), "--no-options", "--batch", "--yes", "--no-tty"]
        command += ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        command += ["--faked-system-time", f"{at}!", *words]
        return subprocess.run(command, check=True, capture_output=True, input=stdin).stdout

    def make(self, name: str, algorithm: str, usage: str = "sign", passphrase: str = "") -> str:
        """Make a key without an end and return its fingerprint."""
        self.gpg("--quick-generate-key", name, algorithm, usage, "never", passphrase=passphrase)
        return self.fingerprints(name)[0]

    def add_subkey(self, primary: str, algorithm: str, passphrase: str = "", at: int = MADE) -> str:
        """Add a signing subkey and return its fingerprint."""
        self.gpg("--quick-add-key", primary, algorithm, "sign", "never", at=at, passphrase=passphrase)
        return self.fingerprints(primary)[-1]

    def fingerprints(self, name: str) -> List[str]:
        """Return the fingerprints of a key and its subkeys."""
        rows = self.gpg("--with-colons", "--list-keys", name).decode().splitlines()
        return [row.split(":")[9] for row in rows if row.startswith("fpr:")]

    def expire(self, name: str, *subkeys: str) -> None:
        """Give a key, or subkeys of it, an end on the date ``EXPIRES``."""
        self.gpg("--quick-set-expire", name, f"seconds={EXPIRES - EARLY}", *subkeys, at=EARLY)

    def revoke(self, name: str) -> None:
        """Revoke a key by the certificate that was made with it."""
        ready = self.folder / "openpgp-revocs.d" / f"{name}.rev"
        self.gpg("--import", stdin=ready.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))

    def revoke_subkey(self, primary: str, number: int) -> None:
        """Revoke the numbered subkey (from 1) of a key."""
        answers = f"key {number}\nrevkey\ny\n0\n\ny\nsave\n"
        self.gpg("--command-fd", "0", "--edit-key", primary, stdin=answers.encode())

    def public(self, *names: str) -> bytes:
        """Return public keys, a block each."""
        return b"".join(self.gpg("--armor", "--export", name) for name in names)

    def sign(self, path: Path, name: str, *words: str, at: int = EARLY, clear: bool = False) -> Path:
        """Write the detached signature of a file, or a clear-signed copy of it, and return its path."""
        how = "--clear-sign" if clear else "--detach-sign"
        signature = path.with_name("".join([path.name, name, *words, str(at), how]) + ".asc")
        out = self.gpg("--armor", "--local-user", name, *words, how, "-o", "-", str(path), at=at)
        signature.write_bytes(out)
        return signature

    def sign_rpm(self, rpm: Path, name: str, digest: str = "sha512", at: int = EARLY) -> Path:
        """Sign a package in place and return it."""
        settings = {
            "__gpg": "/usr/bin/gpg",
            "_gpg_name": name,
            "_gpg_path": self.folder,
            "_gpg_digest_algo": digest,
            "_gpg_sign_cmd_extra_args": f"--no-options --batch --faked-system-time {at}!",
        }
        defines = [word for key, value in settings.items() for word in ("--define", f"{key} {value}")]
        subprocess.run(["rpmsign", *defines, "--addsign", str(rpm)], check=True, capture_output=True)
        return rpm

    def stop(self) -> None:
        """Stop the home's agent."""
        subprocess.run(["gpgconf", "--homedir", str(self.folder), "--kill", "gpg-agent"], check=True)


@pytest.fixture
def full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files in which there is room for names, not for content."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)], check=True)
    (disk / "filler").write_bytes(bytes(4096))
    monkeypatch.setenv("TMPDIR", str(disk))
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
