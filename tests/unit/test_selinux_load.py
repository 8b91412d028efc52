"""What asterisk-common's load-selinux does on a box and in an image, and what it says when it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import List, NamedTuple

import pytest

from support.selinux import OURS, Store, make, packaged

ENGINE = "/usr/lib64/switchroom/engines/22.10.1-1/sbin/asterisk"


class Done(NamedTuple):
    """How a run of load-selinux ended, and what it ran beside semodule."""

    code: int
    said: str
    ran: List[str]


class Box:
    """A box with a policy store of its own, and the tools that would reach for the machine's."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root, self.store = root, store
        self.log = root / "ran"
        self.policies = root / "usr/share/switchroom/selinux"
        self.policies.mkdir(parents=True)
        self.tool("semodule", f'exec /usr/sbin/semodule -p {store.root} "$@"')
        self.tool("matchpathcon", f'exec /usr/sbin/matchpathcon -f {store.contexts} "$@"')
        for name in ("load_policy", "restorecon", "logger"):
            self.tool(name, f'echo "{name} $*" >>{self.log}')
        self.tool("selinuxenabled", "exit 0")

    def tool(self, name: str, text: str) -> None:
        path = self.root / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def bring(self, major: str) -> None:
        """Have the modules that the package of a major installs."""
        for path in packaged(major):
            shutil.copy(path, self.policies)

    def load(self) -> Done:
        text = (OURS / "load-selinux").read_text()
        text = text.replace("PATH=/usr/sbin", f"PATH={self.root}/tools:/usr/sbin")
        text = text.replace("/usr/share/switchroom", f"{self.root}/usr/share/switchroom")
        for place in ("/etc/selinux", "/var/lib/selinux"):
            text = text.replace(place, f"{self.store.root}{place}")
        done = subprocess.run(
            ["dash", "-c", text, "load-selinux"], capture_output=True, text=True, check=False
        )
        ran = self.log.read_text().splitlines() if self.log.exists() else []
        return Done(done.returncode, done.stdout + done.stderr, ran)


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make(tmp_path_factory.mktemp("ten"), "10")


@pytest.fixture
def box(ten: Store, tmp_path: Path) -> Box:
    shutil.copytree(ten.root, tmp_path / "root", symlinks=True)
    return Box(tmp_path, Store(tmp_path / "root", "10"))


def test_the_policy_is_loaded_and_files_get_their_labels(box: Box) -> None:
    box.bring("10")
    code, said, ran = box.load()
    assert (code, said) == (0, "")
    assert box.store.types([ENGINE]) == {ENGINE: "asterisk_exec_t"}
    assert ran[0] == "load_policy "
    assert ran[1].startswith("restorecon -R -i /usr/lib64/switchroom /etc/asterisk ")
    assert "/var/spool/asterisk" in ran[1]


def test_in_an_image_nothing_of_the_builder_is_touched(box: Box) -> None:
    box.bring("10")
    box.tool("selinuxenabled", "exit 1")
    assert box.load() == Done(0, "", [])
    assert box.store.types([ENGINE]) == {ENGINE: "asterisk_exec_t"}


def test_the_module_of_earlier_packages_goes(box: Box, tmp_path: Path) -> None:
    (tmp_path / "switchroom.cil").write_text("; as it was loaded before, at semodule's own priority\n")
    box.store.semodule("-X", "400", "-i", str(tmp_path / "switchroom.cil"))
    box.bring("10")
    assert box.load().code == 0
    assert "400 switchroom" not in box.store.semodule("-lfull")
    assert box.store.types([ENGINE]) == {ENGINE: "asterisk_exec_t"}


def test_a_policy_that_does_not_fit_is_told_and_changes_nothing(box: Box) -> None:
    box.bring("9")  # needs EL's own module, which EL10 lacks
    before = box.store.policy.read_bytes(), box.store.contexts.read_bytes()
    code, said, ran = box.load()
    assert code == 1
    assert said.count("\n") == 1
    assert "asterisk-common: Asterisk is not confined by SELinux as it should be: semodule:" in said
    assert "asterisk_t" in said or "asterisk_exec_t" in said
    assert said.rstrip().endswith("run: load-selinux")
    assert ran == [f"logger -p daemon.err -t asterisk-common -- {said.rstrip()}"]
    assert (box.store.policy.read_bytes(), box.store.contexts.read_bytes()) == before


def test_a_policy_that_goes_before_ours_is_told(box: Box, tmp_path: Path) -> None:
    (tmp_path / "switchroom.cil").write_text("; a site's own of the same name\n")
    box.store.semodule("-X", "500", "-i", str(tmp_path / "switchroom.cil"))
    box.bring("10")
    code, said, _ = box.load()
    assert code == 1
    assert "another policy goes before it" in said
    assert ":lib_t:" in said


@pytest.mark.parametrize("tool", ["load_policy", "restorecon"])
def test_what_fails_after_loading_is_told(tool: str, box: Box) -> None:
    box.bring("10")
    box.tool(tool, "echo no space left on device >&2; exit 255")
    code, said, _ = box.load()
    assert code == 1
    assert f"{tool}: no space left on device" in said


def test_another_type_of_policy_is_told(box: Box) -> None:
    box.bring("10")
    (box.store.root / "etc/selinux/config").write_text("SELINUX=enforcing\nSELINUXTYPE=mls\n")
    code, said, _ = box.load()
    assert code == 1
    assert "'mls'" in said


def test_without_selinux_nothing_happens(box: Box) -> None:
    (box.store.root / "etc/selinux/config").unlink()
    assert box.load() == Done(0, "", [])
