"""The site's own checks: which are run, how, and what they say."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from switchroom.box.health import site
from switchroom.box.health.report import Verdict, timed

ME = os.getuid()


def script(folder: Path, text: str, mode: int = 0o755) -> Path:
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / "check"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


def look(path: Path, timeout: float = 20.0, owner: int = ME) -> Verdict:
    """Run a check of the test's own folder, which stands for the root of the box."""
    base = next(folder for folder in path.parents if folder.parent.name.startswith("pytest-"))
    base.chmod(0o755)
    return site.check(path, timeout, owner, base)


def test_exit_code_0_is_well_and_the_first_line_is_the_evidence(tmp_path: Path) -> None:
    path = script(tmp_path / "health.d", "echo; echo '  fax gateway answers '; echo more")
    assert look(path) == Verdict(True, "fax gateway answers")


def test_another_exit_code_is_a_failure_with_what_was_said(tmp_path: Path) -> None:
    path = script(tmp_path / "health.d", "echo no fax line >&2; exit 7")
    assert look(path) == Verdict(False, "exit code 7: no fax line")


def test_the_environment_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_FOR_TEST", "leaked")
    path = script(tmp_path / "health.d", 'echo "$(pwd) $HOME ${LD_PRELOAD_FOR_TEST:-clean}"')
    assert look(path).evidence == "/ /root clean"


def test_one_that_hangs_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    alive = tmp_path / "pid"
    path = script(tmp_path / "health.d", f"sleep 600 & echo $! > {alive}; wait")
    check = timed("site:check", lambda: look(path, 0.5))
    assert not check.ok
    assert "took longer than" in check.evidence
    state, deadline = Path("/proc", alive.read_text().strip(), "stat"), time.monotonic() + 5
    while _lives(state):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _lives(state: Path) -> bool:
    try:
        return state.read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("mode", "reason"),
    [(0o775, "can be changed by others"), (0o757, "can be changed by others"), (0o644, "not executable")],
)
def test_what_others_can_change_or_nobody_can_run_is_reported_and_not_run(
    mode: int, reason: str, tmp_path: Path
) -> None:
    path = script(tmp_path / "health.d", f"touch {tmp_path}/ran", mode)
    verdict = look(path)
    assert (verdict.ok, verdict.required) == (False, False)
    assert reason in verdict.evidence
    assert not (tmp_path / "ran").exists()


def test_another_owner_is_not_run(tmp_path: Path) -> None:
    path = script(tmp_path / "health.d", f"touch {tmp_path}/ran")
    assert "not owned by root" in look(path, owner=ME + 1).evidence
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_others_can_write_makes_all_in_it_unfit(tmp_path: Path) -> None:
    path = script(tmp_path / "health.d", "true")
    path.parent.chmod(0o777)
    assert "can be changed by others" in look(path).evidence


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    target = script(tmp_path / "elsewhere", "echo linked")
    folder = tmp_path / "health.d"
    folder.mkdir(mode=0o755)
    link = folder / "link"
    link.symlink_to(target)
    assert look(link) == Verdict(True, "linked")
    target.parent.chmod(0o777)
    assert "can be changed by others" in look(link).evidence
    target.parent.chmod(0o755)
    target.unlink()
    assert "no such file" in look(link).evidence


def test_each_link_and_folder_on_the_way_must_be_roots(tmp_path: Path) -> None:
    target = script(tmp_path / "root", "echo fine")
    between, folder = tmp_path / "between", tmp_path / "health.d"
    for made in (between, folder):
        made.mkdir(mode=0o755)
    (between / "link").symlink_to(target)
    (folder / "check").symlink_to("../between/link")
    assert look(folder / "check") == Verdict(True, "fine")
    between.chmod(0o777)
    assert f"'{between}' can be changed by others" in look(folder / "check").evidence
    between.chmod(0o755)
    tmp_path.chmod(0o777)
    assert "can be changed by others" in site.check(folder / "check", 5.0, ME, tmp_path).evidence


@pytest.mark.skipif(ME != 0, reason="only root can give a link to somebody else")
def test_a_link_of_somebody_elses_is_not_followed(tmp_path: Path) -> None:
    target = script(tmp_path / "root", "echo fine")
    folder = tmp_path / "health.d"
    folder.mkdir(mode=0o755)
    (folder / "check").symlink_to(target)
    os.lchown(folder / "check", 65534, 65534)
    assert "not owned by root" in look(folder / "check").evidence


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "health.d"
    folder.mkdir(mode=0o755)
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to(folder / "a")
    assert "circle" in look(folder / "a").evidence


@pytest.mark.skipif(ME != 0, reason="only root has something that others can change")
def test_one_who_flips_a_link_meanwhile_never_gets_his_program_run(tmp_path: Path) -> None:
    """The middle of the chain is a stranger's, who makes it lead to root's program or to his own in turns."""
    good, evil = script(tmp_path / "root", "echo fine"), script(tmp_path / "stranger", "echo EVIL")
    folder, middle = tmp_path / "health.d", tmp_path / "stranger/link"
    folder.mkdir(mode=0o755)
    middle.symlink_to(good)
    (folder / "check").symlink_to(middle)
    os.chown(middle.parent, 65534, 65534)
    flips = f"while :; do ln -sfn {good} {middle}; ln -sfn {evil} {middle}; done"
    with subprocess.Popen(["sh", "-c", flips]) as flipping:
        said = {look(folder / "check").evidence for _ in range(50)}
        flipping.kill()
    assert said == {f"not run: '{middle.parent}' is not owned by root"}


def test_left_overs_of_packages_and_hidden_files_are_no_checks(tmp_path: Path) -> None:
    for name in (".hidden", "a.rpmsave", "b.rpmnew", "c~", "20-fax", "10-disk"):
        (tmp_path / name).touch()
    assert [path.name for path in site.found(tmp_path)] == ["10-disk", "20-fax"]
    assert site.found(tmp_path / "absent") == ()
