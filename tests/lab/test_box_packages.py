"""Bringing engines onto a box: small ones with real dnf and rpm, and whatever must be refused."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from lab.engines import bad
from lab.engines.outlet import Outlet
from lab.roots import inside, scratch_root
from support import tampered
from support.box_python import install_tool, on_box, start
from support.small_engines import SmallEngine, build_engines, build_specs
from support.small_rpms import EPOCH, QUIET, Small, foreign_key, key
from switchroom.build import repo
from switchroom.build.keys import SigningKey
from switchroom.core.errors import ExitCode, SwitchroomError

__all__ = ["foreign_key", "key"]  # fixtures
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "rpmsign")

OLD = SmallEngine("50", "50.1.0")
NEW = SmallEngine("50", "50.2.0")
OTHER = SmallEngine("60", "60.1.0", fixture=True)
TRIAL = SmallEngine("60", "60.2.0")

HOLD = """
import dnf, dnf.lock, time
with dnf.lock.build_rpmdb_lock("/var/lib/dnf", True):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def outlet(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Outlet:
    """A repository with three engines, and a fourth in testing only."""
    folder = tmp_path_factory.mktemp("outlet")
    outlet = Outlet(folder / "repository", "file:///srv/repo")
    stable = build_engines(folder / "stable", OLD, NEW, OTHER)
    repo.publish(outlet.root, stable, key=key, epoch=EPOCH, reporter=QUIET, url=outlet.url)
    repo.promote(outlet.root, None, key=key, epoch=EPOCH, reporter=QUIET)
    repo.publish(outlet.root, build_engines(folder / "trial", TRIAL), key=key, epoch=EPOCH, reporter=QUIET)
    return outlet


@pytest.fixture(scope="module")
def prepared(lab_base: Path, outlet: Outlet) -> Iterator[Path]:
    """A root with the tool, that has the repository at hand and runs engine 50.1.0 with odbc."""
    with scratch_root(lab_base) as root:
        install_tool(root)
        shutil.copytree(outlet.root, root / "srv/repo", symlinks=True)
        outlet.introduce(root)
        on_box(root, "packages.install(bring('50.1.0', ['odbc']))")
        (root / "etc/switchroom").mkdir()
        (root / "etc/switchroom/engine").symlink_to(OLD.prefix)
        (root / "var/log/scriptlets").unlink()
        yield root


@pytest.fixture
def box(prepared: Path) -> Iterator[Path]:
    """A copy of the prepared root for one test, its repository included."""
    with scratch_root(prepared) as root:
        yield root


def installed(root: Path) -> set[str]:
    listing = inside(root, "rpm", "-qa", "--qf", "%{NAME} ").stdout.decode()
    return {name for name in listing.split() if name.startswith("asterisk")}


def refused(root: Path, code: str) -> SwitchroomError:
    """Return the refusal that the code ends in, having seen that no package changed."""
    before = installed(root)
    with pytest.raises(SwitchroomError) as caught:
        on_box(root, code)
    assert caught.value.code == ExitCode.REFUSED, (caught.value.message, caught.value.cause)
    assert installed(root) == before
    assert not (root / "var/log/scriptlets").exists()
    return caught.value


def generation(root: Path) -> Path:
    return tampered.generation(root / "srv/repo")


def replace(root: Path, key: SigningKey, make: Callable[[Path, Path], Path]) -> None:
    """Put another file in the place of the new engine's, in metadata that was made to fit and signed."""
    folder = generation(root)
    rpm = folder / "packages" / f"{NEW.name}-50.2.0-1.lab.x86_64.rpm"
    tampered.exchange(folder, make(rpm, root / "tmp/made"), key, EPOCH)


def test_offers_tell_what_is_installed_and_what_is_offered(box: Path) -> None:
    offers = on_box(box, "result = packages.offers()")
    told = [(o["series"], o["engine"]["version"], o["installed"], o["fixture"]) for o in offers]
    assert told == [
        ("60", "60.1.0", False, True),
        ("50", "50.2.0", False, False),
        ("50", "50.1.0", True, False),
    ]
    assert {o["repository"] for o in offers} == {"switchroom-stable"}
    assert on_box(box, "result = [o.engine.name for o in packages.offers('testing')]")[0] == "60.2.0-1"
    assert on_box(box, "result = [o.engine.name for o in packages.offers()]")[0] == "60.1.0-1"
    assert on_box(box, "result = [o.engine.name for o in packages.offers(offline=True)]") == ["50.1.0-1"]


def test_the_newest_of_a_series_comes_with_its_metas_and_the_extras_asked_for(box: Path) -> None:
    code = "e = {o.engine.name: o.engine for o in packages.offers()}\n"
    code += "result = packages.resolve(e['%s'], packages.extras_of(e['50.1.0-1']) + ('zap',))"
    newest = on_box(box, code % "50.2.0-1")
    assert {(item["name"], item["action"]) for item in newest["packages"]} == {
        ("asterisk50.2.0_1", "install"),
        ("asterisk50.2.0_1-odbc", "install"),
        ("asterisk50", "install"),
        ("asterisk50-odbc", "install"),
    }
    assert newest["missing"] == ["asterisk50.2.0_1-zap"]
    assert on_box(box, code % "50.1.0-1")["packages"] == []  # not the newest: no meta follows it


def test_install_mark_protect_prune(box: Path) -> None:
    on_box(box, "keep(bring('50.2.0', ['odbc'])); packages.rehearse(kept())")
    assert "asterisk50" not in installed(box)
    on_box(box, "packages.install(kept(), history='switchroom switch 50')")
    assert {"asterisk50.1.0_1", "asterisk50.2.0_1", "asterisk50.2.0_1-odbc", "asterisk50-odbc"} <= installed(
        box
    )
    history = inside(box, "dnf", "history", "info", "last").stdout.decode()
    assert "switchroom switch 50" in history
    assert on_box(box, "result = packages.verify(['asterisk50.2.0_1'])") == []

    # The other engine is what the box runs: the old one, taken as unneeded, goes; the protected one stays.
    inside(box, "ln", "-sfn", NEW.prefix, "/etc/switchroom/engine")
    inside(box, "dnf", "mark", "remove", "asterisk50.2.0_1")
    assert on_box(box, "result = packages.mark_user(['asterisk50.2.0_1'])") == [
        "asterisk50.2.0_1-50.2.0-1.lab.x86_64"
    ]
    on_box(box, "packages.protect(Paths(), ['asterisk50.2.0_1'])")
    stays = inside(box, "dnf", "-y", "remove", "asterisk50.2.0_1", check=False)
    assert stays.returncode != 0
    assert b"protected" in stays.stderr
    inside(box, "rm", f"{OLD.prefix}/sbin/asterisk")  # as a removal that was killed leaves it
    gone = on_box(box, "result = packages.prune(Paths(), packages.unneeded(Paths()))")
    assert gone == ["asterisk50.1.0_1-50.1.0-1.lab.x86_64", "asterisk50.1.0_1-odbc-50.1.0-1.lab.x86_64"]
    assert (box / "etc/dnf/protected.d/switchroom-engines.conf").read_text().split() == [
        "asterisk50.2.0_1",
        "asterisk50.2.0_1-odbc",
    ]
    assert on_box(box, "result = packages.unneeded(Paths())") == []
    assert "nothing" in inside(box, "dnf", "-y", "autoremove").stdout.decode().lower()


def test_a_damaged_engine_is_told_and_made_whole(box: Path) -> None:
    (box / OLD.prefix.lstrip("/") / "sbin/asterisk").write_text("overwritten")
    assert any(
        line.endswith("/sbin/asterisk")
        for line in on_box(box, "result = packages.verify(['asterisk50.1.0_1'])")
    )
    assert (
        on_box(
            box, "result = packages.install(bring('50.1.0', ['odbc'])), packages.verify(['asterisk50.1.0_1'])"
        )[1]
        == []
    )


def test_the_key_of_the_repository_is_imported_when_rpm_lacks_it(box: Path) -> None:
    inside(box, "rpm", "-e", "--allmatches", "gpg-pubkey")
    on_box(box, "packages.install(bring('50.2.0'))")
    assert "asterisk50.2.0_1" in installed(box)


def test_unsigned_package(box: Path, key: SigningKey) -> None:
    replace(box, key, bad.unsigned)
    error = refused(box, "bring('50.2.0')")
    assert "'asterisk50.2.0_1-50.2.0-1.lab.x86_64'" in error.message
    assert "not signed" in error.cause
    assert not (box / "var/lib/switchroom/packages").exists()


def test_package_signed_by_a_stranger(box: Path, key: SigningKey, foreign_key: SigningKey) -> None:
    replace(box, key, lambda rpm, folder: bad.signed_by(rpm, folder, foreign_key, EPOCH))
    error = refused(box, "bring('50.2.0')")
    assert "'asterisk50.2.0_1-50.2.0-1.lab.x86_64'" in error.message
    assert not (box / "var/lib/switchroom/packages").exists()


def test_torn_package(box: Path) -> None:
    rpm = generation(box) / "packages" / f"{NEW.name}-50.2.0-1.lab.x86_64.rpm"
    shutil.copy(bad.torn(rpm, box / "tmp/torn"), rpm)
    error = refused(box, "bring('50.2.0')")
    assert "switchroom-stable" in error.message
    assert NEW.name in error.message


def test_file_changed_between_check_and_installation(box: Path) -> None:
    on_box(box, "keep(bring('50.2.0'))")
    rpm = next((box / "var/lib/switchroom/packages").glob(f"{NEW.name}-50*"))
    rpm.write_bytes(rpm.read_bytes()[:-1] + b"x")
    assert rpm.name in refused(box, "packages.install(kept())").message


def test_tampered_metadata_is_refused_even_with_good_metadata_in_the_cache(box: Path) -> None:
    repomd = generation(box) / "repodata/repomd.xml"
    repomd.write_text(repomd.read_text().replace("</revision>", "0</revision>"))
    error = refused(box, "packages.offers()")
    assert "'switchroom-stable'" in error.message
    assert "signature" in error.cause


def test_metadata_of_another_channel_are_refused_though_our_key_signed_them(box: Path) -> None:
    trial = tampered.generation(box / "srv/repo", "testing").name
    (box / "srv/repo/stable/el9/x86_64/mirrorlist").write_text(
        f"file:///srv/repo/testing/el9/x86_64/generations/{trial}/\n"
    )
    error = refused(box, "packages.offers()")
    assert error.message == "The metadata of 'switchroom-stable' are those of the channel 'testing'."
    assert on_box(box, "result = bring('50.1.0', ['odbc'], offline=True)") == []


def test_repository_out_of_reach(box: Path) -> None:
    shutil.rmtree(box / "srv/repo")
    code = (
        "result = packages.resolve(next(o.engine for o in packages.offers() if o.engine.version == '50.2.0'))"
    )
    remarks = on_box(box, code)["remarks"]
    assert len(remarks) == 1
    assert remarks[0].startswith("repository 'switchroom-stable' unreachable, cached metadata of 20")
    assert "switchroom-stable" in refused(box, "bring('50.2.0')").message
    shutil.rmtree(box / "var/cache/dnf")
    error = refused(box, "packages.offers()")
    assert error.message.startswith("The package repository 'switchroom-stable' cannot be reached")
    assert (
        on_box(box, "result = bring('50.1.0', ['odbc'], offline=True)") == []
    )  # what is there needs no repository


def test_a_killed_tool_takes_its_question_with_it(box: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        port = silent.getsockname()[1]
        config = box / "etc/yum.repos.d/switchroom.repo"
        config.write_text(re.sub("mirrorlist=.*", f"baseurl=http://127.0.0.1:{port}/", config.read_text()))
        asking = start(box, "packages.offers()")
        silent.accept()
        (child,) = Path(f"/proc/{asking.pid}/task/{asking.pid}/children").read_text().split()
        asking.kill()
        asking.communicate()
        deadline = time.monotonic() + 10
        while Path("/proc", child, "root/etc").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path("/proc", child, "root/etc").exists()


def test_repository_that_is_not_configured(box: Path) -> None:
    for path in (box / "etc/yum.repos.d").iterdir():
        path.unlink()
    assert "No enabled package repository" in refused(box, "packages.offers()").message
    assert "'switchroom-testing'" in refused(box, "packages.offers('testing')").message


def test_another_asterisk_in_the_way_is_named(box: Path, tmp_path: Path) -> None:
    epel = (
        Small("asterisk", version="18.12.1")
        .spec()
        .replace("%description", "Conflicts: switchroom-asterisk >= 50.2\n%description", 1)
    )
    (rpm,) = build_specs(tmp_path, {"epel": epel})
    shutil.copy(rpm, box / "tmp")
    inside(box, "rpm", "-i", f"/tmp/{rpm.name}")
    error = refused(box, "bring('50.2.0')")
    assert error.message == "The packages of 'asterisk50.2.0_1' do not fit this box."
    assert "conflicts with" in error.cause
    assert "'asterisk-18.12.1-1.lab.noarch' is another build of Asterisk" in error.hint


def test_files_in_conflict_are_found_by_the_rehearsal(box: Path, tmp_path: Path) -> None:
    squatter = Small("squatter").spec().replace("/usr/share/squatter/content", f"{NEW.prefix}/sbin/asterisk")
    squatter = squatter.replace("/usr/share/squatter", f"{NEW.prefix}/sbin")
    (rpm,) = build_specs(tmp_path, {"squatter": squatter})
    shutil.copy(rpm, box / "tmp")
    inside(box, "rpm", "-i", f"/tmp/{rpm.name}")
    error = refused(box, "packages.rehearse(bring('50.2.0'))")
    assert "conflicts with file from package squatter" in error.cause


def test_removal_takes_nothing_that_was_not_named(box: Path) -> None:
    error = refused(box, "packages.remove(['asterisk50.1.0_1'])")
    assert "asterisk50.1.0_1-odbc" in error.cause
    assert on_box(box, "result = packages.remove(['asterisk40.1.0_1'])") == []


def test_lab_packages_and_fixtures_are_refused_on_a_real_base(box: Path) -> None:
    on_box(box, "keep(bring('50.2.0'))")
    release = box / "etc/os-release"
    text = release.read_text().replace("switchroom-lab", "server")
    release.unlink()
    release.write_text(text)
    for code in (
        "bring('50.2.0')",
        "bring('60.1.0')",
        "packages.install(kept())",
        "bring('50.1.0', offline=True)",
    ):
        assert "made for the lab" in refused(box, code).message


def test_full_disk(box: Path) -> None:
    error = refused(
        box,
        "import sys\n"
        "e = next(o.engine for o in packages.offers() if o.engine.version == '50.2.0')\n"
        "packages.require_space(Paths(), packages.resolve(e), reserve=sys.maxsize // 2)",
    )
    assert "Not enough space" in error.message
    small = box / "var/lib/switchroom"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", small], check=True)
    try:
        error = refused(box, "bring('50.2.0')")
    finally:
        subprocess.run(["umount", small], check=True)
    assert "space" in error.message + error.cause + error.hint


def test_locks_of_living_and_dead(box: Path) -> None:
    lock = box / "var/lib/dnf/rpmdb_lock.pid"
    with subprocess.Popen(["chroot", box, "/usr/bin/python3", "-c", HOLD], stdout=subprocess.PIPE) as dnf:
        assert dnf.stdout
        assert dnf.stdout.readline() == b"held\n"
        holder = f"(process {dnf.pid}) holds '/var/lib/dnf/rpmdb_lock.pid'"
        assert holder in on_box(box, "result = packages.clear_stale_locks(), packages.lock_holder()")[1]
        assert lock.exists()
        dnf.kill()
    with subprocess.Popen(["sleep", "600"]) as reused:
        lock.write_text(str(reused.pid))
        assert on_box(box, "result = packages.lock_holder()") is None
        on_box(box, "packages.install(bring('50.2.0'))")  # dnf itself would wait for ever
        reused.kill()
    assert "asterisk50.2.0_1" in installed(box)
    assert not lock.exists()
