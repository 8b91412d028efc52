"""A base's own boot menus are read as media have them: also the lines that mkksiso stumbles over."""

from __future__ import annotations

import pytest

from switchroom.build.iso.bootconf import (
    Entry,
    grub_entries,
    isolinux_entries,
    kickstarts,
    path_on_medium,
    unusual,
)

ISOLINUX = """\
default vesamenu.c32
label linux
  menu label ^Install Rocky Linux 9.6
  kernel vmlinuz
  append initrd=initrd.img inst.stage2=hd:LABEL=Rocky-9\\x20x86_64 quiet
LABEL\tbare
\tMENU LABEL Bare
\tKERNEL\tmemtest
\tAPPEND
label tabs
\tkernel\tvmlinuz
\tappend\tinitrd=initrd.img\tinst.ks=hd:LABEL=OEM:/ks.cfg\tquiet
label local
  localboot 0xffff
label "quoted label"
  kernel vmlinuz
  append
"""

GRUB = """\
# menuentry 'not this one' {
set default="1"
menuentry 'Install Rocky Linux 9.6' --class fedora {
\tlinuxefi\t/images/pxeboot/vmlinuz inst.stage2=hd:LABEL=Rocky-9\\x20x86_64 quiet
\tinitrdefi /images/pxeboot/initrd.img
}
submenu 'Troubleshooting -->' {
  menuentry "It's rescue" {
    linux /images/pxeboot/vmlinuz inst.rescue modprobe.blacklist=nouveau
  }
  menuentry 'Bare' {
    linux /images/pxeboot/vmlinuz
  }
  menuentry Unquoted {
    linux /images/pxeboot/vmlinuz "inst.ks=cdrom:/oem/ks.cfg" it's
  }
}
"""


def test_isolinux_with_tabs_a_bare_append_and_quoted_labels() -> None:
    assert isolinux_entries(ISOLINUX) == (
        Entry(
            "Install Rocky Linux 9.6",
            ("initrd=initrd.img", r"inst.stage2=hd:LABEL=Rocky-9\x20x86_64", "quiet"),
        ),
        Entry("Bare", ()),
        Entry("tabs", ("initrd=initrd.img", "inst.ks=hd:LABEL=OEM:/ks.cfg", "quiet")),
        Entry('"quoted label"', ()),
    )


def test_grub_with_tabs_behind_linuxefi_and_labels_that_keep_their_backslashes() -> None:
    assert grub_entries(GRUB) == (
        Entry("Install Rocky Linux 9.6", (r"inst.stage2=hd:LABEL=Rocky-9\x20x86_64", "quiet")),
        Entry("It's rescue", ("inst.rescue", "modprobe.blacklist=nouveau")),
        Entry("Bare", ()),
        Entry("Unquoted", ("inst.ks=cdrom:/oem/ks.cfg", "it's")),
    )


def test_kickstarts_and_unusual_arguments_are_found() -> None:
    entries = (*isolinux_entries(ISOLINUX), *grub_entries(GRUB))
    assert kickstarts(entries) == ("cdrom:/oem/ks.cfg", "hd:LABEL=OEM:/ks.cfg")
    assert unusual(entries) == {"modprobe.blacklist=nouveau", "it's"}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("hd:LABEL=OEM:/ks.cfg", "ks.cfg"),
        (r"hd:LABEL=My\x20OEM:/a/ks.cfg", "a/ks.cfg"),
        ("cdrom:/ks.cfg", "ks.cfg"),
        ("cdrom:/dev/cdrom:/ks.cfg", "ks.cfg"),
        ("file:/run/install/repo/ks.cfg", "ks.cfg"),
        ("http://example.org/ks.cfg", None),
        ("hd:sda1:/ks.cfg", None),
    ],
)
def test_where_a_kickstart_lies(value: str, path: str) -> None:
    assert path_on_medium(value) == path
