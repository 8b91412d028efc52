"""Keys sign reproducibly, never leak an agent, and say what is wrong when they cannot."""

from __future__ import annotations

import dataclasses
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Tuple

import pytest

from support.installroot import Box
from support.openpgp import EARLY, Home
from support.small_rpms import EPOCH, Shop, Small, build
from switchroom.build import repo
from switchroom.build.keys import SigningKey, development_key, open_key
from switchroom.build.repo import layout
from switchroom.build.signatures import Verdict, fingerprint, verifier
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")


def agents(home: Path) -> List[str]:
    """The command lines of live gpg agents that serve a home."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = status.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"gpg-agent") and os.fsencode(home) in words:
            found.append(b" ".join(words).decode())
    return found


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document"
    path.write_text("some text\n")
    return path


@pytest.fixture(scope="session")
def locked_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuple[Path, str]]:
    """A production home whose key has a passphrase, with no agent running."""
    home = tmp_path_factory.mktemp("production")
    home.chmod(0o700)
    words = ["--pinentry-mode", "loopback", "--passphrase-fd", "0", "--faked-system-time", "1600000000!"]
    gpg(home, *words, "--quick-generate-key", "Release <release@example.com>", "rsa2048", "sign", "never")
    listing = gpg(home, "--with-colons", "--list-keys")
    stop_agent(home)
    yield home, next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))
    stop_agent(home)


def gpg(home: Path, *words: str) -> str:
    command = ["gpg", "--homedir", str(home), "--batch", *words]
    done = subprocess.run(command, check=True, capture_output=True, input=b"sesame\n")
    return done.stdout.decode(errors="replace")


def stop_agent(home: Path) -> None:
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)


def test_the_development_key_is_made_once_and_says_what_it_is(tmp_path: Path) -> None:
    key = development_key(tmp_path)
    again = development_key(key.gnupghome.parent)
    assert again == key
    assert again.development
    assert fingerprint(key.export_public()) == key.fingerprint
    packets = subprocess.run(
        ["gpg", "--list-packets"], input=key.export_public(), capture_output=True, check=True
    ).stdout.decode()
    assert "DEVELOPMENT key - do not trust" in packets
    assert "pkey[0]: [4096 bits]" in packets
    assert "digest algo 10," in packets  # SHA-512
    assert "digest algo 2," not in packets  # SHA-1, which EL10 refuses


def test_processes_that_race_for_the_development_key_get_the_same_one(tmp_path: Path) -> None:
    code = "import sys, pathlib; from switchroom.build.keys import development_key as make;"
    code += "print(make(pathlib.Path(sys.argv[1])).fingerprint)"
    command = [sys.executable, "-c", code, str(tmp_path / "keys")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(3)]
    answers = {racer.communicate(timeout=120)[0] for racer in racers}
    assert len(answers) == 1
    assert len(answers.pop().strip()) == 40


def test_the_same_input_key_and_date_give_the_same_signature(key: SigningKey, document: Path) -> None:
    first = key.detach_sign(document, EPOCH).read_bytes()
    assert first.startswith(b"-----BEGIN PGP SIGNATURE-----")
    assert key.detach_sign(document, EPOCH).read_bytes() == first
    assert key.detach_sign(document, EPOCH + 1).read_bytes() != first
    assert key.export_public() == key.export_public()


def test_packages_sign_to_the_same_bytes_and_verify(key: SigningKey, small: Path, tmp_path: Path) -> None:
    original = small / "engine-1.0-1.lab.noarch.rpm"
    copies = [Path(shutil.copy(original, tmp_path / name)) for name in ("one.rpm", "two.rpm")]
    for copy in copies:
        key.sign_rpms([copy], EPOCH)
    assert copies[0].read_bytes() == copies[1].read_bytes() != original.read_bytes()
    with verifier(key.export_public()) as trusted:
        assert trusted.rpms([copies[0], original]) == {
            copies[0]: Verdict.SIGNED,
            original: Verdict.UNSIGNED,
        }


def test_a_detached_signature_belongs_to_its_bytes_and_key(
    key: SigningKey, foreign_key: SigningKey, document: Path
) -> None:
    signature = key.detach_sign(document, EPOCH)
    with verifier(key.export_public()) as trusted:
        trusted.check_detached(document, signature)
        document.write_text("some other text\n")
        with pytest.raises(SwitchroomError, match="does not match"):
            trusted.check_detached(document, signature)
        with pytest.raises(SwitchroomError, match="does not match"):
            trusted.check_detached(document, foreign_key.detach_sign(document, EPOCH))


def test_a_home_too_deep_for_the_agents_socket_works(key: SigningKey, tmp_path: Path, document: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "development"
    shutil.copytree(key.gnupghome, deep, ignore=shutil.ignore_patterns("S.*"))
    moved = open_key(key.fingerprint, deep)
    with_short_path = key.detach_sign(document, EPOCH).read_bytes()
    assert moved.detach_sign(document, EPOCH).read_bytes() == with_short_path


def test_no_agent_stays_behind(key: SigningKey, document: Path) -> None:
    # What a killed command of another test left is not this one's.
    subprocess.run(["gpgconf", "--homedir", str(key.gnupghome), "--kill", "gpg-agent"], check=True)
    key.detach_sign(document, EPOCH)
    for _ in range(50):
        if not agents(key.gnupghome):
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail(f"still running: {agents(key.gnupghome)}")


def test_a_date_before_the_key_was_made_is_refused(key: SigningKey, document: Path) -> None:
    with pytest.raises(SwitchroomError) as caught:
        key.detach_sign(document, 900_000_000)
    assert "SOURCE_DATE_EPOCH" in caught.value.hint


@pytest.mark.parametrize("text", ["release@example.com", "D957B616", "G" * 40])
def test_a_key_is_named_by_its_whole_fingerprint(text: str, tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="not a key fingerprint") as caught:
        open_key(text, tmp_path)
    assert caught.value.code == ExitCode.USAGE


def test_a_missing_key_or_home_is_named(locked_home: Tuple[Path, str], tmp_path: Path) -> None:
    home, _ = locked_home
    with pytest.raises(SwitchroomError, match=f"no secret key '{'A' * 40}'"):
        open_key("A" * 40, home)
    with pytest.raises(SwitchroomError, match="does not exist"):
        open_key("A" * 40, tmp_path / "nowhere")


def test_a_public_key_alone_cannot_sign(key: SigningKey, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    subprocess.run(
        ["gpg", "--homedir", str(tmp_path), "--batch", "--import"],
        input=key.export_public(),
        check=True,
        capture_output=True,
    )
    with pytest.raises(SwitchroomError, match="no secret key"):
        open_key(key.fingerprint, tmp_path)


def test_a_locked_key_asks_for_its_agent_and_an_unlocked_one_signs(
    locked_home: Tuple[Path, str], document: Path
) -> None:
    home, name = locked_home
    production = open_key(name, home)
    with pytest.raises(SwitchroomError, match="locked by a passphrase") as caught:
        production.check_usable(EPOCH)
    assert "Unlock it" in caught.value.hint
    try:
        gpg(
            home,
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            "0",
            "--sign",
            "-o",
            "-",
            os.devnull,
        )
        assert production.detach_sign(document, EPOCH).is_file()
        assert agents(home), "the operator's own agent was stopped"
    finally:
        stop_agent(home)


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    """A file with the passphrase of the locked key, its owner's alone."""
    path = tmp_path / "passphrase"
    path.write_text("sesame\nand a second line\n")
    path.chmod(0o600)
    return path


def test_a_passphrase_file_unlocks_a_key_without_a_terminal(
    locked_home: Tuple[Path, str],
    passphrase: Path,
    document: Path,
    small: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It signs files and packages; the passphrase is in no command line and no log, and no agent stays."""
    caplog.set_level("DEBUG")
    home, name = locked_home
    production = open_key(name, home, passphrase)
    signature = production.detach_sign(document, EPOCH)
    rpm = Path(shutil.copy(small / "engine-1.0-1.lab.noarch.rpm", document.parent))
    production.sign_rpms([rpm], EPOCH)
    with verifier(production.export_public()) as trusted:
        trusted.check_detached(document, signature)
        assert trusted.rpms([rpm]) == {rpm: Verdict.SIGNED}
    assert "gpg" in caplog.text
    assert "sesame" not in caplog.text
    assert "sesame" not in repr(production)
    with pytest.raises(SwitchroomError, match="locked by a passphrase"):
        open_key(name, home).check_usable(EPOCH)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, stat.S_IFIFO | 0o600])
def test_a_passphrase_file_that_others_may_read_is_refused(
    locked_home: Tuple[Path, str], passphrase: Path, mode: int
) -> None:
    """Or that is no plain file: what has been read from a pipe once is not there again."""
    passphrase.chmod(stat.S_IMODE(mode))
    if stat.S_ISFIFO(mode):
        passphrase.unlink()
        os.mkfifo(passphrase, 0o600)
    with pytest.raises(SwitchroomError, match="not its owner's alone") as caught:
        open_key(locked_home[1], locked_home[0], passphrase)
    assert caught.value.code == ExitCode.REFUSED
    assert "chmod 0600" in caught.value.hint


@pytest.mark.parametrize(("text", "message"), [("mistaken\n", "does not unlock"), ("\n", "no passphrase")])
def test_a_wrong_passphrase_is_named(
    locked_home: Tuple[Path, str], passphrase: Path, text: str, message: str
) -> None:
    passphrase.write_text(text)
    with pytest.raises(SwitchroomError, match=message) as caught:
        open_key(locked_home[1], locked_home[0], passphrase).check_usable(EPOCH)
    assert "mistaken" not in str(caught.value.as_dict())
    assert Path(os.devnull).is_char_device(), "gpg removes its output file when it fails"


class Split(NamedTuple):
    """A key whose primary is offline: the home that holds its signing subkeys' secrets only."""

    home: Home
    primary: str
    older: str
    newer: str


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Split]:
    whole, part = (Home(tmp_path_factory.mktemp(name)) for name in ("offline", "online"))
    for home in (whole, part):
        home.folder.chmod(0o700)
    primary = whole.make("Release", "rsa2048", "cert")
    older, newer = whole.add_subkey(primary, "rsa2048"), whole.add_subkey(primary, "rsa2048", at=EARLY)
    part.gpg("--import", at=EARLY, stdin=whole.gpg("--export-secret-subkeys", primary, at=EARLY))
    whole.stop()
    yield Split(part, primary, older, newer)
    part.stop()


@pytest.mark.parametrize("named", ["primary", "older", "newer"])
def test_a_signing_subkey_signs_while_its_primary_is_offline(
    split: Split, document: Path, small: Path, tmp_path: Path, named: str
) -> None:
    """The key is named by its own fingerprint or the subkey's; gpgv and rpm both read what it signs."""
    wanted = getattr(split, named)
    production = open_key(wanted, split.home.folder)
    assert production.fingerprint == split.primary
    assert production.signer == (split.newer if named == "primary" else wanted)
    signature = production.detach_sign(document, EPOCH)
    rpm = Path(shutil.copy(small / "engine-1.0-1.lab.noarch.rpm", tmp_path))
    production.sign_rpms([rpm], EPOCH)
    said = subprocess.run(["gpg", "--list-packets", signature], capture_output=True, text=True, check=False)
    assert production.signer in said.stdout
    with verifier(production.export_public()) as trusted:
        trusted.check_detached(document, signature)
        assert trusted.rpms([rpm]) == {rpm: Verdict.SIGNED}


@pytest.mark.lab("dnf")
def test_dnf_installs_what_a_signing_subkey_signed(split: Split, tmp_path: Path, small: Path) -> None:
    shop = Shop(tmp_path / "root", open_key(split.primary, split.home.folder))
    shop.publish(small / "engine-1.0-1.lab.noarch.rpm")
    assert repo.verify(shop.root).problems == ()
    box = Box(tmp_path / "box", shop)
    done = box.dnf("install", "engine")
    assert done.returncode == 0, done.stderr
    assert "engine-1.0-1.lab.noarch" in box.installed()
    box.stop()


def test_a_key_that_may_not_sign_is_refused(tmp_path: Path) -> None:
    """Though its epoch lies before its end: what it signed then stands, nothing new may be added."""
    home = Home(tmp_path)
    home.folder.chmod(0o700)
    names = {kind: home.make(kind, "rsa2048") for kind in ("expired", "revoked")}
    names["edwards"] = home.make("edwards", "ed25519")
    names["certifier"] = home.make("certifier", "rsa2048", "cert")
    home.expire(names["expired"])
    home.revoke(names["revoked"])
    reasons = {
        "expired": "it has expired",
        "revoked": "it was revoked",
        "edwards": "Boxes would refuse",
        "certifier": "secret part that signs is not there",
    }
    for kind, reason in reasons.items():
        with pytest.raises(SwitchroomError, match=reason) as caught:
            open_key(names[kind], home.folder)
        assert caught.value.code == ExitCode.REFUSED
    home.stop()


def test_a_key_whose_life_was_extended_is_the_same_key(tmp_path: Path, small: Path) -> None:
    """What it signed still stands, it signs on, and the next publish hands it out as it is now."""
    home = Home(tmp_path / "home")
    home.folder.mkdir(mode=0o700)
    name = home.make("Release", "rsa2048")
    home.gpg("--quick-set-expire", name, "seconds=1000000000", at=EARLY)
    shop = Shop(tmp_path / "root", open_key(name, home.folder))
    shop.publish(small / "engine-1.0-1.lab.noarch.rpm")
    before = (shop.root / layout.PUBLIC_KEY).read_bytes()
    home.gpg("--quick-set-expire", name, "0", at=EARLY + 60)
    assert len(shop.publish(small).unchanged) == 1
    assert (shop.root / layout.PUBLIC_KEY).read_bytes() == home.public(name) != before
    old = tmp_path / "old.asc"
    old.write_bytes(before)
    assert repo.verify(shop.root, key_file=old).problems == ()
    home.stop()


def test_the_development_key_vouches_for_nothing_that_real_boxes_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = development_key(tmp_path / "cache")
    shop = Shop(tmp_path / "root", key)
    rpms = build(tmp_path / "small", Small("el", release="1.el9"), Small("point", release="2.el10_1"))
    shop.publish(*build(tmp_path / "lab", Small("lab"), Small("elf", release="1.elf9")))
    for dry_run in (True, False):
        with pytest.raises(SwitchroomError, match="development key signs no packages") as caught:
            shop.publish(*rpms, dry_run=dry_run)
        assert caught.value.code is ExitCode.REFUSED
        assert caught.value.cause.splitlines() == [rpm.name for rpm in sorted(rpms)]
    command = ["repo", "publish", "--root", str(shop.root), str(rpms[0])]
    named = ["--key", key.fingerprint, "--gnupghome", str(key.gnupghome)]
    assert main([*command, *named]) == ExitCode.REFUSED
    assert "development key signs no packages" in capsys.readouterr().err
    assert sorted(shop.nevras()) == ["elf-1.0-1.elf9.noarch", "lab-1.0-1.lab.noarch"]


def test_what_a_development_key_signed_once_is_not_promoted(tmp_path: Path, key: SigningKey) -> None:
    shop = Shop(tmp_path / "root", key)
    shop.publish(*build(tmp_path / "small", Small("el", release="1.el9")))
    with pytest.raises(SwitchroomError, match="development key signs no packages"):
        Shop(shop.root, dataclasses.replace(key, development=True)).promote()
    assert shop.promote().added
