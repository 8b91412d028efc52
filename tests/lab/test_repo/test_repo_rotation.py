"""A repository's key is replaced while boxes still trust the old one: the steps of docs/repositories.md.

The boxes are installation roots for the real dnf. Their release package is built from the project's own spec,
with the key file that the repository hands out; it is all that a box learns of a key by.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

import pytest

from support.installroot import Box
from support.small_rpms import EPOCH, Shop, Small, build, rpmbuild
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo import keyring, layout
from switchroom.build.signatures import Verdict, verifier
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign", "dnf")

KEY = Path("etc/pki/rpm-gpg/RPM-GPG-KEY-switchroom")
SPECS = Path(__file__).parents[3] / "rpmspecs"


def release(folder: Path, version: str, public: bytes) -> Path:
    """Build the release package that carries some public keys."""
    sources = folder / "SOURCES"
    shutil.copytree(SPECS / "switchroom-release", sources)
    (sources / KEY.name).write_bytes(public)
    for name in ("catalog.yml", "removals.yml"):
        (sources / name).write_text("# not looked at here\n")
    head = f"%global sw_catalog {version}\n%global sw_repo_url file:///nowhere\n%global dist .lab\n"
    spec = folder / "switchroom-release.spec"
    spec.write_text(head + (SPECS / spec.name).read_text())
    rpmbuild(folder, [spec])
    (made,) = (folder / "rpms" / "noarch").iterdir()
    return made


class Rotated(NamedTuple):
    """A repository after its key was replaced, by the old key's holder and the new one's."""

    old: Shop
    new: Shop
    box: Box  # was updated all along
    straggler: Box  # was off since before the first step


def must(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr + done.stdout


def boxed(folder: Path, shop: Shop) -> Box:
    """Return a box that checks by the key file in its own root, where the release package puts it."""
    return Box(folder, shop, f"file://{folder}/root/{KEY}")


@pytest.fixture(scope="module")
def rotated(
    tmp_path_factory: pytest.TempPathFactory, key: SigningKey, foreign_key: SigningKey
) -> Iterator[Rotated]:
    folder = tmp_path_factory.mktemp("rotated")
    old, new = Shop(folder / "root", key), Shop(folder / "root", foreign_key)
    box, straggler = (boxed(folder / name, old) for name in ("box", "straggler"))
    engine = build(folder / "engine", Small("engine"), Small("engine", version="1.1"))
    handed = old.root / layout.PUBLIC_KEY

    old.publish(engine[0], release(folder / "r1", "2026.1", key.export_public()))
    for one in (box, straggler):
        (one.folder / "root" / KEY).parent.mkdir(parents=True)
        shutil.copy(handed, one.folder / "root" / KEY)
        must(one.dnf("install", "engine", "switchroom-release"))

    public = folder / "new.asc"
    public.write_bytes(foreign_key.export_public())
    keyring.change(old.root, key, EPOCH, add=[public])
    old.publish(release(folder / "r2", "2026.2", handed.read_bytes()))
    must(box.dnf("--refresh", "upgrade"))

    keyring.change(new.root, foreign_key, EPOCH)
    new.publish(engine[1])
    yield Rotated(old, new, box, straggler)
    box.stop()
    straggler.stop()


def test_a_box_that_was_updated_goes_on_with_the_new_key(rotated: Rotated) -> None:
    must(rotated.box.dnf("--refresh", "upgrade"))
    assert "engine-1.1-1.lab.noarch" in rotated.box.installed()


def test_a_box_with_the_old_key_alone_takes_the_release_package_first(rotated: Rotated) -> None:
    """It refuses what the new key signed; the release package, which the old one signed, brings that key."""
    box = rotated.straggler
    refused = box.dnf("--refresh", "upgrade")
    assert refused.returncode != 0
    assert "GPG signature verification error" in refused.stderr
    must(box.dnf("--refresh", "--setopt=switchroom-testing.repo_gpgcheck=0", "upgrade", "switchroom-release"))
    assert "switchroom-release-2026.2" in box.installed()
    must(box.dnf("--refresh", "upgrade"))
    assert "engine-1.1-1.lab.noarch" in box.installed()


def test_a_box_with_the_old_key_alone_takes_nothing_else_that_way(rotated: Rotated, tmp_path: Path) -> None:
    box = boxed(tmp_path / "box", rotated.old)
    (box.folder / "root" / KEY).parent.mkdir(parents=True)
    (box.folder / "root" / KEY).write_bytes(rotated.old.key.export_public())
    done = box.dnf("--setopt=switchroom-testing.repo_gpgcheck=0", "install", "engine")
    assert done.returncode != 0
    assert "engine" not in box.installed()
    box.stop()


def test_the_repository_verifies_with_both_keys_and_not_with_one(rotated: Rotated, tmp_path: Path) -> None:
    assert repo.verify(rotated.new.root).problems == ()
    for key, told in ((rotated.old.key, "engine-1.1"), (rotated.new.key, "engine-1.0")):
        trusted = tmp_path / key.fingerprint
        trusted.write_bytes(key.export_public())
        problems = "\n".join(repo.verify(rotated.new.root, key_file=trusted).problems)
        assert f"{told}-1.lab.noarch.rpm' is signed by another key" in problems or "repomd.xml" in problems
        assert "which is not trusted" in problems


def test_records_of_both_keys_count_and_the_gate_opens(rotated: Rotated) -> None:
    repo.set_policy(rotated.new.root, None, ["lab"])
    rotated.old.record("lab", ["engine-1.0-1.lab.noarch"], passed=True)
    rotated.new.record("lab", ["engine-1.1-1.lab.noarch"], passed=True)
    assert len(rotated.new.promote("engine-1.0-1.lab.noarch", "engine-1.1-1.lab.noarch").added) == 2
    assert repo.verify(rotated.new.root).remarks == ()


def test_the_old_key_stays_while_something_needs_it(rotated: Rotated) -> None:
    with pytest.raises(SwitchroomError, match="still needs a key") as caught:
        keyring.change(rotated.new.root, rotated.new.key, EPOCH, remove=[rotated.old.key.fingerprint])
    assert caught.value.code == ExitCode.REFUSED
    assert "signed by another key" in caught.value.cause
    with pytest.raises(SwitchroomError, match="that signs cannot be taken away"):
        keyring.change(rotated.new.root, rotated.new.key, EPOCH, remove=[rotated.new.key.fingerprint])


def test_an_installers_folder_verifies_with_the_keys_it_brings(rotated: Rotated, tmp_path: Path) -> None:
    repo.export_media(rotated.new.root, "testing", tmp_path / "media", key=rotated.new.key, epoch=EPOCH, el=9)
    with verifier(keyring.trusted_keys(rotated.new.root, rotated.new.key)) as trusted:
        found = trusted.rpms(list((tmp_path / "media/packages").iterdir()))
    assert set(found.values()) == {Verdict.SIGNED}


def test_a_key_that_nothing_needs_is_retired(
    shop: Shop, small: Path, foreign_key: SigningKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line: add, vouch, replace, remove."""
    new = Shop(shop.root, foreign_key)
    public = tmp_path / "new.asc"
    public.write_bytes(foreign_key.export_public())
    shop.publish(small)
    keys = keys_command(shop)
    assert keys(shop.key, "--add", str(public)) == ExitCode.DONE
    assert keys(foreign_key, "--remove", shop.key.fingerprint) == ExitCode.REFUSED
    assert keys(foreign_key, "--vouch") == ExitCode.DONE
    shutil.rmtree(shop.root / "testing")
    new.publish(small)
    assert keys(foreign_key, "--remove", shop.key.fingerprint) == ExitCode.DONE
    capsys.readouterr()
    assert main(["repo", "keys", "--root", str(shop.root)]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert foreign_key.fingerprint in shown
    assert "does not expire" in shown
    assert shop.key.fingerprint not in shown
    found = repo.verify(shop.root, key_file=public)
    assert (found.problems, found.remarks) == ((), ())


def keys_command(shop: Shop) -> Callable[..., int]:
    def run(key: SigningKey, *words: str) -> int:
        signing = ["--key", key.fingerprint, "--gnupghome", str(key.gnupghome)]
        return main(["repo", "keys", "--root", str(shop.root), *signing, *words])

    return run
