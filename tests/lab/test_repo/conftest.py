"""The fixtures of the repository tests."""

from support.small_rpms import foreign_key, key, shop, small

__all__ = ["foreign_key", "key", "shop", "small"]
