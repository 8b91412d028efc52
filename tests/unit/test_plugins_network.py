"""The tests ``network`` and ``within``, as a play uses them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Callable, List

import pytest
from ansible.errors import AnsibleFilterError

ROOT = Path(__file__).parents[2]


def load(name: str) -> Callable[..., bool]:
    """Return the test of the collection."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"plugins/test/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    test: Callable[..., bool] = module.TestModule().tests()[name]
    return test


@pytest.mark.parametrize("text", ["192.0.2.0/24", "192.0.2.1", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0"])
def test_networks_and_addresses_are_networks(text: str) -> None:
    assert load("network")(text)


_TEXTS = [
    "192.0.2.1/24",
    "192.0.2.0/33",
    "192.0.2",
    "198.51.100.256",
    "2001:db8::1/32",
    "pbx.example.org",
    "",
]


@pytest.mark.parametrize("value", [*_TEXTS, None, 3232235777, ["192.0.2.1"]])
def test_all_else_is_none(value: Any) -> None:
    assert not load("network")(value)


@pytest.mark.parametrize(
    ("address", "networks", "answer"),
    [
        ("192.0.2.7", ["198.51.100.0/24", "192.0.2.0/24"], True),
        ("192.0.3.7", ["192.0.2.0/24"], False),
        ("192.0.2.7", ["192.0.2.7"], True),
        ("192.0.2.7", [], False),
        ("192.0.2.7", ["2001:db8::/32"], False),
        ("::ffff:192.0.2.7", ["192.0.2.0/24"], True),
        ("fe80::1%eth0", ["fe80::/10"], True),
    ],
)
def test_an_address_is_within_networks(address: str, networks: List[str], answer: bool) -> None:
    assert load("within")(address, networks) is answer


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="No address"):
        load("within")("pbx.example.org", ["192.0.2.0/24"])
