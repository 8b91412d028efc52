"""Third-party modules: found by what packages own, carried only where Asterisk would load them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import pytest

from switchroom.box import modules
from switchroom.box.engines import Engine
from switchroom.box.paths import Paths

SUM, OTHER_SUM = "da6642af068ee5e6490c5b1d2cc1d238", "0123456789abcdef0123456789abcdef"
HERE, THERE = (Engine(v, 1, Path("/usr/lib64/switchroom/engines", f"{v}-1")) for v in ("22.10.1", "22.11.0"))

OWNED: Dict[str, str] = {}  # the package of each file


def module(build_sum: str, text: bytes = b"\x7fELF") -> bytes:
    return text + b"\0Tilghman\0" + build_sum.encode() + b"\0\xff" + b"f" * 40 + b"\0"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Two engines of series 22 with two modules each, and in the first one two more."""
    paths = Paths(tmp_path)
    owners = OWNED
    owners.clear()
    sources = {f"{HERE.package}-hello": "asterisk-hello", f"{THERE.package}-hello": "asterisk-hello"}
    for engine in (HERE, THERE):
        folder = tmp_path / str(engine.prefix)[1:] / "modules"
        folder.mkdir(parents=True)
        for name in ("app_dial.so", "res_odbc.so"):
            (folder / name).write_bytes(module(SUM))
            owners[f"{engine.prefix}/modules/{name}"] = engine.package
    folder = tmp_path / str(HERE.prefix)[1:] / "modules"
    (folder / "codec_g729.so").write_bytes(module(SUM, b"theirs"))
    (folder / "res_old.so").write_bytes(module(OTHER_SUM))
    owners[f"{HERE.prefix}/modules/codec_g729.so"] = "vendor-g729"

    def query(words: Sequence[str], _form: str) -> Tuple[str, ...]:
        if words[0] == "--file":
            return tuple(owner for path, owner in owners.items() if words[1].endswith(path))
        ours = [(path, owner) for path, owner in owners.items() if owner.startswith(words[1])]
        return tuple(f"{sources.get(owner, owner)}-1.0-1.src.rpm {path}" for path, owner in ours)

    monkeypatch.setattr(modules, "query", query)
    monkeypatch.setattr(modules, "series_of", lambda _engine: "22")
    return paths


def copies(paths: Paths) -> List[str]:
    return sorted(path.name for path in (paths.from_box(str(THERE.prefix)) / "modules").iterdir())


def test_foreign_modules_are_told_with_owner_sum_and_series(box: Paths) -> None:
    folder = f"{HERE.prefix}/modules"
    assert modules.foreign(box, HERE) == (
        modules.Foreign("codec_g729.so", f"{folder}/codec_g729.so", "vendor-g729", (SUM,), "22"),
        modules.Foreign("res_old.so", f"{folder}/res_old.so", None, (OTHER_SUM,), "22"),
    )
    assert modules.foreign(box, THERE) == ()


def test_what_fits_is_carried_whole_and_may_be_carried_again(box: Paths) -> None:
    found = modules.foreign(box, HERE)
    os.utime(box.from_box(found[0].path), (1, 1))
    for _time in range(2):
        carried = {one.name: (one.carried, one.reason) for one in modules.carry(box, found, THERE)}
        assert carried == {
            "codec_g729.so": (True, ""),
            "res_old.so": (False, "it was built with other build options than the target"),
        }
    assert copies(box) == ["app_dial.so", "codec_g729.so", "res_odbc.so"]
    copy = box.from_box(str(THERE.prefix)) / "modules/codec_g729.so"
    assert copy.read_bytes() == module(SUM, b"theirs")
    assert copy.stat().st_mtime == 1  # rpm would report another time as a change
    copy.write_bytes(b"torn by a power cut")
    modules.carry(box, found, THERE)
    assert copy.read_bytes() == module(SUM, b"theirs")


def test_a_third_party_s_package_for_the_very_engine_is_foreign_and_carried(box: Paths) -> None:
    (box.from_box(str(HERE.prefix)) / "modules/app_hello.so").write_bytes(module(SUM, b"hello"))
    OWNED[f"{HERE.prefix}/modules/app_hello.so"] = f"{HERE.package}-hello"
    found = [one for one in modules.foreign(box, HERE) if one.name == "app_hello.so"]
    assert [one.owner for one in found] == [f"{HERE.package}-hello"]
    assert [one.carried for one in modules.carry(box, found, THERE)] == [True]
    assert "app_hello.so" in copies(box)


def test_what_a_third_party_s_package_brought_the_target_is_left_alone(box: Paths) -> None:
    for engine, text in ((HERE, b"old"), (THERE, b"new")):
        (box.from_box(str(engine.prefix)) / "modules/app_hello.so").write_bytes(module(SUM, text))
        OWNED[f"{engine.prefix}/modules/app_hello.so"] = f"{engine.package}-hello"
    found = [one for one in modules.foreign(box, HERE) if one.name == "app_hello.so"]
    assert [one.carried for one in modules.carry(box, found, THERE)] == [False]
    assert (box.from_box(str(THERE.prefix)) / "modules/app_hello.so").read_bytes() == module(SUM, b"new")


def test_nothing_crosses_to_another_series(box: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    found = modules.foreign(box, HERE)
    monkeypatch.setattr(modules, "series_of", lambda _engine: "23")
    reasons = {one.reason for one in modules.carry(box, found, THERE)}
    assert reasons == {"it was built for the series '22', the target is of '23'"}
    assert copies(box) == ["app_dial.so", "res_odbc.so"]


def test_a_module_of_the_target_itself_is_never_overwritten(box: Paths) -> None:
    found = [modules.Foreign("res_odbc.so", f"{HERE.prefix}/modules/codec_g729.so", None, (SUM,), "22")]
    (carried,) = modules.carry(box, found, THERE)
    assert (carried.carried, carried.reason) == (
        False,
        "a package has brought the target a module of that name",
    )
    assert (box.from_box(str(THERE.prefix)) / "modules/res_odbc.so").read_bytes() == module(SUM)
