"""The linters named for the project, each as one test: no finding passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.collection import in_place
from support.kickstarts import settings
from switchroom.build.kickstart.render import render
from switchroom.build.kickstart.settings import Mode

ROOT = Path(__file__).parents[2]
BOX_CODE = ("src/switchroom/core", "src/switchroom/catalog", "src/switchroom/box")
NOT_ON_A_BOX = (":!src/switchroom/cli/build*.py", ":!src/switchroom/cli/repo*.py")


def tracked(*patterns: str) -> list[str]:
    """Return the project's files that match git patterns, new ones included."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def shell_files() -> list[str]:
    """Return every file that a shell runs, by its first line or its name.

    The parts of kickstarts only make sense together: test_kickstart_scripts.py checks them rendered.
    """
    starts = ("#!/bin/sh", "#!/bin/bash", "#!/usr/bin/env bash", "# shellcheck shell=")
    return [
        name
        for name in tracked("scripts", ".ci", "rpmspecs", "molecule", ":!kickstart", "*.sh")
        if (name.endswith(".sh") or _first_line(name).startswith(starts))
    ]


def _first_line(name: str) -> str:
    with (ROOT / name).open("rb") as stream:
        return stream.readline(80).decode(errors="replace")


def box_files() -> list[str]:
    """Return the Python files that run on a box, on EL9's Python 3.9."""
    return tracked(*(f"{folder}/*.py" for folder in BOX_CODE), "src/switchroom/cli/*.py", *NOT_ON_A_BOX)


def tool(*argv: str, **settings: str) -> str:
    """Run one linter of this environment over the project; return what it found, empty when clean."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        argv,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, "NO_COLOR": "1", **settings},
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy",),
        ("yamllint", "--strict", "."),
    ],
    ids=lambda argv: "-".join(argv[:2]).rstrip("-."),
)
def test_linter_finds_nothing(argv: tuple[str, ...]) -> None:
    assert tool(*argv) == ""


def test_ansible_lint_finds_nothing(tmp_path: Path) -> None:
    assert tool("ansible-lint", "--nocolor", ANSIBLE_COLLECTIONS_PATH=str(in_place(tmp_path))) == ""


def test_shell_scripts_pass_shellcheck() -> None:
    files = shell_files()
    assert "scripts/test" in files
    assert tool("shellcheck", "--external-sources", *files) == ""


def test_specs_pass_rpmlint() -> None:
    specs = tracked("rpmspecs/*.spec")
    assert specs
    assert tool("rpmlint", "--config", "rpmspecs/rpmlint.toml", *specs) == ""


@pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.value)
def test_rendered_kickstarts_pass_ksvalidator(mode: Mode, tmp_path: Path) -> None:
    kickstart = tmp_path / "ks.cfg"
    kickstart.write_text(render(settings(mode=mode)))
    assert tool("ksvalidator", "--version", "RHEL9", str(kickstart)) == ""


def test_box_code_runs_on_python_3_9() -> None:
    files = box_files()
    assert "src/switchroom/core/process.py" in files
    assert tool("vermin", "--quiet", "--no-tips", "--violations", "--target=3.9-", *files) == ""


def test_the_dnf_child_runs_on_python_3_6() -> None:
    parents = ("src/switchroom/__init__.py", "src/switchroom/box/__init__.py")
    files = [*parents, *tracked("src/switchroom/box/dnf_child/*.py")]
    assert len(files) > len(parents)
    assert tool("vermin", "--quiet", "--no-tips", "--violations", "--target=3.6-", *files) == ""


def test_source_files_stay_small() -> None:
    long = {name: (ROOT / name).read_text().count("\n") for name in tracked("*.py", "scripts/*")}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_collection_builds(tmp_path: Path) -> None:
    assert tool("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path)) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["switchroom-pbx-0.1.0.tar.gz"]
