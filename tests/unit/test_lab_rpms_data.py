"""What the lab's stand-in packages are described by; that they install and run is tested in tests/lab."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.rpms import tree
from lab.rpms.model import DRESSES, Outlet, Package, Source, published, sources
from lab.rpms.spec import Laid, render
from switchroom.core.errors import SwitchroomError


@pytest.mark.parametrize("dress", DRESSES)
def test_only_streams_offer_a_name_more_than_once(dress: str) -> None:
    names: Counter[str] = Counter()
    for source, outlet in published(dress):
        names.update(outlet.name(package.name) for package in source.packages if not outlet.module)
    assert set(names.values()) == {1}


def test_a_source_like_another_has_all_that_it_does_not_say() -> None:
    known = {source.name: source for source in sources()}
    one, other = known["php-8.2"], known["php-8.4"]
    assert other.packages == one.packages
    assert other.files == one.files
    assert other.suite != one.suite
    assert other.key(other.outlets[0]) != one.key(one.outlets[0])


def test_a_file_that_is_not_there_any_more_is_told(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match=r"'web' lists 'usr/sbin/httpd'"):
        tree.claimed(Package("web", "", files=["usr/sbin/httpd"]), tmp_path)


def test_a_renamed_package_keeps_its_old_name_as_provides_and_excludes_who_has_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/php.ini").touch()
    packages = (
        Package("php-cli", "one", requires=["php-common = @VERSION@"]),
        Package("php-common", "two", files=["etc/php.ini"], config=["etc/*"]),
    )
    outlet = Outlet("el10", "appstream", renamed={"php": "php8.4"})
    source = Source("php-8.4", (outlet,), packages, suite="trixie", debian=["php8.4-cli"])
    text = render(Laid(source, "8.4.1", tmp_path, "/usr/lib64/lab/php-8.4"), outlet)
    cli = text.partition("%package -n php8.4-cli")[2].partition("%description")[0]
    assert "Requires: php8.4-common = 8.4.1" in cli
    assert "Provides: php-cli = 8.4.1" in cli
    assert "Conflicts: php-cli" in cli
    assert '%attr(-, root, root) %config(noreplace) "/etc/php.ini"' in text
