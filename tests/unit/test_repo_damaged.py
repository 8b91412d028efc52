"""A repository whose own notes are damaged gives one clear error, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchroom.build.repo import layout, records
from switchroom.core.errors import SwitchroomError


@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00", b"[]", b"{", b"null", b'"text"'])
def test_garbage_is_named_with_its_file(tmp_path: Path, garbage: bytes) -> None:
    for name in ("repository.json", records.RECORDS):
        (tmp_path / name).write_bytes(garbage)
    with pytest.raises(SwitchroomError, match=r"repository\.json' cannot be read"):
        layout.settings(tmp_path)
    with pytest.raises(SwitchroomError, match=r"records\.jsonl' cannot be read"):
        records.read(tmp_path)
