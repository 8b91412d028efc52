"""Disk images of the lab's bootable system, made by the product's own command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

from lab import bootable
from lab.stub import RPM_HOME
from switchroom.build.workspace import cache_dir


def command(base: Path, repository: Path, out: Path, *words: str) -> List[str]:
    """Return the command that makes an image of series 22; ``words`` are more of its options."""
    chosen = ["--repo-root", str(repository), "--channel", "testing", "--series", "22"]
    make = [sys.executable, "-m", "switchroom", "build", "image", "--base", str(base), "--out", str(out)]
    return [*make, *chosen, *words]


def environment() -> Dict[str, str]:
    """Return the environment of that command: Debian's rpm needs to be told where EL has its database."""
    return {**os.environ, **RPM_HOME, "SWITCHROOM_CACHE": str(cache_dir())}


def make(out: Path, repository: Path, ssh_key: Optional[Path]) -> int:
    """Make an image, tell how to start it, and return the command's exit code."""
    words = ["--ssh-key", str(ssh_key)] if ssh_key else []
    argv = command(bootable.medium(), repository, out, *words)
    code = subprocess.run(argv, env=environment(), check=False).returncode
    if code == 0:
        print("Start it, its console in this terminal (Ctrl-A X switches it off; without KVM it is slow):")
        print("  qemu-system-x86_64 -cpu max -m 1536 -nographic \\")
        print(f"    -drive if=virtio,format=qcow2,snapshot=on,file={out}")
    return code
