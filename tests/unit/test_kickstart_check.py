"""The gate finds what is wrong with a kickstart, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List

import pytest

from switchroom.build.kickstart import check as kickstart_check
from switchroom.build.kickstart.check import check
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError

SOUND = """\
lang en_US.UTF-8
timezone Etc/UTC --utc
selinux --enforcing
%packages
@core
%end
%post --interpreter=/bin/bash
set -eu
rm -f /tmp/x
%end
"""


@pytest.mark.parametrize("el", [9, 10])
def test_a_sound_kickstart_passes(el: int) -> None:
    check(SOUND, el)


@pytest.mark.parametrize("el", [9, 10])
@pytest.mark.parametrize(
    ("line", "new", "words"),
    [
        (3, "selinux --enforced", "enforced"),
        (3, "nonsense --now", "nonsense"),
        (2, "timezone --isUtc Etc/UTC", "isUtc"),
        (1, "install", "install"),
        (9, "rm -rf $choice/", "SC2086"),
        (9, "if choice; then", "SC1"),
    ],
)
def test_a_fault_is_found_with_its_line(el: int, line: int, new: str, words: str) -> None:
    lines = SOUND.splitlines()
    lines[line - 1] = new
    with pytest.raises(SwitchroomError) as caught:
        check("\n".join(lines) + "\n", el)
    findings = caught.value.cause.splitlines()
    assert [one for one in findings if one.startswith(f"line {line}:") and words in one], findings


@pytest.mark.parametrize("el", [9, 10])
def test_a_second_key_of_one_user_is_no_fault(el: int) -> None:
    keys = "".join(f'sshkey --username=root "ssh-ed25519 {key}"\n' for key in ("AAAA", "BBBB"))
    check(SOUND + keys, el)


@pytest.mark.parametrize("el", [9, 10])
@pytest.mark.parametrize(
    "line",
    [
        "part /boot --size=512 --ondisk=sda",
        "volgroup pbx pv.1",
        "logvol / --vgname=pbx --name=root --size=512",
        "network --device=eno1 --bootproto=dhcp",
        "repo --name=extra --baseurl=https://example.org",
        "user --name=admin",
    ],
)
def test_what_is_defined_twice_is_a_fault(el: int, line: str) -> None:
    with pytest.raises(SwitchroomError) as caught:
        check(f"{SOUND}{line}\n{line}\n", el)
    assert "line 12:" in caught.value.cause
    assert "already been defined" in caught.value.cause


def test_all_faults_are_told_at_once() -> None:
    text = SOUND.replace("selinux --enforcing", "nonsense").replace("lang en_US.UTF-8", "bogus")
    with pytest.raises(SwitchroomError) as caught:
        check(text, 9)
    assert "line 1: Unknown command: bogus" in caught.value.cause
    assert "line 3: Unknown command: nonsense" in caught.value.cause


def test_a_section_without_end_is_a_fault() -> None:
    with pytest.raises(SwitchroomError) as caught:
        check("lang en_US.UTF-8\n%packages\n@core\n", 9)
    assert "%end" in caught.value.cause


def test_a_script_nobody_can_check_is_a_fault() -> None:
    with pytest.raises(SwitchroomError) as caught:
        check("%post --interpreter=/usr/bin/perl\nexit;\n%end\n", 9)
    assert "/usr/bin/perl" in caught.value.cause


def test_without_shellcheck_nothing_is_called_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SwitchroomError, match="shellcheck") as caught:
        check(SOUND, 9)
    assert caught.value.code is ExitCode.REFUSED


def test_a_script_that_passed_is_remembered_and_a_faulty_one_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWITCHROOM_CACHE", str(tmp_path))
    asked = record_runs(monkeypatch)
    for faults in ("set -eu", "echo $1"):
        text = SOUND.replace("rm -f /tmp/x", faults)
        for _time in range(2):
            verdict = outcome(text)
            kickstart_check._comments.cache_clear()
        assert ("SC2086" in verdict) == (faults == "echo $1")
    assert asked == ["set -eu", "echo $1", "echo $1"]


def record_runs(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Return the list to which the last lines of the scripts that shellcheck is given are added."""
    asked: List[str] = []

    def run(argv: List[str], **options: Any) -> Any:
        asked.extend(options["stdin"].decode().split("\n")[-2:-1] if "stdin" in options else [])
        return process.run(argv, **options)

    monkeypatch.setattr(kickstart_check, "run", run)
    return asked


def outcome(text: str) -> str:
    """Return what is wrong with a kickstart."""
    try:
        check(text, 9)
    except SwitchroomError as error:
        return error.cause
    return ""
