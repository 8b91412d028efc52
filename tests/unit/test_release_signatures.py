"""Upstream's signatures of its releases: what is refused, and what is said where nothing was checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from support.frozen import FOLDER, FROZEN
from support.made_up_upstream import Made, publish
from support.openpgp import Home
from switchroom.build.publickeys import read_keys
from switchroom.build.release_signatures import release_keys
from switchroom.catalog.load import load_catalog
from switchroom.catalog.source import PACKAGED
from switchroom.cli import build_sources
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode
from switchroom.core.progress import Reporter

MAKERS, STRANGER = "Makers", "Stranger"
RELEASE = load_catalog(FROZEN).series["22"].version
TARBALL = f"asterisk-{RELEASE}.tar.gz"
Fetch = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("gpg"))
    home.folder.chmod(0o700)
    for name in (MAKERS, STRANGER):
        home.make(name, "rsa2048")
    yield home
    home.stop()


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A made-up copy of upstream's folder, whose release nobody signed yet."""
    return publish(tmp_path / "telephony", Made(RELEASE, "2026-06-25"))


@pytest.fixture
def key(home: Home, tmp_path: Path) -> Path:
    path = tmp_path / "makers.asc"
    path.write_bytes(home.public(MAKERS))
    return path


@pytest.fixture
def fetch(
    tmp_path: Path, upstream: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Fetch:
    """Fetch the release from there; the exit code, and what was said."""
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(build_sources.sounds, "chosen", lambda _sets, _wanted: ())
    folder = tmp_path / "lookaside"
    folder.mkdir()
    (folder / load_catalog(FROZEN).series["22"].sources[1].name).write_text("pjproject")

    def run(*words: str) -> tuple[int, str]:
        options = ["--series", "22", "--upstream", str(upstream), "--lookaside", str(folder)]
        code = main(["build", "sources", *options, "--catalog", str(catalog_with_key(tmp_path)), *words])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


def catalog_with_key(folder: Path, verified: bool = True) -> Path:
    """Return the catalog of one day with upstream's real key, or with the same key unverified."""
    known = load_catalog(PACKAGED).release_keys[0]
    entry = {"fingerprint": known.fingerprint, "owner": known.owner}
    evidence = {"reference": "asterisk-downloads", "verified": verified}
    path = folder / f"catalog-{verified}.yml"
    text = FROZEN.read_text()
    path.write_text(f"{text}\nrelease_keys: {json.dumps([{**entry, 'evidence': evidence}])}\n")
    return path


def sign(home: Home, upstream: Path, by: str) -> None:
    tarball = upstream / "asterisk/releases" / TARBALL
    home.sign(tarball, by).rename(tarball.with_name(f"{TARBALL}.asc"))


def test_the_key_that_is_shipped_is_the_one_the_catalog_names() -> None:
    catalog = load_catalog(PACKAGED)
    shipped = read_keys(PACKAGED.with_name("asterisk-release-keys.asc").read_bytes())
    assert shipped.fingerprints == tuple(one.fingerprint for one in catalog.release_keys)
    (primary,) = shipped.primaries
    assert (primary.owner, primary.bits) == (catalog.release_keys[0].owner, 4096)
    assert not primary.by_weak_digest
    keys = release_keys(catalog, None, Reporter(quiet=True))
    assert read_keys(keys.armoured).fingerprints == shipped.fingerprints


def test_a_release_that_its_makers_signed_is_taken(
    fetch: Fetch, home: Home, upstream: Path, key: Path
) -> None:
    sign(home, upstream, MAKERS)
    code, said = fetch("--upstream-key", str(key))
    assert (code, "not checked" in said) == (ExitCode.DONE, False)


@pytest.mark.parametrize("named", [True, False], ids=["key named", "key of the catalog"])
def test_a_release_that_somebody_else_signed_is_refused(
    fetch: Fetch, home: Home, upstream: Path, key: Path, named: bool
) -> None:
    sign(home, upstream, STRANGER)
    words = ["--upstream-key", str(key)] if named else []
    code, said = fetch(*words)
    assert code == ExitCode.REFUSED
    assert "was signed by another one" in said
    assert "give it with --upstream-key" in said
    assert "To fetch both again: rm '" in said
    assert "Recorded the checksum" not in said


def test_a_release_that_was_changed_after_signing_is_refused(
    fetch: Fetch, home: Home, upstream: Path, key: Path
) -> None:
    sign(home, upstream, MAKERS)
    with (upstream / "asterisk/releases" / TARBALL).open("ab") as stream:
        stream.write(b"more")
    code, said = fetch("--upstream-key", str(key))
    assert (code, f"'{TARBALL}.asc' does not match" in said) == (ExitCode.REFUSED, True)


def test_without_a_signature_it_is_told_that_nothing_was_checked(fetch: Fetch) -> None:
    code, said = fetch()
    assert code == ExitCode.DONE
    assert f"'{TARBALL}' was not checked by upstream's signature: there is no '" in said


def test_who_names_a_key_wants_a_signature(fetch: Fetch, key: Path) -> None:
    code, said = fetch("--upstream-key", str(key))
    assert (code, "is not signed" in said) == (ExitCode.REFUSED, True)


def test_a_key_that_is_not_verified_refuses_nothing(
    fetch: Fetch, home: Home, upstream: Path, tmp_path: Path
) -> None:
    sign(home, upstream, STRANGER)
    code, said = fetch("--catalog", str(catalog_with_key(tmp_path, verified=False)))
    assert code == ExitCode.DONE
    assert "was not checked by upstream's signature: no key of upstream's is known for certain" in said


def test_a_file_that_is_no_key_is_bad_usage(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "no.asc").write_text("no key")
    code, said = fetch("--upstream-key", str(tmp_path / "no.asc"))
    assert (code, "no.asc' cannot be read" in said) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("by", [MAKERS, STRANGER])
def test_nothing_untrusted_gets_into_the_catalog(
    home: Home, tmp_path: Path, key: Path, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(FOLDER, data)
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    upstream = publish(tmp_path / "newer", Made("22.99.0", "2027-01-10"))
    tarball = upstream / "asterisk/releases/asterisk-22.99.0.tar.gz"
    home.sign(tarball, by).rename(tarball.with_name(f"{tarball.name}.asc"))
    options = ["--upstream", str(upstream), "--data", str(data), "--on", "2027-01-11"]
    code = main(["catalog", "update", *options, "--upstream-key", str(key)])
    after: Any = {path.name: path.read_bytes() for path in data.iterdir()}
    assert (code, after == before) == (
        (ExitCode.DONE, False) if by == MAKERS else (ExitCode.REFUSED, True)
    ), capsys.readouterr()
