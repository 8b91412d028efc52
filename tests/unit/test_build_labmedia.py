"""The stand-in medium's initial RAM disk, read back with cpio."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from switchroom.build import labmedia
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import run


def test_an_initrd_holds_what_was_put_into_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"from a file")
    files: dict[str, labmedia.Content] = {"etc/a/b": b"bytes", "bin/tool": source}
    image = labmedia.initrd(files, "echo hello\n", tmp_path / "initrd.img")
    root = tmp_path / "root"
    root.mkdir()
    archive = gzip.decompress(image.read_bytes())
    run(["busybox", "cpio", "-i", "-d"], cwd=root, stdin=archive)
    assert (root / "etc/a/b").read_bytes() == b"bytes"
    assert (root / "bin/tool").read_bytes() == b"from a file"
    assert (root / "init").read_text() == "#!/bin/busybox sh\necho hello\n"
    assert (root / "init").stat().st_mode & 0o111
    assert run([root / "bin/busybox", "echo", "runs"]).stdout == b"runs\n"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = labmedia.initrd({"b": b"1", "a/c": b"2"}, "true\n", tmp_path / "1")
    second = labmedia.initrd({"a/c": b"2", "b": b"1"}, "true\n", tmp_path / "2")
    assert first.read_bytes() == second.read_bytes()


def test_a_machine_that_offers_no_kernel_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "apt-cache"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SwitchroomError) as caught:
        labmedia.kernel(tmp_path / "cache")
    assert "apt-get update" in caught.value.hint


def test_a_busybox_that_needs_libraries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dynamic = shutil.which("cat")
    assert dynamic
    shutil.copy(dynamic, tmp_path / "busybox")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SwitchroomError) as caught:
        labmedia.initrd({}, "true\n", tmp_path / "initrd.img")
    assert "busybox-static" in caught.value.hint
    assert not (tmp_path / "initrd.img").exists()
