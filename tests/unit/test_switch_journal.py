"""The journal keeps what was written, cuts off what a crash tore, and does not trust damage."""

from __future__ import annotations

import json
import shutil
import zlib
from pathlib import Path
from typing import Any, Dict, List

import pytest

from switchroom.box.paths import Paths
from switchroom.box.switch import recover, status, story
from switchroom.box.switch.journal import Journal, Kind, now, read
from switchroom.box.switch.outcome import Outcome
from switchroom.core.errors import ExitCode, SwitchroomError

HOSTILE = Path(__file__).resolve().parents[1] / "data/hostile/journal"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal(tmp_path / "journal", "boot-1") as journal:
        journal.append(Kind.BEGIN, id="T1")
        journal.append(Kind.INTENT, "packages")
        journal.append(Kind.DONE, "packages", packages=2)
    return tmp_path / "journal"


def test_records_come_back_as_they_were_written(path: Path) -> None:
    records = read(path)
    assert [(one.seq, one.kind, one.step) for one in records] == [
        (0, Kind.BEGIN, ""),
        (1, Kind.INTENT, "packages"),
        (2, Kind.DONE, "packages"),
    ]
    assert (records[2].data, records[2].boot) == ({"packages": 2}, "boot-1")


def test_every_torn_end_is_cut_off_and_written_over(path: Path) -> None:
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for length in range(len(last)):
        path.write_bytes(whole[: len(whole) - len(last) + length])
        assert len(read(path)) == 2
        with Journal(path, "boot-2") as journal:
            journal.append(Kind.ATTEMPT)
        assert [one.kind for one in read(path)] == [Kind.BEGIN, Kind.INTENT, Kind.ATTEMPT]


def test_blocks_of_zeros_after_a_power_cut_are_a_torn_end(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(bytes(4096))
    with Journal(path, "boot-2") as journal:
        assert len(journal.append(Kind.ATTEMPT).data) == 0
    assert len(read(path)) == 4


@pytest.mark.parametrize("line", [0, 1])
def test_damage_before_a_good_record_is_named_and_not_repaired(path: Path, line: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b'"kind"', b'"kinb"')
    path.write_bytes(b"".join(lines))
    with pytest.raises(SwitchroomError, match=f"'{path}' is damaged in line {line + 1}") as damaged:
        Journal(path, "boot-2")
    assert damaged.value.code is ExitCode.ATTENTION
    assert path.read_bytes() == b"".join(lines)


def test_a_record_that_is_missing_in_the_middle_is_damage(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(SwitchroomError, match="damaged in line 2"):
        read(path)


def line(**changed: object) -> bytes:
    plain = {"seq": 0, "time": now(), "boot": "b", "kind": "begin", "step": "", "data": {}, **changed}
    text = json.dumps(plain).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


@pytest.mark.parametrize(
    "odd",
    [
        {"kind": "dance"},
        {"kind": ["begin"]},
        {"data": None},
        {"data": [1]},
        {"seq": True},
        {"seq": "0"},
        {"time": "yesterday"},
        {"time": 3},
        {"boot": {}},
        {"step": None},
        {"colour": "red"},
    ],
)
def test_a_whole_line_that_is_no_record_is_damage_and_stays(tmp_path: Path, odd: Dict[str, object]) -> None:
    path = tmp_path / "journal"
    path.write_bytes(before := line(**odd))
    with pytest.raises(SwitchroomError, match="is damaged in line 1"):
        Journal(path, "boot-2")
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", [b"[]", b"3", b"{}", b"[" * 100_000, b'{"seq": ' + b"9" * 5000 + b"}"])
def test_a_whole_line_of_anything_is_damage(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "journal").write_bytes(b"%08x %s\n" % (zlib.crc32(text), text))
    with pytest.raises(SwitchroomError, match="is damaged in line 1"):
        read(tmp_path / "journal")


@pytest.mark.parametrize("file", sorted(HOSTILE.iterdir()), ids=lambda file: file.stem)
def test_a_journal_that_tells_of_no_switch_needs_a_person_and_stops_nothing(
    file: Path, tmp_path: Path
) -> None:
    paths = Paths(tmp_path)
    paths.transaction.mkdir(parents=True)
    paths.selector.parent.mkdir(parents=True)
    shutil.copy(file, paths.transaction / "journal")
    with pytest.raises(SwitchroomError) as caught:
        story.tell(read(file))
    assert caught.value.code is ExitCode.ATTENTION
    now_open = status.read(paths).transaction
    assert now_open
    assert now_open.problem
    said: List[str] = []
    recover.recover(paths, said.append)
    assert "transaction" in said[0]


@pytest.mark.parametrize("name", ["../../x", "", ".", "..", "a/b"])
def test_the_end_of_a_switch_names_no_other_folder(name: str) -> None:
    plain = dict.fromkeys(("source", "target", "running", "reason", "cause", "hint"), "")
    with pytest.raises(SwitchroomError, match="cannot be read"):
        Outcome.from_dict({**plain, "id": name, "outcome": "kept", "seconds": 1.0, "figures": {}})


@pytest.mark.parametrize("data", [[], {"new9": {"a": 1}}, {"id": 3}, {"outcome": "dance"}])
def test_an_end_that_is_none_is_one_clear_error(data: Any) -> None:
    with pytest.raises(SwitchroomError, match="cannot be read"):
        Outcome.from_dict(data)
