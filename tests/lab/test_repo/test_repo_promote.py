"""The gate between testing and stable."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator

import pytest

from support.small_rpms import EPOCH, Shop, Small, build
from switchroom.build import repo
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("gpg", "rpmbuild", "rpmsign")


def refused(shop: Shop, *names: str, **options: object) -> SwitchroomError:
    before = sorted(shop.root.rglob("*"))
    with pytest.raises(SwitchroomError) as caught:
        shop.promote(*names, **options)
    assert caught.value.code == ExitCode.REFUSED
    assert sorted(shop.root.rglob("*")) == before
    return caught.value


def test_an_exact_set_arrives_in_stable_and_stays_in_testing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    done = shop.promote("engine", "meta-1.0-1.lab.noarch")
    assert done.added == ("engine-1.0-1.lab.noarch.rpm", "meta-1.0-1.lab.noarch.rpm")
    assert shop.nevras("stable") == ["engine-1.0-1.lab.noarch", "meta-1.0-1.lab.noarch"]
    assert len(shop.nevras("testing")) == 3
    assert repo.verify(shop.root).problems == ()


def test_a_promoted_package_is_the_tested_file(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    name = Path("packages") / "engine-1.0-1.lab.noarch.rpm"
    assert (shop.current("stable") / name).samefile(shop.current("testing") / name)


def test_a_set_that_does_not_close_is_refused_and_changes_nothing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    error = refused(shop, "meta")
    assert "engine = 1.0 (needed by meta-1.0-1.lab.noarch)" in error.cause
    assert not (shop.root / "stable").exists()


def test_an_engine_in_another_version_does_not_close_it(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shop.publish(*build(tmp_path / "new", Small("meta", version="2.0", requires=["engine = 2.0"])))
    refused(shop, "meta")
    shop.publish(*build(tmp_path / "engine", Small("engine", version="2.0")))
    assert len(shop.promote("meta", "engine").added) == 2


def test_a_name_means_the_newest_and_a_nevra_one_build(shop: Shop, tmp_path: Path) -> None:
    shop.publish(*build(tmp_path / "b", *(Small("engine", version=v) for v in ("1.9", "1.10", "1.10~rc1"))))
    assert shop.promote("engine").added == ("engine-1.10-1.lab.noarch.rpm",)
    assert shop.promote("engine-1.9-1.lab.noarch").added == ("engine-1.9-1.lab.noarch.rpm",)


def test_what_the_base_system_has_to_bring_is_reported(shop: Shop, small: Path) -> None:
    shop.publish(small)
    left = shop.promote().left_to_base
    assert "base-thing >= 2 (needed by tool-1.0-1.lab.noarch)" in left


@pytest.mark.parametrize(("version", "closes"), [("2.1", True), ("1.9", False)])
def test_a_base_repository_decides_about_the_rest(
    shop: Shop, small: Path, tmp_path: Path, version: str, closes: bool
) -> None:
    base = Shop(tmp_path / "base", shop.key)
    base.publish(*build(tmp_path / "b", Small("base-thing", version=version)))
    shop.publish(small)
    place = f"base=file://{base.current()}"
    if closes:
        left = shop.promote(base_repos=[place]).left_to_base
        assert [need for need in left if "base-thing" in need] == []
    else:
        assert "base-thing >= 2" in refused(shop, base_repos=[place]).cause


_MODULE = """---
document: modulemd
version: 2
data:
  name: modfoo
  stream: "2"
  version: 1
  context: abcd
  arch: x86_64
  summary: x
  description: x
  license: {module: [MIT]}
  artifacts:
    rpms: [modfoo-0:2-1.noarch]
...
"""
_DEFAULT = """---
document: modulemd-defaults
version: 1
data:
  module: modfoo
  stream: "%s"
...
"""


@pytest.mark.parametrize(("default", "awake"), [("", False), ("1", False), ("2", True)])
def test_a_package_of_a_stream_that_boxes_do_not_have_meets_nothing(
    shop: Shop, tmp_path: Path, web: str, default: str, awake: bool
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (rpm,) = build(tmp_path / "b", Small("modfoo", version="2", release="1"))
    shutil.copy(rpm, base)
    modules = tmp_path / "modules.yaml"
    modules.write_text(_MODULE + (_DEFAULT % default if default else ""))
    tools = Path(sys.executable).parent
    subprocess.run([tools / "createrepo_c", "--quiet", base], check=True, capture_output=True)
    added = [tools / "modifyrepo_c", "--mdtype=modules", modules, base / "repodata"]
    subprocess.run(added, check=True, capture_output=True)
    shop.publish(*build(tmp_path / "n", Small("needs", requires=["modfoo >= 2"])))
    for spec in (f"base={base}", f"base={web}/base"):
        if awake:
            assert shop.promote(base_repos=[spec], dry_run=True).left_to_base == ()
        else:
            cause = refused(shop, base_repos=[spec]).cause
            assert cause.startswith("modfoo >= 2 (needed by needs-1.0-1.lab.noarch): only a module stream")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server on the test's folder, at the URL given."""
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_base_repository_is_read_over_http(shop: Shop, small: Path, tmp_path: Path, web: str) -> None:
    base = Shop(tmp_path / "base", shop.key)
    base.publish(*build(tmp_path / "b", Small("base-thing", version="2.1")))
    shop.publish(small)
    url = f"{web}/{base.current().relative_to(tmp_path)}/"
    assert shop.promote("tool", "engine", base_repos=[f"base={url}"]).left_to_base == (
        "(engine if meta) (needed by tool-1.0-1.lab.noarch)",
    )
    with pytest.raises(SwitchroomError, match="cannot be read") as caught:
        shop.promote("meta", base_repos=[f"base={web}/nowhere"])
    assert "404" in caught.value.cause


@pytest.mark.parametrize("spec", ["nonsense", "base=/nowhere", "base="])
def test_an_unreadable_base_repository_is_named(shop: Shop, small: Path, spec: str) -> None:
    shop.publish(small)
    with pytest.raises(SwitchroomError, match=spec.split("=", maxsplit=1)[0]) as caught:
        shop.promote(base_repos=[spec])
    assert caught.value.code == ExitCode.USAGE


def test_a_package_tampered_with_in_testing_is_refused(shop: Shop, small: Path) -> None:
    shop.publish(small)
    victim = shop.current() / "packages" / "engine-1.0-1.lab.noarch.rpm"
    data = victim.read_bytes()
    victim.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    assert "damaged" in refused(shop, "engine").cause


def test_an_unsigned_package_slipped_into_testing_is_refused(shop: Shop, small: Path) -> None:
    shop.publish(small)
    name = "engine-1.0-1.lab.noarch.rpm"
    shutil.copy(small / name, shop.current() / "packages" / name)
    assert "not signed" in refused(shop, "engine").cause


def test_an_unknown_name_suggests_a_known_one(shop: Shop, small: Path) -> None:
    shop.publish(small)
    with pytest.raises(SwitchroomError, match="no package 'engin'") as caught:
        shop.promote("engin")
    assert "engine" in caught.value.hint


def test_promoting_again_changes_nothing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    shop.promote()
    generation = shop.current("stable")
    done = shop.promote()
    assert done.added == ()
    assert len(done.unchanged) == 3
    assert shop.current("stable") == generation


def test_a_dry_run_checks_the_gate_and_changes_nothing(shop: Shop, small: Path) -> None:
    shop.publish(small)
    refused(shop, "meta", dry_run=True)
    assert len(shop.promote(dry_run=True).added) == 3
    assert not (shop.root / "stable").exists()


def test_a_stable_package_cannot_be_replaced_through_testing(shop: Shop, small: Path, tmp_path: Path) -> None:
    shop.publish(small)
    shop.promote("engine")
    shutil.rmtree(shop.root / "testing")
    (changed,) = build(tmp_path / "changed", Small("engine", content="changed"))
    with pytest.raises(SwitchroomError, match="other content"):
        shop.publish(changed)
    shop.publish(small, epoch=EPOCH + 99)
    name = Path("packages") / "engine-1.0-1.lab.noarch.rpm"
    assert (shop.current("testing") / name).samefile(shop.current("stable") / name)
