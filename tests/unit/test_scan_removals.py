"""Every removal and change of the data, planted in a made-up configuration, is found, and only there."""

import re
from pathlib import Path
from typing import Iterator, Mapping, NamedTuple, Tuple

import pytest

from support.scans import CUSTOM, DIALPLAN, check, custom, removals
from switchroom.box import scan
from switchroom.catalog.removals import Gap, Removal, has_change, numbers

REMOVALS = removals()
GONE = [
    pytest.param(removal, id=f"{kind}-{name}")
    for kind, entries in REMOVALS.removals.items()
    for name, removal in entries.items()
    if removal.removed_in
]
IN_INVENTORIES = ("module", "application", "function", "action", "event")
KEPT = [one for entries in REMOVALS.removals.values() for one in entries.values() if not one.removed_in]


class Planted(NamedTuple):
    files: Mapping[str, str]
    file: str
    line: int
    key: str
    severity: str


def plant(kind: str, name: str) -> Planted:
    """Return files that use a name the way boxes do, and what the scan must say of it."""
    in_call = {
        "application": f"same => n,{name}(a,b)",
        "function": f'same => n,NoOp("${{LEN(${{{name}(x)}})}}")',
        "utility": f"same => n,System(/usr/sbin/{name} -x)",
    }
    if kind in in_call:
        key = f"{kind}:{name}:{CUSTOM}:from-internal-custom"
        return Planted(custom("same => n,Wait(1)", in_call[kind]), CUSTOM, 4, key, "blocking")
    in_text = {
        "command": f'same => n,System(asterisk -rx "{example(name)}")',
        "action": f"same => n,Set(x=${{CURL(http://localhost:8088/rawman?action={name.lower()}&a=1)}})",
    }
    if kind in in_text:
        key = f"{kind}:{name}:{CUSTOM}:from-internal-custom"
        return Planted(custom("same => n,Wait(1)", in_text[kind]), CUSTOM, 4, key, "warning")
    file = {"module": "modules.conf", "event": "manager.conf", "file": name}[kind]
    text = {
        "module": f"[modules]\nautoload = yes\nload => {name}.so\n",
        "event": f"[general]\n[ann]\neventfilter = Event: {name}\n",
        "file": "; nothing\n[general]\nkey = value\n",
    }[kind]
    where = ":ann" if kind == "event" else ""
    path = f"/etc/asterisk/{file}"
    return Planted({path: text}, path, 3, f"{kind}:{name}:{path}{where}", "warning")


def example(pattern: str) -> str:
    """Return a command that a pattern describes."""
    text = re.sub(r"\{([^|}]*)[^}]*\}", r"\1", re.sub(r"\s*\[[^]]*\]", "", pattern))
    return re.sub(r"<[^>]*>", "x", text)


def sides(removal: Removal) -> Tuple[str, str, str]:
    """Return versions two series before a removal, one before, and of the removal itself."""
    first = int(str(removal.removed_in))
    return f"{first - 2}.9.0", f"{first - 1}.9.0", f"{first}.0.0"


@pytest.mark.parametrize("removal", GONE)
def test_a_planted_removal_is_found_where_it_stands(removal: Removal, tmp_path: Path) -> None:
    planted = plant(removal.kind, removal.name)
    before, last, gone = sides(removal)
    for source in (before, last):
        (found,) = [one for one in check(tmp_path, planted.files, source, gone) if one.key == planted.key]
        assert (found.file, found.line, found.severity.value) == (
            planted.file,
            planted.line,
            planted.severity,
        )
        assert removal.name in found.message
        assert (removal.replacement in found.replacement) or removal.kind == "file"


@pytest.mark.parametrize("removal", GONE)
def test_a_name_that_the_target_still_has_is_not_found(removal: Removal, tmp_path: Path) -> None:
    planted = plant(removal.kind, removal.name)
    before, last, gone = sides(removal)
    for source, target in ((before, last), (gone, gone), (gone, last)):
        assert [
            one for one in check(tmp_path, planted.files, source, target) if one.what == removal.kind
        ] == []


@pytest.mark.parametrize("removal", [one for one in GONE if one.values[0].kind in IN_INVENTORIES])
def test_what_the_target_s_engine_has_is_not_found(removal: Removal, tmp_path: Path) -> None:
    planted = plant(removal.kind, removal.name)
    modules = frozenset([removal.name]) if removal.kind == "module" else frozenset()
    has_it = scan.Inventory(modules, {removal.kind: {removal.name.lower(): ""}})
    _, last, gone = sides(removal)
    found = check(tmp_path, planted.files, last, scan.Side(gone, has_it))
    assert [one for one in found if one.what == removal.kind] == []


def test_only_deprecated_modules_are_no_finding(tmp_path: Path) -> None:
    assert {one.name for one in KEPT} == {"app_meetme", "app_adsiprog", "app_getcpeid", "res_adsi"}
    loads = "".join(f"load => {one.name}.so\n" for one in KEPT)
    found = check(tmp_path, {"/etc/asterisk/modules.conf": f"[modules]\n{loads}"}, "16.28.0", "23.4.1")
    assert [one for one in found if one.what == "module"] == []


def gap_names() -> Iterator[object]:
    for gap in REMOVALS.backport_gaps:
        for kind in ("application", "function", "action", "module"):
            for name in gap.names(kind):
                yield pytest.param(gap, kind, name, id=f"{gap.lower}-{gap.upper}-{kind}-{name}")


@pytest.mark.parametrize(("gap", "kind", "name"), list(gap_names()))
def test_a_backport_gap_is_found_between_its_two_series_only(
    gap: Gap, kind: str, name: str, tmp_path: Path
) -> None:
    planted = plant(kind, name)
    found = {one.key: one for one in check(tmp_path, planted.files, f"{gap.lower}.30.0", f"{gap.upper}.9.0")}
    assert found[planted.key].line == planted.line
    assert "backport" in found[planted.key].note
    beyond = check(tmp_path, planted.files, f"{gap.lower}.30.0", f"{int(gap.upper) + 1}.20.0")
    assert planted.key not in {one.key for one in beyond}


# For each change that a configuration can show: a file, its text, and the line that shows it.
DIAL = "same => n,Dial(PJSIP/1,20,"
PJSIP_TABLES = (
    *("alembic-1", "alembic-2", "alembic-6", "alembic-7", "alembic-7-registrations", "alembic-8"),
    *("alembic-10", "alembic-11", "alembic-12", "alembic-18", "alembic-20"),
)
CHANGES = {
    "voicemail-storage-split": ("voicemail.conf", "[general]\nimapserver=mail\n", 2),
    "pubsub-not-implicit": ("modules.conf", "[modules]\nautoload=no\nload => res_pjsip_mwi.so\n", 3),
    "parkingslot": (CUSTOM, "same => n,NoOp(${PARKINGSLOT})", 3),
    "queue-defaults": ("queues.conf", "[general]\npersistentmembers=yes\nautofill=yes\n", 1),
    "mixmonitor-synchronous": (CUSTOM, "same => n,MixMonitor(a.wav)", 3),
    "log-extension": ("logger.conf", "[logfiles]\nfull=notice\n", 2),
    "queue-macro-argument": (CUSTOM, "same => n,Queue(sales,t,,,300,,my-macro)", 3),
    "queue-monitor-options": (CUSTOM, "same => n,Queue(sales,tW)", 3),
    "dial-macro-option": (CUSTOM, DIAL + "tM(screen^x)T)", 3),
    "resetcdr-e": (CUSTOM, "same => n,ResetCDR(e)", 3),
    "interception-macros": (CUSTOM, "same => n,Set(__CONNECTED_LINE_CALLEE_SEND_MACRO=m)", 3),
    "macro-variables": (CUSTOM, "same => n,Goto(${MACRO_EXTEN},1)", 3),
    "ccss-macro": ("chan_dahdi.conf", "[channels]\ncc_callback_macro=m\n", 2),
    "stdexten-macro": ("asterisk.conf", "[options]\nstdexten = macro\n", 2),
    "queue-macro-setting": ("queues.conf", "[sales]\nmembermacro=m\n", 2),
    "queue-monitor-type": ("queues.conf", "[sales]\nmonitor-type=Monitor\n", 2),
    "automon": ("features.conf", "[featuremap]\nautomon => *1\n", 2),
    "sla-module": (CUSTOM, "same => n,SLAStation(s1)", 3),
    "voicemail-lengths": ("voicemail.conf", "[general]\nmaxmessage=180\n", 2),
    "language-cz": ("pjsip.conf", "[100]\ntype=endpoint\nlanguage=cz\n", 3),
    "musiconhold-random": ("musiconhold.conf", "[default]\nmode=files\nrandom=yes\n", 3),
    "logger-rotatetimestamp": ("logger.conf", "[general]\nrotatetimestamp = yes\n", 2),
    "template-last-match": ("iax.conf", "[t](!)\nhost=a\n[x](t)\nhost=b\n", 4),
    "getconfig": ("manager.conf", "[ann]\nwrite = system,config\n", 2),
    "stir-shaken": ("stir_shaken.conf", "[attestation]\nglobal_disable=no\n", 2),
    "startup-d": ("startup.d/local.sh", "true\n", 0),
    "httpstatus": ("http.conf", "[general]\nenabled=yes\n", 2),
    "pos3d": ("geolocation.conf", '[a]\nlocation_info = shape=Point, pos3d="39.1 -105.9 1690"\n', 2),
    "orientation-uom": ("geolocation.conf", '[a]\nlocation_info = orientation_uom="radians"\n', 2),
    "userscontext": ("voicemail.conf", "[general]\nuserscontext=default\n", 2),
    "alembic-4": ("extconfig.conf", "[settings]\nqueue_members => odbc,asterisk\n", 2),
    "alembic-4-music": ("extconfig.conf", "[settings]\nmusiconhold => odbc,asterisk\n", 2),
    "alembic-9": ("extconfig.conf", "[settings]\nqueues => odbc,asterisk\n", 2),
    "alembic-11-subscriptions": (
        "extconfig.conf",
        "[settings]\nps_subscription_persistence => odbc,asterisk\n",
        2,
    ),
    **dict.fromkeys(
        ("alembic-7-voicemail", "alembic-11-voicemail"),
        ("voicemail.conf", "[general]\nodbcstorage=asterisk\n", 2),
    ),
    **dict.fromkeys(PJSIP_TABLES, ("extconfig.conf", "[settings]\nps_endpoints => odbc,asterisk\n", 2)),
}


def changed_files(name: str) -> Mapping[str, str]:
    file, text, _ = CHANGES[name]
    base = {"/etc/asterisk/modules.conf": "[modules]\nautoload=no\nload => pbx_config.so\n"}
    return {**base, **(custom(text) if file == CUSTOM else {f"/etc/asterisk/{file}": text, **DIALPLAN})}


def test_every_change_that_can_show_has_an_example() -> None:
    assert set(CHANGES) == {name for name, change in REMOVALS.changes.items() if change.seen}


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_a_planted_change_is_found_across_it_only(name: str, tmp_path: Path) -> None:
    change = REMOVALS.changes[name]
    first = max(change.since, key=numbers)
    files, line = changed_files(name), CHANGES[name][2]
    found = [one for one in check(tmp_path, files, "15.0.0", first) if one.name == name]
    assert [(one.line, one.severity.value) for one in found] == [(line, change.severity)]
    assert change.change in found[0].message
    assert [one for one in check(tmp_path, files, first, "99.0.0") if one.name == name] == []
    back = [one for one in check(tmp_path, files, first, "15.0.0") if one.name == name]
    assert bool(back) == change.both_ways


def database(files: Mapping[str, str], root: Path) -> Tuple[str, ...]:
    """Return the changes of databases that a move across all of them tells of, by name."""
    found = check(root, {f"/etc/asterisk/{name}": text for name, text in files.items()}, "15.0.0", "23.4.1")
    return tuple(sorted(one.name for one in found if one.name.startswith("alembic")))


@pytest.mark.parametrize(
    "files",
    [
        {"pjsip.conf": "[100]\ntype=endpoint\n", "voicemail.conf": "[general]\nformat=wav\n"},
        {"extconfig.conf": "[settings]\n;ps_endpoints => odbc,asterisk\n"},
        {"extconfig.conf": "[settings]\nsippeers => odbc,asterisk\npjsip.conf => odbc,asterisk\n"},
        {"sorcery.conf": "[res_pjsip]\nendpoint=config,pjsip.conf,criteria=type=endpoint\n"},
    ],
    ids=["files", "commented out", "other tables", "sorcery from files"],
)
def test_a_box_without_these_tables_in_a_database_hears_nothing_of_them(
    files: Mapping[str, str], tmp_path: Path
) -> None:
    assert database(files, tmp_path) == ()


def test_tables_of_pjsip_are_known_by_whatever_name(tmp_path: Path) -> None:
    named = {"extconfig.conf": "[settings]\nmy_phones => odbc,asterisk,ps_endpoints\n"}
    mapped = {
        "extconfig.conf": "[settings]\nmy_phones => odbc,asterisk,phones\n",
        "sorcery.conf": "[res_pjsip]\nendpoint=realtime,my_phones\n",
    }
    assert database(named, tmp_path / "a") == database(mapped, tmp_path / "b") == tuple(sorted(PJSIP_TABLES))


def test_queues_in_a_database_are_no_phones_in_one(tmp_path: Path) -> None:
    files = {"extconfig.conf": "[settings]\nqueues => odbc,asterisk\nqueue_members => odbc,asterisk\n"}
    assert database(files, tmp_path) == ("alembic-4", "alembic-9")


def test_a_point_release_tells_of_its_own_columns_only(tmp_path: Path) -> None:
    files = {"/etc/asterisk/extconfig.conf": "[settings]\nps_endpoints => odbc,asterisk\n"}
    names = {one.name for one in check(tmp_path, files, "22.7.0", "22.8.2") if "alembic" in one.name}
    assert names == {"alembic-18"}
    assert not [one for one in check(tmp_path, files, "20.7cert3", "20.7cert11") if "alembic" in one.name]


def test_the_dialplan_s_own_users_context_is_seen(tmp_path: Path) -> None:
    files = {"/etc/asterisk/extensions.conf": "[general]\nstatic=yes\nuserscontext=phones\n[phones]\n"}
    (found,) = [one for one in check(tmp_path, files, "22.10.1", "23.4.1") if one.name == "userscontext"]
    assert (found.file, found.line) == ("/etc/asterisk/extensions.conf", 3)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("same => n,Queue(sales,t,,,300)", "queue-macro-argument"),
        ("same => n,Queue(sales,t,,,300,,,)", "queue-macro-argument"),
        (DIAL + "tU(M^x)L(1:2))", "dial-macro-option"),
        ("same => n,Set(CHANNEL(language)=en)", "language-cz"),
        ('same => n,Set(GEOLOC_PROFILE(location_info)=shape=Point,pos="1 2")', "pos3d"),
    ],
)
def test_arguments_without_the_option_are_no_finding(text: str, name: str, tmp_path: Path) -> None:
    assert [one for one in check(tmp_path, custom(text), "15.0.0", "23.4.1") if one.name == name] == []


@pytest.mark.parametrize(
    ("version", "has"),
    [
        ("16.30.1", False),
        ("18.21.9", False),
        ("18.22.0", True),
        ("19.8.1", False),
        ("20.6.0", False),
        ("20.7cert11", True),
        ("21.1.0", False),
        ("21.2.0", True),
        ("22.0.0", True),
        ("22.8cert4", True),
    ],
)
def test_a_change_that_came_to_several_series(version: str, has: bool) -> None:
    assert has_change(version, ("18.22", "20.7", "21.2")) is has


def test_every_reference_is_explained() -> None:
    entries = [one for kind in REMOVALS.removals.values() for one in kind.values()]
    named = {name for one in (*entries, *REMOVALS.changes.values()) for name in one.references}
    named |= {name for gap in REMOVALS.backport_gaps for name in gap.references}
    assert named <= set(REMOVALS.references)


@pytest.mark.parametrize(
    ("version", "since", "has"),
    [
        ("22.8cert4", ("22.8.0", "23.2.0"), True),
        ("22.8cert4", ("22.8.1",), False),
        ("22.8cert4", ("22.8.2", "certified-22.8-cert1"), True),
        ("20.7cert8", ("20.18.2", "certified-20.7-cert9", "certified-22.8-cert1"), False),
        ("20.7cert9", ("20.18.2", "certified-20.7-cert9", "certified-22.8-cert1"), True),
        ("20.7cert10", ("20.18.2", "certified-20.7-cert9"), True),
        ("22.9.0", ("certified-22.8-cert1",), False),
        ("20.7cert1", ("certified-20.7-cert1-rc2", "20.8.0"), True),
    ],
)
def test_a_certified_version_stands_behind_its_release_and_is_judged_by_its_branch(
    version: str, since: Tuple[str, ...], has: bool
) -> None:
    assert has_change(version, since) is has


def test_certified_versions_are_ordered_between_releases() -> None:
    ordered = ["22.7.9", "22.8.0", "22.8cert1", "certified-22.8-cert4", "22.8cert10", "22.8.1", "22.10.1"]
    compared = [numbers(version) for version in ordered]
    assert all(before < after for before, after in zip(compared, compared[1:]))
