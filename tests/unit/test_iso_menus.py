"""The boot menus: exact text for the matrix, quoting, and what the data file may not say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

from switchroom.build.iso import loaders, menus
from switchroom.build.iso.arguments import with_arguments
from switchroom.build.iso.labels import check_volume_id, grub_quoted, kernel_label
from switchroom.build.iso.menus import Entry, Menu
from switchroom.build.workspace import data_path
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError

S20 = Series("20", SeriesType.LTS, "20.20.1", "20.20.1", 1)
S22 = Series("22", SeriesType.LTS, "22.10.1", "22.10.1", 1)
S23 = Series("23", SeriesType.STANDARD, "23.4.1", "23.4.1", 1)
CERTIFIED = Series("certified-22.8", SeriesType.CERTIFIED, "22.8cert4", "certified-22.8-cert4", 1)
FIXTURE = Series("99", SeriesType.FIXTURE, "99.0.0", "22.10.1", 1)


def menu(*series: Series, volume_id: str = "PBX-9", subtitle: str = "offline") -> Menu:
    return menus.build_menu(menus.load_data(), series or (S22,), volume_id, subtitle, "Rocky Linux 9.6")


def entries(one: Menu) -> Dict[str, Entry]:
    return {entry.id: entry for entry in one.entries()}


def test_matrix_of_versions_modes_and_consoles() -> None:
    found = entries(menu(S23, S22))
    expected = {
        f"{mode}-{series}-{console}"
        for mode in ("interactive", "unattended")
        for series in ("22", "23")
        for console in ("screen", "serial")
    }
    assert set(found) == expected | {"check", "rescue", "local"}
    assert found["unattended-23-serial"].arguments == (
        "inst.stage2=hd:LABEL=PBX-9",
        "inst.ks=hd:LABEL=PBX-9:/switchroom/ks/unattended.cfg",
        "switchroom.asterisk=23",
        "console=tty0",
        "console=ttyS0,115200n8",
        "inst.text",
    )
    assert found["interactive-22-screen"].arguments == (
        "inst.stage2=hd:LABEL=PBX-9",
        "inst.ks=hd:LABEL=PBX-9:/switchroom/ks/interactive.cfg",
        "switchroom.asterisk=22",
        "quiet",
    )
    assert found["local"].arguments is None
    assert "rd.live.check" in (found["check"].arguments or ())


def test_default_is_the_newest_lts_whatever_the_order_of_the_series() -> None:
    one = menu(S20, FIXTURE, S23, CERTIFIED, S22)
    assert one.default == "interactive-22-screen"
    labels = [item.label for item in one.items if isinstance(item, Entry)]
    assert labels == [
        "Install Asterisk 22 (LTS)",
        "Install Asterisk 23 (Standard)",
        "Install Asterisk 20 (LTS)",
        "Install Asterisk 22.8 (Certified)",
        "Install Asterisk 99 (lab fixture)",
    ]


def test_isolinux_text_of_one_series() -> None:
    text = loaders.isolinux_text(menu(volume_id="My PBX 9"))
    assert text.startswith(
        "serial 0 115200\nprompt 0\ntimeout 600\nontimeout interactive-22-screen\nui vesamenu.c32\n"
        "menu title PBX installer - Rocky Linux 9.6, needs no network\n"
    )
    assert (
        "label interactive-22-screen\n"
        "  menu label Install Asterisk 22 (LTS)\n"
        "  menu default\n"
        "  text help\n"
        "                 The installer asks for disk, network and password\n"
        "                 before it changes anything on this machine.\n"
        "  endtext\n"
        "  kernel /images/pxeboot/vmlinuz\n"
        r"  append initrd=/images/pxeboot/initrd.img inst.stage2=hd:LABEL=My\x20PBX\x209"
        r" inst.ks=hd:LABEL=My\x20PBX\x209:/switchroom/ks/interactive.cfg switchroom.asterisk=22 quiet"
        "\nmenu separator\nmenu begin unattended\n"
        "  menu label Unattended installation, erases a disk\n"
    ) in text
    assert text.count("menu begin ") == text.count("menu end\n") == 3
    assert text.count("menu default\n") == 1


def test_grub_text_of_one_series() -> None:
    text = loaders.grub_text(menu(volume_id="My PBX 9"))
    assert "set default=interactive-22-screen\nset timeout=60\n" in text
    assert (
        "submenu 'Unattended installation, erases a disk >' --id unattended {\n"
        "  menuentry 'ERASE THE DISK and install Asterisk 22 (LTS)' --id unattended-22-screen {\n"
        r"    linux /images/pxeboot/vmlinuz inst.stage2=hd:LABEL=My\x20PBX\x209"
        r" inst.ks=hd:LABEL=My\x20PBX\x209:/switchroom/ks/unattended.cfg switchroom.asterisk=22 quiet"
        "\n    initrd /images/pxeboot/initrd.img\n  }\n}\n"
    ) in text
    assert text.count("{\n") == text.count("}\n")


def test_esp_menu_goes_on_with_the_menu_of_the_medium() -> None:
    assert loaders.esp_text("My PBX 9") == (
        "search --no-floppy --set=root --label 'My PBX 9'\n"
        "set prefix=($root)/EFI/BOOT\n"
        "configfile ($root)/EFI/BOOT/grub.cfg\n"
    )


def test_theme_carries_the_heading() -> None:
    template = (data_path("kickstart") / "art" / "theme.txt").read_text()
    themed = loaders.theme_text(menu(subtitle="network"), template)
    assert 'text = "PBX installer - Rocky Linux 9.6, installing needs a network"' in themed
    assert "@HEADING@" not in themed


def test_lab_stand_in_says_so_above_the_entries() -> None:
    assert "LAB STAND-IN" in menu(FIXTURE, S22, subtitle="lab").heading


def test_every_erasing_entry_says_so_and_stands_in_a_submenu() -> None:
    one = menu(S22, S23)
    erasing = [
        entry for entry in one.entries() if any("unattended.cfg" in word for word in entry.arguments or ())
    ]
    assert len(erasing) == 4
    assert all("ERASE THE DISK" in entry.label and entry not in one.items for entry in erasing)


def data_with(**changes: Any) -> Dict[str, Any]:
    data = copy.deepcopy(yaml.safe_load((data_path("kickstart") / "menu.yml").read_text()))
    data.update(changes)
    return data  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"default": {"mode": "unattended", "console": "screen"}}, "erases a disk"),
        ({"default": {"mode": "interactive", "console": "tty"}}, "unknown mode or console"),
        ({"colour": "red"}, "colour"),
        ({"timeout": -1}, "-1"),
        ({"title": "PBX ^installer"}, "does not match"),
    ],
)
def test_bad_data_is_refused_with_its_reason(tmp_path: Path, changes: Dict[str, Any], words: str) -> None:
    path = tmp_path / "menu.yml"
    path.write_text(yaml.safe_dump(data_with(**changes)))
    with pytest.raises(SwitchroomError) as caught:
        menus.load_data(path)
    assert words in caught.value.message
    assert caught.value.code is ExitCode.USAGE


def test_a_line_too_long_for_the_box_is_refused() -> None:
    with pytest.raises(SwitchroomError, match="would not fit"):
        menus.build_menu(menus.load_data(), (S22,), "PBX-9", "network", "CentOS Stream " + "9" * 40)


@pytest.mark.parametrize(
    "good", ["A", "My PBX 1", "a" * 32, "Rocky-9_6+x.86", 'it\'s "9"/#1 \\ $x;|&{}<>@=~']
)
def test_volume_ids_that_are_allowed(good: str) -> None:
    assert check_volume_id(good) == good


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ("a" * 33, "33 bytes; ISO 9660 has room for 32"),
        ("", "is empty"),
        (" PBX", "begins or ends with a space"),
        ("PBX ", "begins or ends with a space"),
        ("PBX:9", "not ':'"),
        ("Télé", "not 'é'"),
        ("PBX\n9", "printable ASCII"),
    ],
)
def test_volume_ids_that_are_not(bad: str, rule: str) -> None:
    with pytest.raises(SwitchroomError) as caught:
        check_volume_id(bad)
    assert rule in caught.value.message
    assert caught.value.code is ExitCode.USAGE


def test_labels_for_kernel_and_grub() -> None:
    assert kernel_label("My PBX 1") == r"My\x20PBX\x201"
    assert kernel_label("a'b\"c/d\\e$f") == r"a\x27b\x22c\x2fd\x5ce\x24f"
    assert grub_quoted("it's") == r"'it'\''s'"


def test_arguments_are_added_to_and_taken_from_every_entry_that_starts_a_kernel() -> None:
    one = with_arguments(menu(S22), ["net.ifnames=0"], ["quiet", "console=tty0"])
    for entry in one.entries():
        words = entry.arguments
        assert words is None or (words[-1] == "net.ifnames=0" and "quiet" not in words)
    assert "console=ttyS0,115200n8" in (entries(one)["unattended-22-serial"].arguments or ())
    assert "console=tty0" not in (entries(one)["unattended-22-serial"].arguments or ())


@pytest.mark.parametrize(
    ("add", "remove", "words"),
    [
        (["a b"], [], "may hold"),
        (["x=$(reboot)"], [], "may hold"),
        (["a;b"], [], "may hold"),
        (["inst.ks=http://elsewhere/ks.cfg"], [], "hangs on"),
        ([], ["inst.stage2"], "hangs on"),
        ([], ["nosuch"], "is in no entry of the menu; there are: console=tty0"),
        (["x" * 2000], [], "a kernel takes 2047"),
    ],
)
def test_arguments_that_cannot_be_are_refused(add: List[str], remove: List[str], words: str) -> None:
    with pytest.raises(SwitchroomError) as caught:
        with_arguments(menu(S22), add, remove)
    assert words in caught.value.message
    assert caught.value.code is ExitCode.USAGE


def test_grub_for_bios_loads_what_it_draws_with_and_finds_its_medium() -> None:
    text = loaders.bios_grub_text(menu(volume_id="It's PBX"))
    assert text.startswith("insmod all_video\n")
    assert "search --no-floppy --set=root --label 'It'\\''s PBX'\n" in text
    assert text.endswith(loaders.grub_text(menu(volume_id="It's PBX")))
