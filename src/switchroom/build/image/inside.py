"""Programs of the new system, run in it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import List

from switchroom.build.image.description import Script
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import Arg, last_lines, run

_ENVIRONMENT = ("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8")


def inside(root: Path, *words: Arg, what: str = "", stdin: bytes = b"") -> str:
    """Run a program of the new system and return what it printed; what it leaves behind is killed."""
    result = run([*_entering(root), *words], what=what or str(words[0]), stdin=stdin)
    return result.stdout.decode(errors="replace")


def run_script(root: Path, script: Script) -> None:
    """Run a ``%post`` script as Anaconda does, its output kept in the new system's log.

    The text is in a file of root's: it may hold what only root may know. Raises SwitchroomError with the
    log's last lines when it fails.
    """
    path = Path(f"/root/.switchroom-{secrets.token_hex(4)}")
    place, log = root / path.relative_to("/"), root / script.log.lstrip("/")
    place.touch(mode=0o600)
    place.write_text(script.text)
    try:
        words: List[Arg] = [*_entering(root), script.interpreter, path]
        result = run(words, what="The kickstart's %post", log_file=log, check=False)
    finally:
        place.unlink()
    if result.returncode != 0:
        raise SwitchroomError(
            f"The kickstart's %post failed with exit code {result.returncode}.",
            cause=last_lines(log.read_bytes(), 20),
            hint="What it installs comes from the base, the repository and those of --repo.",
        )


def _entering(root: Path) -> List[Arg]:
    alone: List[Arg] = ["unshare", "--pid", "--fork", "--kill-child", f"--root={root}", "--mount-proc"]
    return [*alone, "env", "-i", *_ENVIRONMENT]
