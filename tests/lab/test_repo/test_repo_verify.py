"""Verification finds each kind of tampering; export gives a plain signed folder."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import tempfile
from pathlib import Path
from typing import Callable, Dict

import pytest

from support.small_rpms import EPOCH, Shop
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo.verify import verify_folder
from switchroom.build.signatures import verifier
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

ENGINE = Path("packages") / "engine-1.0-1.lab.noarch.rpm"


def flip(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def replace_primary(folder: Path) -> None:
    (primary,) = (folder / "repodata").glob("*-primary.xml.gz")
    primary.write_bytes(gzip.compress(gzip.decompress(primary.read_bytes()) + b" "))


TAMPERING: Dict[str, Callable[[Path], object]] = {
    "does not match the metadata": lambda folder: flip(folder / ENGINE),
    "repomd.xml.asc' does not match": lambda folder: flip(folder / "repodata" / "repomd.xml"),
    "does not match repomd.xml": replace_primary,
    "is not in the metadata": lambda folder: shutil.copy(folder / ENGINE, folder / "packages" / "extra.rpm"),
    "engine-1.0-1.lab.noarch.rpm' does not match": lambda folder: (folder / ENGINE).unlink(),
    "mirrorlist' does not name": lambda folder: (folder.parents[1] / "mirrorlist").write_text("x"),
    "does not belong there": lambda folder: (folder.parents[1] / "note.txt").write_text("x"),
}


@pytest.mark.parametrize("problem", TAMPERING)
def test_each_kind_of_tampering_is_found(shop: Shop, small: Path, problem: str) -> None:
    shop.publish(small)
    TAMPERING[problem](shop.current())
    problems = repo.verify(shop.root).problems
    assert [line for line in problems if problem in line] != []


def test_a_repository_rebuilt_around_an_unsigned_package_is_found(
    shop: Shop, small: Path, foreign_key: SigningKey, tmp_path: Path
) -> None:
    """Metadata that fits, signed by somebody else: the trusted key tells, the repository's own does not."""
    shop.publish(small)
    trusted = tmp_path / "trusted.asc"
    trusted.write_bytes(shop.key.export_public())
    forged = Shop(tmp_path / "forged", foreign_key)
    forged.publish(small)
    assert repo.verify(forged.root).problems == ()
    assert "does not match" in repo.verify(forged.root, key_file=trusted).problems[0]


def test_an_export_is_a_signed_folder_of_the_exact_set(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    chosen = repo.export_media(
        shop.root, "testing", tmp_path / "media", key=shop.key, epoch=EPOCH, el=9, names=["meta", "engine"]
    )
    assert [package.name for package in chosen] == ["engine", "meta"]
    assert sorted(path.name for path in (tmp_path / "media").iterdir()) == ["packages", "repodata"]
    with verifier(shop.key.export_public()) as trusted:
        assert verify_folder(tmp_path / "media", trusted) == ()


def test_two_exports_are_the_same_bytes(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    copies = [tmp_path / "one", tmp_path / "two" / "deep"]
    for copy in copies:
        repo.export_media(shop.root, "testing", copy, key=shop.key, epoch=EPOCH, el=9)
    first, second = ({path.relative_to(c): path for path in c.rglob("*.*")} for c in copies)
    assert first.keys() == second.keys()
    assert all(sha256(first[name]) == sha256(second[name]) for name in first)
    assert {path.stat().st_mtime for path in first.values() if path.is_file()} == {EPOCH}


@pytest.mark.parametrize("why", ["exists already", "no package 'nothing'", "is empty", "key other than"])
def test_an_export_that_cannot_be_whole_is_refused(
    shop: Shop, small: Path, tmp_path: Path, foreign_key: SigningKey, why: str
) -> None:
    shop.publish(small)
    dest = tmp_path if why == "exists already" else tmp_path / "media"
    with pytest.raises(SwitchroomError, match=why):
        repo.export_media(
            shop.root,
            "stable" if why == "is empty" else "testing",
            dest,
            key=foreign_key if why == "key other than" else shop.key,
            epoch=EPOCH,
            el=9,
            names=["nothing"] if why.startswith("no package") else None,
        )
    assert not (tmp_path / "media").exists()


def test_the_command_line_publishes_promotes_and_verifies(
    tmp_path: Path, small: Path, key: SigningKey, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(tmp_path / "root")
    signing = ["--key", key.fingerprint, "--gnupghome", str(key.gnupghome)]

    def run(*words: str) -> Dict[str, object]:
        signed = signing if words[0] in ("publish", "promote") else []
        code = main(["repo", words[0], "--root", root, "--json", *words[1:], *signed])
        answer: Dict[str, object] = json.loads(capsys.readouterr().out)
        return {"code": code, **answer}

    assert len(run("publish", str(small))["added"]) == 3
    assert run("promote", "meta")["code"] == ExitCode.REFUSED
    assert run("promote")["code"] == ExitCode.USAGE
    assert run("promote", "--all")["generation"] == "0001"
    checked = run("verify")
    assert (checked["code"], checked["packages"], checked["fingerprints"]) == (0, 6, [key.fingerprint])
    flip(Path(root) / "stable/el9/x86_64/current" / ENGINE)
    assert run("verify", "--channel", "stable")["code"] == ExitCode.ATTENTION
    assert run("verify", "--root", str(tmp_path))["code"] == ExitCode.USAGE


def test_a_full_disk_is_told_apart_from_a_repository_not_to_be_trusted(
    shop: Shop,
    small: Path,
    full_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tmp_path = full_disk.parent
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(tempfile, "tempdir", str(tmp_path))
        elsewhere.setenv("TMPDIR", str(tmp_path))
        shop.publish(small)
    with contextlib.suppress(OSError), (full_disk / "filler").open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass
    code = main(["repo", "verify", "--root", str(shop.root)])
    captured = capsys.readouterr()
    assert code == ExitCode.FAILED
    assert "problem:" not in captured.out + captured.err
    assert "No space left" in captured.err
