"""``switchroom catalog update``: what upstream released since, told, measured in days, and written."""

from __future__ import annotations

import datetime
import http.server
import json
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any, Iterator

import pytest

from support.frozen import FOLDER, FROZEN
from support.made_up_upstream import Made, publish
from support.specs import SPECS
from switchroom.build import recipes
from switchroom.build.engine import contents
from switchroom.build.kickstart.settings import offers
from switchroom.catalog import modules, removals
from switchroom.catalog.load import load_catalog
from switchroom.catalog.model import Catalog, SeriesType
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode
from switchroom.core.files import sha256

TODAY = "2027-01-11"
UTC = datetime.timezone.utc
RELEASES = (
    Made("22.97.0", "2026-12-01"),
    Made("22.98.0", "2026-12-20", advisories=2, notes=["res_pjsip: Refuse what was taken."]),
    Made("22.98.0-rc1", "2026-12-10"),
    Made("22.99.0", "2027-01-10", notes=["alembic: Database updates required."]),
    Made("23.99.0", "2027-01-10", pjproject="2.19"),
    Made("24.0.0", "2027-01-10"),
    Made("certified-22.8-cert99", "2027-01-10", pjproject="2.15.1"),
    Made("16.99.0", "2027-01-10"),
)


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    return publish(tmp_path / "telephony", *RELEASES)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(FOLDER, folder)
    return folder


def update(upstream: str, data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    command = ["catalog", "update", "--upstream", upstream, "--data", str(data), "--on", TODAY, "--json"]
    code = main([*command, *words])
    return code, json.loads(capsys.readouterr().out)


def load(data: Path) -> Catalog:
    return load_catalog(data / "catalog.yml")


def test_what_is_newer_is_told_with_its_security_fixes(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    code, told = update(str(upstream), data, capsys, "--check", "--days", "30")
    assert code == ExitCode.DONE
    newer = {one["series"]: one for one in told["newer"]}
    assert set(newer) == {"22", "23", "24", "certified-22.8"}, (
        "16 is past its end, release candidates are none"
    )
    assert (newer["22"]["newest"], newer["22"]["released"]) == ("22.99.0", "2027-01-10")
    assert (newer["22"]["security"], newer["22"]["lag_days"]) == (["22.98.0"], 22)
    assert newer["22"]["upgrade_notes"] == {
        "res_pjsip: Refuse what was taken.": "22.98.0",
        "alembic: Database updates required.": "22.99.0",
    }
    assert newer["24"]["ours"] is None
    assert newer["certified-22.8"]["newest"] == "22.8cert99"
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


@pytest.mark.parametrize(("days", "code"), [("21", ExitCode.REFUSED), ("22", ExitCode.DONE)])
def test_a_security_fix_that_boxes_have_lacked_for_too_long_is_an_exit_code(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str], days: str, code: ExitCode
) -> None:
    assert update(str(upstream), data, capsys, "--check", "--days", days)[0] == code


def test_the_data_files_become_what_upstream_released(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(str(upstream), data, capsys)[0] == ExitCode.DONE
    catalog = load(data)
    series = catalog.series["22"]
    assert (series.version, series.version_released) == ("22.99.0", datetime.date(2027, 1, 10))
    tarball = upstream / "asterisk/releases/asterisk-22.99.0.tar.gz"
    assert series.sources[0].sha256 == sha256(tarball)
    assert series.sources[0].url == (
        "https://downloads.asterisk.org/pub/telephony/asterisk/releases/asterisk-22.99.0.tar.gz"
    )
    assert catalog.series["23"].bundled == {"pjproject": "2.19"}
    assert catalog.series["certified-22.8"].source_version == "certified-22.8-cert99"
    assert catalog.series["22"].unverified_newer is None
    assert catalog.as_of == datetime.date(2027, 1, 11)
    assert catalog.series["16"] == load_catalog(FROZEN).series["16"]


def test_newer_prompts_come_with_the_release_that_wants_them(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream = publish(tmp_path / "telephony", Made("22.99.0", "2027-01-10", core_sounds="1.7"))
    assert update(str(upstream), data, capsys)[0] == ExitCode.DONE
    sets = load(data).sounds
    assert {one.key: one.version for one in sets.values() if one.kind == "core-sounds"} == {
        "core-sounds-en-gsm": "1.7",
        "core-sounds-en-wav": "1.7",
        "core-sounds-pt_BR-gsm": "1.7",
        "core-sounds-pt_BR-wav": "1.7",
    }
    assert sets["core-sounds-en-gsm"].source.sha256 is None, "the old version's is not the new one's"
    assert sets["core-sounds-pt_BR-wav"].title == "Portuguese (Brazil)"
    assert sets["moh-opsound-gsm"].version == "2.03"


def test_a_new_series_is_long_term_where_its_number_is_even(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update(str(upstream), data, capsys)
    new = load(data).series["24"]
    assert (new.type, new.meta, new.released) == (SeriesType.LTS, "asterisk24", datetime.date(2027, 1, 10))
    assert (new.security_only, new.end_of_life) == (datetime.date(2031, 1, 10), datetime.date(2032, 1, 10))
    assert not new.evidence["dates"].verified


@pytest.mark.parametrize(
    ("day", "offered"),
    [
        ("2027-01-09", ["20", "22", "23"]),
        ("2027-01-11", ["20", "22", "23", "24"]),
        ("2031-06-01", ["24"]),
    ],
)
def test_the_installer_offers_it_by_date(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str], day: str, offered: list[str]
) -> None:
    update(str(upstream), data, capsys)
    chosen = load(data).offered(datetime.date.fromisoformat(day))
    assert [offer.key for offer in offers(chosen)] == offered


def test_the_module_data_follows_the_source(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    update(str(upstream), data, capsys)
    monkeypatch.setattr(modules, "PACKAGED", data / "modules.json")
    modules.module_tables.cache_clear()
    try:
        known = modules.table_of("24")
        assert known.release == "24.0.0"
        assert {name: module.support for name, module in known.modules.items()} == {
            "app_dial": "core",
            "app_new": "extended",
        }
        assert contents(SPECS / "asterisk.spec", load(data).series["24"]).modules == {"app_dial", "app_new"}
        assert len(modules.table_of("20").modules) > 300
    finally:
        modules.module_tables.cache_clear()


def test_notes_for_upgrades_are_there_to_be_judged(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update(str(upstream), data, capsys)
    notes = {
        note.title: note.versions for note in removals.load_removals(data / "removals.yml").upgrade_notes
    }
    assert notes["res_pjsip: Refuse what was taken."] == ("22.98.0",)
    assert notes["alembic: Database updates required."][-1] == "22.99.0"
    before = {note.title for note in removals.load_removals(FOLDER / "removals.yml").upgrade_notes}
    assert set(notes) - before == {"res_pjsip: Refuse what was taken."}


def test_what_is_not_touched_stays_as_it_is_written(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = publish(data.parent / "only", Made("22.99.0", "2027-01-10"))
    update(str(only), data, capsys)
    old, new = (path.read_text().splitlines() for path in (FROZEN, data / "catalog.yml"))
    assert len(set(old) - set(new)) < 16
    assert [line for line in old if line.lstrip().startswith("#")] == [
        line for line in new if line.lstrip().startswith("#")
    ]


def test_module_data_that_did_not_change_stays_as_it_is_written(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = Made("23.99.0", "2027-01-10", modules={"app_dial": "core"})
    update(str(publish(data.parent / "same", same)), data, capsys)
    old, new = (
        json.loads(path.read_text())["modules"] for path in (FOLDER / "modules.json", data / "modules.json")
    )
    assert new["app_dial"] == old["app_dial"]
    assert "23" in old["app_queue"][0]["in"]
    assert "23" not in new["app_queue"][0]["in"]
    assert list(new) == sorted(new)


def test_a_second_catalog_of_one_day_is_another_release_of_its_package(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update(str(upstream), data, capsys)
    first = load(data)
    publish(upstream, Made("22.99.1", "2027-01-11", advisories=1))
    update(str(upstream), data, capsys)
    second = load(data)
    assert (first.as_of, second.as_of) == (second.as_of, first.as_of)
    assert (first.revision, second.revision) == (1, 2)


def test_after_an_update_there_is_nothing_newer(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    update(str(upstream), data, capsys)
    written = (data / "catalog.yml").read_bytes()
    code, told = update(str(upstream), data, capsys)
    assert (code, told["newer"]) == (ExitCode.DONE, [])
    assert (data / "catalog.yml").read_bytes() == written


@pytest.mark.parametrize("spoil", ["sha256", "tarball", "log"])
def test_a_release_that_is_not_whole_changes_nothing(
    upstream: Path, data: Path, capsys: pytest.CaptureFixture[str], spoil: str
) -> None:
    folder = upstream / "asterisk/releases"
    victims = {"sha256": "asterisk-22.99.0.sha256", "tarball": "asterisk-22.99.0.tar.gz"}
    victim = folder / victims.get(spoil, "ChangeLog-22.99.0.md")
    if spoil == "tarball":
        victim.write_bytes(victim.read_bytes()[:100])
    else:
        victim.unlink()
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    code, told = update(str(upstream), data, capsys)
    assert code == ExitCode.FAILED
    assert "22.99.0" in told["error"]
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before


def test_a_folder_without_releases_is_bad_usage(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(str(tmp_path), data, capsys)[0] == ExitCode.USAGE


class Listing(http.server.SimpleHTTPRequestHandler):
    """Lists a folder as Apache does for upstream, with the date of each file."""

    def list_directory(self, path: Any) -> Any:
        rows = [
            f'<tr><td><a href="{one.name}">{one.name}</a></td><td align="right">'
            f"{datetime.datetime.fromtimestamp(one.stat().st_mtime, UTC):%Y-%m-%d %H:%M}  </td></tr>"
            for one in sorted(Path(path).iterdir())
        ]
        page = "<html><table>" + "\n".join(rows) + "</table></html>"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_words: object) -> None:
        """Stay quiet."""


@pytest.fixture
def served(upstream: Path) -> Iterator[str]:
    handler = partial(Listing, directory=str(upstream))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_the_network_the_outcome_is_the_same(
    served: str,
    upstream: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    other = data.parent / "other"
    shutil.copytree(data, other)
    _, told = update(served, data, capsys)
    _, locally = update(str(upstream), other, capsys)
    assert told["newer"] == locally["newer"]
    for name in ("catalog.yml", "modules.json", "removals.yml"):
        assert (data / name).read_text() == (other / name).read_text()


def test_the_release_package_counts_the_catalogs_of_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path))
    overlay = tmp_path / "again.yml"
    overlay.write_text("revision: 3\n")
    release = recipes.Release(load_catalog(FROZEN, [overlay]), b"", b"", "")
    shared = {recipe.name: recipe for recipe in recipes.shared(SPECS, release, {}, 0)}
    assert shared["switchroom-release"].defines["sw_revision"] == "3"
