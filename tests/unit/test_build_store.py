"""The store of built packages: a record that is none means that nothing is there, never a traceback."""

import json
from pathlib import Path

import pytest

from switchroom.build.digest import DigestMemo
from switchroom.build.store import Store
from switchroom.core.files import sha256


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path))
    (made := tmp_path / "rpms/key").mkdir(parents=True)
    (made / "a.rpm").write_bytes(b"a package")
    return made


def find(folder: Path, record: bytes) -> object:
    (folder / "record.json").write_bytes(record)
    return Store(DigestMemo()).find("key")


def test_a_whole_record_is_found(folder: Path) -> None:
    record = json.dumps({"files": {"a.rpm": sha256(folder / "a.rpm")}}).encode()
    assert find(folder, record) == (folder / "a.rpm",)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff",
        b"[]",
        b"3",
        b'{"files": []}',
        b'{"files": 3}',
        b'{"files": {"a.rpm": []}}',
        b"[" * 100_000,
    ],
)
def test_a_record_of_another_form_is_none(folder: Path, record: bytes) -> None:
    assert find(folder, record) is None
