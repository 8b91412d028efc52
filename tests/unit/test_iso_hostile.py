"""Media whose own words are hostile: binary, endless, contradictory; none ends in a traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Mapping

import pytest

from switchroom.build.image import record
from switchroom.build.iso import layout, sums, verify, xorriso
from switchroom.build.iso.layout import Extent, parse_layout, read_extent
from switchroom.build.iso.release import DISCINFO, TREEINFO, read_release
from switchroom.core.errors import ExitCode, SwitchroomError

HOSTILE = Path(__file__).resolve().parents[1] / "data/hostile/iso"
GOOD = b"[general]\nfamily = Rocky Linux\nversion = 9.6\narch = x86_64\n"
ESCAPE = b"\x1b[2J\x1b]0;owned\x07"


def medium(monkeypatch: pytest.MonkeyPatch, texts: Mapping[str, Callable[[Path], object]]) -> None:
    def extract(_image: Path, wanted: Mapping[str, Path]) -> None:
        for name, place in wanted.items():
            texts[name](place)

    monkeypatch.setattr(xorriso, "extract", extract)


def holding(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def full_of_nothing(path: Path) -> None:
    path.touch()
    os.truncate(path, 2 << 30)


@pytest.mark.parametrize(
    "write",
    [
        holding(bytes(range(256)) * 200),
        holding(b"\xff\xfe" * 1000),
        holding(b"[" * 50_000),
        holding(b"[general]\nfamily\n"),
        holding(b"no section\n"),
        holding(GOOD + b"[general]\nfamily = x\n"),
        holding(GOOD.replace(b"9.6", b"9." + b"6" * 5000)),
        holding(GOOD.replace(b"9.6", b"9.6" + ESCAPE)),
        holding(GOOD.replace(b"Rocky", ESCAPE)),
        holding(b"[general]\n" + b"x = y\n " * 1000),
        full_of_nothing,
    ],
)
def test_a_treeinfo_of_anything_is_refused_in_words(
    write: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    medium(monkeypatch, {TREEINFO: write})
    with pytest.raises(SwitchroomError, match="cannot be used as a base") as caught:
        read_release(Path("a.iso"), frozenset({TREEINFO}), "X")
    assert caught.value.code is ExitCode.REFUSED
    assert len(caught.value.message) < 600


def test_a_good_one_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    medium(monkeypatch, {TREEINFO: holding(GOOD)})
    assert read_release(Path("a.iso"), frozenset({TREEINFO}), "X").version == "9.6"


@pytest.mark.parametrize(
    "text", ["[]", '{"base": []}', '{"base": null}', "[" * 100_000, "3", '{"base": {"family": {}}}']
)
def test_a_manifest_of_another_form_names_no_distribution(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = "switchroom/manifest.json"
    medium(monkeypatch, {DISCINFO: holding(b"1\n9.6\nx86_64\n"), manifest: holding(text.encode())})
    with pytest.raises(SwitchroomError, match="of which distribution"):
        read_release(Path("a.iso"), frozenset({DISCINFO, manifest}), "X")


def test_boot_structures_that_contradict_themselves_are_read_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.iso").write_bytes(bytes(4096))
    found = parse_layout((HOSTILE / "layout-report.txt").read_text())
    for copy in found.esp_copies:
        with pytest.raises(SwitchroomError, match="does not lie in it"):
            read_extent(tmp_path / "a.iso", copy)
    monkeypatch.setattr(
        xorriso, "read", lambda *_w, **_m: "GPT start and size :   1  " + "9" * 5000 + "  1\n"
    )
    with pytest.raises(SwitchroomError, match="boot structures of") as caught:
        layout.read_layout(tmp_path / "a.iso")
    assert caught.value.code is ExitCode.REFUSED


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, -1), (1 << 70, 1), (0, 1 << 62), (4095, 2)])
def test_nothing_is_read_from_outside_an_image(offset: int, size: int, tmp_path: Path) -> None:
    (tmp_path / "a.iso").write_bytes(bytes(4096))
    with pytest.raises(SwitchroomError, match="does not lie in it"):
        read_extent(tmp_path / "a.iso", Extent("GPT partition 1", offset, size, None))


ODD_IMAGES: Any = [[], {}, {"size": "x"}, {"size": [], "chunk_size": [], "chunks": 3, "places": None}]


@pytest.mark.parametrize("image", ODD_IMAGES)
def test_a_manifest_with_lists_is_a_problem_and_not_a_traceback(
    image: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.iso"
    path.write_bytes(bytes(64 << 10))
    for side in sums.sidecars(path):
        side.write_bytes(json.dumps({"image": image}).encode())
    monkeypatch.setattr(verify, "_signed", lambda *_words: ())
    monkeypatch.setattr(verify, "_unpack", lambda *_words: {"files": [], "boot_loaders": 3})
    monkeypatch.setattr(verify, "verify_folder", lambda *_words: ())
    found = verify._verify(path, None, verify.Reporter(quiet=True))  # type: ignore[arg-type]
    assert any("manifest" in problem for problem in found.problems)
    assert found.problems


@pytest.mark.parametrize(
    "data", [b"[1]", b"\xff", b"[" * 100_000, b'{"format": 2, "files": [[]]}', b'{"format": []}']
)
def test_a_manifest_on_the_medium_of_another_form_is_one_clear_error(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    medium(monkeypatch, {"switchroom/manifest.json": holding(data)})
    monkeypatch.setattr(verify, "read_volume", lambda _image: None)
    monkeypatch.setattr(xorriso, "paths", lambda _image: frozenset({"switchroom/manifest.json"}))
    with pytest.raises(SwitchroomError, match=r"manifest"):
        verify._unpack(tmp_path / "a.iso", tmp_path)


@pytest.mark.parametrize("data", [b"\xff", b"{", b"[" * 100_000])
def test_a_manifest_beside_an_image_is_read_or_refused(data: bytes, tmp_path: Path) -> None:
    sums.manifest_path(tmp_path / "a.raw").write_bytes(data)
    with pytest.raises(SwitchroomError, match="cannot be read"):
        record.read(tmp_path / "a.raw")
