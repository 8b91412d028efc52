"""Checks of a rendered kickstart: pykickstart for its commands, shellcheck for its scripts."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

from pykickstart.errors import KickstartDeprecationWarning, KickstartError, KickstartWarning
from pykickstart.parser import KickstartParser, Script
from pykickstart.version import makeVersion

from switchroom.build.kickstart.defaults import load_defaults
from switchroom.build.workspace import cache_dir
from switchroom.core.errors import SwitchroomError
from switchroom.core.process import output, require, run

Finding = tuple[int, str]  # line, message
# For pykickstart two keys of one user are one thing, "already defined" (F22_SshKeyData.__eq__); Anaconda
# installs both. Another command given twice for one thing is a fault: one is lost, or the installer ends.
_GIVEN_AGAIN = ("sshkey",)
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh")


def check(text: str, el: int) -> None:
    """Raise SwitchroomError, with one line a finding, unless the kickstart is sound for an EL major.

    Errors and warnings of pykickstart count, deprecations among them, though not that a user has a second
    ssh key; so does everything shellcheck finds in a script. What %include brings at installation time is not
    there to be checked.
    """
    require("shellcheck")
    parsed = _Parsed(text, el)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        checked = pool.map(_shellcheck, parsed.handler.scripts)
    findings = [*parsed.findings, *(one for found in checked for one in found)]
    if findings:
        raise SwitchroomError(
            f"The kickstart has {len(findings)} fault(s).",
            cause="\n".join(f"line {line}: {message}" for line, message in sorted(findings)),
            hint="Correct the template in 'kickstart/' or the setting the line comes from.",
        )


def packages(text: str, el: int = 9) -> list[str]:
    """Return what the kickstart's %packages asks for: package names, and groups as ``@name``."""
    return asked(_Parsed(text, el).handler)


def asked(handler: Any) -> list[str]:
    """Return the same of a kickstart that pykickstart has read into ``handler``."""
    groups = [f"@{group.name}" for group in handler.packages.groupList]
    return sorted([*groups, *handler.packages.packageList])


class _Parsed:
    """A kickstart read by pykickstart that goes on after an error, so that all of them are known."""

    def __init__(self, text: str, el: int) -> None:
        self.handler: Any = makeVersion(load_defaults().major(el).syntax)
        parser = _Parser(self.handler)
        with contextlib.redirect_stderr(io.StringIO()):
            parser.read(text)
        self.findings = parser.findings


class _Parser(KickstartParser):  # type: ignore[misc]  # pykickstart has no types
    def __init__(self, handler: Any) -> None:
        super().__init__(handler, followIncludes=False, errorsAreFatal=False)
        self.findings: list[Finding] = []

    def read(self, text: str) -> None:
        with self._collecting_warnings(0):
            self._tryFunc(lambda: self.readKickstartFromString(text))

    def handleCommand(self, lineno: int, args: Any) -> Any:  # noqa: N802  # pykickstart's name
        with self._collecting_warnings(lineno, deprecations_only=args[0] in _GIVEN_AGAIN):
            return super().handleCommand(lineno, args)

    def _tryFunc(self, fn: Any) -> None:  # noqa: N802  # pykickstart's name
        try:
            fn()
        except KickstartError as error:
            self._note(error.lineno or 0, error.message)

    @contextlib.contextmanager
    def _collecting_warnings(self, line: int, *, deprecations_only: bool = False) -> Iterator[None]:
        counts = KickstartDeprecationWarning if deprecations_only else KickstartWarning
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        for one in caught:
            if issubclass(one.category, counts):
                self._note(line, one.message)

    def _note(self, line: int, message: Any) -> None:
        self.findings.append((line, " ".join(str(message).split())))


def _shellcheck(script: Script) -> list[Finding]:
    if script.interp not in _SHELLS:
        return [(script.lineno, f"a script for '{script.interp}' cannot be checked")]
    found = _comments(script.interp.rpartition("/")[2], script.script)
    return [(script.lineno + line, message) for line, message in found]


@functools.cache
def _comments(shell: str, text: str) -> tuple[Finding, ...]:
    """Ask shellcheck, once for a script that several kickstarts have; what it once passed is remembered."""
    sound = cache_dir("shellcheck") / hashlib.sha256(f"{_version()}\0{shell}\0{text}".encode()).hexdigest()
    if sound.exists():
        return ()
    argv = ["shellcheck", f"--shell={shell}", "--format=json1", "--norc", "-"]
    result = run(argv, what="shellcheck", stdin=text.encode(), check=False)
    comments = json.loads(result.stdout)["comments"]
    if not comments:
        sound.touch()
    return tuple((one["line"], f"SC{one['code']}: {one['message']}") for one in comments)


@functools.cache
def _version() -> str:
    return output(["shellcheck", "--version"], what="shellcheck --version")
