"""Verification finds what was changed after signing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support import media
from support.openpgp import Home, full_disk  # noqa: F401 - a fixture
from support.small_rpms import QUIET, Shop, foreign_key  # noqa: F401 - a fixture
from switchroom.build.iso import sums
from switchroom.build.iso.build import Built
from switchroom.build.iso.verify import verify_iso
from switchroom.build.keys import SigningKey
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "checkisomd5", "rpmkeys", "gpgv")


@pytest.fixture
def copy(lab_image: Built, tmp_path: Path) -> Path:
    """A copy of the image and its sidecars that a test may spoil."""
    for path in (lab_image.image, *sums.sidecars(lab_image.image)):
        shutil.copy(path, tmp_path)
    return tmp_path / lab_image.image.name


def test_untouched_image_passes(copy: Path, lab_shop: Shop) -> None:
    assert media.verified(copy, lab_shop.key) == ()


def test_changed_package_is_found_three_ways(copy: Path, lab_shop: Shop) -> None:
    data = copy.read_bytes()
    at = data.index(b"\xed\xab\xee\xdb")  # an RPM's lead
    copy.write_bytes(data[: at + 5000] + b"spoilt" + data[at + 5006 :])
    problems = "\n".join(media.verified(copy, lab_shop.key))
    assert "its SHA-256 differs" in problems
    assert "media checksum" in problems
    assert ".rpm' on the medium differs from the manifest" in problems


def test_changed_sums_do_not_match_their_signature(copy: Path, lab_shop: Shop) -> None:
    path = sums.sums_path(copy)
    path.write_text(path.read_text().replace("lab.iso\n", "lab.iso \n", 1))
    assert "signature" in media.verified(copy, lab_shop.key)[0]


def test_missing_signature_is_a_problem(copy: Path, lab_shop: Shop) -> None:
    sums.signature_path(copy).unlink()
    assert media.verified(copy, lab_shop.key) == ("missing beside the image: lab.iso.SHA256SUMS.asc",)


def test_another_key_is_not_trusted(copy: Path, foreign_key: SigningKey) -> None:  # noqa: F811
    problems = "\n".join(media.verified(copy, foreign_key))
    assert "signature" in problems
    assert "not the trusted key" in problems


def test_the_same_key_in_other_bytes_is_trusted(copy: Path, lab_shop: Shop) -> None:
    """A comment, other line ends, a second key before it: what counts is the fingerprint."""
    public = lab_shop.key.export_public()
    commented = public.replace(b"BLOCK-----\n", b"BLOCK-----\nComment: from the web\n", 1)
    assert verify_iso(copy, commented.replace(b"\n", b"\r\n"), QUIET).problems == ()


def test_an_old_image_is_verified_after_its_key_was_replaced(
    copy: Path,
    lab_shop: Shop,
    foreign_key: SigningKey,  # noqa: F811
) -> None:
    both = foreign_key.export_public() + lab_shop.key.export_public()
    assert verify_iso(copy, both, QUIET).problems == ()


def test_an_image_of_a_revoked_key_is_not_trusted(copy: Path, lab_shop: Shop, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(lab_shop.key.gnupghome, home.folder, ignore=shutil.ignore_patterns("S.*"))
    home.revoke(lab_shop.key.fingerprint)
    problems = "\n".join(verify_iso(copy, home.public(lab_shop.key.fingerprint), QUIET).problems)
    home.stop()
    for name in ("lab.iso.SHA256SUMS'", "repodata/repomd.xml'"):
        assert f"{name} does not count: signed by a key that was revoked" in problems


def test_a_full_disk_is_told_apart_from_an_image_not_to_be_trusted(
    copy: Path,
    lab_shop: Shop,
    tmp_path: Path,
    full_disk: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = tmp_path / "key.asc"
    key.write_bytes(lab_shop.key.export_public())
    code = main(["build", "iso", "--verify", str(copy), "--public-key", str(key)])
    captured = capsys.readouterr()
    assert code == ExitCode.FAILED
    assert "NOT to be trusted" not in captured.out
    assert "problem:" not in captured.out


def test_image_of_somebody_else_is_no_image_of_ours(el_base: Path, lab_shop: Shop) -> None:
    with pytest.raises(SwitchroomError, match="was not made by switchroom"):
        media.verified(el_base, lab_shop.key)


def test_command_line_tells_and_exits_accordingly(
    copy: Path, lab_shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key.asc"
    key.write_bytes(lab_shop.key.export_public())
    command = ["build", "iso", "--verify", str(copy), "--public-key", str(key)]
    assert main(command) == 0
    assert "is whole, signed and as its manifest says" in capsys.readouterr().out
    sums.manifest_path(copy).write_text("{}")
    assert main(command) == ExitCode.ATTENTION
    assert "NOT to be trusted" in capsys.readouterr().out
