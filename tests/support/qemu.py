"""One QEMU guest in software emulation: its serial line, its screen, its keyboard; always gone at the end."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from PIL import Image

from switchroom.core.process import last_lines, require

_OVMF = Path("/usr/share/OVMF")  # Debian's package ovmf
_POLL_SECONDS = 0.1
_STOP_SECONDS = 10


class Guest:
    """A running guest; use it as a context manager.

    ``arguments`` are QEMU's own (``-cdrom``, ``-drive``, ``-kernel`` …), ``firmware`` is ``bios`` or ``uefi``
    (OVMF with variables of its own), ``memory`` is in MiB. Serial log, QMP socket and variables are kept in
    ``folder``. KVM is never asked for: it is absent, or hangs, where tests run.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str], *, firmware: str = "bios", memory: int = 512
    ) -> None:
        require("qemu-system-x86_64")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._serial = folder / "serial.log"
        serial = ["-serial", f"file:{self._serial}"]
        self._argv = [*_machine(memory), *_firmware(firmware, folder), *serial, *arguments]
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._qmp: Optional[_Qmp] = None

    def __enter__(self) -> Guest:
        self._serial.write_bytes(b"")
        ours, theirs = socket.socketpair()
        monitor = ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        with theirs, (self._folder / "qemu.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._argv, *monitor], stdout=log, stderr=log, pass_fds=[theirs.fileno()]
            )
        try:
            self._qmp = _Qmp(ours)
        except OSError:
            self.__exit__()
            log_text = (self._folder / "qemu.log").read_text(errors="replace")
            raise AssertionError(f"QEMU did not start: {log_text}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._qmp:
            self._qmp.close()
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    def serial(self) -> str:
        """Return all the guest wrote to its first serial port until now."""
        return self._serial.read_bytes().decode(errors="replace").replace("\r", "")

    def wait_for(self, text: str, timeout: float = 120) -> str:
        """Wait until ``text`` stands on the serial line; return all of the line's text."""
        deadline = time.monotonic() + timeout
        while text not in self.serial():
            if time.monotonic() > deadline:
                raise AssertionError(f"'{text}' not on the serial line in {timeout:.0f} s. {self._tail()}")
            if self._exited() and text not in self.serial():
                raise AssertionError(f"The guest stopped before it wrote '{text}'. {self._tail()}")
            time.sleep(_POLL_SECONDS)
        return self.serial()

    def wait_exit(self, timeout: float = 120) -> str:
        """Wait until the guest powers off (or resets); return all it wrote to the serial line."""
        assert self._process, "the guest is not running"
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"The guest still runs after {timeout:.0f} s. {self._tail()}") from None
        return self.serial()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by QEMU's names: ``down``, ``ret``, ``e``, ``ctrl-x``."""
        for key in keys:
            codes = [{"type": "qcode", "data": part} for part in key.split("-")]
            self._command("send-key", keys=codes)
            time.sleep(_POLL_SECONDS)  # firmware loses keys that come faster

    def screenshot(self, png: Path) -> Tuple[int, int]:
        """Write the screen to a PNG file and return its width and height in pixels."""
        ppm = self._folder / "screen.ppm"
        self._command("screendump", filename=str(ppm))
        with Image.open(ppm) as image:
            image.save(png, optimize=True)
            return image.size

    def _command(self, name: str, **arguments: Any) -> Any:
        assert self._qmp, "the guest is not running"
        return self._qmp.command(name, **arguments)

    def _exited(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _tail(self) -> str:
        return f"Its last lines:\n{last_lines(self.serial().encode(), 25)}"


class _Qmp:
    """QEMU's machine protocol: one JSON object a line, answers mixed with events."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._stream = connected.makefile("rw")
        self._stream.readline()  # the greeting
        self.command("qmp_capabilities")

    def command(self, name: str, **arguments: Any) -> Any:
        self._stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self._stream.flush()
        for line in self._stream:
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"QEMU refused '{name}': {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise AssertionError(f"QEMU ended before it answered '{name}'; see qemu.log in the guest's folder.")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


def disk(
    folder: Path, name: str, *, size_mib: int = 0, content: Optional[Path] = None, read_only: bool = False
) -> str:
    """Return the ``-drive`` value (``id`` is ``name``) of a new sparse disk, or of an image file as it is."""
    image = content or folder / f"{name}.img"
    if content is None:
        with image.open("wb") as stream:
            stream.truncate(size_mib << 20)
    mode = "on" if read_only else "off"
    return f"if=none,id={name},format=raw,file={image},readonly={mode}"


def _machine(memory: int) -> List[str]:
    # q35 has AHCI for -cdrom, as machines of this century do; cpu "max" gives the x86-64-v2 that EL9 needs.
    machine = ["-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", str(memory), "-smp", "1"]
    return ["qemu-system-x86_64", *machine, "-display", "none", "-vga", "std", "-nic", "none", "-no-reboot"]


def _firmware(firmware: str, folder: Path) -> List[str]:
    if firmware == "bios":
        return []
    assert firmware == "uefi", f"unknown firmware '{firmware}'"
    code, variables = _OVMF / "OVMF_CODE_4M.fd", folder / "ovmf-vars.fd"
    assert code.is_file(), f"'{code}' is missing; install the package ovmf"
    shutil.copyfile(_OVMF / "OVMF_VARS_4M.fd", variables)
    flash = "if=pflash,format=raw"
    return ["-drive", f"{flash},readonly=on,file={code}", "-drive", f"{flash},file={variables}"]
