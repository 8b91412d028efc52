"""What strangers left where the worker keeps its own: set aside with a word, and nothing waits for it."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Callable, List

import pytest

from support.switch_box import Simulation
from switchroom.box import engines
from switchroom.box.switch import preflight, recover, status, transaction


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    return Simulation(tmp_path, monkeypatch)


def record(seq: int, kind: str, data: object) -> bytes:
    """Return a journal's line with a good checksum."""
    plain = {
        "seq": seq,
        "time": "2026-11-28T19:39:47.423+00:00",
        "boot": "b",
        "kind": kind,
        "step": "",
        "data": data,
    }
    text = json.dumps(plain).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def folder(box: Simulation) -> None:
    """As ``asterisk -rx`` with a strange ``astrundir`` made it."""
    box.paths.transaction.mkdir(parents=True)


def empty_journal(box: Simulation) -> None:
    folder(box)
    (box.paths.transaction / "journal").touch()


def garbage(box: Simulation) -> None:
    folder(box)
    (box.paths.transaction / "journal").write_bytes(b"\xff" * 100 + b"\nno record\n")


def no_plan(box: Simulation) -> None:
    folder(box)
    (box.paths.transaction / "journal").write_bytes(record(0, "begin", {}))


def no_beginning(box: Simulation) -> None:
    folder(box)
    (box.paths.transaction / "journal").write_bytes(record(0, "boot", {}))


def file(box: Simulation) -> None:
    box.paths.state.mkdir(parents=True)
    box.paths.transaction.write_text("no folder")


def link(box: Simulation) -> None:
    box.paths.state.mkdir(parents=True)
    elsewhere = box.paths.root / "elsewhere"
    elsewhere.mkdir()
    box.paths.transaction.symlink_to(elsewhere)


def pipe(box: Simulation) -> None:
    folder(box)
    os.mkfifo(box.paths.transaction / "journal")


STRAY = [folder, empty_journal, garbage, no_plan, no_beginning, file, link, pipe]


def aside(box: Simulation) -> List[str]:
    return [path.name for path in box.paths.state.iterdir() if path.name.startswith("transaction.set-aside-")]


@pytest.mark.parametrize("stray", STRAY)
def test_what_is_no_transaction_is_set_aside_and_the_switch_goes_on(
    box: Simulation, stray: Callable[[Simulation], None]
) -> None:
    stray(box)
    assert list(preflight.alone(box.paths)) == []
    box.submit()
    said: List[str] = []
    outcome = transaction.run(box.paths, said.append)
    assert outcome
    assert (outcome.outcome.value, engines.active(box.paths)) == ("kept", box.new)
    assert len(aside(box)) == 1
    assert "set aside" in said[0]


@pytest.mark.parametrize("stray", STRAY)
def test_status_and_recovery_at_boot_do_not_end_at_it(
    box: Simulation, stray: Callable[[Simulation], None]
) -> None:
    stray(box)
    opened = status.read(box.paths).transaction
    assert opened
    assert "set it aside with: systemctl start switchroom-resume" in opened.problem
    said: List[str] = []
    recover.recover(box.paths, said.append)
    assert len(aside(box)) == 1
    assert "set aside" in said[0]
    assert status.read(box.paths).transaction is None


def test_a_damaged_transaction_stays_for_a_person_to_look_at(box: Simulation) -> None:
    box.submit()
    box.work(fatal=6)
    journal = box.paths.transaction / "journal"
    journal.write_bytes(b"damage\n" + journal.read_bytes())
    assert box.work() == 4
    assert box.paths.transaction.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 7}', "\ud800"])
def test_what_is_no_plan_is_set_aside(box: Simulation, text: str) -> None:
    box.paths.plan.write_bytes(text.encode(errors="surrogatepass"))
    said: List[str] = []
    assert transaction.run(box.paths, said.append) is None
    assert "set aside" in said[0]
    assert not box.paths.plan.exists()


@pytest.mark.parametrize("which", ["history", "packages"])
def test_what_stands_in_the_way_of_a_folder_is_set_aside(box: Simulation, which: str) -> None:
    box.submit()
    box.paths.state.mkdir(parents=True)
    (box.paths.state / which).write_text("no folder")
    assert box.work() == 0
    assert box.outcome["outcome"] == "kept"


@pytest.mark.parametrize("which", ["state", "runtime"])
def test_a_folder_that_others_could_write_is_not_trusted_with_what_is_in_it(
    box: Simulation, which: str
) -> None:
    path: Path = getattr(box.paths, which)
    box.submit()
    path.mkdir(parents=True, exist_ok=True)
    (path / "planted").touch()
    path.chmod(0o777)
    said: List[str] = []
    transaction.run(box.paths, said.append)
    assert "can be changed by others than root" in said[0]
    assert not (path / "planted").exists()
    assert path.stat().st_mode & 0o022 == 0


def test_the_folder_of_locks_is_roots_alone(box: Simulation) -> None:
    box.paths.runtime.chmod(0o755)
    transaction.run(box.paths, lambda _text: None)
    assert box.paths.runtime.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in box.paths.runtime.glob("*.lock")] == [0o600]
