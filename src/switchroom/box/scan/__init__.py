"""The compatibility scan: what a box's configuration uses that another Asterisk lacks or does otherwise."""

from switchroom.box.scan.check import blocking, check
from switchroom.box.scan.inventory import Inventory, of_packages, of_prefix
from switchroom.box.scan.model import Finding, Owner, Severity, Side
from switchroom.box.scan.text import text

__all__ = [
    "Finding",
    "Inventory",
    "Owner",
    "Severity",
    "Side",
    "blocking",
    "check",
    "of_packages",
    "of_prefix",
    "text",
]
