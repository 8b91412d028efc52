"""The menu written for each boot loader: isolinux's vesamenu (BIOS) and GRUB (UEFI)."""

from __future__ import annotations

from typing import Iterator, List, Sequence

from switchroom.build.iso.base import INITRD, KERNEL
from switchroom.build.iso.labels import grub_quoted
from switchroom.build.iso.menus import Entry, Item, Menu, Submenu

# Where the menu's pictures and fonts lie on the medium.
BIOS_ART = "isolinux"
GRUB_ART = "EFI/BOOT/switchroom"

# Positions count characters of 8x16 pixels on a screen of 800x600 and match the panels in menu-bios.png. All
# rows but helpmsgendrow count from vshift.
_VESAMENU_STYLE = """\
menu resolution 800 600
menu background menu-bios.png
menu hshift 13
menu vshift 9
menu width 72
menu margin 2
menu rows 12
menu helpmsgrow 18
menu helpmsgendrow 30
menu timeoutrow 24
menu tabmsgrow 25
menu cmdlinerow 25
menu cmdlinemax 96
menu color screen 0 #00000000 #00000000 none
menu color border 0 #00000000 #00000000 none
menu color title 0 #ff7fd4c1 #00000000 none
menu color unsel 0 #ffd6e2ea #00000000 none
menu color hotkey 0 #ffffffff #00000000 none
menu color sel 0 #ff06202b #ff7fd4c1 none
menu color hotsel 0 #ff06202b #ff7fd4c1 none
menu color scrollbar 0 #ff7fd4c1 #ff123543 none
menu color help 0 #ffa9bfca #00000000 none
menu color tabmsg 0 #ff7f98a5 #00000000 none
menu color timeout_msg 0 #ff7f98a5 #00000000 none
menu color timeout 0 #ffffffff #00000000 none
menu color cmdmark 0 #ff7fd4c1 #00000000 none
menu color cmdline 0 #ffffffff #00000000 none
menu tabmsg Enter: start    Tab: edit the command line    Esc: back
menu autoboot Starts the marked default in # second{,s}; press a key to stop
"""

# vesamenu writes help from the screen's left edge, whatever "hshift" says.
_HELP_INDENT = " " * 17

_BIOS_GRUB_MODULES = ("all_video", "font", "gfxterm", "gfxmenu", "png", "serial", "search", "search_label")
_GRUB_HEADER = """\
if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
loadfont unicode
loadfont $prefix/fonts/unicode.pf2
# Under Secure Boot GRUB may refuse fonts from the medium; the theme then uses the font above.
loadfont $art/DejaVuSans-16.pf2
loadfont $art/DejaVuSans-20.pf2
set gfxmode=1024x768,800x600,auto
if terminal_output --append gfxterm; then
  terminal_output --remove console
  set theme=$art/theme.txt
fi
set color_normal=light-gray/black
set color_highlight=black/cyan
"""


def isolinux_text(menu: Menu) -> str:
    """Return ``isolinux.cfg``: vesamenu on screen, the same menu as text on the first serial port."""
    lines = ["serial 0 115200", "prompt 0", f"timeout {menu.timeout * 10}", f"ontimeout {menu.default}"]
    lines += ["ui vesamenu.c32", f"menu title {menu.heading}"]
    lines += _VESAMENU_STYLE.splitlines()
    for before, item in zip((None, *menu.items), menu.items):
        if isinstance(before, Entry) and isinstance(item, Submenu):
            lines.append("menu separator")
        lines += _isolinux_item(item, menu.default)
    return "\n".join(lines) + "\n"


def _isolinux_item(item: Item, default: str) -> Iterator[str]:
    if isinstance(item, Entry):
        yield from _isolinux_entry(item, default)
        return
    yield f"menu begin {item.id}"
    yield f"  menu label {item.label}"
    yield f"  menu title {item.label}"
    yield from _isolinux_help(item.help)
    for entry in item.entries:
        yield from (f"  {line}" for line in _isolinux_entry(entry, default))
    yield "menu end"


def _isolinux_entry(entry: Entry, default: str) -> Iterator[str]:
    yield f"label {entry.id}"
    yield f"  menu label {entry.label}"
    if entry.id == default:
        yield "  menu default"
    yield from _isolinux_help(entry.help)
    if entry.arguments is None:
        yield "  localboot 0xffff"
        return
    yield f"  kernel /{KERNEL}"
    yield f"  append initrd=/{INITRD} {' '.join(entry.arguments)}"


def _isolinux_help(lines: Sequence[str]) -> List[str]:
    return ["  text help", *(_HELP_INDENT + line for line in lines), "  endtext"]


def grub_text(menu: Menu) -> str:
    """Return ``grub.cfg`` of the medium: a themed menu on screen, the same as text on a serial port."""
    lines = [f"set art=($root)/{GRUB_ART}", *_GRUB_HEADER.splitlines()]
    lines += [f"set default={menu.default}", f"set timeout={menu.timeout}"]
    for item in menu.items:
        lines += _grub_item(item)
    return "\n".join(lines) + "\n"


def bios_grub_text(menu: Menu) -> str:
    """Return ``grub.cfg`` for GRUB started by BIOS, which loads from the medium what UEFI's has built in."""
    modules = "\n".join(f"insmod {name}" for name in _BIOS_GRUB_MODULES)
    search = f"search --no-floppy --set=root --label {grub_quoted(menu.volume_id)}"
    return f"{modules}\n{search}\n{grub_text(menu)}"


def _grub_item(item: Item) -> Iterator[str]:
    if isinstance(item, Entry):
        yield from _grub_entry(item)
        return
    yield f"submenu {grub_quoted(item.label + ' >')} --id {item.id} {{"
    for entry in item.entries:
        yield from (f"  {line}" for line in _grub_entry(entry))
    yield "}"


def _grub_entry(entry: Entry) -> Iterator[str]:
    yield f"menuentry {grub_quoted(entry.label)} --id {entry.id} {{"
    if entry.arguments is None:
        yield "  exit"
    else:
        # Not quoted: so EL's own media write a space as \\x20, and EL's GRUB hands that on. (Upstream's GRUB
        # passes no backslash to a kernel.) The schema admits no character that would need quotes.
        yield f"  linux /{KERNEL} {' '.join(entry.arguments)}"
        yield f"  initrd /{INITRD}"
    yield "}"


def esp_text(volume_id: str) -> str:
    """Return ``grub.cfg`` of the EFI system partition: it finds the medium and goes on with the menu there.

    Short, so that it fits into any EFI system partition, and so that there is one menu to keep right.
    """
    return (
        f"search --no-floppy --set=root --label {grub_quoted(volume_id)}\n"
        "set prefix=($root)/EFI/BOOT\n"
        "configfile ($root)/EFI/BOOT/grub.cfg\n"
    )


def theme_text(menu: Menu, template: str) -> str:
    """Return GRUB's theme with the menu's heading in place."""
    return template.replace("@HEADING@", menu.heading)
