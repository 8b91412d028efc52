"""``switchroom switch`` as an admin or a program meets it, on a box whose parts are fakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from support.fake_switch import ILL, FakeSwitch
from switchroom.box.paths import Paths
from switchroom.box.scan import Finding, Severity
from switchroom.box.switch import prepare
from switchroom.box.switch.outcome import End
from switchroom.box.switch.plan import submitted
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

MACRO = Finding(
    "application:Macro:/etc/asterisk/extensions_custom.conf",
    Severity.BLOCKING,
    "application",
    "Macro",
    "Macro is gone since Asterisk 21.",
    file="/etc/asterisk/extensions_custom.conf",
    lines=(12,),
    replacement="Gosub",
)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSwitch:
    one = FakeSwitch(tmp_path)
    one.install(monkeypatch.setattr)
    return one


class Cli:
    """Runs the command and keeps what it printed."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *words: str) -> Tuple[int, str, str]:
        code = main(["switch", *words])
        out, err = self._captured.readouterr()
        return code, out, err

    def json(self, *words: str) -> Tuple[int, Dict[str, Any]]:
        code, out, _err = self(*words, "--json")
        data: Dict[str, Any] = json.loads(out)
        return code, data


@pytest.fixture
def cli(fake: FakeSwitch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


def keys(data: Dict[str, Any]) -> List[str]:
    return [finding["key"] for finding in data["findings"]]


def changed(fake: FakeSwitch) -> bool:
    return fake.started > 0 or submitted(Paths(fake.root)) is not None


def test_a_switch_goes_through_and_tells_what_it_cost(cli: Cli, fake: FakeSwitch) -> None:
    code, out, err = cli("22.11.0")
    assert code == 0
    assert "Done: Asterisk 22.11.0 answers." in out
    assert "outage: 1234 ms without an answer to SIP" in out
    assert "new calls were refused for 2.5 s" in out
    assert "calls cut: 1" in out
    assert "asterisk-version-switch --rollback" in out
    assert "Wait for calls to end: done" in err


def test_the_plan_holds_what_was_asked_for(cli: Cli, fake: FakeSwitch) -> None:
    cli("22", "--drain-timeout", "7", "--health-timeout", "9", "--now", "--acknowledge", "x", "--detach")
    plan = submitted(Paths(fake.root))
    assert plan
    assert (plan.source.version, plan.target.version, plan.target.build) == ("22.10.1", "22.11.0", 1)
    assert (plan.drain_timeout, plan.health_timeout, plan.now, plan.acknowledged) == (7, 9, True, ("x",))


def test_times_that_were_not_asked_for_are_the_settings(cli: Cli, fake: FakeSwitch) -> None:
    settings = Paths(fake.root).settings
    settings.write_text("drain: {timeout: 33}\n")
    cli("22", "--detach")
    plan = submitted(Paths(fake.root))
    assert plan
    assert (plan.drain_timeout, plan.health_timeout) == (33, 120)


def test_json_is_one_document_a_line_and_ends_with_the_result(cli: Cli) -> None:
    code, out, _err = cli("22", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["event"] for line in lines] == ["step"] * 6 + ["result"]
    assert lines[-1]["outcome"] == "kept"
    assert lines[-1]["figures"]["outage_ms"] == 1234


@pytest.mark.parametrize(("end", "code"), [(End.ROLLED_BACK, 1), (End.ABANDONED, 1), (End.ATTENTION, 4)])
def test_the_exit_code_is_that_of_the_outcome(cli: Cli, fake: FakeSwitch, end: End, code: int) -> None:
    fake.outcome = end
    got, out, _err = cli("22")
    assert got == code
    assert "reason: Asterisk runs, and is not healthy: sip." in out
    assert "next: Look at the log." in out


def test_the_active_engine_is_nothing_to_do(cli: Cli, fake: FakeSwitch) -> None:
    code, out, _err = cli("22.10.1")
    assert (code, changed(fake)) == (0, False)
    assert out == "Nothing to do: Asterisk 22.10.1-1 is active already.\n"


def test_an_unknown_version_is_bad_usage_with_what_there_is(cli: Cli, fake: FakeSwitch) -> None:
    code, _out, err = cli("23")
    assert (code, changed(fake)) == (2, False)
    assert "There is no Asterisk '23'" in err
    assert "'22.11.0-1', '22.10.1-1', '20.21.0-1', '16.30.1-1'" in err


def test_all_that_stops_a_switch_is_told_at_once(cli: Cli, fake: FakeSwitch) -> None:
    fake.health, fake.lock_holder, fake.findings = ILL, "dnf (process 12) holds 'x'", (MACRO,)
    fake.unresolvable = SwitchroomError("The repository is away.", cause="curl: 6", code=ExitCode.REFUSED)
    code, _out, err = cli("22")
    assert (code, changed(fake)) == (3, False)
    for said in (
        "because of 4 findings; nothing was changed",
        "package-lock: The package database is locked by dnf (process 12)",
        "packages: The repository is away. (curl: 6)",
        "health: The box is not healthy now",
        f"{MACRO.key}: /etc/asterisk/extensions_custom.conf:12: Macro is gone",
    ):
        assert said in err


def test_findings_of_configuration_and_health_can_be_acknowledged(cli: Cli, fake: FakeSwitch) -> None:
    fake.health, fake.findings = ILL, (MACRO,)
    assert cli("22", "--acknowledge", MACRO.key)[0] == 3
    assert not changed(fake)
    assert cli("22", "--acknowledge", MACRO.key, "--acknowledge", "health")[0] == 0


def test_a_full_disk_or_a_lock_cannot_be_acknowledged(cli: Cli, fake: FakeSwitch) -> None:
    fake.lock_holder = "dnf (process 12)"
    Paths(fake.root).settings.write_text("disk: {reserve: 1000000000000000}\n")
    code, data = cli.json("22", "--dry-run", "--acknowledge", "disk", "--acknowledge", "package-lock")
    assert (code, keys(data)) == (3, ["package-lock", "disk"])


def test_an_open_transaction_refuses_another_one(cli: Cli, fake: FakeSwitch) -> None:
    assert cli("20.21.0")[0] == 0  # and the fake's transaction stays open
    code, data = cli.json("22", "--dry-run")
    assert (code, keys(data)) == (3, ["busy"])
    assert cli("22")[0] == 3
    assert fake.started == 1


def test_a_folder_that_only_looks_like_a_transaction_refuses_none(cli: Cli, fake: FakeSwitch) -> None:
    Paths(fake.root).transaction.mkdir(parents=True)
    code, data = cli.json("22", "--dry-run")
    assert (code, keys(data)) == (0, [])


def test_a_dry_run_shows_everything_and_changes_nothing(cli: Cli, fake: FakeSwitch) -> None:
    code, out, _err = cli("22", "--dry-run", "--drain-timeout", "90")
    assert (code, changed(fake)) == (0, False)
    for said in (
        "From Asterisk 22.10.1-1 to 22.11.0-1",
        "install  asterisk22.11.0_1-22.11.0-1.lab.x86_64  6.0 MiB  switchroom-stable",
        "Calls now: 2; they may go on for 1 min 30 s",
        "Expected outage: about 1.2 s",
        "Health now: healthy",
        "It would go. Nothing was changed.",
    ):
        assert said in out


def test_a_dry_run_that_would_be_refused_says_so(cli: Cli, fake: FakeSwitch) -> None:
    fake.findings, fake.missing = (MACRO,), ("odbc",)
    code, out, _err = cli("22", "--dry-run")
    assert code == 3
    assert f"--acknowledge {MACRO.key}" in out
    assert "There is no package 'odbc' of the target" in " ".join(out.split())
    assert "It would be refused." in out
    assert out.index("blocking:") < out.index("warning:")


def test_check_only_scans(cli: Cli, fake: FakeSwitch) -> None:
    fake.health = ILL
    assert cli("22", "--check")[0] == 0
    fake.findings = (MACRO,)
    code, data = cli.json("22", "--check")
    assert (code, data["findings"][0]["line"], data["findings"][0]["replacement"]) == (3, 12, "Gosub")
    assert cli("22", "--check", "--acknowledge", MACRO.key)[0] == 0


def test_rollback_goes_to_the_previous_engine_though_the_box_is_ill(cli: Cli, fake: FakeSwitch) -> None:
    fake.health = ILL
    fake.findings = (
        Finding(
            "end-of-life:20", Severity.BLOCKING, "end-of-life", "20", "Asterisk 20 is at its end of life."
        ),
    )
    code, out, _err = cli("--rollback")
    assert code == 0
    assert "Done: Asterisk 20.21.0 answers." in out


def test_rollback_without_a_previous_engine_is_refused(cli: Cli, fake: FakeSwitch) -> None:
    Paths(fake.root).previous.unlink()
    code, _out, err = cli("--rollback")
    assert (code, changed(fake)) == (3, False)
    assert "There is no previous engine" in err


def test_a_box_without_a_selected_engine_says_how_to_get_one(cli: Cli, fake: FakeSwitch) -> None:
    Paths(fake.root).selector.unlink()
    code, _out, err = cli("22")
    assert code == 3
    assert "systemctl start switchroom-recover" in err


def test_without_a_terminal_a_target_is_needed(cli: Cli) -> None:
    code, _out, err = cli()
    assert code == 2
    assert "No target was named." in err


@pytest.mark.parametrize("option", ["--rollback", "--prune", "--list", "--cancel"])
def test_options_that_take_no_target_refuse_one(cli: Cli, fake: FakeSwitch, option: str) -> None:
    assert cli("22", option)[0] == 2
    assert not changed(fake)


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "100000"])
def test_times_that_are_none_are_bad_usage(cli: Cli, seconds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli("22", "--drain-timeout", seconds)
    assert ended.value.code == 2


def test_an_error_is_one_line_of_json(cli: Cli) -> None:
    code, out, _err = cli("23", "--json")
    assert code == 2
    assert json.loads(out)["event"] == "error"
    assert out.count("\n") == 1


def test_cancel_needs_a_switch_that_is_under_way(cli: Cli, fake: FakeSwitch) -> None:
    code, _out, err = cli("--cancel")
    assert code == 3
    assert "No switch is under way" in err
    fake.told = []
    cli("22", "--detach")
    assert cli("--cancel")[0] == 0
    assert (Paths(fake.root).runtime / "cancel").exists()


def test_list_names_each_engine(cli: Cli) -> None:
    code, data = cli.json("--list")
    assert code == 0
    assert [one["engine"] for one in data["engines"]] == ["22.11.0-1", "22.10.1-1", "20.21.0-1", "16.30.1-1"]


def test_without_its_repository_a_box_still_goes_to_an_installed_engine(cli: Cli, fake: FakeSwitch) -> None:
    fake.unreachable = SwitchroomError("The repository cannot be reached.", code=ExitCode.REFUSED)
    code, _out, err = cli("22")
    assert (code, changed(fake)) == (3, False)
    assert "The repository cannot be reached." in err
    code, out, err = cli("20.21.0")
    assert code == 0
    assert "warning: The repository cannot be reached. Only what is installed is looked at." in err
    assert "Done: Asterisk 20.21.0 answers." in out
    assert cli("--rollback")[0] == 3, "the fake's transaction is still open"


def test_a_plan_whose_worker_does_not_start_is_taken_back(
    cli: Cli, fake: FakeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise SwitchroomError("Starting 'switchroom-resume.service' failed.")

    monkeypatch.setattr(prepare, "begin", fail)
    assert cli("22")[0] == 1
    assert not changed(fake)
