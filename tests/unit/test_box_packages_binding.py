"""What boxes make of the words in signed metadata: whose they are, and until when they are good."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import List, Optional

import pytest

from switchroom.box.dnf_child.binding import judge
from switchroom.box.packages.freshness import problems
from switchroom.box.paths import Paths

NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.timezone.utc).timestamp()
MADE = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc).timestamp()
DAY = 86400.0
TAGS = ["switchroom-channel=stable", "switchroom-el=9", "switchroom-until=2026-12-29"]
LIST = "https://packages.example.com/stable/el9/x86_64/mirrorlist"


def said(tags: List[str] = TAGS, now: float = NOW, mirrorlist: str = LIST, version: str = "9.6") -> str:
    found = judge("switchroom-stable", mirrorlist, tags, int(MADE), version, now=now)
    return found[0] if found else ""


def without(word: str, instead: Optional[str] = None) -> List[str]:
    return [tag for tag in TAGS if f"-{word}=" not in tag] + (
        [f"switchroom-{word}={instead}"] if instead else []
    )


@pytest.mark.parametrize("version", ["9", "9.6", "9-stream", ""])
def test_what_is_meant_for_this_box_is_taken(version: str) -> None:
    assert said(version=version) == ""
    assert said(mirrorlist="file:///srv/repo/mirrorlist") == ""
    assert said([*TAGS, "binary-x86_64", "odd="]) == ""


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ([], "do not say for which channel"),
        (without("until"), "do not say for which channel"),
        (without("channel", "testing"), "are those of the channel 'testing'"),
        (without("channel", "stable-debuginfo"), "are those of the channel 'stable-debuginfo'"),
        (without("channel", "medium"), "are those of the channel 'medium'"),
        (without("el", "10"), "are for Enterprise Linux 10"),
        (without("el", "90"), "are for Enterprise Linux 90"),
        (without("until", "soon"), "which is no day"),
    ],
)
def test_what_was_signed_for_something_else_is_not_taken(tags: List[str], why: str) -> None:
    assert why in said(tags)


def test_a_mirror_list_over_plain_http_is_not_followed() -> None:
    assert "plain http" in said(mirrorlist="http://packages.example.com/mirrorlist")


def test_the_last_day_is_good_to_its_end_everywhere_on_earth() -> None:
    end = datetime.datetime(2026, 12, 30, tzinfo=datetime.timezone.utc).timestamp()
    assert said(now=end - 1) == said(now=end + DAY - 1) == ""
    late = said(now=end + DAY + 1)
    assert "were good until 2026-12-29; today is 2026-12-31 by the clock of this box" in late


def test_a_clock_that_stands_before_the_making_is_named_as_what_is_wrong() -> None:
    assert said(now=MADE - DAY + 1) == ""
    for now in (MADE - DAY - 1, 0.0):
        assert "The clock of this box is wrong" in said(now=now)


@pytest.fixture
def box(tmp_path: Path) -> Paths:
    """A box whose stable channel is enabled and testing is not."""
    repos = tmp_path / "etc/yum.repos.d"
    repos.mkdir(parents=True)
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text('ID="rocky"\nVERSION_ID="9.6"\n')
    (repos / "switchroom.repo").write_text(f"[switchroom-stable]\nmirrorlist={LIST}\n")
    (repos / "testing.repo").write_text(f"[switchroom-testing]\nenabled=0\nmirrorlist={LIST}\n")
    (repos / "epel.repo").write_text("[epel]\nmetalink=https://example.org\n")
    return Paths(tmp_path)


def cache(box: Paths, name: str, text: str, age: float = 0.0) -> None:
    path = box.root / f"var/cache/dnf/{name}/repodata/repomd.xml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    os.utime(path, (NOW - age, NOW - age))


def repomd(until: str, channel: str = "stable") -> str:
    tags = [f"switchroom-channel={channel}", "switchroom-el=9", f"switchroom-until={until}"]
    listed = "".join(f"<content>{tag}</content>" for tag in tags)
    space = "http://linux.duke.edu/metadata/repo"
    return f'<repomd xmlns="{space}"><revision>1700000000</revision><tags>{listed}</tags></repomd>'


def test_health_and_status_are_told_by_what_lies_on_the_box(box: Paths) -> None:
    assert problems(box) == ()
    cache(box, "switchroom-stable-0123456789abcdef", repomd("2020-01-01"))
    cache(box, "switchroom-stable-debuginfo-0123456789abcdef", repomd("2020-01-01", "stable-debuginfo"))
    cache(box, "switchroom-testing-0123456789abcdef", repomd("2020-01-01", "testing"))
    (told,) = problems(box)
    assert "'switchroom-stable' were good until 2020-01-01" in told
    cache(box, "switchroom-stable-fedcba9876543210", repomd("2099-01-01"), age=-60.0)
    assert problems(box) == ()


@pytest.mark.parametrize("text", ["", "<repomd", "<repomd/>\x00", "x" * (2 << 20)])
def test_a_cache_that_cannot_be_read_stands_in_nobodys_way(box: Paths, text: str) -> None:
    cache(box, "switchroom-stable-0123456789abcdef", text)
    assert problems(box) == ()
