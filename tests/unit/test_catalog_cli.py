"""The catalog commands as a person and a script see them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Tuple

import pytest

from support.frozen import FROZEN
from switchroom.cli import main as door

ON = ("--on", "2026-11-22")


class Outcome:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def switchroom(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command as on a box, where the build commands are not installed."""
    monkeypatch.setattr(door, "_available", lambda: ["catalog"])
    monkeypatch.setenv("SWITCHROOM_CATALOG", str(FROZEN))

    def run(*words: str) -> Outcome:
        try:
            code = door.main(["catalog", *words])
        except SystemExit as stop:
            code = int(stop.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


def cells(line: str) -> Tuple[str, ...]:
    return tuple(cell for cell in line.split("  ") if cell.strip())


def test_list_shows_what_an_installer_offers(switchroom: Any) -> None:
    outcome = switchroom("list", *ON)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert [cell.strip() for cell in cells(lines[0])][-1] == "OFFERED"
    shown = {line.split()[0]: line for line in lines[1:7]}
    assert list(shown) == ["20", "22", "23", "certified-18.9", "certified-20.7", "certified-22.8"]
    assert shown["22"].split()[1:5] == ["LTS", "22.10.1", "2026-06-25", "full"]
    assert shown["22"].endswith("2029-10-16       yes")
    assert shown["certified-22.8"].endswith("by name")
    assert "5 more past their end of life" in outcome.out


def test_list_columns_line_up(switchroom: Any) -> None:
    lines = switchroom("list", "--all", *ON).out.splitlines()
    column = lines[0].index("STATUS")
    assert {line[column - 1] for line in lines} == {" "}
    assert all(line[column] != " " for line in lines)


def test_list_all_shows_what_has_ended(switchroom: Any) -> None:
    outcome = switchroom("list", "--all", *ON)
    row = next(line for line in outcome.out.splitlines() if line.startswith("21 "))
    assert "end-of-life" in row
    assert row.endswith(" no")
    assert "more past" not in outcome.out


def test_list_depends_on_the_day(switchroom: Any) -> None:
    outcome = switchroom("list", "--on", "2026-07-01")
    assert any(line.startswith("21 ") for line in outcome.out.splitlines())
    assert "warning: Asterisk 21 (Standard) reaches its end of life on 2026-10-18" in outcome.out


def test_list_as_json(switchroom: Any) -> None:
    data = switchroom("list", "--all", "--json", *ON).json()
    by_key = {series["key"]: series for series in data["series"]}
    assert data["on"] == "2026-11-22"
    assert by_key["22"]["offered"] is True
    assert by_key["22"]["status"] == "full"
    assert by_key["22"]["engine"] == "asterisk22.10.1_1"
    assert by_key["21"]["offered"] is False
    assert by_key["certified-22.8"]["end_of_life"] is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("22", ["Asterisk 22 (LTS)", "asterisk22 requires asterisk22.10.1_1", "docs.asterisk.org"]),
        ("22.10.1", ["Asterisk 22 (LTS)"]),
        ("certified-20.7", ["unknown on 2026-11-22", "UNVERIFIED"]),
        ("freepbx-17", ["8.2 exactly", "23 from framework 17.0.21.7", "issue-tracker/issues/509"]),
        ("el-10", ["package php8.4", "Rocky Linux 10", "digital-roadmap-backend"]),
        ("el-9", ["module php:8.2", "(unverified)"]),
    ],
)
def test_show_gives_facts_with_their_sources(switchroom: Any, name: str, words: list[str]) -> None:
    outcome = switchroom("show", name, *ON)
    assert outcome.code == 0
    for word in words:
        assert word in outcome.out


@pytest.mark.parametrize(("name", "key"), [("22", "22"), ("freepbx-16", "16"), ("el-8", "8")])
def test_show_as_json(switchroom: Any, name: str, key: str) -> None:
    assert switchroom("show", name, "--json").json()["key"] == key


@pytest.mark.parametrize("name", ["25", "freepbx-18", "el-7"])
def test_show_of_an_unknown_name_is_bad_usage(switchroom: Any, name: str) -> None:
    outcome = switchroom("show", name)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"'{name}'" in outcome.err
    assert "hint: Known are '16'" in outcome.err


def test_check_of_the_packaged_catalog(switchroom: Any) -> None:
    outcome = switchroom("check", *ON)
    assert outcome.code == 0
    assert "11 Asterisk series, 5 FreePBX majors, 3 EL majors" in outcome.out
    assert "advice: Asterisk 22 (LTS) is at 22.10.1; a newer 22.11.0" in outcome.out
    assert "Node.js 22 of EL 10 reaches its end of life on 2027-04-30" in outcome.out


def test_check_as_json(switchroom: Any) -> None:
    data = switchroom("check", "--json", *ON).json()
    assert data["valid"] is True
    assert {"place": "series.22", "text": data["advice"][1]["text"]} in data["advice"]


def test_check_of_a_bad_file(switchroom: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(FROZEN.read_text().replace("    type: LTS\n", "    typ: LTS\n", 1))
    outcome = switchroom("check", str(bad))
    assert outcome.code == 2
    assert f"error: The key 'series.16.typ' is unknown, in '{bad}'." in outcome.err
    assert "hint:" in outcome.err
    as_json = switchroom("check", str(bad), "--json").json()
    assert as_json["exit_code"] == 2
    assert "series.16.typ" in as_json["error"]


def test_check_takes_one_catalog(switchroom: Any) -> None:
    outcome = switchroom("check", str(FROZEN), "--catalog", str(FROZEN))
    assert outcome.code == 2
    assert "Give one of them" in outcome.err


def test_catalog_and_overlay_options(switchroom: Any, tmp_path: Path) -> None:
    catalog, overlay = tmp_path / "catalog.yml", tmp_path / "overlay.yml"
    shutil.copy(FROZEN, catalog)
    overlay.write_text('series: {"99": {type: Fixture, made_from: "22", version: "99.0.0", build: 1}}')
    outcome = switchroom("list", "--catalog", str(catalog), "--overlay", str(overlay), *ON)
    row = next(line for line in outcome.out.splitlines() if line.startswith("99 "))
    assert row.split()[1:3] == ["Fixture", "99.0.0"]
    assert row.endswith("lab only")


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "22.11.2026"])
def test_a_bad_day_is_bad_usage(switchroom: Any, day: str) -> None:
    outcome = switchroom("list", "--on", day)
    assert outcome.code == 2
    assert f"'{day}' is not a date like 2026-11-22" in outcome.err


def test_fit_refuses_with_the_reason_and_code_3(switchroom: Any) -> None:
    words = ("fit", "--freepbx", "17", "--asterisk", "22", "--php", "8.2", "--el", "10", *ON)
    outcome = switchroom(*words)
    assert outcome.code == 3
    assert "refused: EL 10 has no PHP 8.2; it has 8.3 and 8.4." in outcome.out
    data = switchroom(*words, "--json").json()
    assert data["fits"] is False
    assert len(data["refusals"]) == 2


def test_fit_says_when_all_is_well(switchroom: Any) -> None:
    outcome = switchroom("fit", "--freepbx", "17", "--asterisk", "22", "--php", "8.2", "--el", "9", *ON)
    assert outcome.code == 0
    assert outcome.out.endswith("They fit.\n")


def test_fit_needs_two_names_and_numbers(switchroom: Any) -> None:
    assert switchroom("fit", "--freepbx", "17").code == 2
    outcome = switchroom("fit", "--freepbx", "17", "--php", "latest")
    assert outcome.code == 2
    assert "'latest' is not a version like 8.2" in outcome.err
