"""What a person needs to see of a long build log."""

import threading
from pathlib import Path

from switchroom.build.buildlog import following, useful_lines

COMPILE = """checking for strerror... yes
gcc -o app_dial.o -c app_dial.c
app_dial.c: In function 'dial':
app_dial.c:42:5: error: 'chan' undeclared (first use in this function)
make[1]: *** [Makefile:12: app_dial.o] Error 1
"""
NOISE = "".join(f"gcc -o file{number}.o -c file{number}.c\n" for number in range(200))
SUMMARY = """error: Bad exit status from /var/tmp/rpm-tmp.abc (%build)

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.abc (%build)
"""


def test_first_error_is_shown_however_much_follows() -> None:
    shown = useful_lines(NOISE + COMPILE + NOISE + SUMMARY).splitlines()
    assert shown[0] == "app_dial.c:42:5: error: 'chan' undeclared (first use in this function)"
    assert shown[-1].strip() == "Bad exit status from /var/tmp/rpm-tmp.abc (%build)"
    assert len(shown) <= 12
    assert not any(line.startswith("gcc") for line in shown)


def test_repeated_error_is_shown_once() -> None:
    shown = useful_lines("a.c:1: error: no\n" * 50 + "b.c:1: error: other\n").splitlines()
    assert shown == ["a.c:1: error: no", "b.c:1: error: other"]


def test_linker_configure_and_packaging_causes() -> None:
    text = """configure: error: *** libedit was not found
main.o: undefined reference to `ast_begin'
/usr/bin/ld: cannot find -lfoo: No such file or directory
RPM build errors:
    Installed (but unpackaged) file(s) found:
   /usr/bin/left-over
"""
    shown = useful_lines(text)
    for cause in ("libedit was not found", "undefined reference", "cannot find -lfoo", "/usr/bin/left-over"):
        assert cause in shown


def test_log_without_a_known_cause_shows_its_end() -> None:
    assert useful_lines(NOISE + "the tests said no\n").splitlines()[-1] == "the tests said no"


def test_growing_log_tells_how_far_the_compiler_is(tmp_path: Path) -> None:
    log, told = tmp_path / "build.log", threading.Event()
    said = []

    def tell(text: str) -> None:
        said.append(text)
        told.set()

    log.write_text("cc -o a.o -c a.c\ncc -o b.o -c b.c\ncc -o ab a.o b.o\n")
    with following(log, tell):
        assert told.wait(20)
    assert said[0] == "2 files compiled"
