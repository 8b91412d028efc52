"""The verdict: comparing with a baseline, thresholds, waiting, and what is shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Dict, List, Optional

import pytest

from switchroom.box.health import baseline, comeback, look
from switchroom.box.health.report import Check, Report, Verdict, timed
from switchroom.box.health.standing import LOST, PENDING, REACHABLE
from switchroom.box.health.transports import Transport
from switchroom.box.paths import Paths
from switchroom.box.settings import Settings, load_settings
from switchroom.cli.health import table
from switchroom.core.errors import SwitchroomError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    loaded = load_settings(Paths(tmp_path))
    return dataclasses.replace(loaded, health=dataclasses.replace(loaded.health, grace=30.0))


def names(states: str) -> Dict[str, str]:
    """Return trunks ``pjsip/1``, ``pjsip/2`` … of the states r(eachable), p(ending), l(ost); - is absent."""
    word = {"r": REACHABLE, "p": PENDING, "l": LOST}
    return {f"pjsip/{number}": word[one] for number, one in enumerate(states, 1) if one != "-"}


@pytest.mark.parametrize(
    ("before", "now", "share", "ok"),
    [
        ("rrrr", "rrrr", 1.0, True),
        ("rrrr", "rrrl", 1.0, False),
        ("rrrr", "rrr-", 1.0, False),
        ("rrrr", "rrr-", 0.75, True),
        ("rrrr", "rr--", 0.75, False),
        ("rrr", "rr-", 0.5, True),
        ("rrr", "r--", 0.5, False),  # half of three is two
        ("rrrr", "pppp", 1.0, True),  # not asked yet is not lost
        ("pp", "ll", 1.0, True),  # nobody knew them to be reachable
        ("pp", "-p", 1.0, False),
        ("rrrr", "----", 0.0, True),
        ("r" * 10, "r" * 7 + "---", 0.7, True),  # 0.7 * 10 is more than 7 in binary
    ],
)
def test_a_share_of_those_before_must_be_back(before: str, now: str, share: float, ok: bool) -> None:
    assert comeback.judge("trunks", names(before), names(now), share).ok is ok


def test_the_evidence_states_count_threshold_and_who_is_missing() -> None:
    verdict = comeback.judge("registrations", names("rrrr"), names("rrrl"), 1.0)
    assert verdict.evidence == "3 of 4 registrations back, threshold 100 %; missing: pjsip/4"
    assert verdict.required


def test_new_ones_do_not_make_up_for_lost_ones() -> None:
    now = {**names("r-"), "pjsip/new": REACHABLE}
    assert not comeback.judge("contacts", names("rr"), now, 1.0).ok


def test_a_driver_that_the_engine_lacks_is_left_out_and_said_so() -> None:
    before = {"sip/201": REACHABLE, "pjsip/1": REACHABLE}
    verdict = comeback.judge("contacts", before, names("r"), 1.0, ("sip",))
    assert verdict.ok
    assert verdict.evidence.startswith("1 of 1 contacts back")
    assert "1 not judged: no sip in this engine" in verdict.evidence


def test_without_a_baseline_nothing_is_judged() -> None:
    verdict = comeback.judge("contacts", None, names("rl"), 1.0)
    assert verdict == Verdict(True, "1 of 2 contacts now; no baseline to compare with", required=False)


def test_a_baseline_survives_a_file() -> None:
    before = baseline.Baseline(
        transports=(Transport("pjsip", "t", "tcp", "127.0.0.1", 5060), Transport("sip", "u", "udp", "::", 5)),
        ami="login",
        call=True,
        registrations=names("rp"),
    )
    assert baseline.Baseline.from_dict(json.loads(json.dumps(before.as_dict()))) == before
    assert before.probe_address == ("::1", 5)
    assert baseline.Baseline().probe_address is None


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, failing: List[Optional[str]], seconds: float
) -> tuple[Report, float]:
    """Wait on a box that fails the check named by the time it was looked at; the last goes on for ever."""
    clock, reports = Clock(), []

    def measure(*_given: object, **_more: object) -> Report:
        name = failing[min(int(clock.now - 100), len(failing) - 1)]
        checks = (Check("process", True, 0.0, ""), *([Check(name, False, 0.0, "")] if name else []))
        return Report(checks, 0.0)

    monkeypatch.setattr(look, "time", clock)
    monkeypatch.setattr(look, "measure", measure)
    report = look.wait(Paths(), settings, None, None, seconds, tell=reports.append)
    assert reports[-1] == report
    return report, clock.now - 100


def test_waiting_ends_as_soon_as_the_box_is_healthy(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    report, took = wait(monkeypatch, settings, ["booted", "booted", None], 60)
    assert report.healthy
    assert took < 4


def test_waiting_ends_when_its_seconds_are_over(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    report, took = wait(monkeypatch, settings, ["sip"], 60)
    assert [check.name for check in report.failed] == ["sip"]
    assert took == pytest.approx(60)


@pytest.mark.parametrize("late", ["registrations", "contacts", "trunks"])
def test_what_comes_back_in_its_own_time_gets_the_grace_after_all_else(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, late: str
) -> None:
    report, took = wait(monkeypatch, settings, [*["sip"] * 5, late], 10)
    assert [check.name for check in report.failed] == [late]
    assert 35 <= took < 38
    report, _ = wait(monkeypatch, settings, [*["sip"] * 5, *[late] * 29, None], 10)
    assert report.healthy


def test_the_grace_does_not_save_a_box_that_fails_again(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    report, took = wait(monkeypatch, settings, ["contacts", "contacts", "process"], 5)
    assert [check.name for check in report.failed] == ["process"]
    assert took == pytest.approx(5)


def test_an_error_in_a_check_is_its_evidence() -> None:
    def fail() -> Verdict:
        raise SwitchroomError("Asterisk does not answer.")

    check = timed("booted", fail)
    assert (check.ok, check.required, check.evidence) == (False, True, "Asterisk does not answer.")


def test_the_table_marks_what_failed_and_what_was_not_judged() -> None:
    report = Report(
        (
            Check("process", True, 0.1, "runs"),
            Check("sip", False, 2.0, "silent"),
            Check("ami", False, 0.0, "off by configuration", required=False),
        ),
        2.1,
    )
    lines = table(report).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["ok", "FAILED", "-"]
    assert lines[-1].startswith("Not healthy: sip.")
    assert report.as_dict()["healthy"] is False
    assert report.as_dict()["checks"][1] == {
        "name": "sip",
        "ok": False,
        "seconds": 2.0,
        "evidence": "silent",
        "required": True,
    }


def test_what_failed_before_does_not_count_afterwards_but_asterisk_must_run(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    alive = [True]
    monkeypatch.setattr(look.running, "check_process", lambda *_: Verdict(alive[0], "a process"))
    monkeypatch.setattr(look.running, "check_booted", lambda *_: Verdict(True, "booted"))
    failing = (Check("ami", False, 0.1, "refused"), Check("sip", False, 0.1, "silent"))
    monkeypatch.setattr(look, "_the_rest", lambda _look: failing)
    before = baseline.Baseline(ill=("process", "ami"))
    report = look.measure(Paths(tmp_path), settings, before)
    assert [check.name for check in report.failed] == ["sip"]
    assert report.checks[2].evidence == "refused (failed before, too)"
    alive[0] = False
    assert "process" in [check.name for check in look.measure(Paths(tmp_path), settings, before).failed]


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("system_u:system_r:asterisk_t:s0\0", "Asterisk runs as asterisk_t"),
        (
            "system_u:system_r:unconfined_service_t:s0\0",
            "load-selinux' loads its policy or says why not",
        ),
        (None, "No such file"),
    ],
)
def test_an_asterisk_that_selinux_does_not_confine_is_told_and_not_ill(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path, label: Optional[str], told: str
) -> None:
    monkeypatch.setattr(look.running, "check_process", lambda *_: Verdict(True, "a process"))
    monkeypatch.setattr(look.running, "check_booted", lambda *_: Verdict(True, "booted"))
    monkeypatch.setattr(look.running, "_unit", lambda: {"MainPID": "7"})
    monkeypatch.setattr(look, "_the_rest", lambda _look: ())
    assert [check.name for check in look.measure(Paths(tmp_path), settings).checks] == ["process", "booted"]
    for place, text in (("sys/fs/selinux/enforce", "1"), ("proc/7/attr/current", label)):
        (tmp_path / place).parent.mkdir(parents=True)
        if text is not None:
            (tmp_path / place).write_text(text)
    report = look.measure(Paths(tmp_path), settings)
    assert report.healthy
    seen = report.checks[2]
    assert (seen.name, seen.ok, seen.required) == ("selinux", told.endswith("asterisk_t"), False)
    assert told in seen.evidence
