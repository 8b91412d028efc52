"""Boxes: booted systems with systemd, dnf, rpm and sshd, several at once, that can crash and lose power."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Sequence

from lab import cgroups, namespaces, network, nspawn, registry, rpms
from lab.access import Access
from lab.base import ensure_base
from lab.disk import Disk
from lab.namespaces import Namespaces
from lab.owners import myself
from lab.registry import Record
from lab.wardrobe import dress_layer
from switchroom.core import process
from switchroom.core.errors import ExitCode, SwitchroomError
from switchroom.core.process import Arg, Result

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_DISK_BYTES = 8 << 30
_POLL_SECONDS = 0.02
_SSH_FAILED = 255


class Box:
    """One box. Its methods raise SwitchroomError, and quote the box's console when the box is what fails."""

    def __init__(self, record: Record, life: Optional[Namespaces] = None) -> None:
        self.record = record
        self.name = record.name
        self.address = network.address(record.number)
        self._disk = Disk(record.folder)
        self._access = Access(record.folder, self.address)
        self._life = life
        self._nspawn: Optional[subprocess.Popen[bytes]] = None

    @property
    def root(self) -> Path:
        """The box's files as the host sees them, on or off; /run and /tmp of a running box are its own.

        The path changes with ``crash`` and ``power_cut``, so ask anew each time, and do not ``resolve()`` it.
        """
        return self._living().path(self._disk.root)

    @property
    def leader(self) -> int:
        """The pid of the box's process 1 as the host counts; changes with every boot."""
        pid = cgroups.leader(self.record.number)
        if pid is None:
            raise self._failure(f"The box '{self.name}' does not run.")
        return pid

    @property
    def running(self) -> bool:
        """Whether the box is switched on."""
        return cgroups.populated(self.record.number)

    @property
    def console(self) -> Path:
        """The file with what the box said on its console since it was last switched on."""
        return self.record.folder / "console.log"

    def run(
        self,
        *words: Arg,
        check: bool = True,
        timeout: Optional[float] = 120.0,
        stdin: bytes = b"",
    ) -> Result[bytes]:
        """Run a program in the box as root; the exit status 255 may also mean that ssh failed.

        After ``timeout`` seconds the connection is closed and an error raised; the program itself goes on.
        """
        what = f"'{words[0]}' in the box '{self.name}'"
        result = self._access.run(words, stdin=stdin, check=False, timeout=timeout, what=what)
        if result.returncode == _SSH_FAILED and not self.running:
            raise self._failure(f"The box '{self.name}' does not run.")
        if check and result.returncode != 0:
            raise process.failure(what, [str(word) for word in words], result)
        return result

    def output(self, *words: Arg, timeout: Optional[float] = 120.0) -> str:
        """Run a program in the box and return what it printed, as stripped text."""
        return self.run(*words, timeout=timeout).stdout.decode(errors="replace").strip()

    def terminal(self, words: Sequence[str], tty: bool) -> list[str]:
        """Return the command line of a program, or with no ``words`` a shell, on the caller's terminal."""
        if not self.running:
            raise self._failure(f"The box '{self.name}' does not run.")
        return self._access.session(words, tty)

    def copy_in(self, path: Path, dest: str) -> None:
        """Copy a file or folder of the host to the path ``dest`` of the running box."""
        self._access.copy(path, dest)

    def start(self, wait: bool = True) -> None:
        """Switch the box on and, unless told not to ``wait``, wait until it is ready."""
        if self.running:
            raise SwitchroomError(f"The box '{self.name}' runs already.", code=ExitCode.REFUSED)
        life = self._living()
        own = [f"--directory={self._disk.root}", f"--machine=lab-{self.record.number}"]
        binds = [f"--bind-ro={host}:{box}" for host, box in self.record.binds.items()]
        words = [*own, f"--hostname={self.name}", *binds]
        self._nspawn = nspawn.launch(life, cgroups.group(self.record.number), words, self.console)
        self._wait(lambda: self.running, 60.0, "did not start", alive=True)
        if wait:
            self.wait_ready()

    def wait_ready(self, timeout: float = 180.0) -> None:
        """Wait until ssh answers; services may still be starting."""
        life = self._living()
        self._wait(lambda: self._access.connect(life), timeout, "is not reachable by ssh", alive=True)

    def wait_booted(self, timeout: float = 300.0) -> str:
        """Wait until every job of the boot has ended; return systemd's word for the result."""
        result = self.run("systemctl", "is-system-running", "--wait", check=False, timeout=timeout)
        return result.stdout.decode().strip()

    def stop(self, timeout: float = 180.0) -> None:
        """Shut the box down as its power button does, and wait until it is off."""
        os.kill(self.leader, signal.SIGRTMIN + 4)
        self._wait(lambda: not self.running, timeout, "does not shut down")

    def reboot(self) -> None:
        """Reboot the box as its admin does, and wait until it is ready again."""
        before = self.leader
        self.run("systemctl", "reboot", check=False)
        self._wait(lambda: cgroups.leader(self.record.number) not in (None, before), 180.0, "does not reboot")
        self.wait_ready()

    def crash(self) -> None:
        """Kill everything in the box at once; its files are as it last wrote them, flushed or not."""
        self._end(self._living())
        self._attach()

    def power_cut(self) -> None:
        """Take the power away: what was not flushed to the disk is lost. The journal is replayed at once."""
        life = self._living()
        self._disk.cut(life)
        self._end(life)
        self._attach()

    def down(self) -> None:
        """Remove the box and all that is on it."""
        if self._life:
            self._end(self._life)
        registry.remove(self.record)

    def _end(self, life: Namespaces) -> None:
        life.end()
        if self._nspawn:
            self._nspawn.wait()

    def _living(self) -> Namespaces:
        if not self.record.folder.is_dir():
            raise SwitchroomError(f"The box '{self.name}' is gone.", code=ExitCode.USAGE)
        if self._life is None or not self._life.alive:
            self._life = registry.life(self.record) or self._attach()
        return self._life

    def _attach(self) -> Namespaces:
        """Begin a new life: namespaces with the disk mounted and the cable plugged in, switched off."""
        cgroups.make(self.record.number)  # first: mounted later, a hierarchy would not be seen inside
        life = namespaces.make(tied=self.record.owner == myself())
        try:
            registry.note_life(self.record, life)
            self._disk.attach(life, [Path(layer) for layer in self.record.layers])
            registry.plug_in(self.record, life)
        except BaseException:
            life.end()
            raise
        self._life = life
        return life

    def _furnish(self) -> None:
        """Give the new box what must differ from every other one."""
        self._access.admit(self.root)
        (self.root / "etc/hostname").write_text(f"{self.name}\n")
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{self.address} {self.name}\n")

    def _wait(self, done: Callable[[], bool], timeout: float, what: str, alive: bool = False) -> None:
        deadline = time.monotonic() + timeout
        while not done():
            if time.monotonic() > deadline or (alive and not self._switched_on()):
                raise self._failure(f"The box '{self.name}' {what}.")
            time.sleep(_POLL_SECONDS)

    def _switched_on(self) -> bool:
        """Whether it runs, or is between the two halves of a reboot."""
        return self.running or (self._nspawn is not None and self._nspawn.poll() is None)

    def _failure(self, message: str) -> SwitchroomError:
        said = process.last_lines(self.console.read_bytes()) if self.console.exists() else ""
        return SwitchroomError(message, cause=said, hint=f"Its console is in '{self.console}'.")


def make_box(
    name: str,
    layers: Sequence[Path] = (),
    binds: Optional[Mapping[Path, str]] = None,
    *,
    owned: bool,
    dress: Optional[str] = None,
    disk_bytes: int = _DISK_BYTES,
) -> Box:
    """Make a box, switched off. An ``owned`` one is removed when this process is gone, however it ended."""
    _check(name)
    below = (ensure_base(), *([dress_layer(dress)] if dress else []))
    shown = {**(binds or {}), **(rpms.bind(dress) if dress else {})}
    record = registry.register(name, (*below, *layers), shown, myself() if owned else None)
    box = Box(record)
    try:
        Disk(record.folder).make(disk_bytes)
        box._furnish()
    except BaseException:
        box.down()
        raise
    return box


@contextlib.contextmanager
def new_box(
    name: str,
    layers: Sequence[Path] = (),
    binds: Optional[Mapping[Path, str]] = None,
    *,
    dress: Optional[str] = None,
    disk_bytes: int = _DISK_BYTES,
) -> Iterator[Box]:
    """Give a booted box that is gone afterwards, however this process ends.

    ``layers`` are prepared ones, the lowest first, over the lab base. ``binds`` are folders of the host to
    show in the box read-only: ``{Path(root): "/srv/repo"}``. ``disk_bytes`` is the size of its disk. With a
    ``dress``, ``el9`` or ``el10``, the box knows the repositories with that major's packages (``lab.rpms``);
    layers of a box in ``el10`` must stand on ``lab.wardrobe.dress_layer("el10")``.
    """
    box = make_box(name, layers, binds, owned=True, dress=dress, disk_bytes=disk_bytes)
    try:
        box.start()
        box.wait_booted()
        yield box
    finally:
        box.down()


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SwitchroomError(
            f"'{name}' is no name for a box.",
            hint="Use small letters, digits and hyphens, beginning with a letter; at most 32.",
            code=ExitCode.USAGE,
        )
    if os.geteuid() != 0:
        raise SwitchroomError("Boxes need root.", hint="Run it as root.", code=ExitCode.REFUSED)
    process.require("systemd-nspawn")
