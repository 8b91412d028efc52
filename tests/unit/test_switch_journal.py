"""The journal keeps what was written, cuts off what a crash tore, and does not trust damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchroom.box.switch.journal import Journal, Kind, read
from switchroom.core.errors import ExitCode, SwitchroomError


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
