"""Disk images of the lab's system: made as a person makes them, and started in QEMU."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from lab import images
from support.qemu import Guest

# Who makes the images: none of it may be in one.
BUILDER = {"host": "builder-7f3a.example.net", "SUDO_USER": "mallory-7f3a", "LOGNAME": "mallory-7f3a"}
_CAREFUL = 0o077  # a builder's umask, which must not show in the image
_SSH_FAILED = 255  # ssh's own exit code; every other is the command's
_BOOT_SECONDS = 1200.0  # in software emulation, beside other tests


def make(base: Path, repository: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Make an image, however that ends."""
    argv = images.command(base, repository, out, *words)
    named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', BUILDER["host"], *argv]
    environment = {**images.environment(), **{name: BUILDER[name] for name in ("SUDO_USER", "LOGNAME")}}
    return subprocess.run(named, env=environment, check=False, capture_output=True, text=True, umask=_CAREFUL)


@dataclass(frozen=True)
class Machine:
    """A machine that runs from an image: its serial line, and root's shell over ssh."""

    guest: Guest
    port: int
    key: Path

    def run(self, text: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root."""
        options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "ConnectTimeout=60",
        ]
        words = [word for option in options for word in ("-o", option)]
        argv = ["ssh", *words, "-i", str(self.key), "-p", str(self.port), "root@127.0.0.1", text]
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=timeout)

    def ask(self, text: str) -> str:
        """Run a shell command that must succeed, and return what it printed.

        A machine in emulation may be too slow for ssh's own time limits: then it is asked again.
        """
        deadline = time.monotonic() + _BOOT_SECONDS
        while (done := self.run(text)).returncode == _SSH_FAILED and time.monotonic() < deadline:
            time.sleep(2)
        assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"
        return done.stdout

    def wait_for(self, text: str) -> str:
        """Repeat a shell command until it succeeds; return what it printed."""
        deadline = time.monotonic() + _BOOT_SECONDS
        while (done := self.run(text)).returncode != 0:
            assert time.monotonic() < deadline, f"{done.stdout}{done.stderr}{self.guest.serial()[-3000:]}"
            time.sleep(2)
        return done.stdout


def wait_for_login(guest: Guest) -> None:
    """Wait until the console asks who is there; an emergency shell will never do."""
    deadline = time.monotonic() + _BOOT_SECONDS
    while " login: " not in (said := guest.serial()):
        assert "emergency mode" not in said, said[-6000:]
        assert time.monotonic() < deadline, said[-3000:]
        time.sleep(1)


@contextlib.contextmanager
def started(image: Path, folder: Path, firmware: str, key: Path) -> Iterator[Machine]:
    """Start a machine from an image, which stays as it is; wait for its console's login prompt."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    disk = ["-drive", f"if=virtio,format=qcow2,snapshot=on,file={image}"]
    network = ["-nic", f"user,restrict=on,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{port}-:22"]
    with Guest(folder, [*disk, *network], firmware=firmware, memory=1536) as guest:
        machine = Machine(guest, port, key)
        wait_for_login(guest)
        machine.wait_for("true")
        yield machine
