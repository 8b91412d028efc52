"""An empty root that the real dnf installs into from a repository of ours."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.small_rpms import Shop
from switchroom.build.repo import layout


@dataclass(frozen=True)
class Box:
    """An empty installation root that knows one repository, as a release package would set it up."""

    folder: Path
    shop: Shop
    gpgkey: str = ""  # default: the repository's own file
    plugins: str = ""  # the folder of dnf's plugins; none are loaded without

    def dnf(
        self, *words: str, channel: str = "testing", source: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run dnf on the root, with both checks on; ``source`` is a line in the mirror list's place."""
        self._write_repo_file(channel, source)
        settings = {
            "reposdir": self.folder / "repos",
            "cachedir": self.folder / "cache",
            "logdir": self.folder / "log",
            "persistdir": self.folder / "persist",
            **({"plugins": 1, "pluginpath": self.plugins} if self.plugins else {"plugins": 0}),
        }
        options = [f"--setopt={name}={value}" for name, value in settings.items()]
        command = ["dnf", "-y", f"--installroot={self.folder / 'root'}", "--releasever=9", *options, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def installed(self) -> str:
        """Return the packages in the root, one a line."""
        command = ["rpm", "--root", str(self.folder / "root"), "--query", "--all"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def _write_repo_file(self, channel: str, source: str) -> None:
        for name in ("repos", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "repos" / "switchroom.repo").write_text(
            f"[switchroom-{channel}]\nname=Switchroom\n"
            f"{source or f'mirrorlist=file://{self.shop.root}/{channel}/el9/x86_64/mirrorlist'}\n"
            f"gpgkey={self.gpgkey or f'file://{self.shop.root}/{layout.PUBLIC_KEY}'}\n"
            "gpgcheck=1\nrepo_gpgcheck=1\nskip_if_unavailable=0\n"
        )

    def stop(self) -> None:
        """Stop the agents that dnf leaves running."""
        for home in (self.folder / "cache").glob("*/pubring"):
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=True)
