"""What rpmbuild and mock are told, word for word."""

from pathlib import Path
from typing import Dict

import pytest

from switchroom.build import host, macros, mock, rpmbuild
from switchroom.build.recipe import Inputs, Recipe

EPOCH = 1_700_000_000


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inputs:
    """A recipe with one source, on a host with neither ccache nor Enterprise Linux."""
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(rpmbuild, "_CCACHE_FOLDERS", (str(tmp_path / "none"),))
    on_el(monkeypatch, False)
    (tmp_path / "macros.el9").write_text("%clamp 0\n")
    (tmp_path / "macros.lab").write_text("%dist .lab\n")
    (tmp_path / "macros.reproducible").write_text("# why\n%_buildhost here.invalid\n%clamp 1\n")
    source = tmp_path / "demo.conf"
    source.write_text("a = 1\n")
    recipe = Recipe("demo", tmp_path / "demo.spec", {"sw_label": "100% (LTS)", "sw_enable": ""})
    return Inputs(recipe, {"demo.conf": source}, ("gcc",))


def on_el(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    for module in (host, macros, rpmbuild):
        monkeypatch.setattr(module, "is_el", lambda: answer)


def test_rpmbuild_gets_an_environment_and_folders_of_its_own(inputs: Inputs, tmp_path: Path) -> None:
    assert rpmbuild.command(inputs, Path("/w"), EPOCH, 2) == [
        "env",
        "-i",
        "HOME=/w",
        "LC_ALL=C.UTF-8",
        "TZ=UTC",
        f"SOURCE_DATE_EPOCH={EPOCH}",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "rpmbuild",
        "-bb",
        "--nodeps",
        *("--load", f"{tmp_path}/macros.el9"),
        *("--load", f"{tmp_path}/macros.lab"),
        *("--load", f"{tmp_path}/macros.reproducible"),
        *("--define", "_topdir /w"),
        *("--define", "_tmppath /w/tmp"),
        *("--define", "_smp_mflags -j2"),
        *("--define", "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm"),
        *("--define", "sw_label 100%% (LTS)"),
        *("--define", "sw_enable %{nil}"),
        f"{tmp_path}/demo.spec",
    ]


def test_on_el_rpm_checks_dependencies_and_sets_its_own_dist(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_el(monkeypatch, True)
    argv = rpmbuild.command(inputs, Path("/w"), EPOCH, 2)
    assert "--nodeps" not in argv
    assert f"{tmp_path}/macros.lab" not in argv
    assert f"{tmp_path}/macros.reproducible" in argv


def test_ccache_is_used_where_it_is_installed(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpmbuild, "_CCACHE_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(rpmbuild.shutil, "which", lambda tool: f"/usr/bin/{tool}")
    environment = rpmbuild.environment(Path("/w"), EPOCH)
    assert environment["PATH"] == f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"
    settings = {key: value for key, value in environment.items() if key.startswith("CCACHE")}
    assert settings == {
        "CCACHE_DIR": f"{tmp_path}/cache/ccache",
        "CCACHE_BASEDIR": f"{tmp_path}/cache/work",
        "CCACHE_NOHASHDIR": "1",
        "CCACHE_COMPILERCHECK": "content",
    }


def test_sources_look_the_same_from_any_checkout(inputs: Inputs, tmp_path: Path) -> None:
    script = tmp_path / "helper"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o775)
    inputs.files["demo.conf"].chmod(0o600)
    target = tmp_path / "SOURCES"
    target.mkdir()
    rpmbuild.lay_sources(Inputs(inputs.recipe, {**inputs.files, "helper": script}, ()), target, EPOCH)
    seen: Dict[str, tuple[int, float]] = {
        path.name: (path.stat().st_mode & 0o777, path.stat().st_mtime) for path in target.iterdir()
    }
    assert seen == {"demo.conf": (0o644, EPOCH), "helper": (0o755, EPOCH)}


def test_work_folders_never_meet_and_are_gone_afterwards(inputs: Inputs) -> None:
    with rpmbuild.work_folder() as one, rpmbuild.work_folder() as two:
        assert one != two
        assert (one / "SOURCES").is_dir()
    with rpmbuild.work_folder() as again:
        assert again == one
    assert not one.exists()
    assert not two.exists()


def test_leftovers_of_a_killed_build_are_removed_first(inputs: Inputs) -> None:
    with rpmbuild.work_folder() as folder:
        pass
    (folder / "BUILD").mkdir(parents=True)
    with rpmbuild.work_folder() as again:
        assert again == folder
        assert not (again / "BUILD").exists()


def test_full_disk_is_one_clear_error(inputs: Inputs, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("cc1: fatal error: a.o: No space left on device\nmake: *** [a.o] Error 1\n")
    error = rpmbuild.failure("demo", log)
    assert f"The file system of '{tmp_path / 'cache'}' is full" in error.message
    assert error.cause == ""


def test_log_of_a_failed_build_is_kept(inputs: Inputs, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("a.c:1: error: no\n")
    error = rpmbuild.failure("demo", log)
    assert error.cause == "a.c:1: error: no"
    kept = tmp_path / "cache/logs/demo.log"
    assert str(kept) in error.hint
    assert kept.read_text() == "a.c:1: error: no\n"


def test_mock_configuration_carries_date_and_macros(inputs: Inputs, tmp_path: Path) -> None:
    assert mock.configuration(tmp_path, "rocky+epel-9-x86_64", EPOCH, 2) == (
        "include('/etc/mock/rocky+epel-9-x86_64.cfg')\n"
        "config_opts['environment']['SOURCE_DATE_EPOCH'] = '1700000000'\n"
        "config_opts['macros']['%_buildhost'] = 'here.invalid'\n"
        "config_opts['macros']['%clamp'] = '1'\n"
        "config_opts['macros']['%_smp_mflags'] = '-j2'\n"
    )


def test_mock_makes_the_source_package_then_rebuilds_it(inputs: Inputs, tmp_path: Path) -> None:
    config, work = Path("/w/switchroom.cfg"), Path("/w")
    common = ["mock", "-r", "/w/switchroom.cfg", "--isolation=auto"]
    defines = ["--define", "sw_label 100%% (LTS)", "--define", "sw_enable %{nil}"]
    assert mock.source_command(inputs, config, work) == [
        *common,
        "--resultdir=/w/SRPMS",
        *defines,
        "--buildsrpm",
        *("--spec", f"{tmp_path}/demo.spec"),
        *("--sources", "/w/SOURCES"),
    ]
    assert mock.rebuild_command(inputs, config, work, Path("/w/SRPMS/demo-1-1.src.rpm")) == [
        *common,
        "--resultdir=/w/RPMS",
        *defines,
        "--rebuild",
        "/w/SRPMS/demo-1-1.src.rpm",
    ]
