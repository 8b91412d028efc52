"""Odd inputs are one clear error each, and names that are odd but right come along."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, List

import pytest

from support import media
from support.media import Medium
from support.small_rpms import Shop
from switchroom.build.iso import sums, xorriso
from switchroom.build.iso.build import Built
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode

pytestmark = pytest.mark.lab("xorriso", "mcopy", "dnf", "rpmbuild", "createrepo_c", "shellcheck")

ODD = ("new\nline.txt", "qu\"o'te.txt", "back\\slash\\n.txt", "st*r[x].txt", " space .txt", "größe.txt")


def command(shop: Shop, out: Path, *more: object) -> List[str]:
    words = [
        "build",
        "iso",
        "--base",
        "lab",
        "--series",
        "22",
        "--repo-root",
        shop.root,
        "--channel",
        "testing",
    ]
    words += ["--key", shop.key.fingerprint, "--gnupghome", shop.key.gnupghome, "--out", out, *more]
    return list(map(str, words))


@pytest.fixture
def copy(lab_image: Built, tmp_path: Path) -> Path:
    """A copy of the image and its sidecars that a test may spoil."""
    for path in (lab_image.image, *sums.sidecars(lab_image.image)):
        shutil.copy(path, tmp_path)
    return tmp_path / lab_image.image.name


@pytest.mark.parametrize("garbage", [b"garbage\n", b"\xff\xfe\x00", b"{}", b"[]"])
def test_garbage_beside_an_image_is_a_problem_and_no_traceback(
    copy: Path, lab_shop: Shop, garbage: bytes
) -> None:
    sums.sums_path(copy).write_bytes(garbage)
    problems = media.verified(copy, lab_shop.key)
    assert f"'{copy.name}.SHA256SUMS' has lines that are no checksums" in problems
    assert f"'{copy.name}.SHA256SUMS' has no checksum of '{copy.name}'" in problems


@pytest.mark.parametrize("garbage", [b"garbage\n", b"\xff\xfe\x00", b"{}", b'{"image": {}}'])
def test_signed_garbage_is_a_problem_too(copy: Path, lab_shop: Shop, garbage: bytes) -> None:
    digest = sums.read(copy)[copy.name]
    sums.manifest_path(copy).write_bytes(garbage)
    sums.sign(copy, digest, (sums.manifest_path(copy), sums.sbom_path(copy)), lab_shop.key, 1_700_000_000)
    assert media.verified(copy, lab_shop.key) == (f"'{copy.name}.manifest.json' is no manifest of this form",)


def test_odd_names_on_the_base_come_along(el_shop: Shop, tmp_path: Path) -> None:
    medium = Medium(files={f"odd/{name}": name.encode() for name in ODD})
    base = media.el_medium(tmp_path / "base", medium)
    assert {f"odd/{name}" for name in ODD} <= xorriso.paths(base)
    built = media.make(el_shop, tmp_path / "out.iso", base=str(base), series=(media.S22,))
    for name in ODD:
        xorriso.extract(built.image, {f"odd/{name}": tmp_path / "found"})
        assert (tmp_path / "found").read_text() == name
    assert media.verified(built.image, el_shop.key) == ()


def loop(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: (folder / "new\nline").write_text("x"), "has the name 'new\\nline'"),
        (lambda folder: Path(os.fsdecode(bytes(folder) + b"/\xe4")).write_text("x"), "is not all text"),
        (lambda folder: (folder / "dangling").symlink_to("nowhere"), "leads nowhere"),
        (lambda folder: os.mkfifo(folder / "pipe"), "is no file and no folder"),
        (loop, "leads nowhere"),
    ],
    ids=["newline", "not-text", "dangling", "pipe", "loop"],
)
def test_what_cannot_be_added_is_bad_usage(
    lab_shop: Shop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], object],
    words: str,
) -> None:
    (tmp_path / "add").mkdir()
    make(tmp_path / "add")
    assert main(command(lab_shop, tmp_path / "x.iso", "--add-file", f"{tmp_path / 'add'}=/add")) == 2
    assert words in capsys.readouterr().err


def test_output_that_is_a_folder_is_bad_usage_even_by_force(
    lab_shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(lab_shop, tmp_path, "--force")) == 2
    assert "is a folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_second_build_of_an_output_is_refused_and_what_a_killed_one_left_goes(
    lab_shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools, started, out = tmp_path / "tools", tmp_path / "started", tmp_path / "out"
    tools.mkdir()
    real = shutil.which("xorriso")
    wrapper = f"case $* in *-padding*) : >'{started}'; exec sleep 300;; esac\nexec {real} \"$@\"\n"
    (tools / "xorriso").write_text(f"#!/bin/sh\n{wrapper}")
    (tools / "xorriso").chmod(0o755)
    words = [sys.executable, "-m", "switchroom", *command(lab_shop, out / "x.iso"), "--json"]
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as first:
        while not started.exists():
            assert first.poll() is None
            time.sleep(0.1)
        assert main(command(lab_shop, out / "x.iso", "--force")) == ExitCode.REFUSED
        assert "Another process is working on" in capsys.readouterr().err
        (left,) = out.iterdir()
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        first.send_signal(signal.SIGKILL)
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        _, events = first.communicate()
    assert {"event": "begin", "step": "Inspecting the base", "total": 0} in map(
        json.loads, events.splitlines()
    )
    assert left.is_dir()
    assert main(command(lab_shop, out / "x.iso")) == 0
    assert not left.exists()
    assert len(list(out.iterdir())) == 5
