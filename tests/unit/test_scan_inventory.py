"""Inventories: of a prefix, and of the cpio archive in a package."""

import os
import subprocess
from pathlib import Path

import pytest

from switchroom.box import scan
from switchroom.box.scan import cpio
from switchroom.core.errors import SwitchroomError

XML = """<?xml version="1.0"?><docs>
<application name="Dial" language="en_US" module="app_dial"><synopsis>x</synopsis></application>
<application name="MeetMe" module="app_meetme"/><function name="ODBC" module="res_odbc_transaction"/>
<manager name="Ping" module="manager"/><managerEvent name="Hangup"/><agi name="answer"/>
<application name="Answer" module="builtin"/></docs>"""


def prefix(root: Path) -> Path:
    (root / "share/documentation").mkdir(parents=True)
    (root / "share/documentation/core-en_US.xml").write_text(XML)
    (root / "modules").mkdir()
    for name in ("app_dial.so", "res_odbc.so", "README"):
        (root / "modules" / name).write_bytes(b"x" * 5)
    return root


def test_an_engine_s_prefix(tmp_path: Path) -> None:
    found = scan.of_prefix(prefix(tmp_path))
    assert found.modules == {"app_dial", "res_odbc"}
    for kind, name in (
        ("application", "dial"),
        ("application", "Answer"),
        ("function", "ODBC"),
        ("action", "ping"),
    ):
        assert found.has(kind, name)
    assert found.has("event", "Hangup")
    assert found.has("agi", "ANSWER")
    assert not found.has("application", "MeetMe")
    assert found.knows_module("app_meetme")
    assert not found.has("application", "Nothing")


def test_a_prefix_without_or_with_bad_documentation(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="no documentation"):
        scan.of_prefix(tmp_path)
    broken = prefix(tmp_path / "a")
    (broken / "share/documentation/core-en_US.xml").write_text("<docs><application")
    with pytest.raises(SwitchroomError, match="no XML"):
        scan.of_prefix(broken)


def test_members_of_a_real_cpio_archive(tmp_path: Path) -> None:
    prefix(tmp_path)
    names = "\n".join(f"./{path.relative_to(tmp_path)}" for path in sorted(tmp_path.rglob("*")))
    archive = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        input=names.encode(),
        cwd=tmp_path,
        capture_output=True,
        check=True,
    ).stdout
    found = {name.replace("./", ""): bytes(content) for name, content in cpio.members(archive)}
    assert found["modules/app_dial.so"] == b"xxxxx"
    assert found["share/documentation/core-en_US.xml"] == XML.encode()


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"070701" + b"0" * 20])
def test_bad_archives_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cpio|literal"):
        list(cpio.members(data + os.urandom(200)))


def test_what_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.rpm").write_bytes(b"no package")
    with pytest.raises(SwitchroomError, match=r"x\.rpm"):
        scan.of_packages([tmp_path / "x.rpm"])
