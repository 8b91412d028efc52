"""What debuggers need lies beside a channel's packages, in a repository of its own that moves with them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List

import pytest

from support.small_rpms import EPOCH, QUIET, Shop, Small, build_with_debug
from switchroom.build import repo
from switchroom.build.repo.metadata import read_repository
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")

NAMES = ["engine", "engine-debuginfo", "engine-debugsource"]


@pytest.fixture
def built(tmp_path: Path) -> List[Path]:
    return build_with_debug(tmp_path / "built", Small("engine"))


def names(folder: Path) -> List[str]:
    return [package.name for package in read_repository(folder)]


def door(shop: Shop, channel: str) -> str:
    text = (shop.root / channel / "el9/x86_64/mirrorlist-debuginfo").read_text()
    return text.strip().removeprefix(f"file://{shop.root}/")


def test_a_reader_of_the_channel_sees_no_debug_package(shop: Shop, built: List[Path]) -> None:
    assert len(shop.publish(*built).added) == 3
    assert names(shop.current()) == ["engine"]
    assert sorted(path.name for path in (shop.current() / "packages").iterdir()) == [built[0].name]
    assert shop.nevras() == ["engine-1.0-1.lab.noarch"]


def test_its_mirror_list_names_the_debug_part_of_the_generation_in_force(
    shop: Shop, built: List[Path]
) -> None:
    shop.publish(*built)
    assert door(shop, "testing") == "testing/el9/x86_64/generations/0001/debug/"
    assert names(shop.root / door(shop, "testing")) == NAMES[1:]


def test_without_debug_packages_the_door_leads_to_an_empty_repository(shop: Shop, small: Path) -> None:
    shop.publish(small)
    assert names(shop.root / door(shop, "testing")) == []


def test_they_go_with_the_package_that_is_promoted(shop: Shop, built: List[Path], tmp_path: Path) -> None:
    other = build_with_debug(tmp_path / "other", Small("other"))
    shop.publish(*built, *other)
    assert [name.partition("-1.0")[0] for name in shop.promote("engine").added] == NAMES
    assert names(shop.root / door(shop, "stable")) == NAMES[1:]
    assert repo.verify(shop.root).problems == ()
    assert repo.verify(shop.root).packages == 6 + 3


def test_no_test_is_asked_of_them_and_no_one_waits_for_them(shop: Shop, built: List[Path]) -> None:
    shop.publish(*built)
    repo.set_policy(shop.root, None, ["lab"])
    assert [each.package.name for each in repo.status(shop.root).ahead] == ["engine"]
    shop.record("lab", ["engine"], passed=True)
    assert len(shop.promote("engine").added) == 3


def test_a_later_publish_keeps_them_and_adding_again_changes_nothing(
    shop: Shop, built: List[Path], small: Path
) -> None:
    shop.publish(*built)
    shop.publish(small / "tool-1.0-1.lab.noarch.rpm")
    assert names(shop.root / door(shop, "testing")) == NAMES[1:]
    assert shop.publish(*built).added == ()


def test_a_rollback_takes_them_back_too(shop: Shop, built: List[Path], small: Path) -> None:
    shop.publish(*built, small / "tool-1.0-1.lab.noarch.rpm")
    shop.promote("tool")
    shop.promote("engine")
    done = repo.rollback(shop.root, "stable", key=shop.key, epoch=EPOCH, reporter=QUIET)
    assert [name.partition("-1.0")[0] for name in done.removed] == NAMES
    assert names(shop.root / door(shop, "stable")) == []


def test_one_that_was_tampered_with_is_found_and_never_rolled_back_to(
    shop: Shop, built: List[Path], small: Path
) -> None:
    shop.publish(*built)
    shop.promote("engine")
    first = shop.current("stable")
    shop.publish(small / "tool-1.0-1.lab.noarch.rpm")
    shop.promote("tool")
    for generation in (first, shop.current("stable")):
        next((generation / "debug" / "packages").iterdir()).unlink()
    assert "debug/packages/engine-debuginfo" in repo.verify(shop.root).problems[0]
    with pytest.raises(SwitchroomError, match="not whole") as refused:
        repo.rollback(shop.root, "stable", key=shop.key, epoch=EPOCH, reporter=QUIET)
    assert refused.value.code == ExitCode.REFUSED


def test_a_stale_door_is_found_and_put_right_by_the_next_publish(
    shop: Shop, built: List[Path], small: Path
) -> None:
    shop.publish(*built)
    shop.publish(small)
    path = shop.root / "testing/el9/x86_64/mirrorlist-debuginfo"
    path.write_text(path.read_text().replace("0002", "0001"))  # killed between the two doors
    assert "mirrorlist-debuginfo' does not name" in repo.verify(shop.root).problems[0]
    shop.publish(small)
    assert door(shop, "testing") == "testing/el9/x86_64/generations/0002/debug/"


def test_what_was_published_before_there_were_any_is_as_good_as_it_was(
    shop: Shop, built: List[Path], small: Path
) -> None:
    shop.publish(small)
    generation = shop.current()
    shutil.rmtree(generation / "debug")
    assert "mirrorlist-debuginfo' does not name" in repo.verify(shop.root).problems[0]
    (generation.parents[1] / "mirrorlist-debuginfo").unlink()
    assert repo.verify(shop.root).problems == ()
    shop.publish(*built)
    assert names(shop.root / door(shop, "testing")) == NAMES[1:]


def test_an_installer_carries_none(shop: Shop, built: List[Path], tmp_path: Path) -> None:
    shop.publish(*built)
    media = tmp_path / "media"
    repo.export_media(shop.root, "testing", media, key=shop.key, epoch=EPOCH, el=9)
    assert sorted(path.name for path in media.rglob("*.rpm")) == ["engine-1.0-1.lab.noarch.rpm"]
    assert not (media / "debug").exists()


def test_people_are_told_how_many_there_are(shop: Shop, built: List[Path]) -> None:
    shop.publish(*built)
    page = (shop.root / "index.html").read_text()
    assert "2 more for debuggers" in page
    assert "engine-debuginfo" not in page
