"""The package client without rpm: room, protection, what counts as damage, the child's answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable, Tuple

import pytest

from switchroom.box.engines import Engine, remember, select
from switchroom.box.packages import (
    Item,
    Kept,
    Resolution,
    Shortage,
    TornError,
    client,
    install,
    offers,
    protect,
    require_space,
    shortages,
    state,
    unneeded,
)
from switchroom.box.paths import Paths
from switchroom.core.errors import ExitCode, SwitchroomError

SYSTEM, DATA = Path("/usr"), Path("/var")


def disks(**free: int) -> Callable[[Path], Tuple[int, int]]:
    devices = {name: number for number, name in enumerate(free)}
    return lambda folder: (devices[folder.name], free[folder.name])


def test_room_is_counted_on_each_file_system() -> None:
    needs = [(DATA, 30), (SYSTEM, 100)]
    assert shortages(needs, 10, disks(usr=110, var=40)) == ()
    assert shortages(needs, 10, disks(usr=109, var=40)) == (Shortage(SYSTEM, 110, 109),)
    assert shortages(needs, 10, disks(usr=110, var=39)) == (Shortage(DATA, 40, 39),)


def test_folders_of_one_file_system_share_its_room_and_its_reserve() -> None:
    needs = [(DATA, 30), (SYSTEM, 100)]
    assert shortages(needs, 10, lambda _folder: (7, 140)) == ()
    assert shortages(needs, 10, lambda _folder: (7, 139)) == (Shortage(DATA, 140, 139),)


def test_missing_room_is_refused_with_figures_and_a_way_out(tmp_path: Path) -> None:
    item = Item("asterisk22.10.1_1-22.10.1-1.x86_64", "asterisk22.10.1_1", "r", "install", 1 << 60, 1 << 61)
    with pytest.raises(SwitchroomError) as refused:
        require_space(Paths(tmp_path), Resolution("", (item,), (), (), ()), 0)
    assert refused.value.code == ExitCode.REFUSED
    assert "/var/lib/switchroom/packages" in refused.value.message
    assert "3458764513821 MB needed" in refused.value.cause
    require_space(Paths(tmp_path), Resolution("", (), (), (), ()), 0)


def test_the_protected_list_is_replaced_whole(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    protect(paths, ["asterisk22.10.1_1", "asterisk16.28.0_1", "asterisk22.10.1_1"])
    assert paths.protected.read_text() == "asterisk16.28.0_1\nasterisk22.10.1_1\n"
    protect(paths, ["asterisk22.10.1_1"])
    assert paths.protected.read_text() == "asterisk22.10.1_1\n"
    assert [path.name for path in paths.protected.parent.iterdir()] == [paths.protected.name]


def test_only_engines_that_nothing_selects_are_unneeded(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    stand = {
        name: Engine(name[:-2], 1, Path("/usr/lib64/switchroom/engines", name))
        for name in ("16.28.0-1", "20.1.0-1", "22.10.1-1", "22.11.0-1")
    }
    for name in stand:
        program = paths.engines / name / "sbin/asterisk"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    assert unneeded(paths) == ()  # a box whose selector is lost loses nothing else
    select(paths, stand["22.10.1-1"])
    remember(paths, stand["16.28.0-1"])
    assert unneeded(paths) == (stand["20.1.0-1"], stand["22.11.0-1"])
    assert unneeded(paths, keep=[stand["22.11.0-1"]]) == (stand["20.1.0-1"],)


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("S.5....T.    /usr/lib64/switchroom/engines/22.10.1-1/sbin/asterisk", True),
        ("missing     /usr/lib64/switchroom/engines/22.10.1-1/sbin/asterisk", True),
        ("S.5....T.  c /etc/asterisk/sip.conf", False),
        ("missing   c /etc/asterisk/sip.conf", False),
        ("....L....  g /etc/switchroom/engine", False),
        ("package asterisk22.10.1_1 is not installed", True),
        ("Unsatisfied dependencies for asterisk22.10.1_1-22.10.1-1.x86_64:", True),
    ],
)
def test_what_counts_as_damage(monkeypatch: pytest.MonkeyPatch, line: str, counts: bool) -> None:
    printed = subprocess.CompletedProcess([], 1, f"{line}\n".encode(), b"")
    monkeypatch.setattr(state.process, "run", lambda *_words, **_options: printed)
    assert state.verify(["asterisk22.10.1_1"]) == ((line,) if counts else ())


KEPT = [Kept(Path("/var/lib/switchroom/packages/a.rpm"), "a-1-1.noarch", "00")]


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Let a few lines play the dnf child."""

    def play(code: str) -> None:
        script = tmp_path / "child.py"
        script.write_text(f"import json, os, sys, signal, time\nrequest = json.load(sys.stdin)\n{code}\n")
        monkeypatch.setattr(client, "_CHILD", script)
        monkeypatch.setattr(client, "_PYTHONS", (sys.executable,))
        monkeypatch.setattr(client, "clear_stale_locks", lambda: ())

    return play


def test_progress_and_remarks_come_before_the_result(child: Callable[[str], None]) -> None:
    child("""def tell(**event): print(json.dumps(event))
tell(event="remark", text="cached")
tell(event="progress", done=1, total=2, text="")
tell(event="result", value={"scriptlets": [request["packages"][0]["nevra"]]})""")
    seen = []
    assert install(KEPT, progress=lambda done, total: seen.append((done, total))) == ("a-1-1.noarch",)
    assert seen == [(1, 2)]


def test_a_child_that_dies_in_a_transaction_leaves_it_torn(child: Callable[[str], None]) -> None:
    child("print('why', file=sys.stderr, flush=True); os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(TornError) as torn:
        install(KEPT)
    assert "torn: dnf ended by signal 9" in torn.value.message
    assert torn.value.cause == "why"


def test_a_child_that_dies_while_asking_has_changed_nothing(child: Callable[[str], None]) -> None:
    child("print('Traceback', file=sys.stderr); sys.exit(1)")
    with pytest.raises(SwitchroomError) as broken:
        offers()
    assert broken.value.code == ExitCode.REFUSED
    assert not isinstance(broken.value, TornError)
    assert "exit code 1" in broken.value.message


def test_a_refusal_keeps_its_words(child: Callable[[str], None]) -> None:
    answer = '{"event": "error", "message": "No.", "cause": "c", "hint": "h", "code": "refused"}'
    child(f"print('{answer}')")
    with pytest.raises(SwitchroomError) as refused:
        offers()
    assert refused.value.as_dict() == {"error": "No.", "cause": "c", "hint": "h", "exit_code": 3}


def test_another_dnf_is_waited_for(
    child: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_LOCK_POLL_SECONDS", 0.01)
    answer = '{"event": "error", "message": "No.", "cause": "", "hint": "", "code": "locked"}'
    child(
        f"""seen = {str(tmp_path / "seen")!r}
print('{{"event": "result", "value": []}}' if os.path.exists(seen) else '{answer}')
open(seen, "w").close()"""
    )
    assert offers() == ()
    monkeypatch.setattr(client, "_LOCK_SECONDS", 0.0)
    (tmp_path / "seen").unlink()
    with pytest.raises(SwitchroomError, match=r"No\."):
        offers()
