"""A disk image's plan, its boot menu, and what is refused before anything is touched."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from pathlib import Path
from typing import List

import pytest
from pykickstart.constants import KS_SCRIPT_PRE

from support.kickstarts import scripts, settings
from switchroom.build.image import bootloader, storage, traces
from switchroom.build.image.description import read
from switchroom.build.image.plan import check_size, plan
from switchroom.build.image.storage import FileSystem
from switchroom.build.kickstart.render import render
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

BOOT = FileSystem("boot", "xfs", "/boot", 0, 0, "1b1e", "UUID=1b1e")


def volumes_of_an_installation(size: int, el: int) -> List[str]:
    """Return the volumes that the kickstart's own shell function makes of a disk."""
    script = scripts(render(settings(el=el)), KS_SCRIPT_PRE)[1]
    functions = script[script.index("LAYOUTS=") : script.index("# Print what starts")]
    run = ["bash", "-euc", f"{functions}\nlogical_volumes {size} pbx"]
    return subprocess.run(run, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("el", [9, 10])
@pytest.mark.parametrize("gib", [24, 40, 128, 2000])
def test_volumes_are_those_that_an_installation_makes(gib: int, el: int) -> None:
    found = plan(gib * 1024, el)
    rows = [
        f"logvol {one.mount} --vgname={found.group} --name={one.name} --fstype={one.fstype} --size={one.size}"
        for one in found.volumes
    ]
    assert rows == volumes_of_an_installation(gib * 1024, el)


@pytest.mark.parametrize("el", [9, 10])
def test_partitions_follow_each_other_and_the_group_has_the_rest(el: int) -> None:
    found = plan(30 * 1024, el)
    ends = [1, *(one.start + one.size for one in found.partitions)]
    assert [one.start for one in found.partitions] == ends[:-1]
    assert ends[-1] == 30 * 1024 - 1
    assert {one.fstype for one in found.partitions} == {"biosboot", "efi", "xfs", "lvm"}
    assert sum(one.size for one in found.volumes) < found.partitions[-1].size * 0.85  # room for snapshots


def test_small_disk_is_refused() -> None:
    with pytest.raises(SwitchroomError, match="8192 MiB cannot take") as raised:
        check_size(8192)
    assert raised.value.code == ExitCode.USAGE
    assert "24576" in raised.value.hint


def test_disk_that_cannot_give_room_back_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fallocate").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "fallocate").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SwitchroomError, match="cannot make holes") as raised:
        storage.divide(tmp_path / "disk.raw", plan(24 * 1024, 9))
    assert raised.value.code == ExitCode.REFUSED


def test_fstab_names_volumes_by_device_and_partitions_by_their_own_name() -> None:
    systems = [
        FileSystem("swap", "swap", "swap", 0, 0, "5", "/dev/mapper/pbx-swap"),
        FileSystem("var", "xfs", "/var", 0, 0, "3", "/dev/mapper/pbx-var"),
        FileSystem("boot_efi", "efi", "/boot/efi", 0, 0, "AB12-CD34", "UUID=AB12-CD34"),
        FileSystem("root", "xfs", "/", 0, 0, "2", "/dev/mapper/pbx-root"),
        FileSystem("biosboot", "biosboot", None, 0, 0, "", ""),
        BOOT,
    ]
    assert storage.fstab(systems).splitlines() == [
        "/dev/mapper/pbx-root / xfs defaults 0 0",
        "UUID=1b1e /boot xfs defaults 0 0",
        "UUID=AB12-CD34 /boot/efi vfat umask=0077,shortname=winnt 0 2",
        "/dev/mapper/pbx-var /var xfs defaults 0 0",
        "/dev/mapper/pbx-swap none swap defaults 0 0",
    ]


def a_root(folder: Path) -> Path:
    modules = folder / "usr/lib/grub/i386-pc"
    modules.mkdir(parents=True)
    (modules / "normal.mod").write_text("module")
    (folder / "boot/loader/entries").mkdir(parents=True)
    (folder / "boot/grub2").mkdir()
    return folder


def test_enterprise_linux_grub_reads_boot_entries_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_root(tmp_path)
    (root / "usr/lib/grub/i386-pc/blscfg.mod").write_text("module")
    entry = root / "boot/loader/entries/one.conf"
    entry.write_text("title One\n")
    monkeypatch.setattr(bootloader, "inside", lambda *_words, **_options: "")
    bootloader.write_menu(root, BOOT, [entry])
    text = (root / "boot/grub2/grub.cfg").read_text()
    assert "blscfg" in text
    assert "menuentry" not in text  # or a new kernel would never start
    assert (root / "boot/grub2/i386-pc/normal.mod").is_file()


def test_grub_without_that_module_has_them_in_its_menu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_root(tmp_path)
    entry = root / "boot/loader/entries/one.conf"
    entry.write_text(
        "# made\ntitle The one (5.14)\nlinux /vmlinuz-5\ninitrd /i-5.img\noptions root=/dev/x ro\n"
    )
    monkeypatch.setattr(bootloader, "inside", lambda *_words, **_options: "")
    bootloader.write_menu(root, BOOT, [entry])
    text = (root / "boot/grub2/grub.cfg").read_text()
    assert 'menuentry "The one (5.14)"' in text
    assert "linux /vmlinuz-5 root=/dev/x ro\n" in text
    assert "initrd /i-5.img\n" in text


def test_system_without_a_kernel_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="no boot entry"):
        bootloader.install(a_root(tmp_path), tmp_path / "disk.raw", [BOOT])


def test_kickstart_of_an_image_says_what_an_installation_would() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFdvcmxkV29ybGRXb3JsZFdvcmxkV29ybGRXb3JsZFdv admin@example.org"
    found = read(
        render(settings(ssh_keys=[key], timezone="Europe/Berlin", lang="de_DE.UTF-8"), image=True), 9
    )
    assert "@core" in found.packages
    assert {"kernel", "grub2-pc", "shim-x64", "dracut-config-generic"} <= set(found.packages)
    assert (found.timezone, found.lang, found.keyboard) == ("Europe/Berlin", "de_DE.UTF-8", "us")
    assert found.services == ("chronyd", "sshd")
    assert found.firewall_services == ("ssh",)
    assert found.enforcing
    assert found.ssh_keys == (key,)
    assert found.password_hash == ""
    assert len(found.scripts) == 1


def test_image_without_credentials_asks_on_its_console() -> None:
    found = read(render(settings(), image=True), 9)
    assert "switchroom-first-password" in found.scripts[-1].text


@pytest.mark.parametrize("script", [0, 1])
def test_script_of_an_image_ends_where_an_installer_would_wait(tmp_path: Path, script: int) -> None:
    text = read(render(settings(), image=True), 9).scripts[script].text
    functions = text[: text.index("trap ")]
    run = ["bash", "-euc", f"{functions}\necho 'nothing works' | stop_here"]
    done = subprocess.run(run, check=False, capture_output=True, text=True, timeout=10, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "nothing works\n")


def test_disk_size_is_checked_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--base=x.iso",
        f"--out={tmp_path}/x.qcow2",
        f"--repo-root={tmp_path}",
        "--series=22",
        "--size=4",
    ]
    assert main(["build", "image", *words]) == ExitCode.USAGE
    assert "4096 MiB cannot take the system" in capsys.readouterr().err


def test_without_root_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    words = ["--base=x.iso", f"--out={tmp_path}/x.qcow2", f"--repo-root={tmp_path}", "--series=22"]
    assert main(["build", "image", *words]) == ExitCode.REFUSED
    assert "needs root" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def history(path: Path) -> sqlite3.Connection:
    """Return a new history of dnf, with the columns that the build touches."""
    path.parent.mkdir(parents=True)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE trans (id INTEGER PRIMARY KEY, user_id INTEGER, cmdline TEXT)")
    rows = [(1000, "--config /home/mallory/dnf.conf --installroot /home/mallory/root install @core")]
    rows += [(1000, "-y install asterisk22")]
    with database:
        database.executemany("INSERT INTO trans (user_id, cmdline) VALUES (?, ?)", rows)
    return database


def test_dnf_s_history_stays_without_who_and_where(tmp_path: Path) -> None:
    path = tmp_path / "var/lib/dnf/history.sqlite"
    (tmp_path / "etc").mkdir()
    with contextlib.closing(history(path)) as database:
        traces.remove(tmp_path)
        rows = database.execute("SELECT user_id, cmdline FROM trans ORDER BY id").fetchall()
    assert rows == [(-1, ""), (-1, "-y install asterisk22")]
    assert b"mallory" not in path.read_bytes()


def test_what_machines_may_not_share_is_removed_and_nothing_outside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    history(root / "var/lib/dnf/history.sqlite").close()
    for name in (
        "etc/ssh/ssh_host_rsa_key",
        "var/log/hawkey.log",
        "var/log/dnf.rpm.log",
        "tmp/x/y",
        "var/tmp/z",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("left")
    outside.mkdir()
    (outside / "precious").touch()
    (root / "var/cache").mkdir()
    (root / "var/cache/dnf").symlink_to(outside)
    traces.remove(root)
    left = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    assert left == ["etc/machine-id", "var/lib/dnf/history.sqlite"]
    assert (outside / "precious").exists()
