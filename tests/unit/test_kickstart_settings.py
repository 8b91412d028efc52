"""Bad settings are refused with one clear error before anything is rendered."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_kickstart_render import HASH, KEY, OTHER_KEY

from support.kickstarts import OFFERS, handler, settings
from switchroom.build.kickstart.credentials import password_hash_of, ssh_keys_of
from switchroom.build.kickstart.render import render
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
        ({"source": "https://example.org\nreboot"}, "installation source"),
        ({"source": "/srv/mirror"}, "installation source '/srv/mirror'"),
        ({"media_repositories": ["BaseOS", "$(reboot)"]}, "folder"),
        ({"media_repositories": ["../BaseOS"]}, "folder '../BaseOS'"),
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
    (tmp_path / "keys").write_text(f"# admins\n\n{KEY}\n  {OTHER_KEY}\n{KEY}\n")
    assert ssh_keys_of(tmp_path / "keys") == (KEY, OTHER_KEY)


BARE = KEY.rpartition(" ")[0]
LAPTOP = f"{BARE} Reception laptop (2nd), it's ours #1"


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (f"{LAPTOP}\n".encode(), (LAPTOP,)),
        (f"\ufeff{KEY}\r\n\ufeff{OTHER_KEY}\r\n".encode(), (KEY, OTHER_KEY)),
        (f"{KEY}\n".encode("utf-16"), (KEY,)),
        (f"{KEY}\r{OTHER_KEY}".encode(), (KEY, OTHER_KEY)),
        (f"{BARE}\n".encode(), (BARE,)),
        (f"{BARE} \t \n".encode(), (BARE,)),
        (f"{BARE} Empfang M\u00fcller\n".encode(), (BARE,)),
        (f'{BARE} "; reboot\n'.encode(), (BARE,)),
        (f"{BARE} C:\\keys\n".encode(), (BARE,)),
    ],
)
def test_a_comment_or_an_editor_s_marks_keep_no_key_out(
    tmp_path: Path, content: bytes, keys: tuple[str, ...]
) -> None:
    (tmp_path / "key").write_bytes(content)
    found = ssh_keys_of(tmp_path / "key")
    assert found == keys
    assert [one.key for one in handler(render(settings(ssh_keys=found))).sshkey.sshUserList] == list(keys)


def test_keys_that_were_not_read_from_a_file_get_into_no_line_of_their_own() -> None:
    assert settings(ssh_keys=[f'{KEY} "\n\n', KEY]).ssh_keys == (BARE, KEY)


CERTIFICATE = (
    "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t a@example.org"
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "a private key"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\n", "ssh-keygen -i -f FILE"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "of another program"),
        (f'command="id" {KEY}', "Options in front"),
        (f"restrict {KEY}", "Options in front"),
        (CERTIFICATE, "a certificate"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAP a@example.org", "a DSA key"),
        (BARE[:-8], "torn"),
        (BARE[:30], "torn"),
        ("ssh-ed25519", "torn"),
        (KEY.replace("ssh-ed25519", "ssh-rsa", 1), "torn"),
        (KEY.replace(" ", "", 1), "does not begin with a type"),
    ],
)
def test_what_is_no_public_key_is_refused_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n{text}\n")
    with pytest.raises(SwitchroomError, match=r"Key 2 in .* is not an OpenSSH public key") as caught:
        ssh_keys_of(tmp_path / "key")
    assert why in caught.value.cause


@pytest.mark.parametrize("text", ["", "# none\n", "\xff"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, text: str) -> None:
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
