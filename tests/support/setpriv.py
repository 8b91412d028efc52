"""A stand-in for setpriv, on machines without the user asterisk: it says as whom root runs what follows."""

from __future__ import annotations

from pathlib import Path

RUNS_AS = "TEST_RUNS_AS"  # asterisk, in what is run so

# Ends with 1 where a right, the environment or the terminal of root's would be left.
_PROGRAM = """\
#!/bin/sh
case "$*" in *--reuid=asterisk*--regid=asterisk*--init-groups*--reset-env*) ;; *) exit 1 ;; esac
case "$(cut -d ' ' -f 6 /proc/$$/stat)" in $$ | $PPID) ;; *) exit 1 ;; esac
while [ "${1#--}" != "$1" ]; do shift; done
case "$*" in "env --chdir=/ LC_ALL=C PATH=/usr/local/sbin:"*) shift 4 ;; *) exit 1 ;; esac
cd /
exec /usr/bin/env -i TEST_RUNS_AS=asterisk "PATH=$PATH" "$@"
"""


def install(folder: Path) -> None:
    """Have the program in a folder, which is to be first in PATH."""
    (folder / "setpriv").write_text(_PROGRAM)
    (folder / "setpriv").chmod(0o755)
