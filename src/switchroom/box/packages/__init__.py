"""The box's packages: which engines there are, bringing one onto the box, keeping it, removing others.

Everything that changes the rpm database happens in a process of its own (``switchroom.box.dnf_child``).
"""

from switchroom.box.packages.changes import install, mark_user, protect, rehearse, reinstall, remove
from switchroom.box.packages.durable import sync
from switchroom.box.packages.locks import clear_stale_locks, lock_holder
from switchroom.box.packages.model import Item, Kept, Offer, Resolution, TornError
from switchroom.box.packages.prune import packages_of, prune, unneeded
from switchroom.box.packages.space import Shortage, require_space, shortages
from switchroom.box.packages.state import extras_of, series_of, verify
from switchroom.box.packages.supply import fetch, offers, resolve

__all__ = [
    "Item",
    "Kept",
    "Offer",
    "Resolution",
    "Shortage",
    "TornError",
    "clear_stale_locks",
    "extras_of",
    "fetch",
    "install",
    "lock_holder",
    "mark_user",
    "offers",
    "packages_of",
    "protect",
    "prune",
    "rehearse",
    "reinstall",
    "remove",
    "require_space",
    "resolve",
    "series_of",
    "shortages",
    "sync",
    "unneeded",
    "verify",
]
