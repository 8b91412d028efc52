"""What the packages' scriptlets do on a box, run on a small tree of files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

import pytest

from support.specs import OTHERS, SERIES, engine_defines, rpmspec, scriptlet

Run = Callable[..., Tuple[int, str]]
ENGINES = "usr/lib64/switchroom/engines"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    (tmp_path / "etc/switchroom").mkdir(parents=True)
    for version in (SERIES["22"].prefix_name, "20.21.0-1"):
        binary = tmp_path / ENGINES / version / "sbin/asterisk"
        binary.parent.mkdir(parents=True)
        binary.write_text("#!/bin/sh\n")
        binary.chmod(0o755)
    return tmp_path


@pytest.fixture
def run(box: Path) -> Run:
    """Run a scriptlet with every absolute path moved below the box's folder."""

    def runner(
        spec: str, name: str, *arguments: str, defines: Optional[Dict[str, str]] = None
    ) -> Tuple[int, str]:
        defines = defines or (engine_defines(SERIES["22"]) if spec == "asterisk" else OTHERS[spec])
        body = re.sub(
            r'(?<![\w.$}"])/(etc|usr|var)/', rf"{box}/\1/", scriptlet(rpmspec(spec, defines, "-P"), name)
        )
        argv = ["dash", "-e", "-c", body, name, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return runner


def selected(box: Path) -> str:
    return (box / "etc/switchroom/engine").resolve().name


def select(box: Path, version: str) -> None:
    (box / "etc/switchroom/engine").symlink_to(box / ENGINES / version)


def test_the_first_engine_becomes_the_active_one(box: Path, run: Run) -> None:
    assert run("asterisk", "post", "1") == (0, "")
    assert selected(box) == SERIES["22"].prefix_name
    assert [path.name for path in (box / "etc/switchroom").iterdir()] == ["engine"]


def test_a_later_engine_leaves_the_choice_alone(box: Path, run: Run) -> None:
    select(box, "20.21.0-1")
    assert run("asterisk", "post", "1") == (0, "")
    assert selected(box) == "20.21.0-1"


def test_a_link_that_leads_nowhere_is_mended(box: Path, run: Run) -> None:
    select(box, "gone")
    assert run("asterisk", "post", "1") == (0, "")
    assert selected(box) == SERIES["22"].prefix_name


def test_the_active_engine_refuses_to_be_erased(box: Path, run: Run) -> None:
    select(box, SERIES["22"].prefix_name)
    code, text = run("asterisk", "preun", "0")
    assert code == 1
    assert f"{SERIES['22'].engine} is the active engine" in text
    assert "asterisk-version-switch" in text


def test_an_engine_that_does_not_run_goes_and_an_upgrade_passes(box: Path, run: Run) -> None:
    assert run("asterisk", "preun", "0") == (0, "")
    select(box, "20.21.0-1")
    assert run("asterisk", "preun", "0") == (0, "")
    (box / "etc/switchroom/engine").unlink()
    select(box, SERIES["22"].prefix_name)
    assert run("asterisk", "preun", "1") == (0, "")


def test_the_shared_package_stays_while_an_engine_is_active(box: Path, run: Run) -> None:
    select(box, "20.21.0-1")
    code, text = run("asterisk-common", "preun", "0")
    assert code == 1
    assert "remove the link" in text
    (box / "etc/switchroom/engine").unlink()
    assert run("asterisk-common", "preun", "0") == (0, "")


def program(box: Path, path: str, text: str) -> None:
    file = box / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_a_policy_that_cannot_be_loaded_is_told_and_ends_no_transaction(box: Path, run: Run) -> None:
    program(box, "usr/libexec/switchroom/load-selinux", "echo 'not confined: why' >&2; exit 1")
    code, text = run("asterisk-common", "post", "1")
    assert code == 0
    assert "not confined: why" in text


@pytest.mark.parametrize("major", ["9", "10"])
def test_the_last_of_it_takes_its_policy_away(major: str, box: Path, run: Run) -> None:
    program(box, "usr/sbin/semodule", f'echo "semodule $*" >>{box}/ran')
    program(box, "usr/sbin/load_policy", f"echo load_policy >>{box}/ran")
    program(box, "usr/sbin/selinuxenabled", "exit 0")
    # A site has switched the permissive one off; the file of another package's stays.
    for name in ("200/switchroom", "200/asterisk", "100/asterisk"):
        (box / "var/lib/selinux/targeted/active/modules" / name).mkdir(parents=True)
    assert run("asterisk-common", "postun", "1", defines={"rhel": major}) == (0, "")
    assert not (box / "ran").exists()
    assert run("asterisk-common", "postun", "0", defines={"rhel": major}) == (0, "")
    names = {"9": "switchroom", "10": "switchroom asterisk"}[major]
    assert (box / "ran").read_text() == f"semodule -n -s targeted -X 200 -r {names}\nload_policy\n"


@pytest.fixture
def pretrans(tmp_path: Path) -> Callable[[], str]:
    def runner() -> str:
        body = scriptlet(rpmspec("asterisk-common", {}, "-P"), "pretrans")
        moved = body.replace('"/usr/', f'"{tmp_path}/usr/').replace('"/var/', f'"{tmp_path}/var/')
        script = tmp_path / "pretrans.lua"
        script.write_text(moved)
        done = subprocess.run(
            ["rpm", "--eval", f'%{{lua: dofile("{script}")}}'], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() + done.stderr

    return runner


def test_what_stands_where_a_link_must_go_is_moved_aside(tmp_path: Path, pretrans: Callable[[], str]) -> None:
    modules = tmp_path / "usr/lib64/asterisk/modules"
    binary = tmp_path / "usr/sbin/asterisk"
    for path in (modules / "chan_sip.so", binary, modules.with_name("modules.before-switchroom") / "older"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from source")
    text = pretrans()
    assert f"{modules} was in the way of a fixed link and is now {modules}.before-switchroom.2" in text
    assert (modules.with_name("modules.before-switchroom.2") / "chan_sip.so").read_text() == "from source"
    assert (modules.with_name("modules.before-switchroom") / "older").exists()
    assert binary.with_name("asterisk.before-switchroom").read_text() == "from source"
    assert not modules.exists()
    assert not binary.exists()


def test_links_in_place_are_left_alone(tmp_path: Path, pretrans: Callable[[], str]) -> None:
    link = tmp_path / "usr/sbin/asterisk"
    link.parent.mkdir(parents=True)
    link.symlink_to("/etc/switchroom/engine/sbin/asterisk")
    assert pretrans() == ""
    assert link.is_symlink()
