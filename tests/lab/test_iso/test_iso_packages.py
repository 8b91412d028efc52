"""The gate for packages: what an installation needs is on the medium, or on the network that was named."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Mapping

import pytest

from support import media
from support.media import Medium, Small
from support.small_rpms import EPOCH, Shop
from switchroom.build.iso import foreign, xorriso
from switchroom.build.iso.build import Built
from switchroom.build.iso.closure import Repositories
from switchroom.build.iso.foreign import Foreign
from switchroom.build.iso.loaders import GRUB_ART
from switchroom.build.keys import SigningKey
from switchroom.build.kickstart import packages
from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.signatures import Verdict, verifier
from switchroom.cli.main import main
from switchroom.core.errors import ExitCode, SwitchroomError

pytestmark = pytest.mark.lab("xorriso", "mcopy", "implantisomd5", "dnf", "rpmbuild", "createrepo_c")

MAJORS = pytest.mark.parametrize("el", [9, 10])
NO_PACKAGES = "all packages of the system: the base has no repository"
_COMMAND = ("build", "iso", "--base", "lab", "--out", "/nowhere/x", "--repo-root", "/nowhere")
LACKS_LIBEDIT = "nothing provides libedit needed by asterisk22.10.1_1-1.0-1.el{el}.noarch"


@pytest.fixture(scope="module", params=[9, 10])
def lacking(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    """A medium whose repository lacks what our engine needs, and its major."""
    el: int = request.param
    medium = Medium(version=f"{el}.1", packages=())
    return el, media.el_medium(tmp_path_factory.mktemp("lacking"), medium)


@pytest.fixture
def misspelt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a name into the data behind the kickstarts."""

    def add(name: str) -> None:
        data = load_defaults()
        majors = {el: dataclasses.replace(one, packages=(*one.packages, name)) for el, one in data.el.items()}
        monkeypatch.setattr(packages, "load_defaults", lambda: dataclasses.replace(data, el=majors))

    return add


def named(folder: Path, key: SigningKey) -> Foreign:
    return Foreign(folder, key.export_public())


def refused(shop: Shop, folder: Path, base: Path, **changes: object) -> SwitchroomError:
    """Assert that a build is refused and leaves nothing behind; return why."""
    with pytest.raises(SwitchroomError) as caught:
        media.make(shop, folder / "out.iso", base=str(base), series=(media.S22,), **changes)
    assert caught.value.code is ExitCode.REFUSED
    assert not folder.exists() or list(folder.iterdir()) == []
    return caught.value


def make(shop: Shop, folder: Path, base: Path, **changes: object) -> Built:
    return media.make(shop, folder / "out.iso", base=str(base), series=(media.S22,), **changes)


def file_in(image: Path, name: str, folder: Path) -> str:
    xorriso.extract(image, {name: folder / "extracted"})
    return (folder / "extracted").read_text()


@MAJORS
def test_a_base_with_all_packages_gets_those_of_its_own_major(
    el_shop: Shop, el_base: Path, tmp_path: Path, el: int
) -> None:
    base = el_base if el == 9 else media.el_medium(tmp_path / "base", Medium(version=f"{el}.1"))
    built = make(el_shop, tmp_path, base)
    ends = {one["nevra"].rpartition(".el")[2] for one in built.manifest["packages"]}
    assert ends == {f"{el}.noarch"}
    assert built.missing == ()
    assert "needs no network" in file_in(built.image, f"{GRUB_ART}/theme.txt", tmp_path)
    assert "OFFLINE=yes" in file_in(built.image, "switchroom/ks/unattended.cfg", tmp_path)


def test_series_that_was_published_for_another_major_is_refused_by_name(
    el_shop: Shop, tmp_path: Path
) -> None:
    base = media.el_medium(tmp_path / "base", Medium(version="10.1", without=("BaseOS",)))
    with pytest.raises(SwitchroomError, match=r"Enterprise Linux 10 .*: asterisk20\.$") as caught:
        media.make(el_shop, tmp_path / "out.iso", base=str(base), series=(media.S20, media.S22))
    assert caught.value.code is ExitCode.REFUSED


@pytest.mark.parametrize("name", ["tcpdumb", "@cor", "@^minimal-enviroment"])
def test_a_misspelt_name_in_the_data_fails_the_build_and_is_named(
    el_shop: Shop, el_base: Path, tmp_path: Path, misspelt: Callable[[str], None], name: str
) -> None:
    misspelt(name)
    error = refused(el_shop, tmp_path / "out", el_base)
    assert error.cause == f"{name} (asked for by 'kickstart/defaults.yml', el 9)"
    assert "kickstart/defaults.yml" in error.hint


@MAJORS
def test_a_group_that_no_repository_has_fails_the_build(el_shop: Shop, tmp_path: Path, el: int) -> None:
    base = media.el_medium(tmp_path / "base", Medium(version=f"{el}.1", groups=False))
    error = refused(el_shop, tmp_path / "out", base)
    assert error.cause == f"@core (asked for by 'kickstart/defaults.yml', el {el})"


def test_a_requirement_that_nothing_provides_fails_the_build_with_what_requires_it(
    el_shop: Shop, tmp_path: Path, lacking: tuple[int, Path]
) -> None:
    el, base = lacking
    error = refused(el_shop, tmp_path / "out", base)
    assert error.cause == LACKS_LIBEDIT.format(el=el)
    assert "--network-repo ID=URL" in error.hint


def test_a_package_that_only_the_metadata_of_the_medium_has_is_not_there(
    el_shop: Shop, tmp_path: Path
) -> None:
    base = media.el_medium(tmp_path / "base", Medium(extra=("-m", "libedit-*.rpm")))
    error = refused(el_shop, tmp_path / "out", base)
    assert error.cause == "libedit-1.0-1.el9.noarch (in the metadata of 'BaseOS', but not on the medium)"


def test_what_the_medium_lacks_is_added_from_a_repository_and_signed(
    el_shop: Shop, tmp_path: Path, lacking: tuple[int, Path], foreign_key: SigningKey
) -> None:
    el, base = lacking
    extra = media.repository(tmp_path / "extra", Small("libedit", release=f"1.el{el}"), key=foreign_key)
    built = make(el_shop, tmp_path, base, repositories=Repositories({"epel": named(extra, foreign_key)}))
    assert built.missing == ()
    assert f"libedit-1.0-1.el{el}.noarch" in [one["nevra"] for one in built.manifest["packages"]]
    assert media.verified(built.image, el_shop.key) == ()


def test_what_the_named_key_did_not_sign_is_refused_by_name(
    el_shop: Shop, boot_base: Path, sources: Mapping[int, str], tmp_path: Path, foreign_key: SigningKey
) -> None:
    small = Small("libedit", release="1.el9")
    extra = media.repository(tmp_path / "extra", small)
    epel = Repositories({"epel": named(extra, foreign_key)}, source=sources[9])
    error = refused(el_shop, tmp_path / "out", boot_base, repositories=epel)
    assert "of '--repo epel' are not signed by the key that was named" in error.message
    assert error.cause == f"{small.file_name}: not signed"


def test_each_package_must_be_signed_by_the_key_of_its_own_repository(
    key: SigningKey, foreign_key: SigningKey, tmp_path: Path
) -> None:
    ours, theirs, torn = Small("ours"), Small("theirs"), Small("torn")
    places = {"a": named(tmp_path / "a", key), "b": named(tmp_path / "b", foreign_key)}
    for place, signer in ((places["a"], foreign_key), (places["b"], foreign_key)):
        media.repository(place.folder, ours, theirs, torn, key=signer)
    rpm = places["b"].folder / torn.file_name
    rpm.write_bytes(rpm.read_bytes()[:-1] + b"!")
    told: list[str] = []

    def taken(name: str, *smalls: Small) -> list[str]:
        scratch = tmp_path / f"copies{len(list(tmp_path.iterdir()))}"
        wanted = {name: [places[name].folder / one.file_name for one in smalls]}
        found = foreign.vouched(places, wanted, scratch, key=key, epoch=EPOCH, warn=told.append)
        with verifier(key.export_public()) as trusted:
            assert {*trusted.rpms([one.path for one in found]).values()} == {Verdict.SIGNED}
        return [one.name for one in found]

    assert taken("b", ours, theirs) == ["ours", "theirs"]
    for name, said in {"a": "signed by another key", "b": "damaged or not a package"}.items():
        with pytest.raises(SwitchroomError, match=f"1 packages of '--repo {name}' are not signed") as caught:
            taken(name, torn)
        assert caught.value.cause == f"{torn.file_name}: {said}"
    assert told == []


def test_what_only_the_network_has_is_named_and_not_copied(
    el_shop: Shop, tmp_path: Path, lacking: tuple[int, Path], mirrors: Mapping[int, Repositories]
) -> None:
    el, base = lacking
    built = make(el_shop, tmp_path, base, repositories=mirrors[el])
    assert built.missing == (LACKS_LIBEDIT.format(el=el),)
    assert not [one for one in built.manifest["packages"] if one["nevra"].startswith("libedit")]
    theme = file_in(built.image, f"{GRUB_ART}/theme.txt", tmp_path)
    assert "installing needs a network" in theme
    assert "OFFLINE=no" in file_in(built.image, "switchroom/ks/unattended.cfg", tmp_path)


def test_the_network_does_not_make_a_misspelt_name_pass(
    el_shop: Shop,
    el_base: Path,
    tmp_path: Path,
    misspelt: Callable[[str], None],
    mirrors: Mapping[int, Repositories],
) -> None:
    misspelt("tcpdumb")
    error = refused(el_shop, tmp_path / "out", el_base, repositories=mirrors[9])
    assert error.cause.startswith("tcpdumb (")


@pytest.mark.parametrize("named", ["nothing", "a network's repository"])
def test_a_boot_iso_is_refused_while_nothing_says_where_the_system_comes_from(
    el_shop: Shop, boot_base: Path, tmp_path: Path, mirrors: Mapping[int, Repositories], named: str
) -> None:
    """Anaconda would go to a public mirror, which nobody named."""
    repositories = Repositories() if named == "nothing" else mirrors[9]
    error = refused(el_shop, tmp_path / "out", boot_base, repositories=repositories)
    assert f"'{boot_base}' has no packages, and nothing says where" in error.message
    assert "--install-source URL" in error.hint


def test_a_medium_with_packages_takes_no_other_source(
    el_shop: Shop, el_base: Path, sources: Mapping[int, str], tmp_path: Path
) -> None:
    with pytest.raises(SwitchroomError, match="has packages of its own") as caught:
        make(el_shop, tmp_path, el_base, repositories=Repositories(source=sources[9]))
    assert caught.value.code is ExitCode.USAGE


@MAJORS
def test_an_installation_from_a_boot_iso_takes_the_system_from_the_source_that_was_named(
    el_shop: Shop, sources: Mapping[int, str], tmp_path: Path, misspelt: Callable[[str], None], el: int
) -> None:
    base = media.el_medium(tmp_path / "base", Medium(kind="boot", version=f"{el}.1", label="Rocky-x-dvd"))
    named = Repositories(source=sources[el])
    built = make(el_shop, tmp_path, base, repositories=named)
    assert built.missing == (NO_PACKAGES,)
    assert not built.manifest["installs_without_network"]
    assert built.manifest["base"]["family"] == "Rocky Linux"
    for mode in ("interactive", "unattended"):
        text = file_in(built.image, f"switchroom/ks/{mode}.cfg", tmp_path)
        assert f"\nurl --url={sources[el]}\n" in text
    misspelt("tcpdumb")
    error = refused(el_shop, tmp_path / "out", base, repositories=named)
    assert error.cause.startswith("tcpdumb (")


@MAJORS
def test_a_minimal_iso_installs_from_its_own_repository(
    el_shop: Shop, distributions: Mapping[int, Path], tmp_path: Path, el: int
) -> None:
    medium = Medium(kind="minimal", version=f"{el}.1", distribution=distributions[el])
    built = make(el_shop, tmp_path, media.el_medium(tmp_path / "base", medium))
    assert built.missing == ()
    assert built.manifest["base"]["family"] == "Rocky Linux"
    text = file_in(built.image, "switchroom/ks/unattended.cfg", tmp_path)
    assert "\nMEDIA_REPOSITORIES=Minimal\n" in text
    assert "\nurl " not in text


def test_a_private_repository_is_copied_from_even_if_a_mirror_has_the_same(
    el_shop: Shop, boot_base: Path, tmp_path: Path, sources: Mapping[int, str], foreign_key: SigningKey
) -> None:
    private = media.repository(tmp_path / "private", Small("libedit", release="1.el9"), key=foreign_key)
    places = Repositories({"private": named(private, foreign_key)}, source=sources[9])
    built = make(el_shop, tmp_path, boot_base, repositories=places)
    foreign = [one["nevra"] for one in built.manifest["packages"] if one["nevra"].startswith("libedit")]
    assert foreign == ["libedit-1.0-1.el9.noarch"]


def test_a_kickstart_alone_is_checked_against_named_repositories(
    el_shop: Shop, sources: Mapping[int, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = sources[9]
    command = ["build", "kickstart", "--volume-id", "PBX", "--series", "22", "--out"]
    named = ["--repo", f"mirror={server}", "--repo", f"ours={el_shop.current()}"]
    assert main([*command, str(tmp_path / "1.cfg")]) == 0
    assert "packages NOT checked (see --repo)" in capsys.readouterr().out
    assert main([*command, str(tmp_path / "2.cfg"), *named]) == 0
    assert "every package is in 'mirror', 'ours'" in capsys.readouterr().out
    assert main([*command, str(tmp_path / "3.cfg"), *named, "--package", "vim-enhancd"]) == 3
    assert "vim-enhancd (asked for by --package)" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "4.cfg"), *named[:2]]) == 3
    assert "asterisk22 (asked for by the series '22')" in capsys.readouterr().err
    assert main([*command, str(tmp_path / "5.cfg"), "--repo", f"gone={server}/gone"]) == 1
    error = capsys.readouterr().err
    assert "Failed to download metadata for repo 'gone'" in error
    assert "Traceback" not in error
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["1.cfg", "2.cfg"]


def test_anaconda_is_told_of_a_repository_only_where_the_system_itself_needs_it(
    el_shop: Shop, boot_base: Path, sources: Mapping[int, str], tmp_path: Path
) -> None:
    server, told = sources[9], {}
    for base in (boot_base, media.el_medium(tmp_path / "base", Medium(version="9.1", packages=()))):
        folder = tmp_path / str(len(told))
        folder.mkdir()
        named = Repositories(network={"mirror": server}, source=server if base == boot_base else "")
        image = make(el_shop, folder, base, repositories=named).image
        told[base] = f"repo --name=mirror --baseurl={server}\n" in file_in(
            image, "switchroom/ks/unattended.cfg", folder
        )
    assert list(told.values()) == [True, False]


def test_one_id_names_one_repository(
    mirrors: Mapping[int, Repositories],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    foreign_key: SigningKey,
) -> None:
    folder = mirrors[9].network["mirror"].removeprefix("file://")
    (tmp_path / "key").write_bytes(foreign_key.export_public())
    local = ["--repo", f"a={folder}", "--repo-key", f"a={tmp_path / 'key'}"]
    assert main([*_COMMAND, *local, "--network-repo", "a=https://example.org"]) == 2
    assert "name a repository 'a'" in capsys.readouterr().err


def test_each_repository_names_its_key(
    mirrors: Mapping[int, Repositories],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    foreign_key: SigningKey,
) -> None:
    local = ["--repo", f"a={mirrors[9].network['mirror'].removeprefix('file://')}"]
    (tmp_path / "key").write_bytes(foreign_key.export_public())
    for words, said in {
        (): "Nothing says who signs the packages of '--repo a'",
        ("--repo-key", f"b={tmp_path / 'key'}"): "Nothing says who signs the packages of '--repo a'",
        ("--repo-key", f"a={tmp_path}"): "does not name a repository's public key",
        ("--repo-key", f"a={__file__}"): "The public key in",
    }.items():
        assert main([*_COMMAND, *local, *words]) in (2, 3)
        assert said in capsys.readouterr().err
    assert main([*_COMMAND, "--repo-key", f"b={tmp_path / 'key'}"]) == 2
    assert "is the key of no repository" in capsys.readouterr().err
