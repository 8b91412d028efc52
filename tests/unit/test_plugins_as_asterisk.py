"""What runs as asterisk has nothing of root's; nobody stands for asterisk, who need not be here."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Iterator, List

import pytest

from support.collection import ROOT
from switchroom.box.scan.check import FWCONSOLE

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
_PREFIX = re.findall(
    r'^    "(.*)",$', (ROOT / "plugins/module_utils/as_asterisk.py").read_text(), re.MULTILINE
)
PREFIX = [word.replace("asterisk", "65534") for word in _PREFIX]
SECRET = "root's own\n"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of the other user's, with a link to a file of root's."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:  # a worker of pytest-xdist has one more
        parent.chmod(0o755)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    os.chown(folder, 65534, 65534)
    return folder


def run(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TEST_SECRET": "s3cret"}
    return subprocess.run(
        [*PREFIX, *words], input="x\n", capture_output=True, text=True, check=False, env=environment
    )


def test_a_link_is_followed_with_asterisk_s_rights_alone(theirs: Path) -> None:
    assert run("tee", "--append", str(theirs / "own")).returncode == 0
    assert (theirs / "own").stat().st_uid == 65534
    assert run("tee", "--append", str(theirs / "link")).returncode != 0
    assert run("cat", str(theirs / "link")).stdout == ""
    assert (theirs.parent / "secret").read_text() == SECRET


def test_nothing_of_root_is_left_in_its_hands() -> None:
    said = run("sh", "-c", "id -u; id -g; id -G; pwd; env; grep -E '^Cap(Prm|Eff|Inh|Amb)' /proc/self/status")
    lines = said.stdout.splitlines()
    assert lines[:4] == ["65534", "65534", "65534", "/"]
    assert "s3cret" not in said.stdout
    assert {line.split()[1] for line in lines if line.startswith("Cap")} == {"0" * 16}


@pytest.mark.parametrize("prefix", [PREFIX, ["setsid", "--wait", *FWCONSOLE[:-1]]])
def test_root_s_terminal_is_not_its_terminal(prefix: List[str]) -> None:
    """Whose terminal it is may type there (TIOCSTI). The scan's caller, core.process, makes a session too."""
    words = [word.replace("asterisk", "65534") for word in prefix]
    told = b"".join(under_a_terminal([*words, "sh", "-c", "echo mine </dev/tty || echo none"]))
    assert b"none" in told, told
    assert b"mine" not in told


def under_a_terminal(words: List[str]) -> Iterator[bytes]:
    """Run a program as the first of a terminal, and give what it prints."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(words[0], words)  # noqa: S606
    with contextlib.suppress(OSError):  # the terminal's end
        while chunk := os.read(terminal, 4096):
            yield chunk
    os.waitpid(child, 0)
    os.close(terminal)
