"""Commands in a box, over ssh: what a person at the box could type, and nothing more."""

from __future__ import annotations

import shlex
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from lab.namespaces import Namespaces
from switchroom.build.workspace import cache_dir
from switchroom.core import lock, process
from switchroom.core.process import Arg, Result

_HOST_KEY = "etc/ssh/ssh_host_ed25519_key.pub"
_PORT = 22
_ALIAS = "switchroom-lab"


def lab_key() -> Path:
    """Return the private key that opens every box of this cache, made if absent."""
    process.require("ssh", "ssh-keygen", "scp")
    folder = cache_dir("lab", "ssh")
    key = folder / "id_ed25519"
    with lock.exclusive(folder / ".lock", what="the lab's ssh key", wait=30):
        if not key.with_suffix(".pub").is_file():
            key.unlink(missing_ok=True)
            process.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", _ALIAS, "-f", key])
    return key


@dataclass(frozen=True)
class Access:
    """The way into one box; its folder keeps the host's key and the socket of the shared connection."""

    folder: Path
    address: str

    def admit(self, root: Path) -> None:
        """Let the lab's key in, and know the box by its host key; ``root`` has the box's files."""
        home = root / "root/.ssh"
        home.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(lab_key().with_suffix(".pub"), home / "authorized_keys")
        known = f"{_ALIAS} {(root / _HOST_KEY).read_text()}"
        (self.folder / "known_hosts").write_text(known)

    def _listens(self) -> bool:
        """Whether a server is there: cheaper to ask than to start ssh in vain."""
        try:
            with socket.create_connection((self.address, _PORT), timeout=1.0) as server:
                return server.recv(4) == b"SSH-"
        except OSError:
            return False

    def connect(self, namespaces: Namespaces) -> bool:
        """Try to open the connection that later commands share; it ends with the namespaces."""
        if not self._listens():
            return False
        (self.folder / "ssh").unlink(missing_ok=True)
        master = [*namespaces.entering("pid"), *self._ssh("ssh"), "-f", "-N", "-M", f"root@{self.address}"]
        return process.run(master, check=False, timeout=120).returncode == 0

    def run(
        self, words: Sequence[Arg], *, stdin: bytes, check: bool, timeout: Optional[float], what: str
    ) -> Result[bytes]:
        """Run a program in the box; its words arrive as they are, no shell splits them."""
        command = shlex.join(str(word) for word in words)
        argv = [*self._ssh("ssh"), f"root@{self.address}", command]
        return process.run(argv, stdin=stdin, check=check, timeout=timeout, what=what)

    def session(self, words: Sequence[str], tty: bool) -> list[str]:
        """Return the command line of a program, or with no ``words`` a shell, on the caller's terminal."""
        command = [shlex.join(words)] if words else []
        return [*self._ssh("ssh"), *(["-tt"] if tty else []), f"root@{self.address}", *command]

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or folder of the host into the box."""
        target = f"root@{self.address}:{target}"
        argv: list[Arg] = [*self._ssh("scp"), "-q", "-r", "-p", source, target]
        process.run(argv, what=f"Copying '{source}' into the box")

    def _ssh(self, tool: str) -> list[str]:
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "ControlPath": str(self.folder / "ssh"),
            "HostKeyAlias": _ALIAS,
            "IdentitiesOnly": "yes",
            "IdentityFile": str(lab_key()),
            "LogLevel": "ERROR",
            "ServerAliveInterval": "10",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
        }
        return [
            tool,
            "-F",
            "none",
            *(word for key, value in settings.items() for word in ("-o", f"{key}={value}")),
        ]
