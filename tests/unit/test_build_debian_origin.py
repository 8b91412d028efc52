"""Which archive the machine installs Debian from, in both forms of apt's configuration."""

from pathlib import Path

import pytest

from switchroom.build.debian.origin import Origin, find_origin
from switchroom.core.errors import ExitCode, SwitchroomError

KEYRING = "usr/share/keyrings/debian-archive-keyring.gpg"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text('NAME="Debian"\nID=debian\nVERSION_CODENAME=bookworm\n')
    (tmp_path / KEYRING).parent.mkdir(parents=True)
    (tmp_path / KEYRING).touch()
    return tmp_path


def source(root: Path, name: str, text: str) -> None:
    (root / "etc/apt" / name).write_text(text)


def test_deb822_form_with_comments_and_several_suites(root: Path) -> None:
    text = "Types: deb\n# a mirror nearby\nURIs: http://mirror.example/debian\n"
    text += f"Suites: bookworm\n bookworm-updates\nComponents: main\nSigned-By: /{KEYRING}\n"
    source(root, "sources.list.d/debian.sources", text)
    assert find_origin(root) == Origin("http://mirror.example/debian", root / KEYRING)


def test_one_line_form_with_options(root: Path) -> None:
    line = (
        f"deb [arch=amd64 signed-by=/{KEYRING}] http://mirror.example/debian bookworm main contrib # ours\n"
    )
    source(root, "sources.list", "# old\n\n" + line)
    assert find_origin(root) == Origin("http://mirror.example/debian", root / KEYRING)


def test_other_vendors_entries_are_passed_over(root: Path) -> None:
    vendor = "deb [signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.example/apt bookworm main\n"
    source(root, "sources.list.d/a-vendor.list", vendor)
    source(
        root, "sources.list.d/b-security.list", "deb http://security.example/debian bookworm-security main\n"
    )
    text = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
    text += f"Signed-By: /{KEYRING}\n"
    source(root, "sources.list.d/debian.sources", text)
    assert find_origin(root).uri == "http://mirror.example/debian"


def test_disabled_entry_does_not_count(root: Path) -> None:
    text = "Enabled: no\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
    source(root, "sources.list.d/debian.sources", text)
    with pytest.raises(SwitchroomError, match="names no Debian archive"):
        find_origin(root)


def test_entry_without_a_keyring_is_checked_against_debians_own(root: Path) -> None:
    source(root, "sources.list", "deb http://mirror.example/debian bookworm main\n")
    assert find_origin(root).keyring == root / KEYRING


def test_missing_keyring_is_refused(root: Path) -> None:
    source(root, "sources.list", "deb http://mirror.example/debian bookworm main\n")
    (root / KEYRING).unlink()
    with pytest.raises(SwitchroomError) as caught:
        find_origin(root)
    assert caught.value.code is ExitCode.REFUSED
    assert "apt-get install debian-archive-keyring" in caught.value.hint


def test_another_system_is_refused(root: Path) -> None:
    (root / "etc/os-release").write_text("ID=rocky\nVERSION_ID=9.5\n")
    source(root, "sources.list", "deb http://mirror.example/debian bookworm main\n")
    with pytest.raises(SwitchroomError) as caught:
        find_origin(root)
    assert caught.value.code is ExitCode.REFUSED
