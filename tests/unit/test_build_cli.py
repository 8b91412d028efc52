"""``switchroom build sources`` and ``build packages`` as a person types them."""

import json
from pathlib import Path
from typing import Any, Sequence

import pytest

from support.frozen import FROZEN
from support.overlays import release
from switchroom.build import toolchain
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import catalog_path
from switchroom.cli import build_packages
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode

PUBLIC = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SWITCHROOM_CATALOG", str(FROZEN))
    return tmp_path / "cache"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.asc"
    path.write_bytes(PUBLIC)
    return path


ENGINE = ["asterisk-22.98.0.tar.gz", "pjproject-2.17.tar.bz2"]
SOUNDS = ["asterisk-core-sounds-en-gsm-1.6.1.tar.gz", "asterisk-moh-opsound-gsm-2.03.tar.gz"]


def overlay(folder: Path) -> Path:
    """Write an overlay whose series 22 has sources at no address."""
    path = folder / "overlay.yml"
    path.write_text(release("22.98.0"))
    return path


def fill(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / name).write_text("upstream")


def test_sources_found_in_the_folder_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, [*ENGINE, *SOUNDS])
    options = ["--series", "22", "--lookaside", str(tmp_path), "--overlay", str(overlay(tmp_path))]
    assert main(["build", "sources", *options, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["files"] == [*ENGINE, *SOUNDS]


def test_missing_source_names_both_ways_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--series", "22", "--lookaside", str(tmp_path), "--overlay", str(overlay(tmp_path))]
    assert main(["build", "sources", *options]) == ExitCode.FAILED
    shown = capsys.readouterr().err
    assert f"Put upstream's 'asterisk-22.98.0.tar.gz' in '{tmp_path}'" in shown
    assert "switchroom build sources --from debian" in shown


def test_unknown_series_is_bad_usage(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "packages", "--series", "55", "--key-file", str(key)]) == ExitCode.USAGE
    assert "no Asterisk series or version '55'" in capsys.readouterr().err


@pytest.mark.parametrize("text", [b"", PUBLIC + b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"])
def test_only_a_public_key_is_shipped(key: Path, text: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    key.write_bytes(text)
    assert main(["build", "packages", "--series", "22", "--key-file", str(key)]) == ExitCode.USAGE
    assert f"'{key}' is not a public key" in capsys.readouterr().err


def test_missing_build_dependencies_stop_before_anything_is_built(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toolchain, "is_el", lambda: False)
    monkeypatch.setattr(toolchain, "installed_packages", dict)
    monkeypatch.setattr(build_packages, "chosen_series", lambda _args, _catalog: [])
    fill(tmp_path, SOUNDS)
    assert (
        main(["build", "packages", "--lookaside", str(tmp_path), "--key-file", str(key)]) == ExitCode.REFUSED
    )
    assert "hint: Install with: apt-get install python3 " in capsys.readouterr().err


def test_catalog_for_boxes_has_the_overlays_in_it(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = []

    def stop(*given: Any) -> None:
        shipped.append(next(one for one in given if hasattr(one, "catalog_text")).catalog_text.decode())
        raise KeyboardInterrupt

    monkeypatch.setattr(build_packages.recipes, "shared", stop)
    command = ["build", "packages", "--lookaside", str(tmp_path), "--key-file", str(key)]
    assert main([*command, "--overlay", str(overlay(tmp_path))]) == ExitCode.INTERRUPTED
    assert main(command) == ExitCode.INTERRUPTED
    merged, plain = shipped
    assert "freepbx:" in merged
    assert "asterisk-22.98.0.tar.gz" in merged
    assert plain == catalog_path().read_text()


def _plan(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code = main(["build", "packages", "--plan", "--json", *words])
    return code, json.loads(capsys.readouterr().out)


def test_the_plan_of_a_certified_branch_names_what_must_be_put_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, planned = _plan(capsys, "--series", "certified-22.8", "--lookaside", str(tmp_path))
    assert code == ExitCode.REFUSED
    series = load_catalog().series["certified-22.8"]
    wanted = [*(source.name for source in series.sources), *SOUNDS]
    assert [one["path"] for one in planned["sources"]] == [str(tmp_path / name) for name in wanted]
    assert all(
        one["state"] == "missing" and one["url"].endswith(name)
        for one, name in zip(planned["sources"], wanted)
    )
    (engine,) = planned["engines"]
    assert {"app_amd", "pbx_ael", "res_calendar"} <= set(engine["enable"])
    assert sum(engine["support"].values()) == len(engine["modules"])
    fill(tmp_path, wanted)
    assert _plan(capsys, "--series", "certified-22.8", "--lookaside", str(tmp_path))[0] == ExitCode.DONE


def test_the_plan_tells_a_file_that_is_not_what_the_catalog_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = release("22.98.0").replace(
        "- name: asterisk-22.98.0.tar.gz", f"- name: asterisk-22.98.0.tar.gz\n      sha256: {'a' * 64}"
    )
    (tmp_path / "site.yml").write_text(text)
    fill(tmp_path, [*ENGINE, *SOUNDS])
    options = ["--series", "22", "--overlay", str(tmp_path / "site.yml"), "--lookaside", str(tmp_path)]
    assert main(["build", "packages", "--plan", *options]) == ExitCode.REFUSED
    shown = capsys.readouterr().out
    assert f"damaged: {tmp_path / ENGINE[0]}, SHA-256 {'a' * 64}" in shown
    assert f"present: {tmp_path / ENGINE[1]}" in shown
