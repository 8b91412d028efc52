"""What a signature is worth: the key behind it may be revoked, expired, weak, one of several, or a subkey."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple

import pytest

from support.openpgp import LATE, Home
from switchroom.build.signatures import UntrustedError, Verdict, verifier
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

ENGINE = "engine-1.0-1.lab.noarch.rpm"


class Signed(NamedTuple):
    """A document and a package, signed by keys of every kind; ``public`` has the public keys by kind."""

    document: Path
    signatures: Dict[str, Path]
    rpms: Dict[str, Path]
    public: Dict[str, bytes]
    clear: Dict[str, Path]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, small: Path) -> Iterator[Signed]:
    folder = tmp_path_factory.mktemp("signed")
    home = Home(tmp_path_factory.mktemp("pgp"))
    home.folder.chmod(0o700)
    document = folder / "document"
    document.write_text("some text\n")
    plain, expired, revoked = (home.make(name, "ed25519") for name in ("plain", "expired", "revoked"))
    weak = home.make("weak", "rsa1024")
    primary = home.make("primary", "ed25519", "cert")
    good, lapsed, gone = (home.add_subkey(primary, "ed25519") + "!" for _ in range(3))
    users = {"plain": plain, "expired": expired, "revoked": revoked, "weak": weak}
    users.update({"subkey": good, "expired subkey": lapsed, "revoked subkey": gone})
    found = {kind: home.sign(document, name) for kind, name in users.items()}
    clear = {kind: home.sign(document, users[kind], clear=True) for kind in ("plain", "weak")}
    found["late"] = home.sign(document, expired, at=LATE)
    found["late subkey"] = home.sign(document, lapsed, at=LATE)
    found["sha1"] = home.sign(document, plain, "--digest-algo", "SHA1")
    rpms = {kind: _copy(small / ENGINE, folder / f"{kind}.rpm") for kind in found}
    for kind, name in users.items():
        home.sign_rpm(rpms[kind], name)
    home.sign_rpm(rpms["late"], expired, at=LATE)
    home.sign_rpm(rpms["late subkey"], lapsed, at=LATE)
    home.sign_rpm(rpms["sha1"], plain, digest="sha1")
    home.expire(expired)
    home.expire(primary, lapsed.strip("!"))
    home.revoke(revoked)
    home.revoke_subkey(primary, 3)
    public = {kind: home.public(name.strip("!")) for kind, name in users.items()}
    yield Signed(document, found, rpms, public, clear)
    home.stop()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _copy(source: Path, target: Path) -> Path:
    return Path(shutil.copy(source, target))


def detached(signed: Signed, kind: str, public: bytes) -> str:
    """Return the complaint about a signature of the document, empty if it counts."""
    with verifier(public) as trusted:
        try:
            trusted.check_detached(signed.document, signed.signatures[kind])
        except UntrustedError as error:
            return error.message
    return ""


WORTH = {
    "plain": Verdict.SIGNED,
    "expired": Verdict.SIGNED,
    "subkey": Verdict.SIGNED,
    "expired subkey": Verdict.SIGNED,
    "late": Verdict.EXPIRED,
    "late subkey": Verdict.EXPIRED,
    "revoked": Verdict.REVOKED,
    "revoked subkey": Verdict.REVOKED,
    "weak": Verdict.WEAK,
    "sha1": Verdict.WEAK,
}
KEY_OF = {"late": "expired", "late subkey": "expired subkey", "sha1": "plain"}


@pytest.mark.parametrize("kind", WORTH)
def test_a_signature_counts_by_its_key_and_its_date(signed: Signed, kind: str) -> None:
    """Of metadata and sums (gpgv) and of packages (rpm) alike, by the same rules."""
    public = signed.public[KEY_OF.get(kind, kind)]
    worth = WORTH[kind]
    complaint = detached(signed, kind, public)
    assert complaint == "" if worth is Verdict.SIGNED else worth.value in complaint
    with verifier(public) as trusted:
        assert trusted.rpms([signed.rpms[kind]]) == {signed.rpms[kind]: worth}


@pytest.mark.parametrize("kind", ["expired", "expired subkey"])
def test_an_expired_key_is_told_of(signed: Signed, kind: str) -> None:
    with verifier(signed.public[kind]) as trusted:
        assert trusted.remarks == ()
        trusted.check_detached(signed.document, signed.signatures[kind])
        trusted.rpms([signed.rpms[kind]])
        (remark,) = trusted.remarks
    assert "expired on 2022-08-08" in remark


def test_a_file_may_hold_several_keys_in_any_armour(signed: Signed) -> None:
    both = signed.public["plain"] + signed.public["expired"]
    for form in (
        both,
        both.replace(b"\n", b"\r\n"),
        both.replace(b"BLOCK-----\n", b"BLOCK-----\nComment: x\n", 1),
    ):
        assert [detached(signed, kind, form) for kind in ("plain", "expired")] == ["", ""]
        with verifier(form) as trusted:
            found = trusted.rpms([signed.rpms["plain"], signed.rpms["expired"], signed.rpms["weak"]])
        assert list(found.values()) == [Verdict.SIGNED, Verdict.SIGNED, Verdict.FOREIGN]


def test_one_good_signature_of_two_is_enough(signed: Signed, tmp_path: Path) -> None:
    both = tmp_path / "both.asc"
    both.write_bytes(signed.signatures["weak"].read_bytes() + signed.signatures["plain"].read_bytes())
    with verifier(signed.public["plain"]) as trusted:
        trusted.check_detached(signed.document, both)


def test_what_is_signed_is_told_from_what_stands_beside_it(signed: Signed, tmp_path: Path) -> None:
    """A clear-signed file is taken whole or not at all; a message is no detached signature of a file."""
    good, foreign = signed.clear["plain"].read_bytes(), signed.clear["weak"].read_bytes()
    both = tmp_path / "both"
    with verifier(signed.public["plain"]) as trusted:
        assert trusted.clear_signed(signed.clear["plain"]) == signed.document.read_bytes()
        assert trusted.clear_signed(_written(both, b"some words\n" + good)) == signed.document.read_bytes()
        for text in (good + foreign, foreign + good, foreign, signed.document.read_bytes()):
            with pytest.raises(UntrustedError):
                trusted.clear_signed(_written(both, text))
        with pytest.raises(UntrustedError):
            trusted.check_detached(_written(both, b"other text\n"), signed.clear["plain"])


def test_what_is_no_signature_or_no_key_is_named(signed: Signed, tmp_path: Path) -> None:
    junk = tmp_path / "junk.asc"
    junk.write_text("junk\n")
    with verifier(signed.public["plain"]) as trusted:
        with pytest.raises(SwitchroomError, match="no signature"):
            trusted.check_detached(signed.document, junk)
        with pytest.raises(SwitchroomError, match="is not signed"):
            trusted.check_detached(signed.document, tmp_path / "nothing.asc")
    with pytest.raises(SwitchroomError, match="cannot be read") as caught, verifier(b"junk\n"):
        pass
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize("left", [0, 4, 16, 48])
def test_a_full_disk_is_no_verdict(signed: Signed, full_disk: Path, left: int) -> None:
    """However much room there is: the right answer, or a failure of the machine, never a word about trust."""
    subprocess.run(["mount", "-o", f"remount,size={8 + left}k", str(full_disk)], check=True)
    found: List[object] = []
    with verifier(signed.public["plain"]) as trusted:
        try:
            trusted.check_detached(signed.document, signed.signatures["plain"])
            found += trusted.rpms([signed.rpms["plain"]]).values()
        except (OSError, SwitchroomError) as error:
            found.append(type(error))
    assert found in ([Verdict.SIGNED], [OSError], [SwitchroomError])


def test_a_missing_tool_is_no_verdict(
    signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = signed.public["plain"]
    for tool in ("gpg", "rpm", "rpmkeys"):
        os.symlink(shutil.which(tool) or "", tmp_path / tool)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SwitchroomError, match="Missing on this machine: gpgv"), verifier(public):
        pass
