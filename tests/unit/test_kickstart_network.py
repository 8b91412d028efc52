"""The kickstart's real network script, on made-up machines, and what Anaconda then does to each interface.

Sources of the model, as upstream has them (EL9 ships anaconda 34.25.7.19, EL10 40.22.3.57), below
pyanaconda/modules/network: nm_client.py (get_device_name_from_network_data, get_first_iface_with_link) and
initialization.py (a connection from the boot line is made ONBOOT=yes, any other that no command names
ONBOOT=no).
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping, Sequence, Set

import pytest
from pykickstart.constants import KS_SCRIPT_PRE

from support.installer import Installer, installer
from support.kickstarts import handler, scripts, settings
from switchroom.build.kickstart.render import NETWORK_INCLUDE, render
from switchroom.build.kickstart.settings import Mode

__all__ = ["installer"]  # a fixture

# Interfaces as /sys/class/net has them: files and their content.
WIRED: Mapping[str, str] = {"device/vendor": "0x8086", "type": "1", "uevent": "INTERFACE=x"}
CABLE, NO_CABLE = {**WIRED, "carrier": "1"}, {**WIRED, "carrier": "0"}


def lines(installer: Installer, interfaces: Mapping[str, Mapping[str, str]], line: str = "") -> str:
    """Run the script on a machine and return the commands it wrote."""
    (installer.folder / "net").mkdir()
    for name, files in interfaces.items():
        for file, content in files.items():
            installer.write(f"net/{name}/{file}", f"{content}\n")
    installer.write("cmdline", f"quiet {line}\n")
    script = next(one for one in scripts(render(settings()), KS_SCRIPT_PRE) if "NETWORK_INCLUDE" in one)
    printed = installer.run(script, {"/sys/class/net": "net", NETWORK_INCLUDE: "include"})
    assert "SWITCHROOM STOPS" not in printed
    return (installer.folder / "include").read_text()


def down_for_good(commands: str, interfaces: Mapping[str, Mapping[str, str]]) -> Set[str]:
    """Return the interfaces that the installed system never brings up."""
    told = [one for one in handler(commands).network.network if one.device and one.onboot is not False]
    linked = sorted(name for name, files in interfaces.items() if files.get("carrier") == "1")
    up = {linked[0] if one.device == "link" and linked else one.device for one in told}
    return set(interfaces) - up


MACHINES: Dict[str, Mapping[str, Mapping[str, str]]] = {
    "one without a cable": {"eno1": NO_CABLE},
    "two": {"eno1": CABLE, "eno2": CABLE},
    "one of three with a cable": {"eno1": NO_CABLE, "enp3s0f1np1": CABLE, "ens5": NO_CABLE},
    "not up yet": {"eno1": WIRED},
}


@pytest.mark.parametrize("machine", list(MACHINES))
def test_every_wired_interface_comes_up_at_every_start(installer: Installer, machine: str) -> None:
    interfaces = MACHINES[machine]
    told = lines(installer, interfaces)
    assert down_for_good(told, interfaces) == set()
    for el in (9, 10):
        assert [one.onboot for one in handler(told, el).network.network] == [True] * len(interfaces)


def test_only_what_has_a_cable_is_waited_for(installer: Installer) -> None:
    told = handler(lines(installer, {"eno1": NO_CABLE, "eno2": CABLE, "eno3": WIRED})).network.network
    assert {one.device: one.activate for one in told} == {"eno1": False, "eno2": True, "eno3": True}
    assert {one.bootProto for one in told} == {"dhcp"}


@pytest.mark.parametrize(
    "other",
    [
        {"type": "772", "uevent": "INTERFACE=lo", "carrier": "1"},
        {**CABLE, "uevent": "DEVTYPE=wlan"},
        {**CABLE, "wireless/x": ""},
        {**CABLE, "phy80211/name": "phy0"},
        {**CABLE, "uevent": "DEVTYPE=wwan"},
        {**CABLE, "type": "32"},
        {"type": "1", "uevent": "DEVTYPE=bridge", "carrier": "1"},
        {"type": "1", "uevent": "INTERFACE=veth0", "carrier": "1"},
        {**CABLE, "master/type": "1"},
        {**CABLE, "upper_eno1.5/type": "1"},
    ],
)
def test_what_is_not_a_wired_interface_of_the_machine_is_left_alone(
    installer: Installer, other: Mapping[str, str]
) -> None:
    told = handler(lines(installer, {"other0": other, "eno1": CABLE})).network.network
    assert [one.device for one in told] == ["eno1"]


def test_a_machine_without_interfaces_can_be_installed(installer: Installer) -> None:
    assert lines(installer, {}) == ""


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("ip=dhcp", ["eno1", "eno2", "eno3"]),
        ("ip=eno1:dhcp", ["eno2", "eno3"]),
        ("ip=eno1:dhcp:1500 ip=10.0.0.5::10.0.0.1:255.255.255.0:pbx:eno3:none", ["eno2"]),
        ("ip=[2001:db8::5]::[2001:db8::1]:64:pbx:eno2:none nameserver=[2001:db8::2]", ["eno1", "eno3"]),
        ("ip=10.0.0.5::10.0.0.1:255.255.255.0:pbx::none", ["eno3"]),
        ("ip=ibft", ["eno3"]),
        ("ip=voice:dhcp ifname=voice:52:54:00:12:34:56", ["eno1", "eno2", "eno3"]),
        ("inst.ks=http://10.0.0.1/ks.cfg", ["eno1", "eno2", "eno3"]),
    ],
)
def test_what_the_boot_line_configures_stays_as_it_is(
    installer: Installer, line: str, written: Sequence[str]
) -> None:
    interfaces = {"eno1": CABLE, "eno2": WIRED, "eno3": NO_CABLE}
    told = handler(lines(installer, interfaces, line)).network.network
    assert [one.device for one in told] == written


@pytest.mark.parametrize("mode", list(Mode))
def test_the_host_name_is_the_kickstart_s(mode: Mode) -> None:
    text = render(settings(mode=mode, hostname="pbx.example.org"))
    told = handler(text).network
    assert told.hostname == "pbx.example.org"
    assert [one.device for one in told.network] == [""], "a line that only names the machine"
    assert f"%include {NETWORK_INCLUDE}\n" in text


def test_the_machine_s_own_interfaces_can_be_read(installer: Installer) -> None:
    """The script reads the kernel's own files here, too, whatever this machine has."""
    script = next(one for one in scripts(render(settings()), KS_SCRIPT_PRE) if "NETWORK_INCLUDE" in one)
    printed = installer.run(script, {NETWORK_INCLUDE: "include"})
    assert "SWITCHROOM STOPS" not in printed
    told = handler((installer.folder / "include").read_text()).network.network
    assert {one.device for one in told} <= {path.name for path in Path("/sys/class/net").iterdir()} - {"lo"}
