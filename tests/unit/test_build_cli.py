"""``switchroom build sources`` and ``build packages`` as a person types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from switchroom.build import toolchain
from switchroom.catalog.source import catalog_path
from switchroom.cli import build_packages
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode

PUBLIC = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.asc"
    path.write_bytes(PUBLIC)
    return path


def overlay(folder: Path) -> Path:
    """Write an overlay whose series 22 has sources at no address."""
    path = folder / "overlay.yml"
    path.write_text('series:\n  "22":\n    sources:\n      - {name: asterisk-22.10.1.tar.gz, url: null}\n')
    return path


def test_sources_found_in_the_folder_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "asterisk-22.10.1.tar.gz").write_text("upstream")
    options = ["--series", "22", "--lookaside", str(tmp_path), "--overlay", str(overlay(tmp_path))]
    assert main(["build", "sources", *options, "--json"]) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["files"] == ["asterisk-22.10.1.tar.gz"]


def test_missing_source_names_both_ways_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--series", "22", "--lookaside", str(tmp_path), "--overlay", str(overlay(tmp_path))]
    assert main(["build", "sources", *options]) == ExitCode.FAILED
    shown = capsys.readouterr().err
    assert f"Put upstream's 'asterisk-22.10.1.tar.gz' in '{tmp_path}'" in shown
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
    for name in ("asterisk-core-sounds-en-gsm-1.6.1", "asterisk-moh-opsound-gsm-2.03"):
        (tmp_path / f"{name}.tar.gz").touch()
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
    assert "asterisk-22.10.1.tar.gz" in merged
    assert plain == catalog_path().read_text()
