"""The role freepbx, the lines that it has in asterisk's files, run by Ansible: by asterisk, and once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Tuple

import pytest

from support import setpriv
from support.collection import HERE, in_place, run

LINE = "security.log => security"
_PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: switchroom.pbx.freepbx
        tasks_from: lines
      vars:
        __freepbx_job_too: false
"""


@pytest.fixture
def box(tmp_path: Path) -> Tuple[Path, Path]:
    """A folder of asterisk's, and a file of root's beside it."""
    (tmp_path / "asterisk").mkdir()
    (tmp_path / "bin").mkdir()
    setpriv.install(tmp_path / "bin")
    # For root some fail, so that what asterisk's folder gets is asterisk's doing.
    as_asterisk = '#!/bin/sh\n[ "$TEST_RUNS_AS" = asterisk ] || exit 9\n'
    programs = {name: f'{as_asterisk}exec /usr/bin/{name} "$@"\n' for name in ("tee", "grep")}
    programs.update({"asterisk": as_asterisk, "fail2ban-client": "#!/bin/sh\n"})
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "play.yml").write_text(_PLAY)
    return tmp_path / "asterisk/logger.conf", tmp_path / "asterisk/logins.log"


def apply(box: Tuple[Path, Path], *words: str) -> str:
    folder = box[0].parents[1]
    variables = {
        "__freepbx_paths_cron": [str(folder / "cron")],
        "__freepbx_path_logger": str(box[0]),
        "__freepbx_path_logins": str(box[1]),
        "__freepbx_logger_line": LINE,
    }
    if not (folder / "collections").exists():
        in_place(folder / "collections")
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
    }
    given = ("-e", json.dumps(variables), *words)
    return run("ansible-playbook", *HERE, *given, str(folder / "play.yml"), **settings)


def test_the_line_and_the_log_are_made_once_and_by_asterisk(box: Tuple[Path, Path]) -> None:
    box[0].write_text("full => notice")  # without an end
    assert "changed=2" in apply(box, "--check")
    assert box[0].read_text() == "full => notice"
    assert "changed=4" in apply(box)  # with two handlers
    assert box[0].read_text().splitlines() == ["full => notice", LINE]
    assert box[1].exists()
    assert "changed=0" in apply(box)


def test_a_pipe_in_the_place_of_a_file_stops_nobody_for_long(box: Tuple[Path, Path]) -> None:
    os.mkfifo(box[0])
    box[1].touch()
    folder = box[0].parents[1]
    (folder / "bin/timeout").write_text('#!/bin/sh\nshift\nexec /usr/bin/timeout 1 "$@"\n')
    (folder / "bin/timeout").chmod(0o755)
    with pytest.raises(AssertionError, match="failed=1"):
        apply(box)
