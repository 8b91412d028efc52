"""The one verifier of signatures: of packages, metadata, sums and bases, against the keys of one file.

It knows no other key. A signature counts when it fits, when its key (and that key's primary) was not revoked,
had not expired by the signature's own date, and is strong enough. :class:`UntrustedError` is a verdict about
what was signed; any other error means that the machine could not tell.
"""

from __future__ import annotations

import calendar
import contextlib
import re
import tempfile
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from switchroom.build.publickeys import PublicKeys, Verdict, fingerprint, read_keys
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

__all__ = ["UntrustedError", "Verdict", "Verifier", "fingerprint", "verifier"]

_SIGNATURE = re.compile(
    r"Header V\d \S+/(?P<digest>\w+) Signature, key ID (?P<key>[0-9a-f]+): (?P<state>\w+)"
)
_GOOD_PAYLOAD = re.compile(r"Payload \S+ digest: OK")
_BATCH = 200  # packages one rpmkeys is given
_WEAK = {"MD5": "1", "SHA1": "2", "RIPEMD160": "3"}
_STATUS = "[GNUPG:] "
_TWO_TEXTS = "proc_pkt.plaintext"  # where gpgv's error comes from
_NO_KEY = "9"  # gpgv's reason in ERRSIG
_SIGNED_ON = "%|DSAHEADER?{%{DSAHEADER:pgpsig}}:{%|RSAHEADER?{%{RSAHEADER:pgpsig}}|}|\\n"
_ENGLISH = {"LC_ALL": "C", "TZ": "UTC0"}
_GPG: Tuple[process.Arg, ...] = ("gpg", "--no-options", "--batch", "--no-autostart", "--homedir")


class UntrustedError(SwitchroomError):
    """A signature was looked at and does not count; anything else that is raised is no such verdict."""

    def __init__(self, message: str, *, cause: str = "") -> None:
        hint = "The file was changed after signing, or was signed by a key that does not count."
        super().__init__(message, cause=cause, hint=hint, code=ExitCode.REFUSED)


@dataclass(frozen=True)
class Verifier:
    """Trusts the keys of one file; made by :func:`verifier`. What a person should know is in ``remarks``."""

    keys: PublicKeys
    _scratch: Path
    _armoured: bytes
    _told: Dict[str, None] = field(default_factory=dict)

    @property
    def remarks(self) -> Tuple[str, ...]:
        """What to say of keys whose signatures counted: expired since, or certified with SHA-1."""
        return tuple(self._told)

    def rpms(self, paths: Sequence[Path]) -> Dict[Path, Verdict]:
        """Return the verdict on each package: header signature and payload digest both count."""
        verdicts: Dict[Path, Verdict] = {}
        for start in range(0, len(paths), _BATCH):
            verdicts.update(self._batch(paths[start : start + _BATCH]))
        return verdicts

    def check_detached(self, path: Path, signature: Path) -> None:
        """Raise UntrustedError unless ``signature`` is a good one of the file's bytes."""
        if not path.is_file():
            raise UntrustedError(f"'{path}' is not there.")
        if not signature.is_file():
            raise UntrustedError(f"'{path}' is not signed: there is no '{signature.name}' beside it.")
        verdict, said = self._detached(signature, path)
        if verdict is not Verdict.SIGNED:
            raise UntrustedError(
                _complaint(f"The signature '{signature.name}'", f"'{path}'", verdict), cause=said
            )

    def check_bytes(self, data: bytes, signature: bytes, what: str) -> None:
        """Raise UntrustedError unless ``signature`` (armoured) is a good one of ``data``."""
        with tempfile.NamedTemporaryFile(dir=self._scratch) as file:
            file.write(signature)
            file.flush()
            verdict, said = self._detached(Path(file.name), "-", data)
        if verdict is not Verdict.SIGNED:
            raise UntrustedError(_complaint("The signature", what, verdict), cause=said)

    def clear_signed(self, path: Path) -> bytes:
        """Return the signed text of a clear-signed file; raise UntrustedError where it is not signed well."""
        result = self._gpgv("2", "--output", "-", path)
        rows, said = _status(result.stderr)
        verdict = self._told_by(rows, result)
        # Of several texts or signatures all have to be good, for the text that is put out is all of them.
        whole = result.returncode == 0 and [row[0] for row in rows].count("PLAINTEXT") == 1
        if verdict is not Verdict.SIGNED or not whole:
            why = verdict if verdict is not Verdict.SIGNED else Verdict.DAMAGED
            raise UntrustedError(
                f"The signature in '{path.name}' is not a good one by the trusted key"
                f"{'' if why is Verdict.DAMAGED else ': ' + why.value}.",
                cause=said,
            )
        return result.stdout

    def _detached(self, signature: Path, data: process.Arg, stdin: bytes = b"") -> Tuple[Verdict, str]:
        """Return the verdict on a detached signature, and gpgv's last words for people."""
        result = self._gpgv("1", signature, data, stdin=stdin)
        return self._told_by(_status(result.stdout)[0], result), _status(result.stderr)[1]

    def _gpgv(self, status: str, *words: process.Arg, stdin: bytes = b"") -> process.Result[bytes]:
        command: List[process.Arg] = ["gpgv", "--status-fd", status, "--keyring", self._keyring, *words]
        return process.run(command, env=_ENGLISH, stdin=stdin, check=False)

    def _told_by(self, rows: Sequence[Sequence[str]], result: process.Result[bytes]) -> Verdict:
        verdict = self._read_status(rows)
        if verdict is None and b"not a detached signature" in result.stderr:  # and no status at all
            return Verdict.UNSIGNED
        if verdict is None:
            raise process.failure("Checking a signature", result.args, result)
        return verdict

    def _read_status(self, rows: Sequence[Sequence[str]]) -> Optional[Verdict]:
        """Read gpgv's status (GnuPG's doc/DETAILS); None where it could not tell.

        Of several signatures one that counts is enough, unless another does not fit the bytes. The exit code
        says nothing: it is 0 for a revoked key too.
        """
        by_kind = {row[0]: row for row in rows}
        if {"BADSIG", "UNEXPECTED"} & by_kind.keys() or by_kind.get("ERROR", [""])[-2:-1] == [_TWO_TEXTS]:
            return Verdict.DAMAGED
        verdicts = [self._worth(row[1], int(row[3]), row[8]) for row in rows if row[0] == "VALIDSIG"]
        if verdicts:
            return Verdict.SIGNED if Verdict.SIGNED in verdicts else verdicts[0]
        if {"ERROR", "FAILURE"} & by_kind.keys():
            return None
        if "ERRSIG" in by_kind:
            return Verdict.FOREIGN if by_kind["ERRSIG"][6] == _NO_KEY else Verdict.WEAK
        return Verdict.UNSIGNED if "NODATA" in by_kind else None

    def _worth(self, key: str, made: float, digest: str) -> Verdict:
        verdict = self.keys.judge(key, made, digest)
        if verdict is Verdict.SIGNED:
            self._told.update(dict.fromkeys(self.keys.remarks(key, time.time())))
        return verdict

    def _batch(self, paths: Sequence[Path]) -> Dict[Path, Verdict]:
        command: List[process.Arg] = ["rpmkeys", "--dbpath", self._rpmdb, "--checksig", "--verbose", *paths]
        result = process.run(command, env=_ENGLISH, check=False)
        reports = _split_report(result.stdout.decode(errors="replace"))
        for path in paths:
            if not reports.get(str(path)):
                path.open("rb").close()  # says so where it is the machine that cannot read it
        dates = self._dates([path for path in paths if reports.get(str(path))])
        verdicts = {path: self._judge(reports.get(str(path), []), dates.get(path, 0.0)) for path in paths}
        if None in verdicts.values():
            raise process.failure("Checking packages", ["rpmkeys", "--checksig"], result)
        return {path: verdict for path, verdict in verdicts.items() if verdict}

    def _judge(self, findings: Sequence[str], made: float) -> Optional[Verdict]:
        """Read rpmkeys' findings on one package; None where they cannot be: rpm lost a key it was given."""
        text = "\n".join(findings)
        if not findings or ": BAD" in text or not _GOOD_PAYLOAD.search(text):
            return Verdict.DAMAGED
        found = _SIGNATURE.search(text)
        if found is None:
            return Verdict.FOREIGN if "Signature" in text else Verdict.UNSIGNED
        verdict = self._worth(found["key"], made, _WEAK.get(found["digest"], ""))
        if verdict is Verdict.SIGNED and found["state"] != "OK":
            return None if found["state"] == "NOKEY" else Verdict.FOREIGN
        return verdict

    def _dates(self, paths: Sequence[Path]) -> Dict[Path, float]:
        """Return when packages were signed (0 if they were not); asked for where a key has an end only."""
        if not paths or all(key.expires is None for key in self.keys.keys):
            return {}
        command: List[process.Arg] = ["rpm", "--query", "--nosignature", "--queryformat", _SIGNED_ON]
        command += ["--package", *paths]
        rows = process.run(command, what="Reading signatures", env=_ENGLISH).stdout.decode().split("\n")
        return {path: _moment(row) for path, row in zip(paths, rows)}

    @cached_property
    def _keyring(self) -> Path:
        """The keys as gpgv reads them."""
        made, home = self._scratch / "keys.gpg", self._scratch
        command = [*_GPG, home, "--output", made, "--dearmor"]
        process.run(command, what="Reading the public key", stdin=self._armoured)
        return made

    @cached_property
    def _rpmdb(self) -> Path:
        """A package database that knows the keys, as rpm reads them.

        ``rpmkeys --import`` may end well with nothing imported (a full disk): what is there is compared.
        """
        rpmdb = self._scratch / "rpmdb"
        rpmdb.mkdir()
        wanted = {key.fingerprint[-8:].lower() for key in self.keys.primaries if not key.revoked}
        if not wanted:
            return rpmdb
        armoured = self._scratch / "keys.asc"
        armoured.write_bytes(without_revoked(self._armoured, self.keys))
        command: List[process.Arg] = ["rpmkeys", "--dbpath", rpmdb, "--import", armoured]
        result = process.run(command, what="Reading the public key")
        query: List[process.Arg] = ["rpm", "--dbpath", rpmdb, "--query", "gpg-pubkey"]
        query += ["--queryformat", "%{VERSION}\n"]
        if not wanted <= set(process.run(query, check=False).stdout.decode().split()):
            raise process.failure("Giving the public key to rpm", ["rpmkeys", "--import"], result)
        return rpmdb


@contextlib.contextmanager
def verifier(public_key: bytes) -> Iterator[Verifier]:
    """Give a verifier that trusts the keys of ASCII-armoured ``public_key`` alone, in a scratch folder."""
    process.require("rpm", "rpmkeys", "gpg", "gpgv")
    keys = read_keys(public_key)
    with tempfile.TemporaryDirectory(prefix="verify-") as name:
        yield Verifier(keys, Path(name), public_key)


def without_revoked(armoured: bytes, keys: PublicKeys) -> bytes:
    """Return keys less those that were revoked: rpm refuses a whole key for one revoked subkey."""
    if not any(key.revoked for key in keys.keys):
        return armoured
    return b"".join(separate(armoured, keys).values())


def separate(armoured: bytes, keys: PublicKeys) -> Dict[str, bytes]:
    """Return each key that was not revoked, less revoked subkeys, by fingerprint, in a block of its own."""
    kept = [key.fingerprint for key in keys.primaries if not key.revoked]
    doomed = [key.fingerprint for key in keys.primaries if key.revoked]
    doomed += [f"{key.fingerprint}!" for key in keys.keys if key.revoked and key.primary in kept]
    with tempfile.TemporaryDirectory(prefix="keys-") as home:
        gpg = [*_GPG, home, "--yes"]
        process.run([*gpg, "--import"], what="Reading the public key", stdin=armoured)
        if doomed:
            process.run([*gpg, "--delete-keys", *doomed], what="Leaving out revoked keys")
        return {name: process.run([*gpg, "--armor", "--export", name]).stdout for name in kept}


def _complaint(signature: str, signed: str, verdict: Verdict) -> str:
    if verdict is Verdict.DAMAGED:
        return f"{signature} does not match {signed}."
    if verdict is Verdict.FOREIGN:
        return f"{signature} does not match the trusted key: {signed} was signed by another one."
    if verdict is Verdict.UNSIGNED:
        return f"{signature} does not match {signed}: it is no signature."
    return f"{signature} of {signed} does not count: {verdict.value}."


def _status(output: bytes) -> Tuple[List[List[str]], str]:
    """Return gpgv's status lines, split into words, and the last of its other lines."""
    lines = output.decode(errors="replace").splitlines()
    rows = [line.split()[1:] for line in lines if line.startswith(_STATUS)]
    said = "\n".join(line for line in lines if not line.startswith(_STATUS))
    return rows, process.last_lines(said.encode())


def _moment(row: str) -> float:
    """Return the date in rpm's account of a signature: ``RSA/SHA512, Sun Sep 13 12:43:20 2020, Key ID …``."""
    if not row:
        return 0.0
    return float(calendar.timegm(time.strptime(row.split(", ")[1], "%a %b %d %H:%M:%S %Y")))


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
