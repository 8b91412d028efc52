"""Running programs: pasteable log lines, one clear error for a missing or failing tool."""

import logging
import sys
import time
from pathlib import Path

import pytest

from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import follow, output, require, run


def test_logged_command_can_be_pasted(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level(logging.DEBUG, logger="switchroom"):
        run(["echo", "two words", "$HOME"], cwd=tmp_path, env={"LANG": "C"})
    assert caplog.messages == [f"$ cd {tmp_path} && LANG=C echo 'two words' '$HOME'"]


def test_standard_input_and_output_are_bytes() -> None:
    assert run(["cat"], stdin=b"\xff\x00").stdout == b"\xff\x00"


def test_missing_tool_names_the_package_of_both_families() -> None:
    with pytest.raises(SwitchroomError) as caught:
        require("sh", "no-such-tool")
    assert caught.value.message == "Missing on this machine: no-such-tool."
    assert "apt-get install no-such-tool" in caught.value.hint
    assert "dnf install no-such-tool" in caught.value.hint
    assert caught.value.code == ExitCode.REFUSED


def test_failure_quotes_the_last_lines_and_the_command() -> None:
    script = "import sys; print('noise\\n' * 50 + 'the real reason', file=sys.stderr); sys.exit(7)"
    with pytest.raises(SwitchroomError) as caught:
        run([sys.executable, "-c", script], what="Packing the boxes")
    assert caught.value.message == "Packing the boxes failed with exit code 7."
    assert caught.value.cause.splitlines()[-1] == "the real reason"
    assert len(caught.value.cause.splitlines()) == 12
    assert sys.executable in caught.value.hint


def test_a_command_that_would_fill_a_screen_is_not_shown_whole() -> None:
    with pytest.raises(SwitchroomError) as caught:
        run(["sh", "-c", "exit 1", *(f"argument-{number}" for number in range(500))])
    assert caught.value.hint.startswith("The command was: sh -c 'exit 1' argument-0")
    assert len(caught.value.hint) < 500
    assert caught.value.hint.endswith("characters; --verbose shows them all)")


def test_failure_with_a_log_file_names_it(tmp_path: Path) -> None:
    log_file = tmp_path / "logs" / "build.log"
    with pytest.raises(SwitchroomError) as caught:
        run(["sh", "-c", "echo broken; exit 1"], log_file=log_file)
    assert caught.value.cause == "broken"
    assert str(log_file) in caught.value.hint


def test_timeout_is_an_error_in_seconds() -> None:
    with pytest.raises(SwitchroomError, match="longer than 0 s"):
        run(["sleep", "30"], timeout=0.05)


def test_output_is_stripped_text() -> None:
    assert output(["printf", " a line \n"]) == "a line"


def test_timeout_stops_the_grandchildren_too(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with pytest.raises(SwitchroomError):
        run(["sh", "-c", f"sleep 60 & echo $! > {marker}; wait"], timeout=3)
    pid = marker.read_text().strip()
    assert gone(pid)


def test_followed_lines_come_one_by_one_while_the_program_still_runs(tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    seen = []

    def take(line: bytes) -> None:
        seen.append(line)
        go_on.touch()

    script = (
        f"read word; echo $word; until test -e {go_on}; do sleep 0.02; done; echo two; echo why >&2; exit 3"
    )
    result = follow(["sh", "-c", script], take, stdin=b"one\n")
    assert seen == [b"one\n", b"two\n"]
    assert (result.returncode, result.stderr) == (3, b"why\n")


def test_what_a_killed_program_leaves_in_its_group_is_killed_too() -> None:
    pids = []
    result = follow(["sh", "-c", "sleep 60 >/dev/null & echo $!; kill -9 $$"], pids.append)
    assert result.returncode == -9
    assert gone(pids[0].decode().strip())


def test_an_interrupted_caller_lets_the_program_end_within_the_grace(tmp_path: Path) -> None:
    done = tmp_path / "done"

    def interrupt(_line: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(["sh", "-c", f"echo go; sleep 0.3; touch {done}"], interrupt, grace=30)
    assert done.exists()


def gone(pid: str) -> bool:
    deadline = time.monotonic() + 10  # a busy machine takes its time to let go of a killed process
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not running(pid)


def running(pid: str) -> bool:
    """Say whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_that_never_stops_talking_is_stopped(stream: str) -> None:
    endless = f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"
    with pytest.raises(SwitchroomError, match="says more than 1000000 bytes"):
        run([sys.executable, "-c", endless], most=1_000_000, timeout=60)


def test_what_is_within_its_bytes_is_whole() -> None:
    talks = "import sys; sys.stdout.write('a' * 300000); sys.stderr.write('b' * 300000); sys.exit(3)"
    result = run([sys.executable, "-c", talks], most=300_000, check=False, timeout=60)
    assert (result.returncode, len(result.stdout), len(result.stderr)) == (3, 300_000, 300_000)
    with pytest.raises(SwitchroomError, match="took longer"):
        run(["sleep", "60"], most=10, timeout=0.2)
