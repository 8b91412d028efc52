"""The kickstart's real disk script, with stand-ins for the machine; what Anaconda makes of it is a model.

It meets real disks in tests/lab/test_pre_disk.py; here are the machines that QEMU cannot give.
"""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

import pytest

from support.anaconda import Storage, boot_sizes
from support.installer import FAST, GIB, PLAIN, Installer, choose_disk, installer
from support.kickstarts import VOLUME_ID, handler
from switchroom.build.kickstart.check import check
from switchroom.build.kickstart.settings import Mode

__all__ = ["installer"]  # a fixture

MODES = pytest.mark.parametrize("mode", list(Mode))
STICK = f"sdb|{64 * GIB}|1|0|usb|Stick|S2|"
OLD = f"sdb|{64 * GIB}|0|0|sata|Old|S2|"
THIRD = f"sdc|{64 * GIB}|0|0|sata|Third|S3|"
CHOSEN = "switchroom.disk=sda"


def commands(printed: str) -> str:
    return printed.partition("=== ")[2]


def cleared(printed: str) -> List[str]:
    """Return the disks that lose what is on them."""
    drives: List[str] = handler(commands(printed)).clearpart.drives
    return drives


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (f"sdb|{64 * GIB}|0|0|sata|Old|S2|{VOLUME_ID}", "the boot medium"),
        (f"sdb|{64 * GIB}|0|0|sata|Old|S2|FROM BOOT LINE", "the boot medium"),
        (f"sdb|{64 * GIB}|0|0|usb|Fixed|S2|", "removable"),
        (f"sdb|{64 * GIB}|1|0|sata|Slot|S2|", "removable"),
        (f"sdb|{64 * GIB}|0|1|sata|Tape|S2|", "read-only"),
        (f"sdb|{24 * GIB - 1}|0|0|sata|Small|S2|", "too small"),
    ],
)
def test_a_disk_not_to_be_taken_is_passed_over_and_refused_by_name(
    installer: Installer, other: str, reason: str
) -> None:
    line = "inst.stage2=hd:LABEL=FROM\\x20BOOT\\x20LINE"
    assert cleared(choose_disk(installer, [PLAIN, other], line)) == ["sda"]
    (installer.folder / "include").unlink()
    refused = choose_disk(installer, [PLAIN, other], f"{line} switchroom.disk=sdb")
    assert f"switchroom.disk=sdb is {reason}" in refused
    assert refused.endswith("=== nothing written")


def test_the_disk_the_installer_runs_from_is_the_boot_medium(installer: Installer) -> None:
    other = PLAIN.replace("sda", "sdb").replace("S1", "S2")
    chosen = choose_disk(installer, [PLAIN, other], medium="/dev/sda1")
    assert cleared(chosen) == ["sdb"]


def test_devices_in_memory_are_no_disks(installer: Installer) -> None:
    memory = f"zram0|{64 * GIB}|0|0||||"
    assert cleared(choose_disk(installer, [memory, FAST])) == ["nvme0n1"]


def test_a_serial_number_on_two_disks_names_none(installer: Installer) -> None:
    refused = choose_disk(installer, [PLAIN, FAST.replace("N1", "S1")], "switchroom.disk=S1")
    assert "none of this machine's disks, or more than one" in refused
    assert refused.endswith("=== nothing written")


def test_a_machine_without_disks_is_told_so(installer: Installer) -> None:
    assert "none can take the system" in choose_disk(installer, [])


@pytest.mark.parametrize("uefi", [True, False])
def test_two_disks_are_mirrored_with_what_boots_them_on_both(installer: Installer, uefi: bool) -> None:
    if uefi:
        (installer.folder / "efi").mkdir()
    printed = choose_disk(installer, [PLAIN, FAST], "switchroom.layout=raid1")
    assert cleared(printed) == ["sda", "nvme0n1"]
    chosen = commands(printed)
    for el in (9, 10):
        check(chosen, el)
    for disk in ("sda", "nvme0n1"):
        starters = [line for line in chosen.splitlines() if f"--ondisk={disk}" in line]
        assert sum("biosboot" in line for line in starters) == (not uefi)
        assert sum("raid.boot_efi" in line for line in starters) == uefi
    mirrors = {line.split()[1]: line.split()[-2:] for line in chosen.splitlines() if line.startswith("raid ")}
    assert mirrors.get("/boot/efi", []) == (["raid.boot_efi1", "raid.boot_efi2"] if uefi else [])
    assert mirrors["/boot"] == ["raid.boot1", "raid.boot2"]
    assert mirrors["pv.switchroom"] == ["raid.pv1", "raid.pv2"]


def test_mirrored_volumes_fit_the_smaller_disk(installer: Installer) -> None:
    small = f"sda|{30 * GIB}|0|0|sata|Small|S1|"
    chosen = choose_disk(installer, [small, FAST], "switchroom.layout=raid1")
    sizes = [int(line.rpartition("=")[2]) for line in chosen.splitlines() if line.startswith("logvol")]
    assert sum(sizes) < 30 * 1024 - 2048


@pytest.mark.parametrize(
    ("disks", "line", "why"),
    [
        ([PLAIN], "switchroom.layout=raid1", "is 1, and the layout 'raid1' takes 2"),
        ([PLAIN, FAST, PLAIN.replace("sda", "sdb")], "switchroom.layout=raid1", "is 3, and the layout"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda", "names 1, and the layout"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,sda", "is named twice"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,S1", "is named twice"),
        ([PLAIN, FAST], "switchroom.layout=raid1 switchroom.disk=sda,sdc", "switchroom.disk=sdc is none"),
        ([PLAIN, FAST], "switchroom.disk=sda,nvme0n1", "names 2, and the layout 'single' takes 1"),
        ([PLAIN, FAST], "switchroom.layout=raid5", "switchroom.layout=raid5 is none of: single raid1"),
    ],
)
def test_a_layout_takes_its_number_of_disks_and_never_guesses(
    installer: Installer, disks: List[str], line: str, why: str
) -> None:
    refused = choose_disk(installer, disks, line)
    assert why in refused
    assert refused.endswith("=== nothing written")


def test_disks_named_in_any_way_are_mirrored(installer: Installer) -> None:
    others = [PLAIN, FAST, PLAIN.replace("sda", "sdb").replace("S1", "S2")]
    chosen = choose_disk(installer, others, "switchroom.layout=raid1 switchroom.disk=S2,nvme0n1")
    assert cleared(chosen) == ["sdb", "nvme0n1"]


@MODES
@pytest.mark.parametrize(
    ("disk", "line", "mounted"),
    [
        (STICK, "", "/dev/sdb1"),
        (STICK + VOLUME_ID, "", ""),
        (STICK + "FROM BOOT LINE", "inst.repo=hd:LABEL=FROM\\x20BOOT\\x20LINE:/iso", ""),
        (STICK + "||0f1e-77", "inst.repo=hd:UUID=0f1e-77:/iso", ""),
        (STICK, "inst.ks=hd:sdb1:/ks.cfg", ""),
        (STICK, "inst.stage2=hd:/dev/sdb1", ""),
        (OLD + "||0f1e-77", "inst.repo=hd:UUID=0f1e-77:/iso", ""),
    ],
)
def test_the_medium_stays_a_source_of_packages_and_is_not_written(
    installer: Installer, mode: Mode, disk: str, line: str, mounted: str
) -> None:
    """EL9 hides with "--only-use" the medium too: it stops then, or takes packages from the Internet."""
    told = commands(choose_disk(installer, [PLAIN, disk, THIRD], f"{line} {CHOSEN}", mounted, mode=mode))
    storage = Storage(["sda", "sdb", "sdc"], mediums=["sdb"])
    assert storage.seen(told) == {"sda", "sdb"}
    assert storage.preselected(told) == {"sda"}
    assert not storage.faults(told)
    if mode is Mode.UNATTENDED:
        assert storage.written(told) == {"sda"}
        assert handler(told).clearpart.drives == ["sda"]


@MODES
def test_where_there_is_nothing_to_ignore_nothing_is(installer: Installer, mode: Mode) -> None:
    told = commands(choose_disk(installer, [PLAIN, STICK], medium="/dev/sdb1", mode=mode))
    assert "ignoredisk" not in told
    assert Storage(["sda", "sdb"], mediums=["sdb"]).preselected(told) == {"sda"}


@MODES
def test_what_anaconda_does_not_know_as_a_disk_is_not_named_to_it(installer: Installer, mode: Mode) -> None:
    names = ["mmcblk0boot0", "mmcblk1rpmb", "zram0", "ram0", "fd0", "pmem0"]
    others = [f"{name}|{64 * GIB}|0|0||||" for name in names]
    told = commands(choose_disk(installer, [*others, PLAIN, OLD], CHOSEN, mode=mode))
    assert not Storage(["sda", "sdb", *names]).faults(told)


@pytest.mark.parametrize("line", ["", "switchroom.disk=sdc"])
def test_of_several_disks_none_is_preselected_and_each_is_at_hand(installer: Installer, line: str) -> None:
    """Anaconda preselects what is not ignored and spreads the system over all of it."""
    small = f"sdc|{GIB}|0|0|sata|Small|S3|"
    disks = [PLAIN, OLD, small, STICK.replace("sdb", "sdd")]
    printed = choose_disk(installer, disks, line, "/dev/sdd1", mode=Mode.INTERACTIVE)
    assert "Choose the disk in the installer." in printed
    storage = Storage(["sda", "sdb", "sdc", "sdd"], mediums=["sdd"])
    assert storage.preselected(commands(printed)) == set()
    assert "sdd" in storage.seen(commands(printed))


def test_a_person_confirms_even_the_only_disk(installer: Installer) -> None:
    told = handler(commands(choose_disk(installer, [PLAIN], mode=Mode.INTERACTIVE)))
    assert not told.clearpart.seen
    assert not told.partition.partitions


def test_a_person_mirrors_by_hand(installer: Installer) -> None:
    printed = choose_disk(installer, [PLAIN, FAST], "switchroom.layout=raid1", mode=Mode.INTERACTIVE)
    assert "2 disks are preselected. To mirror them" in printed


@pytest.mark.parametrize("kind", ["mpath_member", "isw_raid_member", "ddf_raid_member"])
def test_a_part_of_a_disk_is_no_disk(installer: Installer, kind: str) -> None:
    part = f"sdb|{64 * GIB}|0|0|sata|Half|S2||{kind}"
    refused = choose_disk(installer, [PLAIN, part], "switchroom.disk=sdb")
    assert "switchroom.disk=sdb is one of several paths, or of a firmware's RAID" in refused
    assert cleared(choose_disk(installer, [PLAIN, part])) == ["sda"]


# Volume groups of this machine, and the disks they lie on.
Groups = Sequence[Tuple[str, Sequence[str]]]
_FREE: List[Tuple[Groups, str]] = [
    ([], "pbx"),
    ([("pbx", ["sda3"])], "pbx"),  # cleared with its disk
    ([("pbx", ["sdb3"])], "pbx2"),
    ([("pbx", ["sda3", "sdb3"])], "pbx2"),
    ([("pbx", ["sdb3"]), ("pbx2", ["sdc"])], "pbx3"),
    ([("pbx", ["sdb3"]), ("pbx2", ["sda3"])], "pbx2"),
    ([("rl", ["sdb3"])], "pbx"),
]


@pytest.mark.parametrize(("groups", "name"), _FREE)
def test_the_volume_group_gets_a_name_that_is_free(installer: Installer, groups: Groups, name: str) -> None:
    volumes = [
        f"{group} uuid-{number} /dev/{part}" for number, (group, parts) in enumerate(groups) for part in parts
    ]
    told = commands(choose_disk(installer, [PLAIN, OLD, THIRD], CHOSEN, volumes=volumes))
    lying = [(group, [part.rstrip("3") for part in parts]) for group, parts in groups]
    assert not Storage(["sda", "sdb", "sdc"], groups=lying).faults(told)
    assert [one.vgname for one in handler(told).volgroup.vgList] == [name]
    assert {one.vgname for one in handler(told).logvol.lvList} == {name}


def test_a_group_with_a_missing_disk_keeps_its_name(installer: Installer) -> None:
    volumes = ["pbx u1 /dev/sda3", "pbx u1 [unknown]"]
    told = commands(choose_disk(installer, [PLAIN], volumes=volumes))
    assert "volgroup pbx2 " in told


@pytest.mark.parametrize("label", ["old.example.org:boot", "pv"])
def test_arrays_get_names_that_are_free(installer: Installer, label: str) -> None:
    member = f"sdc|{64 * GIB}|0|0|sata|Member|S3|{label}|linux_raid_member"
    line = "switchroom.layout=raid1 switchroom.disk=sda,nvme0n1"
    told = commands(choose_disk(installer, [PLAIN, FAST, member], line))
    arrays = {label.rpartition(":")[2]: ["sdc"]}
    assert not Storage(["sda", "nvme0n1", "sdc"], arrays=arrays).faults(told)
    assert "--device=boot2 " in told


def test_two_groups_of_one_name_stop_the_installation_before_anaconda_does(installer: Installer) -> None:
    volumes = ["pbx u1 /dev/sdb3", "pbx u2 /dev/sdc3", "pbx u2 /dev/sdc4", "rl u3 /dev/sdc5"]
    printed = choose_disk(installer, [PLAIN, OLD, THIRD], CHOSEN, volumes=volumes)
    assert printed.endswith("=== nothing written")
    assert "pbx u1 /dev/sdb3" in printed
    assert "pbx u2 /dev/sdc3" in printed
    assert "u3" not in printed
    assert "lvm vgrename UUID NAME" in printed


def test_a_person_is_told_of_two_groups_of_one_name(installer: Installer) -> None:
    volumes = ["pbx u1 /dev/sda3", "pbx u2 /dev/sdb3"]
    printed = choose_disk(installer, [PLAIN, OLD], CHOSEN, mode=Mode.INTERACTIVE, volumes=volumes)
    assert "lvm vgrename UUID NAME" in printed
    assert "ignoredisk --drives=sdb" in commands(printed)


@pytest.mark.parametrize("el", [9, 10])
@pytest.mark.parametrize("uefi", [True, False])
@pytest.mark.parametrize("layout", ["single", "raid1"])
def test_the_volumes_fit_and_leave_room_for_snapshots(
    installer: Installer, layout: str, uefi: bool, el: int
) -> None:
    gib = 24  # the smallest
    if uefi:
        (installer.folder / "efi").mkdir()
    disks = [f"sd{name}|{gib * GIB}|0|0|sata|Disk|{name}|" for name in ("ab" if layout == "raid1" else "a")]
    told = commands(choose_disk(installer, disks, f"switchroom.layout={layout}", el=el))
    volumes = [one.size for one in handler(told, el).logvol.lvList]
    assert len(volumes) == 3
    assert min(volumes) > 0
    for beside in boot_sizes(told, el, uefi=uefi).values():
        group = gib * 1024 - beside - 2
        assert 0.2 * (group - 2048) <= group - sum(volumes) < 0.2 * group + 1100


@pytest.mark.parametrize(("el", "size"), [(9, 1024), (10, 2048)])
@pytest.mark.parametrize("layout", ["single", "raid1"])
def test_boot_is_as_large_as_the_major_s_anaconda_makes_it(
    installer: Installer, layout: str, el: int, size: int
) -> None:
    disks = [PLAIN, FAST][: 1 if layout == "single" else 2]
    told = commands(choose_disk(installer, disks, f"switchroom.layout={layout}", el=el))
    sizes = [
        re.search(r"--size=(\d+)", line)
        for line in told.splitlines()
        if re.search(r" (/boot|raid\.boot\d) ", line)
    ]
    assert {int(one[1]) for one in sizes if one} == {size}
