"""The filter that judges a certificate before it goes to a box."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Optional, Sequence

import pytest

from support.authority import Authority, Pair, days

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins/filter"))

from certificate_faults import certificate_faults


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Lab Root")


@pytest.fixture(scope="module")
def middle(root: Authority) -> Authority:
    return Authority("Lab Intermediate", root)


@pytest.fixture(scope="module")
def pair(middle: Authority) -> Pair:
    return middle.issue("pbx.example.test", "*.phones.example.test")


def faults(chain: str, key: str, names: Sequence[str] = ("pbx.example.test",)) -> str:
    return "; ".join(certificate_faults(chain, key, names))


def test_a_chain_that_fits_has_no_fault(middle: Authority, pair: Pair) -> None:
    chain = pair.certificate + middle.certificate
    assert certificate_faults(chain, pair.key, ["PBX.example.test", "one.phones.example.test"]) == []


def test_the_public_half_of_the_key_is_enough(pair: Pair) -> None:
    assert faults(pair.certificate, pair.public) == ""


@pytest.mark.parametrize("name", ["www.example.test", "a.b.phones.example.test", "phones.example.test"])
def test_a_name_that_it_is_not_for_is_named(name: str, pair: Pair) -> None:
    assert f"not for {name}" in faults(pair.certificate, pair.key, [name])


def test_another_ones_key_is_refused(root: Authority, pair: Pair) -> None:
    assert faults(pair.certificate, root.issue("pbx.example.test").key) == "the key is not the certificate's"


def test_a_chain_out_of_order_is_refused(root: Authority, middle: Authority, pair: Pair) -> None:
    said = faults(pair.certificate + root.certificate + middle.certificate, pair.key)
    assert "out of order: after CN=pbx.example.test comes CN=Lab Root" in said


@pytest.mark.parametrize(
    ("begin", "end", "said"), [(-30, -1, "ended on"), (1, 30, "begins on")], ids=["ended", "not begun"]
)
def test_a_certificate_out_of_its_time_is_refused(begin: int, end: int, said: str, middle: Authority) -> None:
    late = middle.issue("pbx.example.test", begin=days(begin), end=days(end))
    assert said in faults(late.certificate, late.key)


@pytest.mark.parametrize(
    ("chain", "key", "said"),
    [
        ("", None, "it holds no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, "cannot be read"),
        (None, "", "the key cannot be read"),
        (None, "no key", "the key cannot be read"),
    ],
)
def test_what_is_no_certificate_or_key_is_refused(
    chain: Optional[str], key: Optional[str], said: str, pair: Pair
) -> None:
    assert said in faults(pair.certificate if chain is None else chain, pair.key if key is None else key)


def test_a_key_with_a_passphrase_is_refused(pair: Pair) -> None:
    assert faults(pair.certificate, pair.sealed("secret")) == "the key has a passphrase"
