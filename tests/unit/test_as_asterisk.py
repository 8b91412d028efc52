"""Behind /usr/sbin/asterisk root becomes the user asterisk before any of Asterisk's code runs."""

from __future__ import annotations

import os
import pty
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# Stands in for the engine: says who it is, what it was given, and what it could reach of the caller's.
ENGINE = """\
#!/bin/sh
echo "uid=$(id -u) groups=$(id -G)"
echo "secret=${SECRET-none} home=$HOME"
for word in "$@"; do echo "word=$word"; done
ls -l /proc/self/fd | sed -n 's/^.* -> /fd=/p'
(: </dev/tty) 2>/dev/null && echo "terminal=$(ps -o tty= -p $$)"
echo complaint >&2
exit 7
"""


@pytest.fixture
def client() -> Iterator[Path]:
    """The program, with ``nobody`` in the place of asterisk; in a folder that everybody can reach."""
    script = (ROOT / "rpmspecs/asterisk-common/as-asterisk").read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine, program, link = folder / "engine/rasterisk", folder / "as-asterisk", folder / "rasterisk"
        engine.parent.mkdir()
        engine.write_text(ENGINE)
        script = script.replace("/etc/switchroom/engine/sbin", str(engine.parent))
        program.write_text(script.replace("=asterisk ", "=nobody ").replace("regid=nobody", "regid=nogroup"))
        link.symlink_to(program)
        for path in (folder, engine.parent, engine, program):
            path.chmod(0o755)
        yield link


def on_terminal(argv: List[str], **streams: int) -> tuple[str, str]:
    """Run a program on a terminal of its own; return what came out there, and that terminal's name."""
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    given: Dict[str, int] = {"stdin": slave, "stdout": slave, "stderr": slave, **streams}
    child = subprocess.Popen(argv, start_new_session=True, **given)  # type: ignore[call-overload]
    os.close(slave)
    said = b""
    try:
        while part := os.read(master, 4096):
            said += part
    except OSError:  # nobody has it open any more
        pass
    child.wait()
    os.close(master)
    return said.decode(), name


def test_root_becomes_the_user_and_takes_nothing_along(client: Path) -> None:
    done = subprocess.run(
        [client, "-rx", "core show version; id"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SECRET": "root's"},
    )
    assert "uid=65534 groups=65534\n" in done.stdout
    assert "secret=none home=/var/lib/asterisk\n" in done.stdout
    assert "word=-rx\nword=core show version; id\n" in done.stdout
    assert (done.returncode, done.stderr) == (7, "complaint\n")


def test_anybody_else_stays_who_he_is(client: Path) -> None:
    done = subprocess.run([client, "-V"], capture_output=True, text=True, check=False, user=1, group=1)
    assert "uid=1 " in done.stdout
    assert done.returncode == 7


def test_a_console_has_a_terminal_of_its_own(client: Path) -> None:
    said, name = on_terminal([str(client), "-r"])
    assert "uid=65534" in said
    assert "complaint" in said
    assert f"fd={name}\r\n" not in said


def test_roots_terminal_is_out_of_reach_when_the_answer_goes_elsewhere(client: Path) -> None:
    read, write = os.pipe()
    said, name = on_terminal([str(client), "-rx", "core show channels"], stdout=write)
    os.close(write)
    with os.fdopen(read) as stream:
        answer = stream.read()
    assert "uid=65534" in answer
    assert f"fd={name}\n" not in answer
    assert "terminal=" not in answer
    assert "complaint" in said  # what goes wrong is still seen


def test_no_open_file_and_no_lock_of_root_s_shell_goes_along(client: Path, tmp_path: Path) -> None:
    lock = tmp_path / "job.lock"
    script = f'exec 5</etc/shadow 12</etc/shadow; ( flock 200; "{client}" -rx x ) 200>"{lock}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert "uid=65534" in done.stdout
    assert "shadow" not in done.stdout
    assert "job.lock" not in done.stdout
