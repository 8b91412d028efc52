"""The engines that only the lab has, in a booted box: whole ones run, broken ones break as told."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from lab.boxes import Box, new_box
from lab.engines import bad
from lab.engines.broken import FAULTS
from lab.engines.keep import LabEngine
from lab.engines.shelf import Shelf
from support import pbx
from support.calls import HELD_SECONDS, Calls, Prober, call
from support.lab_engines import Offer, bind, lab_engines, offering, products
from support.packages import Products
from support.small_rpms import foreign_key
from support.successor import query
from switchroom.box import sip
from switchroom.build.keys import SigningKey, development_key
from switchroom.build.signatures import Verdict, verifier

__all__ = ["foreign_key", "lab_engines", "offering", "products"]  # fixtures
pytestmark = pytest.mark.lab("systemd-nspawn", "debootstrap", "rpmbuild", "patchelf", "gcc", "sipp")

REAL = ("current", "newer", "other_major")
# Every form with the major that knows least of them, and once each with the other engines.
STARTS = [("current", "switchroom"), ("current", "freepbx"), ("newer", "samples")]
STARTS += [("other_major", form) for form in pbx.FORMS]
ENGINES = "/usr/lib64/switchroom/engines"
WAIT_SECONDS = 30


@pytest.fixture(scope="module")
def box(lab_engines: Shelf, offering: Offer) -> Iterator[Box]:
    """A box with every engine of the lab, the broken ones included."""
    real = [engine(lab_engines, name) for name in REAL]
    faulty = [lab_engines.broken(fault) for fault in FAULTS]
    outlet = offering(*real, testing=faulty)
    with new_box("engines", binds=bind(outlet)) as each:
        outlet.introduce(each.root)
        names = [one.series.engine for one in (*real, *faulty)]
        wanted = [lab_engines.other_major.series.meta, *names]
        each.run("dnf", "--assumeyes", "--enablerepo=switchroom-testing", "install", *wanted)
        yield each


def engine(shelf: Shelf, name: str) -> LabEngine:
    found: LabEngine = getattr(shelf, name)
    return found


def start(box: Box, one: LabEngine, form: str = "switchroom", check: bool = True) -> bool:
    """Select an engine and start it by its unit; say whether systemd was told that it is ready."""
    halt(box)
    box.run("ln", "-sfn", f"{ENGINES}/{one.series.prefix_name}", "/etc/switchroom/engine")
    pbx.apply(box.root, form)
    return box.run("systemctl", "start", "asterisk", check=check).returncode == 0


def halt(box: Box) -> None:
    """End Asterisk at once: it loses a SIGTERM that comes while it boots, and a stop then takes a minute."""
    box.run("systemctl", "stop", "--no-block", "asterisk")
    box.run("systemctl", "kill", "--signal=KILL", "asterisk", check=False)
    box.run("systemctl", "stop", "asterisk")
    box.run("systemctl", "reset-failed", "asterisk", check=False)


def console(box: Box, command: str) -> str:
    return box.run("asterisk", "-rx", command, check=False).stdout.decode()


def wait_until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_all_stand_side_by_side_and_are_whole(box: Box, lab_engines: Shelf) -> None:
    wanted = [engine(lab_engines, name) for name in REAL] + [lab_engines.broken(fault) for fault in FAULTS]
    assert set(box.output("ls", ENGINES).split()) == {one.series.prefix_name for one in wanted}
    assert box.output("rpm", "-Va") == ""


def test_what_only_the_lab_has_says_so(lab_engines: Shelf) -> None:
    made = [lab_engines.newer, lab_engines.other_major, *(lab_engines.broken(fault) for fault in FAULTS)]
    for one in made:
        (rpm,) = (
            path for path in one.packages if path.name.startswith(f"{one.series.engine}-{one.series.version}")
        )
        assert "LAB FIXTURE" in query(rpm, "--queryformat", "%{SUMMARY}")
        assert f"switchroom-fixture = {one.series.version}" in query(rpm, "--provides").splitlines()


def test_a_relabelled_engine_differs_from_its_original_in_name_alone(lab_engines: Shelf) -> None:
    old, new = lab_engines.current.series, lab_engines.newer.series

    def said(one: LabEngine, *options: str) -> list[str]:
        lines = [query(rpm, *options) for rpm in one.packages]
        return "\n".join(lines).replace(old.version, new.version).splitlines()

    # In the order of packages: names, then every file with its mode, owner and target.
    layout = ("--queryformat", "%{NAME}\n[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME} %{FILELINKTOS}\n]")
    assert said(lab_engines.newer, *layout) == said(lab_engines.current, *layout)
    assert set(said(lab_engines.current, "--requires")) == set(said(lab_engines.newer, "--requires"))


def test_every_scriptlet_of_a_lab_engine_leaves_a_line(box: Box, lab_engines: Shelf) -> None:
    series = lab_engines.newer.series
    log = box.output("cat", "/var/log/lab-scriptlets").splitlines()
    name = f"{series.engine}-{series.version}-1.lab"
    assert [line for line in log if name in line] == [
        f"{step} {name} 1" for step in ("pre", "post", "posttrans")
    ]


@pytest.mark.parametrize(("name", "form"), STARTS)
def test_it_starts_by_its_unit_registers_and_takes_calls_with_sound(
    box: Box, lab_engines: Shelf, name: str, form: str
) -> None:
    one = engine(lab_engines, name)
    assert start(box, one, form)
    assert console(box, "core show version").startswith(f"Asterisk {one.series.version}")
    wait_until(lambda: "Registered " in console(box, "pjsip show registrations"), "no registration came back")
    with Calls(box.address, 1, extension=pbx.SHORT) as calls:
        wait_until(lambda: "LAB_PLAYED" in pbx.noted(box), "the greeting did not end")
        calls.hang_up()
        tally = calls.wait()
    wait_until(lambda: "LAB_RECEIVED" in pbx.noted(box), "the call did not end")
    assert (len(tally.ended), tally.cut, tally.failed) == (1, (), ())
    assert tally.sound[0].packets > 20
    heard = pbx.noted(box)
    assert (heard["LAB_PLAYED"], int(heard["LAB_RECEIVED"]) > 20) == ("SUCCESS", True)


def test_sixteen_has_what_later_majors_dropped(box: Box, lab_engines: Shelf) -> None:
    if lab_engines.sixteen is None:
        pytest.skip(f"No Asterisk 16: {lab_engines.why_no_16}")
    start(box, lab_engines.sixteen, "samples")
    modules = console(box, "module show")
    assert "chan_sip.so" in modules
    assert "app_macro.so" in modules
    assert "0.0.0.0:5160" in console(box, "sip show settings")


def test_calls_that_nobody_cuts_end_as_planned_with_unbroken_sound(box: Box, lab_engines: Shelf) -> None:
    start(box, lab_engines.newer)
    with Calls(box.address, count=5, seconds=4) as calls:
        tally = calls.wait()
    assert (len(tally.ended), tally.cut, tally.failed) == (5, (), ())
    assert len(tally.sound) == 5
    assert all(stream.complete and stream.packets > 10 for stream in tally.sound)


def test_a_caller_hangs_up_when_enough_was_heard_or_nothing_comes_any_more(
    box: Box, lab_engines: Shelf
) -> None:
    start(box, lab_engines.newer)
    enough = call(box.address, packets=100)
    assert (len(enough.ended), enough.cut, enough.sound[0].packets >= 100) == (1, (), True)
    assert enough.ended[0] - enough.answered[0] < HELD_SECONDS / 2
    silent = call(box.address, pbx.SHORT, packets=1000)  # a greeting, and a minute of nothing
    assert (len(silent.ended), silent.cut) == (1, ())
    assert 20 < silent.sound[0].packets < 200
    assert silent.ended[0] - silent.answered[0] < HELD_SECONDS / 2


@pytest.mark.parametrize("end", ["stop", "kill --signal=KILL"])
def test_calls_that_are_cut_are_told_from_those_that_end(box: Box, lab_engines: Shelf, end: str) -> None:
    start(box, lab_engines.newer)
    with Calls(box.address, count=3) as calls:
        box.run("systemctl", *end.split(), "asterisk")
        calls.hang_up()  # what is cut already does not hear it
        tally = calls.wait()
    assert (tally.ended, len(tally.cut), tally.failed) == ((), 3, ())


def test_the_prober_sees_a_restart(box: Box, lab_engines: Shelf) -> None:
    start(box, lab_engines.newer)
    with Prober(box.address, interval=0.05) as prober:
        wait_until(lambda: bool(prober.tally().answered), "no call was answered")
        box.run("systemctl", "stop", "asterisk")
        stopped = time.time()
        time.sleep(2)  # long enough to be told from a machine that is busy
        box.run("systemctl", "start", "asterisk")
        started = time.time()
        wait_until(lambda: prober.tally().answered[-1] > started, "no call was answered after the restart")
        tally = prober.stop()
    assert tally.longest_gap(tally.answered[0], tally.answered[-1]) >= (started - stopped) / 2


def test_the_one_that_crashes_ends_by_a_signal(box: Box, lab_engines: Shelf) -> None:
    assert not start(box, lab_engines.broken("crashes"), check=False)
    assert box.output("systemctl", "show", "--property=Result", "asterisk") == "Result=signal"


def test_the_one_that_hangs_is_never_ready_and_ignores_a_polite_end(box: Box, lab_engines: Shelf) -> None:
    one = lab_engines.broken("hangs")
    halt(box)
    box.run("ln", "-sfn", f"{ENGINES}/{one.series.prefix_name}", "/etc/switchroom/engine")
    box.run("systemctl", "start", "--no-block", "asterisk")
    stuck = "grep -q lab_fault /proc/$(systemctl show --property=MainPID --value asterisk)/maps"
    wait_until(lambda: box.run("sh", "-c", stuck, check=False).returncode == 0, "it never loaded the module")
    box.run("systemctl", "kill", "--signal=TERM", "asterisk")
    answer = box.run("timeout", "3", "asterisk", "-rx", "core waitfullybooted", check=False)
    assert answer.stdout == b""
    assert box.output("systemctl", "show", "--property=ActiveState", "asterisk") == "ActiveState=activating"
    halt(box)


def test_the_one_without_pjsip_is_ready_and_takes_no_call(box: Box, lab_engines: Shelf) -> None:
    assert start(box, lab_engines.broken("no-pjsip"))
    assert "0 modules loaded" in console(box, "module show like pjsip")
    assert sip.options(box.address, 5060) is None


def test_the_one_that_loses_registrations_takes_calls_and_has_none(box: Box, lab_engines: Shelf) -> None:
    assert start(box, lab_engines.broken("loses-registrations"))
    assert len(call(box.address).ended) == 1
    assert "No such command" in console(box, "pjsip show registrations")


def test_bad_packages_are_bad_in_the_way_they_say(
    products: Products, foreign_key: SigningKey, tmp_path: Path
) -> None:
    key, rpm = development_key(), products.packages[0]
    good = bad.signed_by(rpm, tmp_path / "good", key, products.epoch)
    made = {
        good: Verdict.SIGNED,
        bad.unsigned(good, tmp_path / "unsigned"): Verdict.UNSIGNED,
        bad.signed_by(good, tmp_path / "foreign", foreign_key, products.epoch): Verdict.FOREIGN,
        bad.torn(good, tmp_path / "torn"): Verdict.DAMAGED,
    }
    with verifier(key.export_public()) as trusted:
        assert trusted.rpms(list(made)) == made
