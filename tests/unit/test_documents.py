"""The box's manual pages and shell completion, as a reader and a shell see them."""

from __future__ import annotations

import argparse
import contextlib
import os
import pty
import shutil
import subprocess
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from switchroom.cli import build_documents
from switchroom.cli.main import make_box_parser

EPOCH = 1700000000
TREE = build_documents.documents(EPOCH)


def test_they_are_the_same_each_time() -> None:
    assert build_documents.documents(EPOCH) == TREE
    assert b'"2023\\-11\\-14"' in TREE["man8/switchroom.8"].data


def _options(parser: argparse.ArgumentParser, page: str) -> Iterator[Tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from _options(command, page if page != "switchroom" else f"switchroom-{name}")
        elif page != "switchroom" and action.dest != "help":
            yield from ((page, option) for option in action.option_strings)


@pytest.mark.parametrize(("page", "option"), sorted(set(_options(make_box_parser(), "switchroom"))))
def test_each_option_has_its_place_in_the_manual(page: str, option: str) -> None:
    assert option.replace("-", "\\-") in TREE[f"man8/{page}.8"].data.decode()


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_say_about_the_pages(tmp_path: Path) -> None:
    for path, member in TREE.items():
        if path.startswith("man8/"):
            (tmp_path / "man8").mkdir(exist_ok=True)
            (tmp_path / path).write_bytes(member.data)
    for page in sorted((tmp_path / "man8").iterdir()):
        words = ["groff", "-ww", "-man", "-Tutf8", "-z", f"man8/{page.name}"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert not done.stderr, done.stderr


# A terminal's TAB inserts all that fits; ^Xr hands over the line.
SHELLS = {
    "bash": """
        for completion in bash/*; do . "$completion"; done
        report() { printf '%s\\n' "$READLINE_LINE" >answer; exit; }
        bind '"\\C-i": insert-completions'
        bind -x '"\\C-xr": report'
    """,
    "zsh": """
        fpath=($PWD/zsh $fpath)
        autoload -Uz compinit && compinit -u -D
        zstyle ':completion:all-matches::::' completer _all_matches _complete
        zstyle ':completion:all-matches:*' insert true
        zle -C all-matches complete-word _generic && bindkey '^I' all-matches
        report() { print -r -- "$BUFFER" >answer; exit }
        zle -N report && bindkey '^Xr' report
    """,
}
START = {"bash": ["bash", "--noprofile", "--rcfile", ".zshrc", "-i"], "zsh": ["zsh", "-d", "-i"]}
PROMPT = "READY>"


def _home(folder: Path, shell: str) -> None:
    """Lay out what a shell that starts in ``folder`` reads, and a command that knows one release."""
    for path, member in TREE.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(member.data)
    (folder / "bin").mkdir()
    tool = folder / "bin/switchroom"
    tool.write_text('#!/bin/sh\n[ "$1 $2" = "catalog list" ] && echo \'  "key": "22",\'\n')
    tool.chmod(0o755)
    (folder / ".zshrc").write_text(f"{SHELLS[shell]}\nPS1='{PROMPT}'\n")


def _at_a_terminal(argv: List[str], folder: Path, typed: str) -> str:
    """Run an interactive shell in ``folder``, type once it is ready, and return all that it showed."""
    paths = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "ZDOTDIR": str(folder)}
    environment = {**paths, "TERM": "dumb", "LC_ALL": "C.UTF-8"}
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    words = ["timeout", "--signal=KILL", "30", "setsid", "--ctty", *argv]
    with subprocess.Popen(words, cwd=folder, env=environment, **streams):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux's end of file
            while chunk := os.read(ours, 4096):
                shown += chunk
                if typed and PROMPT.encode() in shown:
                    os.write(ours, typed.encode())
                    typed = ""
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("switchroom ", "catalog firstboot health resume status switch"),
        ("switchroom he", "health"),
        ("switchroom switch --dr", "--drain-timeout --dry-run"),
        ("switchroom catalog f", "fit"),
        ("asterisk-version-switch --roll", "--rollback"),
        ("asterisk-version-switch 2", "22"),
        ("switchroom switch 2", "22"),
        ("switchroom switch --channel t", "testing"),
        ("switchroom switch 22 --no", "--now"),
    ],
)
def test_tab_completes_what_was_begun(shell: str, line: str, expected: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{shell} is not installed")
    _home(tmp_path, shell)
    shown = _at_a_terminal(START[shell], tmp_path, f"{line}\t\x18r")
    assert (tmp_path / "answer").exists(), shown
    begun = line.rpartition(" ")[0]
    assert (tmp_path / "answer").read_text().split() == f"{begun} {expected}".split(), shown


def test_the_other_name_leads_to_the_page_of_the_switch() -> None:
    assert TREE["man8/asterisk-version-switch.8"].data == b".so man8/switchroom-switch.8\n"
