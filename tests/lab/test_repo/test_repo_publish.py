"""Publishing adds signed copies in one step, changes nothing it should not, and refuses what is wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Iterator

import pytest

from support.small_rpms import ENTRIES, EPOCH, Shop, Small, build
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.build.repo import layout
from switchroom.build.signatures import Verdict, verifier
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.files import sha256

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

ENGINE = "engine-1.0-1.lab.noarch.rpm"


def tree(folder: Path) -> Dict[str, str]:
    """Every file below a folder with its checksum, links with their targets."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name == layout.LOCK:
            continue
        if path.is_symlink():
            found[str(path.relative_to(folder))] = str(path.readlink())
        elif path.is_file():
            found[str(path.relative_to(folder))] = sha256(path)
    return found


def refused(shop: Shop, *inputs: Path, **options: object) -> SwitchroomError:
    """Publish, expect a refusal, and expect that nothing changed."""
    before = tree(shop.root)
    with pytest.raises(SwitchroomError) as caught:
        shop.publish(*inputs, **options)
    assert caught.value.code == ExitCode.REFUSED
    assert tree(shop.root) == before
    return caught.value


def test_a_folder_is_published_signed_and_the_inputs_stay_as_they_are(shop: Shop, small: Path) -> None:
    before = tree(small)
    done = shop.publish(small)
    assert tree(small) == before
    assert done.added == tuple(sorted(path.name for path in small.glob("*.rpm")))
    assert shop.nevras() == ["engine-1.0-1.lab.noarch", "meta-1.0-1.lab.noarch", "tool-1.0-1.lab.noarch"]
    with verifier(shop.key.export_public()) as trusted:
        verdicts = trusted.rpms(list((shop.current() / "packages").iterdir()))
    assert set(verdicts.values()) == {Verdict.SIGNED}
    assert repo.verify(shop.root).problems == ()


def test_the_mirror_list_names_the_generation_in_force(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE, url="https://packages.example.com/pbx/")
    folder = shop.root / "testing" / "el9" / "x86_64"
    url = "https://packages.example.com/pbx/testing/el9/x86_64/generations/"
    assert (folder / "mirrorlist").read_text() == url + "0001/\n"
    shop.publish(small)
    assert (folder / "mirrorlist").read_text() == url + "0002/\n"
    assert (folder / "current").readlink() == Path("generations/0002")


def test_a_root_with_odd_characters_gets_a_valid_file_url(
    tmp_path: Path, key: SigningKey, small: Path
) -> None:
    odd = Shop(tmp_path / "my repo", key)
    odd.publish(small / ENGINE)
    assert "/my%20repo/testing/" in (odd.root / "testing/el9/x86_64/mirrorlist").read_text()


def test_web_server_can_read_what_a_careful_umask_published(
    key: SigningKey, small: Path, tmp_path: Path
) -> None:
    shop, before = Shop(tmp_path / "root", key), os.umask(0o077)
    try:
        shop.publish(small)
        shop.promote()
    finally:
        os.umask(before)
    found = [path for path in (shop.root, *shop.root.rglob("*")) if path.name != layout.LOCK]
    assert [path for path in found if path.is_dir() and path.stat().st_mode & 0o055 != 0o055] == []
    assert [path for path in found if path.is_file() and path.stat().st_mode & 0o044 != 0o044] == []


def test_publishing_again_changes_nothing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    before = tree(shop.root)
    done = shop.publish(small, epoch=EPOCH + 1000)
    assert done.added == ()
    assert len(done.unchanged) == 3
    assert tree(shop.root) == before


def test_a_generation_never_changes_once_another_is_in_force(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE)
    first = shop.current()
    before = tree(first)
    shop.publish(small)
    assert shop.current() != first
    assert tree(first) == before


def test_an_unchanged_package_is_a_hard_link_not_a_copy(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE)
    first = (shop.current() / "packages" / ENGINE).stat().st_ino
    shop.publish(small)
    assert (shop.current() / "packages" / ENGINE).stat().st_ino == first


def test_one_package_at_a_time_gives_the_same_metadata_as_all_at_once(
    shop: Shop, small: Path, tmp_path: Path, key: SigningKey
) -> None:
    for path in sorted(small.glob("*.rpm")):
        shop.publish(path)
    whole = Shop(tmp_path / "whole", key)
    whole.publish(small)
    assert tree(shop.current()) == tree(whole.current())


def test_two_folders_publish_to_the_same_bytes(
    shop: Shop, small: Path, tmp_path: Path, key: SigningKey
) -> None:
    copied = tmp_path / "elsewhere"
    shutil.copytree(small, copied, copy_function=shutil.copy)  # other dates, other place
    other = Shop(tmp_path / "deeper" / "root", key)
    shop.publish(small)
    other.publish(copied)
    assert tree(shop.current()) == tree(other.current())


def test_a_package_this_key_signed_is_taken_as_it_is(shop: Shop, small: Path, tmp_path: Path) -> None:
    signed = Path(shutil.copy(small / ENGINE, tmp_path))
    shop.key.sign_rpms([signed], EPOCH - 5000)
    shop.publish(signed)
    assert sha256(shop.current() / "packages" / ENGINE) == sha256(signed)


def test_a_package_another_key_signed_is_refused(
    shop: Shop, small: Path, tmp_path: Path, foreign_key: SigningKey
) -> None:
    foreign = Path(shutil.copy(small / ENGINE, tmp_path))
    foreign_key.sign_rpms([foreign], EPOCH)
    assert f"{foreign}: signed by another key" in refused(shop, small, foreign).cause


@pytest.mark.parametrize("damage", ["torn", "flipped", "not a package"])
def test_a_damaged_package_is_refused(shop: Shop, small: Path, tmp_path: Path, damage: str) -> None:
    data = (small / ENGINE).read_bytes()
    bad = tmp_path / "bad.rpm"
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    bad.write_bytes({"torn": data[: len(data) // 2], "flipped": flipped}.get(damage, b"junk\n" * 99))
    shop.publish(small / ENGINE)
    assert f"{bad}: damaged" in refused(shop, bad).cause


def test_a_published_package_with_new_content_is_refused(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    (changed,) = build(tmp_path / "changed", Small("engine", content="changed"))
    error = refused(shop, changed)
    assert error.message == f"The package '{ENGINE}' exists with other content."
    assert "raise the release" in error.hint


def test_two_inputs_of_one_name_must_agree(shop: Shop, small: Path, tmp_path: Path) -> None:
    (changed,) = build(tmp_path / "changed", Small("engine", content="changed"))
    refused(shop, small, changed)
    twin = Path(shutil.copy(small / ENGINE, tmp_path / "twin.rpm"))
    assert shop.publish(small / ENGINE, twin).added == (ENGINE,)


def test_another_key_is_refused_for_an_old_repository(
    shop: Shop, small: Path, foreign_key: SigningKey
) -> None:
    shop.publish(small)
    assert "key other than" in refused(Shop(shop.root, foreign_key), small).message


def test_stable_is_filled_by_promotion_only(shop: Shop, small: Path) -> None:
    assert "repo promote" in refused(shop, small, channel="stable").hint


@pytest.mark.parametrize("missing", ["nothing.rpm", "empty"])
def test_inputs_without_packages_are_named(shop: Shop, tmp_path: Path, missing: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SwitchroomError, match=missing) as caught:
        shop.publish(tmp_path / missing)
    assert caught.value.code == ExitCode.USAGE


def test_a_dry_run_tells_and_changes_nothing(shop: Shop, small: Path) -> None:
    assert shop.publish(small, dry_run=True).added != ()
    assert not shop.root.exists()
    shop.publish(small / ENGINE)
    before = tree(shop.root)
    assert ENGINE not in shop.publish(small, dry_run=True).added
    assert tree(shop.root) == before


def test_a_second_publisher_is_refused_while_the_first_works(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_LOCK_SECONDS", 0.0)
    shop.publish(small / ENGINE)
    with layout.writer_lock(shop.root):
        assert "Another process" in refused(shop, small).message
    assert shop.publish(small).added != ()


def test_what_a_dead_publisher_left_is_ignored_then_removed(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE)
    first, folder = shop.current(), shop.current().parents[1]
    shutil.copytree(first, folder / "generations" / "0002")  # renamed into place, never put in force
    (folder / ".new-dead" / "generation").mkdir(parents=True)
    (folder / ".mirrorlist.dead").write_text("half")
    assert shop.nevras() == ["engine-1.0-1.lab.noarch"]
    shop.publish(small)
    assert sorted(path.name for path in folder.iterdir()) == ENTRIES
    assert sorted(path.name for path in (folder / "generations").iterdir()) == ["0001", "0002"]
    assert repo.verify(shop.root).problems == ()


def test_hidden_files_of_the_web_server_stay(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE)
    folder = shop.current().parents[1]
    (shop.root / ".well-known").mkdir()
    (folder / ".htaccess").write_text("Options +Indexes")
    shop.publish(small)
    assert (shop.root / ".well-known").is_dir()
    assert (folder / ".htaccess").read_text() == "Options +Indexes"


def test_a_stale_mirror_list_is_put_right_by_the_next_publish(shop: Shop, small: Path) -> None:
    shop.publish(small / ENGINE)
    shop.publish(small)
    mirrorlist = shop.root / "testing/el9/x86_64/mirrorlist"
    right = mirrorlist.read_text()
    mirrorlist.write_text(right.replace("0002", "0001"))  # killed between the two renames
    shop.publish(small)
    assert mirrorlist.read_text() == right


def test_a_failure_leaves_the_old_state_and_no_scratch(
    shop: Shop, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.publish(small / ENGINE)
    before = tree(shop.root)

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layout, "_flush", fail)
    with pytest.raises(OSError, match="No space"):
        shop.publish(small)
    assert tree(shop.root) == before
    assert list(shop.root.rglob(".new-*")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("left", [0, 4096, 12288, 20480, 28672])
def test_a_full_disk_leaves_the_old_state(small_disk: Path, small: Path, key: SigningKey, left: int) -> None:
    shop = Shop(small_disk / "root", key)
    shop.publish(small / ENGINE)
    before = tree(shop.root)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    os.truncate(filler, filler.stat().st_size - left)
    with pytest.raises((SwitchroomError, OSError)):
        shop.publish(small)
    filler.unlink()
    assert tree(shop.root) == before
    assert shop.publish(small).added != ()
    assert repo.verify(shop.root).problems == ()


def test_a_repository_moved_on_disk_follows_at_the_next_publish(
    shop: Shop, small: Path, key: SigningKey
) -> None:
    shop.publish(small)
    moved = Shop(shop.root.with_name("moved"), key)
    shop.root.rename(moved.root)
    assert "mirrorlist" in repo.verify(moved.root).problems[0]
    moved.publish(small)
    assert repo.verify(moved.root).problems == ()


def test_old_generations_go_only_when_no_reader_can_need_them(shop: Shop, tmp_path: Path) -> None:
    rpms = build(tmp_path / "many", *(Small(f"p{number}") for number in range(6)))
    for rpm in rpms[:5]:
        shop.publish(rpm)
    generations = shop.current().parent
    assert len(list(generations.iterdir())) == 5  # dnf may still hold metadata of all of them
    shop.publish(rpms[5], retention=0)
    assert sorted(path.name for path in generations.iterdir()) == ["0004", "0005", "0006"]
