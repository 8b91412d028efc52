"""What a rendered kickstart says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pykickstart.constants import DISPLAY_MODE_TEXT, KS_SCRIPT_POST
from pykickstart.parser import Script

from support.kickstarts import handler, scripts, settings
from switchroom.build.kickstart.check import check, packages
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.kickstart.render import DISK_INCLUDE, render
from switchroom.build.kickstart.settings import Mode

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFdvcmxkV29ybGRXb3JsZFdvcmxkV29ybGRXb3JsZFdv admin@example.org"
OTHER_KEY = KEY.replace("Fdv ", "Fdw ")
HASH = "$6$saltsalt$" + "a" * 86
EL = Path(__file__).parents[1] / "data" / "el"
MAJORS = pytest.mark.parametrize("el", [9, 10])


@MAJORS
@pytest.mark.parametrize(
    ("mode", "login"),
    [
        (Mode.INTERACTIVE, {"ssh_keys": [KEY, OTHER_KEY]}),
        (Mode.UNATTENDED, {"password_hash": HASH}),
        (Mode.UNATTENDED, {}),
    ],
)
def test_every_kind_passes_the_checks(el: int, mode: Mode, login: dict[str, object]) -> None:
    volume_id = '%It\'s $(id) `id` \\x20 {{1}} "9"'
    check(render(settings(el=el, mode=mode, volume_id=volume_id, **login)), el)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_script_is_the_same_on_each_major(mode: Mode) -> None:
    """So what is seen of EL9's scripts, in QEMU and in the lab root, is seen of EL10's."""
    nine, ten = (handler(render(settings(el=el, mode=mode)), el).scripts for el in (9, 10))
    unlike = [pair for pair in zip(nine, ten, strict=True) if _unlike_beside_data(*pair)]
    assert not unlike


def _unlike_beside_data(nine: Script, ten: Script) -> bool:
    return any(
        one != other and not one.startswith(("ROLE_PACKAGES=", "BESIDE=", "SIZE_boot="))
        for one, other in zip(str(nine).splitlines(), str(ten).splitlines(), strict=True)
    )


@MAJORS
def test_the_boot_line_says_whether_a_person_gets_a_screen_or_text(el: int) -> None:
    """A kickstart's "graphical" wins over the inst.text of the serial console's menu entries."""
    assert handler(render(settings(el=el, mode=Mode.INTERACTIVE)), el).displaymode.displayMode is None
    unattended = handler(render(settings(el=el)), el).displaymode
    assert unattended.displayMode == DISPLAY_MODE_TEXT
    assert unattended.nonInteractive


@MAJORS
def test_without_credentials_root_is_locked_and_the_console_asks(el: int) -> None:
    text = render(settings(el=el))
    parsed = handler(text, el)
    assert parsed.rootpw.lock
    assert not parsed.rootpw.password
    assert "switchroom-first-password@tty1.service" in text


@MAJORS
def test_with_a_key_the_password_stays_locked_and_nothing_asks(el: int) -> None:
    text = render(settings(el=el, ssh_keys=[KEY]))
    parsed = handler(text, el)
    assert parsed.rootpw.lock
    assert [(key.username, key.key) for key in parsed.sshkey.sshUserList] == [("root", KEY)]
    assert "first-password" not in text


@MAJORS
def test_every_admin_s_key_is_installed(el: int) -> None:
    keys = [KEY, KEY.replace("admin@example.org", "Reception laptop #2, 50% & co.")]
    keys.append(OTHER_KEY)
    text = render(settings(el=el, ssh_keys=[*keys, KEY]))
    assert [key.key for key in handler(text, el).sshkey.sshUserList] == keys


@MAJORS
def test_a_hash_is_given_as_a_hash(el: int) -> None:
    parsed = handler(render(settings(el=el, password_hash=HASH)), el)
    assert parsed.rootpw.isCrypted
    assert parsed.rootpw.password == HASH


@MAJORS
def test_a_person_sets_the_password_in_the_installer(el: int) -> None:
    parsed = handler(render(settings(el=el, mode=Mode.INTERACTIVE)), el)
    assert not parsed.rootpw.seen


@MAJORS
@pytest.mark.parametrize("mode", list(Mode))
def test_no_disk_is_named_before_the_disk_script_has_run(el: int, mode: Mode) -> None:
    text = render(settings(el=el, mode=mode))
    parsed = handler(text, el)
    for command in ("clearpart", "ignoredisk", "zerombr", "autopart"):
        assert not getattr(parsed, command).seen
    assert not parsed.partition.partitions
    assert f"%include {DISK_INCLUDE}\n" in text


def test_our_packages_come_after_the_system_with_both_checks_on() -> None:
    text = render(settings())
    assert not [name for name in packages(text) if "asterisk" in name or "switchroom" in name]
    installing = next(script for script in scripts(text, KS_SCRIPT_POST) if "dnf -y" in script)
    assert "gpgcheck=1\nrepo_gpgcheck=1\n" in installing
    assert "nogpgcheck" not in text
    assert "gpgcheck=0" not in text


def test_the_medium_must_hold_what_any_choice_installs() -> None:
    names = settings().media_packages
    assert {"switchroom", "asterisk-common", "asterisk22", "asterisk22.8cert"} <= set(names)


@MAJORS
def test_the_system_has_selinux_and_firewall_on(el: int) -> None:
    parsed = handler(render(settings(el=el)), el)
    assert parsed.selinux.selinux == 1
    assert parsed.firewall.enabled
    assert parsed.firewall.services == ["ssh"]


@MAJORS
def test_every_package_of_the_system_is_in_baseos_or_appstream(el: int) -> None:
    rows = [line.split("\t") for line in (EL / f"el{el}.tsv").read_text().splitlines() if line[0] != "#"]
    on_media = {row[0] for row in rows if row[1] in ("baseos", "appstream")}
    system = packages(render(settings(el=el)), el)
    names = {name for name in (*system, *load_defaults().major(el).image_packages) if name[0] != "@"}
    assert {"chrony", "kernel"} <= names
    assert not names - on_media


def test_the_same_settings_give_the_same_text() -> None:
    assert render(settings()) == render(settings())
