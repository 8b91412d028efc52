"""The lab's engines: what can be told of them without making one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Sequence

import pytest

from lab.engines import package, repack, tree
from lab.engines.shelf import Shelf
from support.calls import Tally
from support.sound import Stream, listen
from support.specs import CATALOG, FIXTURE, SPECS
from switchroom.core.errors import ExitCode, SwitchroomError


def shelf(version: str = "22.10.1") -> Shelf:
    current = dataclasses.replace(CATALOG.series["22"], version=version, build=1)
    names = (
        f"{current.engine}-{version}-1.x86_64.rpm",
        "asterisk99.0.0_1-99.0.0-1.x86_64.rpm",
        "asterisk-common-1.rpm",
    )
    return Shelf([Path(name) for name in names], {"22": current, "99": FIXTURE})


def test_a_version_is_rewritten_in_contents_names_and_links_and_nothing_moves(tmp_path: Path) -> None:
    folder = tmp_path / "engines/22.10.1-1"
    folder.mkdir(parents=True)
    program = folder / "asterisk"
    program.write_bytes(b"\x7fELF..22.10.1\0..end")
    (tmp_path / "link").symlink_to("engines/22.10.1-1/asterisk")
    before = program.stat()
    tree.rewrite(tmp_path, "22.10.1", "22.11.0")
    after = (tmp_path / "link").stat()
    assert (tmp_path / "link").read_bytes() == b"\x7fELF..22.11.0\0..end"
    assert (after.st_size, after.st_mtime_ns, after.st_mode) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_mode,
    )


def test_a_version_of_another_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="lengths differ") as refused:
        tree.rewrite(tmp_path, "22.9.1", "22.10.0")
    assert refused.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("current", "versions"),
    [
        ("22.10.1", ["22.11.0", "22.11.1", "22.11.2"]),
        ("22.9.1", ["22.9.2", "22.9.3", "22.9.4"]),
    ],
)
def test_further_versions_are_newer_and_as_long(current: str, versions: list[str]) -> None:
    assert [shelf(current).later(count) for count in range(3)] == versions


def test_without_asterisk_16_the_fixture_is_the_other_major_and_the_reason_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Empty:
        def update(self) -> None:
            pass

        def binary_version(self, _package: str) -> None:
            return None

    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path))
    monkeypatch.setattr(repack, "_suite", Empty)
    stock = shelf()
    assert stock.other_major.series is FIXTURE
    assert stock.why_no_16 == "The Debian suite 'bullseye' offers no Asterisk 16 any more, but none at all."
    assert stock.sixteen is None


def test_what_no_engine_owns_is_shared() -> None:
    assert [path.name for path in shelf().shared] == ["asterisk-common-1.rpm"]


def test_a_spec_that_the_lab_does_not_know_its_way_in_is_an_error(tmp_path: Path) -> None:
    spec = (SPECS / "asterisk.spec").read_text()
    contents = package.Contents(tmp_path, "A fixture.")
    assert "./configure" not in package.edited(spec, contents)
    with pytest.raises(SwitchroomError, match="has 0 places"):
        package.edited(spec.replace("%prep", "%prepare"), contents)


def test_the_longest_gap_counts_both_ends() -> None:
    tally = Tally(answered=(1.0, 2.0, 5.0), ended=(), cut=(), failed=(), sound=())
    assert tally.longest_gap(0.0, 6.0) == 3.0
    assert tally.longest_gap(0.0, 9.0) == 4.0


def test_sound_with_a_hole_is_not_complete() -> None:
    whole, holed = Stream(65500), Stream(65500)
    for number in range(65501, 65601):
        whole.heard(number % 65536)
        if not 65540 < number < 65570:
            holed.heard(number % 65536)
    assert (whole.complete, whole.packets) == (True, 101)
    assert (holed.complete, holed.packets, holed.sent) == (False, 72, 101)


class Arrivals:
    """How many packets have come at each look, made up; the last one stays."""

    def __init__(self, *counts: int) -> None:
        self._counts, self.looks = counts, 0

    def heard(self) -> int:
        self.looks += 1
        return self._counts[min(self.looks, len(self._counts)) - 1]


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ((0,), 0),
        ((0, 3, 8), 8),
        ((*range(24), 24), 24),
        ((0, *(1 + look // 99 for look in range(99 * 3)), 3), 3),
    ],
    ids=["never a sound", "silent after a while", "silent just before the end", "silent after a trickle"],
)
def test_a_call_that_falls_silent_is_found(counts: Sequence[int], found: int) -> None:
    arrivals = Arrivals(*counts)
    assert listen(arrivals.heard, 25, pause=lambda _seconds: None) == found
    assert arrivals.looks > 100


def test_a_call_on_a_starved_machine_is_waited_for() -> None:
    rarely = Arrivals(*(look // 60 for look in range(60 * 30)))
    assert listen(rarely.heard, 25, pause=lambda _seconds: None) == 25
    at_once_after_a_long_stall = Arrivals(0, 90)
    assert listen(at_once_after_a_long_stall.heard, 25, pause=lambda _seconds: None) == 90
