"""The lab's network: one bridge on the host, and each box plugged into it by its number."""

from __future__ import annotations

import time
from pathlib import Path

from lab.namespaces import Namespaces
from switchroom.core import process

BRIDGE = "switchroom-lab"
# Below 198.18.0.0/15, which RFC 2544 keeps for benchmarks: no site routes it.
SUBNET = "198.18.77"
HOST = f"{SUBNET}.1"
NUMBERS = range(2, 255)
_UNPLUG_SECONDS = 10.0


def address(number: int) -> str:
    """Return the IPv4 address of the box ``number``."""
    return f"{SUBNET}.{number}"


def remove_bridge() -> None:
    """Remove the bridge when the last box is gone; the caller holds the lab's lock."""
    if Path("/sys/class/net", BRIDGE).exists():
        _ip(f"link del {BRIDGE}")


def plug(number: int, namespaces: Namespaces) -> None:
    """Give the namespaces a device ``eth0``; the caller holds the lab's lock."""
    _ensure_bridge()
    unplug(number)
    cable = _cable(number)
    _ip(
        f"link add {cable} type veth peer name eth0 address {_hardware(number)} netns {namespaces.first.pid}",
        f"link set {cable} master {BRIDGE} up",
    )
    inside = [
        f"addr add {address(number)}/24 dev eth0",
        "link set eth0 up",
        f"route add default via {HOST}",
    ]
    namespaces.run(["ip", "-batch", "-"], "net", stdin=_lines(*inside), what="Setting a box's address")


def unplug(number: int) -> None:
    """Remove the cable of a box. The kernel removes it with the namespaces too, but in its own time."""
    cable = Path("/sys/class/net", _cable(number))
    deadline = time.monotonic() + _UNPLUG_SECONDS
    while cable.exists() and time.monotonic() < deadline:
        process.run(["ip", "link", "del", cable.name], check=False)  # gone meanwhile is as good


def _ensure_bridge() -> None:
    if not Path("/sys/class/net", BRIDGE).exists():
        _ip(f"link add {BRIDGE} type bridge", f"addr add {HOST}/24 dev {BRIDGE}", f"link set {BRIDGE} up")


def _hardware(number: int) -> str:
    """Return the box's own MAC, the same in every life: neighbours remember it for half a minute."""
    return f"02:00:c6:12:4d:{number:02x}"


def _cable(number: int) -> str:
    return f"swlab-{number}"


def _ip(*commands: str) -> None:
    process.run(["ip", "-batch", "-"], stdin=_lines(*commands), what="Changing the lab's network")


def _lines(*commands: str) -> bytes:
    return "".join(f"{command}\n" for command in commands).encode()
