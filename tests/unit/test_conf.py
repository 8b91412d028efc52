"""The reader of Asterisk's configuration, with the nasty cases its own parser has."""

import os
from pathlib import Path
from typing import List, Tuple

import pytest

from switchroom.box import conf


def write(root: Path, name: str, data: object) -> None:
    path = root / "etc/asterisk" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else str(data).encode())


def read(root: Path, text: object, name: str = "a.conf") -> conf.Configuration:
    write(root, name, text)
    return conf.read(Path(name), root)


def pairs(found: conf.Configuration) -> List[Tuple[str, str, str, int]]:
    return [(entry.section, entry.key, entry.value, entry.line) for entry in found.entries()]


def texts(found: conf.Configuration) -> str:
    return " ".join(oddity.text for oddity in found.oddities)


def test_entries_have_file_line_and_operator(tmp_path: Path) -> None:
    found = read(tmp_path, "[general]\n\n key = v \n[s]\nexten => 1,1,NoOp(a=b)\nlist=1\nlist += ,2\n")
    assert [(entry.key, entry.value, entry.operator, entry.line) for entry in found.entries()] == [
        ("key", "v", "=", 3),
        ("exten", "1,1,NoOp(a=b)", "=>", 5),
        ("list", "1", "=", 6),
        ("list", ",2", "+=", 7),
    ]
    assert {entry.file for entry in found.entries()} == {"/etc/asterisk/a.conf"}
    assert found.settings("s")["list"] == "1,2"
    assert found.oddities == []


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("k=a;comment", "a"),
        (r"k=a\;b;c", "a;b"),
        (r"k=\;", ";"),
        ("k=a ;-- gone --; b", "a  b"),
        ("k=a ;-- gone ;-- deeper --; still gone --;b", "a b"),
        ("k=a ;--- a line of dashes", "a"),
        ("k=a ;---- no block ----;", "a"),
        ("k=a=b", "a=b"),
        ("k==>b", "=>b"),
        ("k=>=b", "=b"),
        ("k=[x]", "[x]"),
        ("k=\ta b\t\r", "a b"),
        ("k=a\0b", "a"),
        ('k="quoted"', '"quoted"'),
        ("k=", ""),
    ],
)
def test_a_value_is_what_asterisk_takes_for_it(tmp_path: Path, line: str, value: str) -> None:
    assert pairs(read(tmp_path, f"[s]\n{line}\n")) == [("s", "k", value, 2)]


def test_block_comments_run_over_lines(tmp_path: Path) -> None:
    text = "[s]\na=1\n;--\nb=2 ; still\n[gone]\n#include gone.conf\n--;c=3\n;-- x\n--;\nd=4\n"
    assert pairs(read(tmp_path, text)) == [("s", "a", "1", 2), ("s", "c", "3", 7), ("s", "d", "4", 10)]


def test_an_open_block_comment_is_noted(tmp_path: Path) -> None:
    found = read(tmp_path, "[s]\na=1\n;--\nb=2\n")
    assert pairs(found) == [("s", "a", "1", 2)]
    assert "never closed" in texts(found)


def test_templates_are_inherited_and_appended_to(tmp_path: Path) -> None:
    templates = "[t](!)\nsecret=x\nread=all\n[u](!,t)\nread=call\n"
    found = read(tmp_path, templates + "[ann](u)\nwrite=y\n[ann](+)\nread=log\n[self](self)\n")
    assert found.settings("ann") == {"secret": "x", "read": "log", "write": "y"}
    assert found.names() == ("ann", "self")
    assert [(section.template, section.append, section.parents) for section in found.sections] == [
        (True, False, ()),
        (True, False, ("t",)),
        (False, False, ("u",)),
        (False, True, ()),
        (False, False, ("self",)),
    ]


def test_includes_nest_glob_and_keep_the_section(tmp_path: Path) -> None:
    write(tmp_path, "parts/1.conf", "one=1\n[other]\nx=1\n")
    write(tmp_path, "parts/2.conf", '#include "deeper.conf"\n')
    write(tmp_path, "deeper.conf", "two=2\n")
    found = read(tmp_path, "[s]\n#include parts/*.conf\n#include <deep{er,est}.conf>\nlast=3\n")
    assert [(entry.file.rpartition("/")[2], entry.section, entry.key) for entry in found.entries()] == [
        ("1.conf", "s", "one"),
        ("a.conf", "s", "last"),
        ("1.conf", "other", "x"),
        ("deeper.conf", "other", "two"),
        ("deeper.conf", "other", "two"),
    ]
    globbed = next(item for item in found.inclusions if "*" in item.target)
    assert globbed.files == ("/etc/asterisk/parts/1.conf", "/etc/asterisk/parts/2.conf")
    assert (globbed.file, globbed.line) == ("/etc/asterisk/a.conf", 2)


def test_missing_includes_are_noted_but_not_tried_ones(tmp_path: Path) -> None:
    found = read(tmp_path, "[s]\n#include gone.conf\n#tryinclude gone.conf\n#include none/*.conf\na=1\n")
    assert [oddity.line for oddity in found.oddities] == [2, 4]
    assert [item.files for item in found.inclusions] == [(), (), ()]
    assert pairs(found) == [("s", "a", "1", 5)]


def test_a_loop_of_includes_is_cut(tmp_path: Path) -> None:
    write(tmp_path, "b.conf", "#include a.conf\nb=1\n")
    found = read(tmp_path, "[s]\n#include b.conf\na=1\n")
    assert pairs(found) == [("s", "b", "1", 2), ("s", "a", "1", 3)]
    assert "included by itself" in texts(found)


def test_exec_is_noted_and_never_run(tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    found = read(tmp_path, f'[s]\n#exec "/usr/bin/touch {proof}"\n#exec </usr/bin/touch {proof}>\n')
    assert [(item.kind, item.line, item.target) for item in found.inclusions] == [
        ("exec", 2, f"/usr/bin/touch {proof}"),
        ("exec", 3, f"/usr/bin/touch {proof}"),
    ]
    assert not proof.exists()


def test_bytes_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    found = read(tmp_path, b"\xef\xbb\xbf[m\xfcller]\nname=J\xf6rg \xe2\x82\xac\n")
    (entry,) = found.entries()
    assert entry.section.encode(errors="surrogateescape") == b"m\xfcller"
    assert entry.value.encode(errors="surrogateescape") == "J\udcf6rg €".encode(errors="surrogateescape")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("orphan=1\n", "in no section"),
        ("[s\na=1\n", "never closed"),
        ("[s](t\n", "never closed"),
        ("[s]\nno equal sign\n", "no '='"),
        ("[s]\n=value\n", "no name"),
        ("[s]\n+=value\n", "no name"),
        ("[s]\n#pragma x\n", "unknown"),
        ("[s]\n#include\n", "names nothing"),
        ("[s]\n#\n", "unknown"),
        ("[s]\nk=" + "x" * 9000 + "\n", "longer than"),
        ("[s]\n#include /etc/asterisk\n", "not there"),
    ],
)
def test_bad_syntax_is_noted_and_reading_goes_on(tmp_path: Path, text: str, complaint: str) -> None:
    found = read(tmp_path, text + "[good]\na=1\n")
    assert complaint in texts(found)
    assert pairs(found)[-1][:3] == ("good", "a", "1")


def test_random_bytes_never_crash_it(tmp_path: Path) -> None:
    for number in range(50):
        read(tmp_path, os.urandom(2000) + b"\n[(;--=>#exec\\;" * number)


def test_a_missing_file_and_a_pipe_are_noted(tmp_path: Path) -> None:
    assert "cannot be read" in texts(conf.read(Path("/etc/asterisk/gone.conf"), tmp_path))
    (tmp_path / "etc/asterisk").mkdir(parents=True)
    os.mkfifo(tmp_path / "etc/asterisk/pipe.conf")
    assert "not a regular file" in texts(conf.read(Path("pipe.conf"), tmp_path))


def test_links_stay_below_the_root(tmp_path: Path) -> None:
    write(tmp_path, "../../var/lib/asterisk/real.conf", "[s]\na=1\n")
    os.symlink("/var/lib/asterisk/real.conf", tmp_path / "etc/asterisk/link.conf")
    os.symlink("loop.conf", tmp_path / "etc/asterisk/loop.conf")
    found = conf.read(Path("link.conf"), tmp_path)
    assert pairs(found) == [("s", "a", "1", 2)]
    assert found.files == ["/etc/asterisk/link.conf"]
    assert "cannot be read" in texts(conf.read(Path("loop.conf"), tmp_path))


def test_a_pattern_in_a_folder_s_name_works_too(tmp_path: Path) -> None:
    write(tmp_path, "d1/x.conf", "a=1\n")
    write(tmp_path, "d2/x.conf", "b=2\n")
    found = read(tmp_path, "[s]\n#include d*/x.conf\n")
    assert [(entry.file, entry.key) for entry in found.entries()] == [
        ("/etc/asterisk/d1/x.conf", "a"),
        ("/etc/asterisk/d2/x.conf", "b"),
    ]
