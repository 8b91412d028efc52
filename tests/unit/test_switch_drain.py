"""Calls end by themselves, new ones are refused as the version allows, and a wish to stop is heard."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence

import pytest

from switchroom.box.settings import Drain as Limits
from switchroom.box.switch import drain
from switchroom.box.switch.drain import Drain, Drained
from switchroom.box.switch.walker import Cancelled
from switchroom.core.errors import SwitchroomError

NOW = 1000.0


class Asterisk:
    """A console whose calls end at given times; once stopped gracefully it ends itself with the last call."""

    def __init__(self, ends: Sequence[float], maintenance: bool) -> None:
        self.ends, self.maintenance = list(ends), maintenance
        self.time, self.up = NOW, True
        self.said: Dict[str, float] = {}
        self.told: List[tuple[Optional[int], float, bool]] = []
        self.cancel_at = float("inf")

    def ask(self, command: str, _timeout: float = 10.0) -> str:
        self._live()
        if not self.up:
            raise SwitchroomError("Asterisk does not answer.")
        self.said.setdefault(command, self.time - NOW)
        if command == "core show channels count":
            count = self._calls()
            words = f"{count} active call" if count == 1 else f"{count} active calls"
            return f"{2 * count} active channels\n{words}\n7 calls processed"
        return "res_pjsip_maintenance.so  0  Running" if "module show" in command and self.maintenance else ""

    def drain(self, seconds: float, refuse: float = 30.0, maintenance: float = 600.0) -> Drained:
        return Drain(
            self,
            alive=lambda: self.up,
            cancelled=lambda: self.time - NOW >= self.cancel_at,
            tell=lambda *news: self.told.append(news),
            about_to_stop=lambda: self.said.setdefault("about to stop", self.time - NOW) and None,
            clock=lambda: self.time,
            sleep=self._sleep,
        ).run(NOW + seconds, Limits(timeout=600, maintenance=maintenance, refuse=refuse))

    def _sleep(self, seconds: float) -> None:
        self.time += max(seconds, 0.001)
        self._live()

    def _calls(self) -> int:
        return sum(NOW + end > self.time for end in self.ends)

    def _live(self) -> None:
        if "core stop gracefully" in self.said and not self._calls():
            self.up = False


def test_with_maintenance_mode_new_calls_are_refused_from_the_start() -> None:
    asterisk = Asterisk([5, 20, 40], maintenance=True)
    result = asterisk.drain(600)
    assert (result.calls, result.refused_since) == (0, NOW)
    assert asterisk.said["pjsip set maintenance on all"] == 0
    assert 40 <= asterisk.time - NOW < 42
    assert "core stop gracefully" not in asterisk.said


def test_maintenance_mode_is_not_kept_longer_than_the_site_allows() -> None:
    asterisk = Asterisk([5, 3590], maintenance=True)
    result = asterisk.drain(3600, maintenance=600)
    assert asterisk.said["pjsip set maintenance on all"] == pytest.approx(3000, abs=1)
    assert result.calls == 0


def test_without_it_they_are_refused_only_at_the_end() -> None:
    asterisk = Asterisk([5, 590], maintenance=False)
    result = asterisk.drain(600, refuse=30)
    assert result.calls == 0
    assert asterisk.said["core stop gracefully"] == pytest.approx(570, abs=1)
    assert asterisk.said["about to stop"] <= asterisk.said["core stop gracefully"]
    assert not asterisk.up


def test_without_it_an_idle_box_stops_at_once_and_cuts_nobody() -> None:
    asterisk = Asterisk([3], maintenance=False)
    assert asterisk.drain(600).calls == 0
    assert asterisk.said["core stop gracefully"] < 5
    assert not asterisk.up


@pytest.mark.parametrize("maintenance", [True, False])
def test_calls_that_outlast_the_deadline_are_counted(maintenance: bool) -> None:
    asterisk = Asterisk([100, 9999, 9999], maintenance)
    assert asterisk.drain(200).calls == 2
    assert asterisk.time - NOW == pytest.approx(200, abs=1)


def test_a_deadline_that_is_over_ends_at_once() -> None:
    asterisk = Asterisk([9999], maintenance=True)
    assert asterisk.drain(-50).calls == 1
    assert asterisk.time == NOW


@pytest.mark.parametrize(
    ("maintenance", "undo"), [(True, "pjsip set maintenance off all"), (False, "core abort shutdown")]
)
def test_cancelled_it_takes_new_calls_again(maintenance: bool, undo: str) -> None:
    asterisk = Asterisk([9999], maintenance)
    asterisk.cancel_at = 580
    with pytest.raises(Cancelled):
        asterisk.drain(600)
    assert asterisk.said[undo] == pytest.approx(580, abs=1)


def test_an_asterisk_that_ended_by_itself_has_no_calls() -> None:
    asterisk = Asterisk([], maintenance=False)
    asterisk.up = False
    assert asterisk.drain(600).calls == 0
    assert asterisk.said.keys() == {"about to stop"}


def test_an_asterisk_that_hangs_has_an_unknown_number_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    asterisk = Asterisk([], maintenance=True)
    answer: Callable[[str], str] = asterisk.ask

    def silent(command: str, timeout: float = 10.0) -> str:
        if command == "core show channels count":
            raise SwitchroomError("Asterisk did not answer.")
        return answer(command)

    monkeypatch.setattr(asterisk, "ask", silent)
    assert asterisk.drain(5).calls is None
    assert asterisk.told[-1][0] is None


def test_one_call_is_counted_too() -> None:
    assert drain.calls(Asterisk([5], maintenance=True)) == 1
