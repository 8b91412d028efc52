"""The medium's real %post scripts: dnf inside the lab root installs from the medium what the boot line chose.

Anaconda's part is played by a few lines: its environment variable, the medium's place, and a chroot. The
packages are small ones with the real names; the real ones are in test_install_engines.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

import pytest

from lab.roots import inside
from support import media
from support.anaconda import POST, write_scripts, write_tool
from support.small_rpms import Shop, Small, build, key
from switchroom.build.iso import xorriso
from switchroom.build.keys import SigningKey
from switchroom.core.process import run

__all__ = ["key"]  # a fixture
pytestmark = pytest.mark.lab("debootstrap", "dnf", "rpmbuild", "unshare", "xorriso")


class Installation:
    """A root, a medium that may be changed, and the %post scripts of the medium's unattended kickstart."""

    def __init__(self, folder: Path, root: Path, image: Path) -> None:
        self.folder, self.root = folder, root
        self.medium = folder / "medium"
        self.medium.mkdir()
        xorriso.extract(image, {"switchroom": self.medium / "switchroom"})
        text = (self.medium / "switchroom" / "ks" / "unattended.cfg").read_text()
        assert write_scripts(text, folder) == 4
        # What EL9 has and Debian has not; and the end of a script that would show its message for ever.
        write_tool(root, "restorecon", "exit 0")
        write_tool(root, "sleep", "kill -9 0")
        units = root / "etc" / "systemd" / "system"
        for name in ("asterisk", "switchroom-first-boot", "switchroom-issue"):
            text = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
            (units / f"{name}.service").write_text(text)

    def run(self, line: str) -> str:
        (self.folder / "cmdline").write_text(f"quiet {line}\n")
        environment = {"LAB": str(self.folder), "ANA_INSTALL_PATH": str(self.root)}
        # The process namespace takes with it what dnf leaves running: the agents of gpg.
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", POST]
        result = run(argv, env=environment, check=False, timeout=600)
        return (result.stdout + result.stderr).decode(errors="replace")

    def installed(self) -> List[str]:
        return inside(self.root, "rpm", "-qa", "--qf", "%{NAME}\n").stdout.decode().split()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Path:
    folder = tmp_path_factory.mktemp("medium")
    shop = Shop(folder / "root", key)
    build(folder, Small("libedit"))  # the small engines need it, and the lab root is not an EL system
    media.fill(shop, folder, (media.S22, media.FIXTURE))
    return media.make(shop, folder / "lab.iso").image


@pytest.fixture
def installation(tmp_path: Path, lab_root: Path, image: Path) -> Installation:
    return Installation(tmp_path, lab_root, image)


def test_the_boot_line_s_choice_is_installed_enabled_and_recorded(installation: Installation) -> None:
    printed = installation.run("switchroom.asterisk=99")
    record = installation.root / "etc" / "switchroom" / "install.json"
    assert record.is_file(), printed
    assert json.loads(record.read_text())["package"] == "asterisk99"
    names = installation.installed()
    assert {"asterisk99", "switchroom", "switchroom-release", "asterisk-common"} <= set(names)
    assert "asterisk22" not in names
    assert inside(installation.root, "systemctl", "is-enabled", "asterisk.service").stdout == b"enabled\n"
    assert (installation.root / "etc" / "switchroom" / "first-password").is_file()
    unit = "switchroom-first-password@ttyS0.service"
    assert inside(installation.root, "systemctl", "is-enabled", unit).stdout == b"enabled\n"
    assert (installation.root / "var" / "log" / "switchroom-version.log").is_file()
    assert not (installation.root / "mnt" / "switchroom-media").exists()
    state = installation.root / "var/lib/switchroom"
    assert (state / "first-boot/due").is_file()
    assert 'pbx_profile: "asterisk"' in (installation.root / "etc/switchroom/first-boot.yml").read_text()
    config = "--config=/var/lib/switchroom/media/dnf.conf"
    offered = inside(installation.root, "dnf", config, "--assumeyes", "repoquery")
    assert b"asterisk99-" in offered.stdout, "the medium's packages stay at hand, their metadata verified"


def test_a_changed_package_on_the_medium_stops_the_installation(installation: Installation) -> None:
    package = next((installation.medium / "switchroom" / "repo").rglob("switchroom-release-*.rpm"))
    content = bytearray(package.read_bytes())
    content[-1] ^= 1
    package.unlink()
    package.write_bytes(content)
    printed = installation.run("")
    assert "asterisk22 could not be installed from the medium" in printed
    assert "checksum" in printed, printed
    assert not [name for name in installation.installed() if name.startswith("asterisk")]


def test_changed_metadata_on_the_medium_stops_the_installation(installation: Installation) -> None:
    repomd = next((installation.medium / "switchroom" / "repo").rglob("repomd.xml"))
    text = repomd.read_text()
    repomd.unlink()
    repomd.write_text(text.replace("<revision>", "<revision>1"))
    printed = installation.run("")
    assert "asterisk22 could not be installed from the medium" in printed
    assert "repomd.xml GPG signature verification error" in printed, printed
    assert not [name for name in installation.installed() if name.startswith("asterisk")]
