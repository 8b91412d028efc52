"""The fixtures of the repository tests."""

from support.openpgp import full_disk
from support.small_rpms import foreign_key, key, shop, small

__all__ = ["foreign_key", "full_disk", "key", "shop", "small"]
