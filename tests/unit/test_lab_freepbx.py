"""The fake FreePBX's tarball is packed like the real one, and its fwconsole answers like the real one."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import List

from lab.freepbx import tarball

FWCONSOLE = Path(__file__).parents[2] / "molecule/lab/fwconsole/fake-fwconsole"


def fwconsole(folder: Path, *words: str) -> List[str]:
    """Run one of the commands that ask nothing of the machine, and return the lines; it must end with 0."""
    (folder / "asterisk").write_text("#!/bin/sh\n")
    (folder / "asterisk").chmod(0o755)
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "FAKE_FWCONSOLE_STATE": str(folder / "state.json")}
    done = subprocess.run(
        [sys.executable, str(FWCONSOLE), *words], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


def test_the_tarball_has_one_folder_with_an_installer_that_names_the_version(tmp_path: Path) -> None:
    with tarfile.open(tarball.build(tmp_path, "17.0.1.2")) as archive:
        names = archive.getnames()
        assert {name.split("/")[0] for name in names} == {"freepbx"}
        assert archive.getmember("freepbx/install").mode == 0o755
        xml = archive.extractfile("freepbx/module.xml")
        assert xml
        assert b"<version>17.0.1.2</version>" in xml.read()
    assert {"freepbx/amp_conf/bin/fwconsole", "freepbx/amp_conf/bin/fake-fwconsole"} <= set(names)


def test_the_same_tarball_has_the_same_bytes(tmp_path: Path) -> None:
    one, two = (tarball.build(tmp_path / name, "17.0.1.2").read_bytes() for name in ("a", "b"))
    assert one == two


def test_a_setting_is_shown_as_the_real_one_shows_it_and_an_unknown_one_ends_with_0(tmp_path: Path) -> None:
    assert fwconsole(tmp_path, "setting", "ASTSIPDRIVER") == [
        'Setting of "ASTSIPDRIVER" is (select)[chan_pjsip]'
    ]
    assert fwconsole(tmp_path, "setting", "LAUNCH_AGI_AS_FASTAGI", "false") == [
        'Changing "LAUNCH_AGI_AS_FASTAGI" from [1] to [0]'
    ]
    assert fwconsole(tmp_path, "setting", "LAUNCH_AGI_AS_FASTAGI")[0].endswith("is (bool)[false]")
    assert fwconsole(tmp_path, "setting", "NOSUCHKEY") == ["The setting NOSUCHKEY was not found!"]


def test_modules_are_three_documents_and_an_unknown_module_ends_with_0(tmp_path: Path) -> None:
    documents = [json.loads(line) for line in fwconsole(tmp_path, "ma", "list", "--format=json")]
    assert [document["type"] for document in documents] == ["message"] * 3
    assert ["builtin", "", "Enabled", "", ""] in documents[2]["data"]
    assert fwconsole(tmp_path, "ma", "install", "nosuchmodule") == []
