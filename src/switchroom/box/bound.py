"""Where this box reaches what a program on it is bound to."""

from __future__ import annotations

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


def reachable(host: str) -> str:
    """Return the address to connect to for a bound one: loopback for 'all addresses', else itself."""
    host = host.strip("[]")
    return _ANY.get(host, host)
