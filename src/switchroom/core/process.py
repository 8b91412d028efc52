"""The one way to run another program.

Every call logs a command line that can be pasted into a shell, never uses a shell itself, and turns a
missing tool or a failing command into a :class:`SwitchroomError` that quotes the last useful lines.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple, Union

from switchroom.core.errors import ExitCode, SwitchroomError

log = logging.getLogger(__name__)

_Wrap = Callable[[Callable[[bytes], None]], Callable[[bytes], None]]
Arg = Union[str, "os.PathLike[str]"]
Result = subprocess.CompletedProcess  # of bytes: tools print what they like

_SHOWN = 400  # characters of a command in an error
_CHUNK = 1 << 16
_POLL_SECONDS = 0.05
_LONGEST_LINE = 64 << 20  # bytes; a line of more comes in parts
_GRACE_SECONDS = 2.0  # between SIGTERM and SIGKILL for a program that is stopped

# The package that brings a tool, where it is not the tool's own name: (Debian, EL).
_PACKAGES = {
    "createrepo_c": ("createrepo-c", "createrepo_c"),
    "gpg": ("gnupg", "gnupg2"),
    "implantisomd5": ("isomd5sum", "isomd5sum"),
    "checkisomd5": ("isomd5sum", "isomd5sum"),
    "mcopy": ("mtools", "mtools"),
    "mdir": ("mtools", "mtools"),
    "qemu-img": ("qemu-utils", "qemu-img"),
    "qemu-system-x86_64": ("qemu-system-x86", "qemu-kvm"),
    "rpmbuild": ("rpm", "rpm-build"),
    "rpmsign": ("rpm", "rpm-sign"),
    "rpmspec": ("rpm", "rpm-build"),
    "rpm2cpio": ("rpm2cpio", "rpm"),
    "rpmkeys": ("rpm", "rpm"),
    "apt-get": ("apt", "apt"),
    "ar": ("binutils", "binutils"),
    "busybox": ("busybox-static", "busybox"),
    "dpkg-source": ("dpkg-dev", "dpkg-dev"),
    "fallocate": ("util-linux", "util-linux"),
    "fstrim": ("util-linux", "util-linux"),
    "ip": ("iproute2", "iproute"),
    "lvm": ("lvm2", "lvm2"),
    "losetup": ("util-linux", "util-linux"),
    "mkfs.ext4": ("e2fsprogs", "e2fsprogs"),
    "mkfs.vfat": ("dosfstools", "dosfstools"),
    "mkfs.xfs": ("xfsprogs", "xfsprogs"),
    "mkswap": ("util-linux", "util-linux"),
    "mount": ("util-linux", "util-linux"),
    "nsenter": ("util-linux", "util-linux"),
    "scp": ("openssh-client", "openssh-clients"),
    "setpriv": ("util-linux", "util-linux"),
    "sfdisk": ("fdisk", "util-linux"),
    "sipp": ("sip-tester", "sipp"),
    "ssh": ("openssh-client", "openssh-clients"),
    "ssh-keygen": ("openssh-client", "openssh-clients"),
    "systemd-nspawn": ("systemd-container", "systemd-container"),
    "unshare": ("util-linux", "util-linux"),
}


def require(*tools: str) -> None:
    """Raise unless every tool is on PATH, naming the packages that bring the missing ones."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return
    debian, enterprise = zip(*(_PACKAGES.get(tool, (tool, tool)) for tool in missing))
    raise SwitchroomError(
        f"Missing on this machine: {', '.join(missing)}.",
        hint=f"Install with: apt-get install {' '.join(debian)}   (EL: dnf install {' '.join(enterprise)})",
        code=ExitCode.REFUSED,
    )


def run(
    argv: Sequence[Arg],
    *,
    what: str = "",
    cwd: Optional[Path] = None,
    env: Optional[Mapping[str, str]] = None,
    stdin: bytes = b"",
    log_file: Optional[Path] = None,
    check: bool = True,
    timeout: Optional[float] = None,
    most: Optional[int] = None,
) -> Result[bytes]:
    """Run a program and return its result with ``stdout`` and ``stderr`` as bytes.

    ``env`` is added to the caller's environment. With ``log_file`` both streams go there instead (and the
    result's streams are empty). ``what`` names the work in the error message. ``timeout`` is in seconds,
    ``most`` in bytes of each stream, for a program that others can change. Raises SwitchroomError when the
    tool is missing, fails (unless ``check`` is false), runs too long or says too much.
    """
    words = [os.fspath(arg) for arg in argv]
    require(words[0])
    log.debug("$ %s", _pasteable(words, cwd, env))
    what = what or words[0]
    try:
        options = {"most": most, "cwd": cwd, "env": {**os.environ, **(env or {})}}
        result = _execute(words, log_file, stdin, timeout, **options)
    except subprocess.TimeoutExpired as error:
        raise SwitchroomError(f"{what} took longer than {timeout:.0f} s and was stopped.") from error
    if check and result.returncode != 0:
        raise failure(what, words, result, log_file)
    return result


def follow(
    argv: Sequence[Arg],
    each_line: Callable[[bytes], None],
    *,
    stdin: bytes = b"",
    env: Optional[Mapping[str, str]] = None,
    grace: float = 0.0,
    silence: Optional[float] = None,
) -> Result[bytes]:
    """Run a program, hand over each line of its standard output as it comes, and return the result.

    The result has standard error only, and any exit code: the lines tell how it went. ``stdin`` must fit into
    a pipe (64 KiB). When the program is killed, so is all that it leaves behind in its process group. When
    the caller is interrupted, the program may go on for ``grace`` seconds before it is stopped. One that says
    nothing for ``silence`` seconds is stopped as by a signal.
    """
    words = [os.fspath(arg) for arg in argv]
    require(words[0])
    log.debug("$ %s", _pasteable(words, None, env))
    options: Dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    options.update(start_new_session=True, env={**os.environ, **(env or {})})
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(words, stderr=errors, **options) as child:
            try:
                with _patience(child, silence) as heard:
                    _hand_over(child, stdin, heard(each_line))
            except BaseException:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(grace)
                _stop_group(child)
                raise
        errors.seek(0)
        return Result(words, child.returncode, b"", errors.read())


@contextlib.contextmanager
def _patience(child: subprocess.Popen[bytes], silence: Optional[float]) -> Iterator[_Wrap]:
    """Stop a program that says nothing for so long; gives what each line must go through."""
    if silence is None:
        yield lambda each: each
        return
    waiting = [threading.Timer(silence, _silence, [child])]
    waiting[0].start()

    def heard(each: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def take(line: bytes) -> None:
            waiting[0].cancel()
            each(line)
            waiting[0] = threading.Timer(silence, _silence, [child])
            waiting[0].start()

        return take

    try:
        yield heard
    finally:
        waiting[0].cancel()
        waiting[0].join()


def _silence(child: subprocess.Popen[bytes]) -> None:
    """Stop a program from another thread than the one that waits for it: it is left for that one to reap."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        patience = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < patience and not _has_ended(child):
            time.sleep(_POLL_SECONDS)


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def output(argv: Sequence[Arg], *, what: str = "", env: Optional[Mapping[str, str]] = None) -> str:
    """Run a program and return what it printed, as stripped text."""
    return run(argv, what=what, env=env).stdout.decode(errors="replace").strip()


def failure(
    what: str, words: Sequence[str], result: Result[bytes], log_file: Optional[Path] = None
) -> SwitchroomError:
    """Return the error for a command that ended badly, with the last lines it printed."""
    text = log_file.read_bytes() if log_file else result.stdout + result.stderr
    hint = f"The whole log is in '{log_file}'." if log_file else f"The command was: {_shown(words)}"
    return SwitchroomError(
        f"{what} failed with exit code {result.returncode}.", cause=last_lines(text), hint=hint
    )


def _shown(words: Sequence[str]) -> str:
    """Return a command that can be pasted, or the beginning of one that would fill a screen."""
    line = shlex.join(words)
    if len(line) <= _SHOWN:
        return line
    return f"{line[:_SHOWN]} … ({len(line)} characters; --verbose shows them all)"


def last_lines(text: bytes, count: int = 12) -> str:
    """Return the last non-empty lines of a program's output."""
    lines = [line.rstrip() for line in text.decode(errors="replace").splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def _execute(
    words: Sequence[str], log_file: Optional[Path], stdin: bytes, timeout: Optional[float], **options: Any
) -> Result[bytes]:
    if log_file is None:
        return _communicate(words, stdin, timeout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("wb") as sink:
        return _communicate(words, stdin, timeout, stdout=sink, stderr=subprocess.STDOUT, **options)


def _communicate(
    words: Sequence[str], stdin: bytes, timeout: Optional[float], most: Optional[int], **options: Any
) -> Result[bytes]:
    """Run in a process group of its own, so that a time-out or Ctrl-C stops the grandchildren too."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True, **options) as child:
        try:
            if most is None:
                stdout, stderr = child.communicate(stdin, timeout)
            else:
                stdout, stderr = _listen(child, timeout, most)
        except BaseException:
            _stop_group(child)
            raise
    return Result(words, child.returncode, stdout or b"", stderr or b"")


def _listen(child: subprocess.Popen[bytes], timeout: Optional[float], most: int) -> Tuple[bytes, bytes]:
    """Return what a program says; raises SwitchroomError for more than ``most`` bytes of a stream."""
    assert child.stdin  # noqa: S101 - all three are pipes
    child.stdin.close()
    deadline = time.monotonic() + (timeout if timeout is not None else threading.TIMEOUT_MAX)
    said: Dict[Any, bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
    with selectors.DefaultSelector() as waiting:
        for stream in said:
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            _hear(child, waiting, said, deadline)
            if max(map(len, said.values())) > most:
                raise SwitchroomError(f"'{_shown(child.args)}' says more than {most} bytes and was stopped.")  # type: ignore[arg-type]
    child.wait(max(deadline - time.monotonic(), 0.0))
    return bytes(said[child.stdout]), bytes(said[child.stderr])


def _hear(
    child: subprocess.Popen[bytes],
    waiting: selectors.BaseSelector,
    said: Dict[Any, bytearray],
    deadline: float,
) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise subprocess.TimeoutExpired(child.args, left)
    for key, _ in waiting.select(left):
        chunk = os.read(key.fd, _CHUNK)
        said[key.fileobj] += chunk
        if not chunk:
            waiting.unregister(key.fileobj)


def _hand_over(child: subprocess.Popen[bytes], stdin: bytes, each_line: Callable[[bytes], None]) -> None:
    assert child.stdin  # noqa: S101 - both are pipes
    assert child.stdout  # noqa: S101
    with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
        pipe.write(stdin)
    while line := child.stdout.readline(_LONGEST_LINE):
        each_line(line)
    # Not reaped yet: until then nobody else can have its number, and with it the number of its group.
    ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    if ended and ended.si_code != os.CLD_EXITED:
        os.killpg(child.pid, signal.SIGKILL)


def _stop_group(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_SECONDS)


def _pasteable(words: Sequence[str], cwd: Optional[Path], env: Optional[Mapping[str, str]]) -> str:
    prefix = f"cd {shlex.quote(str(cwd))} && " if cwd else ""
    settings = "".join(f"{key}={shlex.quote(value)} " for key, value in sorted((env or {}).items()))
    return prefix + settings + shlex.join(words)
