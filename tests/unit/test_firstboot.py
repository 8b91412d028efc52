"""The first boot's program: attempts, what a crash leaves, what a person sees."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, List

import pytest

from switchroom.box.firstboot import attempts, installed, run, screen
from switchroom.box.firstboot.installed import Owned
from switchroom.box.firstboot.places import Places
from switchroom.box.firstboot.playbook import Run
from switchroom.box.firstboot.repair import tidy
from switchroom.box.paths import Paths
from switchroom.core.errors import ExitCode, SwitchroomError

BASH = "bash-5.1.8-9.el9.x86_64"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A box whose first boot is due."""
    monkeypatch.setattr(installed, "nevras", lambda: (BASH,))
    found = Places(Paths(tmp_path / "box"))
    write(found.due)
    write(found.media / "repos/x.repo")
    return found


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *events: Any) -> None:
    """Put an ansible-playbook on PATH that prints these events and ends with this exit code."""
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    printed = write(tmp_path / "events", "\n".join(lines) + "\n")
    program = write(
        tmp_path / "bin/ansible-playbook", f"#!/bin/sh\ncat {printed}\necho oops >&2\nexit {code}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def step(number: int, name: str) -> dict[str, Any]:
    return {"event": "step", "number": number, "total": 2, "name": name}


def task(name: str, outcome: str, message: str = "") -> dict[str, Any]:
    about = {"role": "base", "name": name, "seconds": 0.1}
    return {"event": "task", "outcome": outcome, "message": message, **about}


def test_an_attempt_that_did_not_end_is_known_as_torn(places: Places) -> None:
    assert attempts.begin(places, unattended=True) is False
    assert attempts.begin(places, unattended=True) is True, "the one before was cut off"
    attempts.ended(places)
    assert attempts.begin(places, unattended=True) is False


def test_the_packages_of_before_are_those_of_the_very_first_attempt(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts.begin(places, unattended=True)
    monkeypatch.setattr(installed, "nevras", lambda: (BASH, "chrony-0:4.5-1.el9.x86_64"))
    attempts.begin(places, unattended=True)
    assert places.before.read_text() == f"{BASH}\n"


def test_crash_after_crash_it_gives_up_and_a_person_may_try_again(places: Places) -> None:
    for _ in range(attempts.LIMIT):
        attempts.begin(places, unattended=True)
    with pytest.raises(SwitchroomError) as refused:
        attempts.begin(places, unattended=True)
    assert refused.value.code is ExitCode.ATTENTION
    assert "switchroom firstboot" in refused.value.hint
    assert attempts.begin(places, unattended=False) is True


def test_done_leaves_nothing_to_do(places: Places) -> None:
    write(places.ansible / "tmp/module")
    attempts.begin(places, unattended=True)
    attempts.done(places)
    assert not places.due.exists()
    assert not places.media.exists()
    assert list(places.folder.iterdir()) == []


def test_what_a_cut_off_rpm_left_goes_and_nothing_else(places: Places) -> None:
    root = places.paths.root
    files = [Owned("/etc/chrony.conf", 100, "cn"), Owned("/etc/empty", 0, "c"), Owned("/etc/whole", 4, "")]
    files += [Owned("/etc/ghost", 10, "g"), Owned("/etc/absent", 10, "")]
    for name in ("chrony.conf", "chrony.conf;65a1b2c3", "empty", "ghost", "mine;65a1b2c3", "whole;notes"):
        write(root / "etc" / name)
    write(root / "etc/whole", "full")
    gone = {path.name for path in tidy(places, files)}
    assert gone == {"chrony.conf", "chrony.conf;65a1b2c3"}
    left = {path.name for path in (root / "etc").iterdir()}
    assert left == {"empty", "ghost", "mine;65a1b2c3", "whole;notes", "whole"}


def test_steps_are_told_and_every_task_is_in_the_log_of_root(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ansible(tmp_path, monkeypatch, 0, step(1, "look"), task("Look", "ok"), "no json", step(2, "base"))
    told: List[Any] = []
    Run(places, lambda *words: told.append(words)).go()
    assert told == [(1, 2, "look"), (2, 2, "base")]
    text = places.log.read_text()
    assert "base: Look" in text
    assert "ansible: no json" in text
    assert places.log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("number", "code"), [(1, ExitCode.ATTENTION), (2, ExitCode.FAILED)])
def test_a_failure_says_where_why_and_what_to_do(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: ExitCode
) -> None:
    failed = task("Install chrony", "failed", "No package chrony available.")
    ansible(tmp_path, monkeypatch, 2, step(number, "base"), failed)
    with pytest.raises(SwitchroomError) as caught:
        Run(places, lambda *_words: None).go()
    assert caught.value.message == "The step 'base' failed at 'Install chrony'."
    assert caught.value.cause == "No package chrony available."
    assert str(places.log) in caught.value.hint
    assert caught.value.code is code, "a check that refuses will refuse again"


def test_ansible_s_own_words_are_the_cause_where_no_task_failed(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ansible(tmp_path, monkeypatch, 4)
    with pytest.raises(SwitchroomError, match="exit code 4") as caught:
        Run(places, lambda *_words: None).go()
    assert caught.value.cause == "oops"


def test_the_login_screen_shows_name_addresses_and_state(places: Places) -> None:
    for name in ("lo", "eth0", "ens3", "bad\\name"):
        (places.paths.root / "sys/class/net" / name).mkdir(parents=True)
    write(places.inventory, "pbx: {vars: {pbx_profile: freepbx}}\n")
    screen.show(places, ["State:    C:\\n\x1b[2J"])
    assert places.issue.read_text().splitlines() == [
        "Switchroom PBX  \\n",
        "Address:  \\4{ens3}  \\6{ens3}  (ens3)",
        "Address:  \\4{eth0}  \\6{eth0}  (eth0)",
        "Web:      https://\\4{ens3}/",
        "State:    C:\\\\n[2J",
        "",
    ]


@pytest.fixture
def stage(places: Places, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The first boot with its parts replaced: what happened, and what the playbook is to do."""
    seen = SimpleNamespace(places=places, did=[], shown=[], playbook=lambda: None, healthy=True)

    class FakeRun:
        def __init__(self, _places: Places, begin: Callable[[int, int, str], None]) -> None:
            begin(1, 1, "base")

        def go(self) -> None:
            seen.did.append("playbook")
            seen.playbook()

    def judged(*_words: Any, **_more: Any) -> Any:
        check = SimpleNamespace(name="sip", evidence="silence")
        return SimpleNamespace(healthy=seen.healthy, failed=() if seen.healthy else (check,))

    monkeypatch.setattr(run, "Run", FakeRun)
    monkeypatch.setattr(run, "repair", lambda _places: seen.did.append("repair"))
    monkeypatch.setattr(run.judge, "wait", judged)
    monkeypatch.setattr(run.screen, "show", lambda _places, lines: seen.shown.append(" ".join(lines)))
    return seen


def test_a_good_run_ends_with_dial_tone_on_the_login_screen(stage: SimpleNamespace) -> None:
    assert run.run(stage.places, unattended=False) is True
    assert "step 1 of 2 (base); do not switch it off" in stage.shown[0]
    assert "has dial tone" in stage.shown[-1]
    assert not stage.places.due.exists()
    assert run.run(stage.places, unattended=False) is False, "once is enough"


def test_after_a_crash_it_repairs_first(stage: SimpleNamespace) -> None:
    attempts.begin(stage.places, unattended=True)
    run.run(stage.places, unattended=False)
    assert stage.did == ["repair", "playbook"]


def test_a_repair_that_fails_is_due_again(stage: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts.begin(stage.places, unattended=True)
    monkeypatch.setattr(run, "repair", _fail)
    with pytest.raises(SwitchroomError):
        run.run(stage.places, unattended=False)
    assert stage.places.running.exists()


def test_a_failed_playbook_is_no_crash_and_stays_due(stage: SimpleNamespace) -> None:
    stage.playbook = _fail
    with pytest.raises(SwitchroomError):
        run.run(stage.places, unattended=False)
    assert stage.places.due.exists()
    assert not stage.places.running.exists()
    assert "needs attention: No package chrony. Type: " in stage.shown[-1]


def test_the_last_failure_of_a_unit_asks_for_a_person(stage: SimpleNamespace) -> None:
    stage.playbook = _fail
    codes = []
    for _ in range(attempts.LIMIT):
        with pytest.raises(SwitchroomError) as failed:
            run.run(stage.places, unattended=True)
        codes.append(failed.value.code)
    assert codes == [ExitCode.FAILED] * (attempts.LIMIT - 1) + [ExitCode.ATTENTION]
    assert "tried again" in stage.shown[1]
    assert "switchroom firstboot" in stage.shown[-1]


def test_without_dial_tone_it_is_not_done(stage: SimpleNamespace) -> None:
    stage.healthy = False
    with pytest.raises(SwitchroomError, match="no dial tone") as failed:
        run.run(stage.places, unattended=False)
    assert failed.value.cause == "sip: silence"
    assert stage.places.due.exists()


def _fail(*_words: Any) -> None:
    raise SwitchroomError("No package chrony.")
