"""The box's manual pages and shell completion, as a reader and a shell see them."""

from __future__ import annotations

import argparse
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


def _complete(tmp_path: Path, words: List[str]) -> List[str]:
    command = Path(words[0]).name
    (tmp_path / command).write_bytes(TREE[f"bash/{command}"].data)
    (tmp_path / "switchroom-catalog").write_text('echo \'  "key": "22",\'\n')
    script = f"""
        switchroom() {{ [ "$1 $2" = "catalog list" ] && bash {tmp_path}/switchroom-catalog; }}
        . {tmp_path}/{command}
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1}
        COMPREPLY=()
        "$(complete -p {command} | sed 's/.*-F \\([^ ]*\\).*/\\1/')"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["switchroom", "he"], ["health"]),
        (["switchroom", "switch", "--dr"], ["--drain-timeout", "--dry-run"]),
        (["switchroom", "catalog", "f"], ["fit"]),
        (["asterisk-version-switch", "--roll"], ["--rollback"]),
        (["asterisk-version-switch", "2"], ["22"]),
        (["switchroom", "switch", "2"], ["22"]),
        (["switchroom", "switch", "--channel", "t"], ["testing"]),
    ],
)
def test_bash_completes_what_was_begun(words: List[str], expected: List[str], tmp_path: Path) -> None:
    assert sorted(set(_complete(tmp_path, words))) == expected


def test_the_other_name_leads_to_the_page_of_the_switch() -> None:
    assert TREE["man8/asterisk-version-switch.8"].data == b".so man8/switchroom-switch.8\n"
