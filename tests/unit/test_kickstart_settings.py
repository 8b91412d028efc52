"""Bad settings are refused with one clear error before anything is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_kickstart_render import HASH, KEY

from support.kickstarts import OFFERS, settings
from switchroom.build.kickstart.credentials import password_hash_of, ssh_keys_of
from switchroom.build.kickstart.settings import default_of
from switchroom.catalog.model import Series, SeriesType
from switchroom.core.errors import ExitCode, SwitchroomError


def series(key: str, kind: SeriesType, version: str) -> Series:
    return Series(key=key, type=kind, version=version, source_version=version, build=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"el": 7}, "Enterprise Linux '7'"),
        ({"timezone": "Europe/Berlinn"}, "time zone 'Europe/Berlinn'"),
        ({"hostname": "a b"}, "hostname 'a b'"),
        ({"hostname": "pbx\nreboot"}, "hostname"),
        ({"lang": "english"}, "lang 'english'"),
        ({"keyboard": "us; reboot"}, "keyboard"),
        ({"volume_id": "x" * 33}, "volume id"),
        ({"volume_id": "a\n%pre"}, "volume id"),
        ({"packages": ["nano; rm"]}, "package 'nano; rm'"),
        ({"repositories": {"a b": "https://example.org"}}, "repository 'a b'"),
        ({"repositories": {"a": "https://example.org\nreboot"}}, "address"),
        ({"versions": ()}, "at least one Asterisk series"),
        ({"default_version": "21"}, "'21' is not among those on the medium"),
        ({"password_hash": "secret"}, "not a SHA-512"),
        ({"password_hash": HASH + "\nrootpw --plaintext x"}, "not a SHA-512"),
        ({"ssh_keys": ["ssh-ed25519 AAAA"]}, "not an OpenSSH public key"),
    ],
)
def test_bad_values_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(SwitchroomError) as caught:
        settings(**change)
    assert words in caught.value.message
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.hint


def test_a_plain_password_is_refused_and_not_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")
    with pytest.raises(SwitchroomError) as caught:
        password_hash_of(secret)
    assert "correct horse" not in str(caught.value.as_dict())
    assert "mkpasswd" in caught.value.hint


@pytest.mark.parametrize("hashed", [HASH, "$6$rounds=9999$salt$" + "b" * 86, "$y$j9T$salt./$" + "c" * 43])
def test_hashes_of_both_kinds_are_taken(tmp_path: Path, hashed: str) -> None:
    (tmp_path / "hash").write_text(hashed + "\n")
    assert password_hash_of(tmp_path / "hash") == hashed


def test_keys_are_read_one_a_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"# admins\n\n{KEY}\n{KEY}\n")
    assert ssh_keys_of(tmp_path / "keys") == (KEY, KEY)


@pytest.mark.parametrize(
    "text", ["", "-----BEGIN OPENSSH PRIVATE KEY-----\n", 'command="id" ' + KEY, KEY + ' "; reboot', "\xff"]
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text, encoding="latin-1")
    with pytest.raises(SwitchroomError, match="key"):
        ssh_keys_of(tmp_path / "key")


def test_an_unreadable_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SwitchroomError, match="No such file") as caught:
        ssh_keys_of(tmp_path / "absent.pub")
    assert "absent.pub" in caught.value.message


def test_a_similar_time_zone_is_offered() -> None:
    with pytest.raises(SwitchroomError) as caught:
        settings(timezone="Berlin")
    assert "Europe/Berlin" in caught.value.hint


def test_the_newest_long_term_series_is_the_default() -> None:
    on_offer = [
        series("20", SeriesType.LTS, "20.20.1"),
        series("22", SeriesType.LTS, "22.10.1"),
        series("23", SeriesType.STANDARD, "23.4.1"),
        series("99", SeriesType.FIXTURE, "99.0.0"),
    ]
    assert default_of(on_offer) == "22"
    assert default_of(on_offer[2:]) == "23"
    assert default_of(on_offer[3:]) == "99"


def test_the_default_needs_a_series() -> None:
    with pytest.raises(SwitchroomError, match="at least one"):
        default_of([])


def test_the_offers_are_kept() -> None:
    assert settings().versions == OFFERS
